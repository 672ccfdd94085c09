/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <ctype.h>

#include "capture/collectdef.h"
#include "capture/collector.h"
#include "capture/collectors/foreach.h"
#include "capture/pathglob.h"
#include "capture/sink/layout.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/profile.h"
#include "lib/text.h"
#include "lib/unitname.h"

#define COMMAND_SECTION "Command "

/* Nobody waits longer, and no deadline overflows. */
#define TIMEOUT_MAX_USEC (24 * USEC_PER_HOUR)

/* One definition while its files are read. */
struct loader {
	struct collectdef *def;
	/* The command whose section we are in, as an index: the array moves when it grows. */
	size_t command;
	bool in_command;
	/* The item that is being looked at can be no Forbid=, whatever is wrong with it. */
	bool is_harmless;
	bool copies_nothing; /* a Forbid= may be missing */
	int n_problems;
	conf_problem_fn on_problem;
	void *userdata; /* of on_problem */
};

static void
command_done(struct collectdef_command *command)
{
	free(command->name);
	strv_free(command->argv);
	strv_free(command->for_each);
	free(command->directory);
	free(command->file);
}

void
collectdef_free(struct collectdef *def)
{
	if (!def)
		return;
	free(def->name);
	free(def->file);
	free(def->description);
	free(def->plugin);
	conditions_done(&def->conditions);
	strv_free(def->copy);
	strv_free(def->forbid);
	strv_free(def->list);
	strv_free(def->journal_units);
	strv_free(def->show_units);
	strv_free(def->drop_ins);
	strv_free(def->overrides);
	for (size_t i = 0; i < def->n_commands; i++)
		command_done(&def->commands[i]);
	free(def->commands);
	free(def);
}

bool
collectdef_name_is_valid(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= COLLECTDEF_NAME_MAX && isalnum((unsigned char)s[0]) &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

static int
collectdef_new(const char *name, const char *file, struct collectdef **ret)
{
	_cleanup_(collectdef_freep) struct collectdef *def = calloc(1, sizeof(*def));

	if (!def)
		return -ENOMEM;
	def->name = strdup(name);
	def->plugin = strdup(name);
	def->file = strdup(file);
	def->description = strdup("");
	if (!def->name || !def->plugin || !def->file || !def->description)
		return -ENOMEM;
	/* A flash is what costs nothing; whoever wants to be in it has to say so. */
	def->profiles = PROFILE_MASK_ALL & ~PROFILE_BIT(PROFILE_FLASH);
	def->priority = PRIORITY_NORMAL;
	def->max_files = COLLECTDEF_MAX_FILES;
	def->max_file_bytes = COLLECTDEF_MAX_FILE_BYTES;
	*ret = TAKE_PTR(def);
	return 0;
}

/* Values of keys. All setters take the field, leave it alone on failure, and return 0,
 * -EINVAL or -ERANGE with the reason in *reterr, or -ENOMEM. */

typedef int (*set_fn)(void *field, const char *value, struct fault *reterr);

static int
replace_string(char **field, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static int
set_text(void *field, const char *value, struct fault *reterr)
{
	(void)reterr;
	return replace_string(field, value);
}

static int
set_name(void *field, const char *value, struct fault *reterr)
{
	if (!collectdef_name_is_valid(value))
		return fault_set(reterr, -EINVAL,
		    "'%s' cannot be the name of a directory: letters, digits, '.', '_', '-'",
		    value);
	return replace_string(field, value);
}

static int
set_timeout(void *field, const char *value, struct fault *reterr)
{
	uint64_t usec;

	if (text_parse_usec(value, &usec) < 0 || usec == 0 || usec > TIMEOUT_MAX_USEC)
		return fault_set(reterr, -EINVAL,
		    "'%s' is no time span between 1us and 1d, such as 30s or 2min", value);
	*(uint64_t *)field = usec;
	return 0;
}

static int
set_bytes(void *field, const char *value, struct fault *reterr)
{
	uint64_t bytes;

	if (text_parse_bytes(value, &bytes) < 0 || bytes == 0)
		return fault_set(
		    reterr, -EINVAL, "'%s' is no size above zero, such as 512K or 16M", value);
	*(uint64_t *)field = bytes;
	return 0;
}

static int
set_count(void *field, const char *value, struct fault *reterr)
{
	uint64_t count;

	if (text_parse_uint(value, &count) < 0 || count == 0)
		return fault_set(reterr, -EINVAL, "'%s' is no number above zero", value);
	*(uint64_t *)field = count;
	return 0;
}

static int
set_priority(void *field, const char *value, struct fault *reterr)
{
	uint64_t priority;

	if (text_parse_uint(value, &priority) < 0 || priority > COLLECTDEF_PRIORITY_MAX)
		return fault_set(reterr, -EINVAL, "'%s' is no number from 0 to %u", value,
		    COLLECTDEF_PRIORITY_MAX);
	*(uint64_t *)field = priority;
	return 0;
}

static int
set_stderr(void *field, const char *value, struct fault *reterr)
{
	if (!streq(value, "merge") && !streq(value, "discard"))
		return fault_set(
		    reterr, -EINVAL, "'%s' is neither 'merge' nor 'discard'", value);
	*(int *)field = streq(value, "discard");
	return 0;
}

static int
set_profiles(void *field, const char *value, struct fault *reterr)
{
	_cleanup_(strv_freep) char **words = NULL;
	unsigned mask = 0;
	int r;

	r = strv_split(value, " \t", &words);
	if (r < 0)
		return r;
	for (char **word = words; word && *word; word++) {
		enum profile p;

		if (streq(*word, "all"))
			mask |= PROFILE_MASK_ALL;
		else if (profile_from_string(*word, &p) == 0)
			mask |= PROFILE_BIT(p);
		else
			return fault_set(reterr, -EINVAL, "there is no profile '%s'", *word);
	}
	if (mask == 0)
		return fault_set(reterr, -EINVAL, "no profile is named");
	*(unsigned *)field = mask;
	return 0;
}

static int
set_collector_profiles(void *field, const char *value, struct fault *reterr)
{
	if (!streq(value, "none"))
		return set_profiles(field, value, reterr);
	*(unsigned *)field = 0;
	return 0;
}

static int
set_redact(void *field, const char *value, struct fault *reterr)
{
	if (!streq(value, "environment") && !streq(value, "default"))
		return fault_set(
		    reterr, -EINVAL, "'%s' is neither 'environment' nor 'default'", value);
	*(int *)field = streq(value, "environment");
	return 0;
}

/* Lists: several words in a line, several lines; an empty value empties the list. A word with
 * a mistake is left out together with its line, so that half of a line never counts. */

typedef int (*check_word_fn)(const char *word, struct fault *reterr);

static int
set_list(void *field, const char *value, check_word_fn check, struct fault *reterr)
{
	_cleanup_(strv_freep) char **words = NULL;
	char ***list = field;
	int r;

	if (*value == '\0') {
		strv_free(*list);
		*list = NULL;
		return 0;
	}
	r = strv_split_quoted(value, &words);
	if (r == -EINVAL)
		return fault_set(reterr, r, "a quote is not closed");
	if (r < 0)
		return r;
	for (char **word = words; word && *word; word++) {
		r = check(*word, reterr);
		if (r < 0)
			return r;
	}
	if (strv_length(*list) + strv_length(words) > COLLECTDEF_LIST_MAX)
		return fault_set(
		    reterr, -E2BIG, "more than %u entries; line ignored", COLLECTDEF_LIST_MAX);
	for (char **word = words; word && *word; word++) {
		if (strv_contains(*list, *word))
			continue;
		r = strv_append(list, *word);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
check_pattern(const char *word, struct fault *reterr)
{
	if (!pathglob_is_valid(word))
		return fault_set(reterr, -EINVAL,
		    "'%s' is no absolute path or pattern (or has '..', or too many wildcards)",
		    word);
	return 0;
}

static int
check_condition_pattern(const char *word, struct fault *reterr)
{
	return check_pattern(*word == '!' ? word + 1 : word, reterr);
}

static int
check_condition_word(const char *word, struct fault *reterr)
{
	word += *word == '!';
	if (*word == '\0' || *word == '-' || strchr(word, '/'))
		return fault_set(reterr, -EINVAL, "'%s' is no name", word);
	return 0;
}

/* A name without a type is a service, as for systemctl. */
static int
check_unit(const char *word, struct fault *reterr)
{
	_cleanup_free_ char *service = NULL;

	if (unit_name_is_valid(word))
		return 0;
	service = strchr(word, '.') ? NULL : text_format("%s.service", word);
	if (service && unit_name_is_valid(service))
		return 0;
	return fault_set(reterr, -EINVAL, "'%s' is no name of a unit", word);
}

static int
set_patterns(void *field, const char *value, struct fault *reterr)
{
	return set_list(field, value, check_pattern, reterr);
}

static int
set_condition_patterns(void *field, const char *value, struct fault *reterr)
{
	return set_list(field, value, check_condition_pattern, reterr);
}

static int
set_condition_words(void *field, const char *value, struct fault *reterr)
{
	return set_list(field, value, check_condition_word, reterr);
}

static int
set_units(void *field, const char *value, struct fault *reterr)
{
	return set_list(field, value, check_unit, reterr);
}

/* Splits a command line. An empty one gives an empty list: the command is taken away. */
static int
set_argv(void *field, const char *value, struct fault *reterr)
{
	_cleanup_(strv_freep) char **argv = NULL;
	char ***target = field;
	int r;

	r = strv_split_quoted(value, &argv);
	if (r == -EINVAL)
		return fault_set(reterr, r, "a quote is not closed");
	if (r < 0)
		return r;
	if (argv && argv[0] && argv[0][0] == '\0')
		return fault_set(reterr, -EINVAL, "the program has no name");
	/* Emptied is not the same as never set, see finish(). */
	if (!argv)
		argv = calloc(1, sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	strv_free(*target);
	*target = TAKE_PTR(argv);
	return 0;
}

/* Commands. */

static struct collectdef_command *
find_command(struct collectdef *def, const char *name)
{
	for (size_t i = 0; i < def->n_commands; i++)
		if (streq(def->commands[i].name, name))
			return &def->commands[i];
	return NULL;
}

static int
add_command(struct collectdef *def, const char *name, const struct conf_item *item,
    struct collectdef_command **ret, struct fault *reterr)
{
	struct collectdef_command command = {
		.drop_stderr = -1,
		.max_items = COLLECTDEF_MAX_ITEMS,
		.line = item->line,
	};
	struct collectdef_command *grown;

	if (def->n_commands >= COLLECTDEF_COMMANDS_MAX)
		return fault_set(
		    reterr, -E2BIG, "more than %u commands; ignored", COLLECTDEF_COMMANDS_MAX);
	grown = reallocarray(def->commands, def->n_commands + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	def->commands = grown;
	command.name = strdup(name);
	command.file = strdup(item->file);
	if (!command.name || !command.file) {
		command_done(&command);
		return -ENOMEM;
	}
	def->commands[def->n_commands] = command;
	*ret = &def->commands[def->n_commands++];
	return 0;
}

static void
remove_runs(struct collectdef *def)
{
	size_t kept = 0;

	for (size_t i = 0; i < def->n_commands; i++)
		if (def->commands[i].is_run)
			command_done(&def->commands[i]);
		else
			def->commands[kept++] = def->commands[i];
	def->n_commands = kept;
}

/* [Commands] Run=: a command whose file is named as sos would. */
static int
add_run(struct collectdef *def, const struct conf_item *item, struct fault *reterr)
{
	_cleanup_(strv_freep) char **argv = NULL;
	struct collectdef_command *command;
	char path[LAYOUT_PATH_BYTES];
	const char *name;
	int r;

	if (*item->value == '\0') {
		remove_runs(def);
		return 0;
	}
	r = set_argv(&argv, item->value, reterr);
	if (r < 0)
		return r;
	r = layout_command_path("x", argv, path);
	if (r < 0)
		return fault_set(reterr, r, "no file name can be made of '%s'", item->value);
	name = strrchr(path, '/') + 1;
	command = find_command(def, name);
	if (!command) {
		r = add_command(def, name, item, &command, reterr);
		if (r < 0)
			return r;
	}
	strv_free(command->argv);
	command->argv = TAKE_PTR(argv);
	command->is_run = true;
	return 0;
}

/* A [Command NAME] header. */
static int
enter_command(struct loader *l, const struct conf_item *item, struct fault *reterr)
{
	const char *name = item->section + strlen(COMMAND_SECTION);
	struct collectdef_command *command;
	char path[LAYOUT_PATH_BYTES];
	int r;

	while (*name == ' ')
		name++;
	/* A name that needs mangling would not be the name of the file. */
	r = layout_collector_path("x", name, path);
	if (r < 0 || !streq(strrchr(path, '/') + 1, name) || strchr(name, '/'))
		return fault_set(reterr, -EINVAL,
		    "'%s' cannot be the name of a file: letters, digits, '.', '_', '-'", name);
	command = find_command(l->def, name);
	if (!command) {
		r = add_command(l->def, name, item, &command, reterr);
		if (r < 0)
			return r;
	}
	l->command = (size_t)(command - l->def->commands);
	l->in_command = true;
	return 0;
}

/* Keys. */

struct key {
	const char *section;
	const char *name;
	size_t offset;
	set_fn set;
};

/* clang-format off */
static const struct key keys[] = {
#define FIELD(f) offsetof(struct collectdef, f)
	{ "Collector", "Description", FIELD(description), set_text },
	{ "Collector", "MaxSize", FIELD(max_bytes), set_bytes },
	{ "Collector", "Plugin", FIELD(plugin), set_name },
	{ "Collector", "Priority", FIELD(priority), set_priority },
	{ "Collector", "Profiles", FIELD(profiles), set_collector_profiles },
	{ "Collector", "TimeoutSec", FIELD(timeout_usec), set_timeout },
	{ "Condition", "Container", FIELD(conditions.container), set_condition_words },
	{ "Condition", "Package", FIELD(conditions.package), set_condition_words },
	{ "Condition", "PathExists", FIELD(conditions.path_exists), set_condition_patterns },
	{ "Condition", "UnitExists", FIELD(conditions.unit_exists), set_condition_words },
	{ "Files", "Copy", FIELD(copy), set_patterns },
	{ "Files", "Forbid", FIELD(forbid), set_patterns },
	{ "Files", "List", FIELD(list), set_patterns },
	{ "Files", "MaxFiles", FIELD(max_files), set_count },
	{ "Files", "MaxFileSize", FIELD(max_file_bytes), set_bytes },
	{ "Journal", "Units", FIELD(journal_units), set_units },
	{ "Units", "Show", FIELD(show_units), set_units },
	{ "Commands", "MaxSize", FIELD(command_max_bytes), set_bytes },
	{ "Commands", "Stderr", FIELD(drop_stderr), set_stderr },
	{ "Commands", "TimeoutSec", FIELD(command_timeout_usec), set_timeout },
#undef FIELD
};

static const struct key command_keys[] = {
#define FIELD(f) offsetof(struct collectdef_command, f)
	{ NULL, "Directory", FIELD(directory), set_name },
	{ NULL, "Exec", FIELD(argv), set_argv },
	{ NULL, "ForEach", FIELD(for_each), set_argv },
	{ NULL, "MaxItems", FIELD(max_items), set_count },
	{ NULL, "MaxSize", FIELD(max_bytes), set_bytes },
	{ NULL, "Profiles", FIELD(profiles), set_profiles },
	{ NULL, "Redact", FIELD(hide_environment), set_redact },
	{ NULL, "Stderr", FIELD(drop_stderr), set_stderr },
	{ NULL, "TimeoutSec", FIELD(timeout_usec), set_timeout },
#undef FIELD
};
/* clang-format on */

static bool
is_section(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		if (streq(keys[i].section, name))
			return true;
	return false;
}

static int
enter_section(struct loader *l, const struct conf_item *item, struct fault *reterr)
{
	l->in_command = false;
	if (text_has_prefix(item->section, COMMAND_SECTION))
		return enter_command(l, item, reterr);
	if (is_section(item->section))
		return 0;
	return fault_set(
	    reterr, -EINVAL, "unknown section [%s]; its keys are ignored", item->section);
}

static int
set_key(void *base, const struct key *key, const struct conf_item *item, struct fault *reterr)
{
	int r = key->set((char *)base + key->offset, item->value, reterr);

	if (r < 0)
		fault_wrap(reterr, "%s=", key->name);
	return r;
}

static int
take_item(struct loader *l, const struct conf_item *item, struct fault *reterr)
{
	if (!item->key) {
		l->is_harmless = text_has_prefix(item->section, COMMAND_SECTION);
		return enter_section(l, item, reterr);
	}
	l->is_harmless = !streq(item->section, "Files");
	if (l->in_command) {
		for (size_t i = 0; i < ELEMENTSOF(command_keys); i++)
			if (streq(command_keys[i].name, item->key))
				return set_key(&l->def->commands[l->command], &command_keys[i],
				    item, reterr);
		return fault_set(reterr, -EINVAL, "unknown key %s= in [%s]; ignored", item->key,
		    item->section);
	}
	if (streq(item->section, "Commands") && streq(item->key, "Run"))
		return add_run(l->def, item, reterr);
	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		if (streq(keys[i].section, item->section) && streq(keys[i].name, item->key)) {
			l->is_harmless |= !streq(item->key, "Forbid");
			return set_key(l->def, &keys[i], item, reterr);
		}
	return fault_set(
	    reterr, -EINVAL, "unknown key %s= in [%s]; ignored", item->key, item->section);
}

static int
on_item(const struct conf_item *item, void *userdata, struct fault *reterr)
{
	struct loader *l = userdata;
	int r = take_item(l, item, reterr);

	/* A mistake is reported next; what comes without an item was not understood at all. */
	if (r >= 0)
		l->is_harmless = false;
	return r;
}

static void
report(struct loader *l, const char *file, unsigned line, const char *text)
{
	l->n_problems++;
	if (l->on_problem)
		l->on_problem(file, line, text, l->userdata);
}

static void
on_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	struct loader *l = userdata;

	report(l, file, line, text);
	if (!l->is_harmless && !l->copies_nothing) {
		l->copies_nothing = true;
		report(l, file, line,
		    "this may have been meant to forbid a file: no files are copied");
	}
	l->is_harmless = false;
}

/* Why C cannot be run, as it stands when all files of a definition have been read; NULL when it
 * can be. */
static const char *
find_mistake(const struct collectdef_command *c)
{
	if (!c->argv)
		return "has no Exec=; ignored";
	if (strv_length(c->argv) == 0 || strv_length(c->for_each) == 0)
		return NULL;
	for (char **word = c->argv; *word; word++)
		if (strstr(*word, FOREACH_PLACE))
			return NULL;
	return "has ForEach= but no " FOREACH_PLACE " in its Exec=; ignored";
}

/* What can only be told when all files of a definition have been read: drops the commands that
 * have nothing to run. An emptied Exec= was meant so, a section without any was not. */
static void
finish(struct loader *l)
{
	struct collectdef *def = l->def;
	size_t kept = 0;

	for (size_t i = 0; i < def->n_commands; i++) {
		struct collectdef_command *command = &def->commands[i];
		const char *mistake = find_mistake(command);
		char text[384];

		if (!mistake && command->argv[0]) {
			def->commands[kept++] = *command;
			continue;
		}
		if (mistake) {
			(void)snprintf(text, sizeof(text), "[" COMMAND_SECTION "%s] %s",
			    command->name, mistake);
			report(l, command->file, command->line, text);
		}
		command_done(command);
	}
	def->n_commands = kept;
	if (l->copies_nothing) {
		strv_free(def->copy);
		def->copy = NULL;
	}
}

static struct conf_handlers
handlers_of(struct loader *l)
{
	return (struct conf_handlers){
		.on_item = on_item,
		.on_problem = on_problem,
		.userdata = l,
	};
}

int
collectdef_parse(const char *name, const char *file, const char *data, size_t size,
    conf_problem_fn problem_fn, void *userdata, struct collectdef **ret)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	struct loader loader = { .on_problem = problem_fn, .userdata = userdata };
	struct conf_handlers handlers = handlers_of(&loader);
	int r;

	r = collectdef_new(name, file, &def);
	if (r < 0)
		return r;
	loader.def = def;
	r = conf_parse(file, data, size, &handlers);
	if (r < 0)
		return r;
	finish(&loader);
	*ret = TAKE_PTR(def);
	return loader.n_problems;
}

int
collectdef_read(const char *name, char *const *files, conf_problem_fn problem_fn,
    void *userdata, struct collectdef **ret)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	struct loader loader = { .on_problem = problem_fn, .userdata = userdata };
	struct conf_handlers handlers = handlers_of(&loader);
	int r;

	assert(files && files[0]);
	r = collectdef_new(name, files[0], &def);
	if (r < 0)
		return r;
	loader.def = def;
	for (; *files; files++) {
		r = conf_read_file(*files, &handlers);
		if (r < 0)
			return r;
	}
	finish(&loader);
	*ret = TAKE_PTR(def);
	return loader.n_problems;
}
