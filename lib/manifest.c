/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/manifest.h"
#include "lib/text.h"

static const char *const outcome_names[_OUTCOME_COUNT] = {
	[OUTCOME_OK] = "ok",
	[OUTCOME_PARTIAL] = "partial",
	[OUTCOME_SKIPPED] = "skipped",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_TIMED_OUT] = "timed_out",
};

const char *
outcome_to_string(enum outcome o)
{
	assert(o < _OUTCOME_COUNT);
	return outcome_names[o];
}

int
outcome_from_string(const char *s, enum outcome *ret)
{
	for (int i = 0; i < _OUTCOME_COUNT; i++) {
		if (streq(outcome_names[i], s)) {
			*ret = (enum outcome)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void
collector_free(struct manifest_collector *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_files; i++)
		free(c->files[i].path);
	for (size_t i = 0; i < c->n_commands; i++) {
		free(c->commands[i].command);
		free(c->commands[i].path);
		free(c->commands[i].error);
	}
	free(c->files);
	free(c->commands);
	strv_free(c->notes);
	free(c->description);
	free(c->name);
	free(c);
}
DEFINE_CLEANUP(struct manifest_collector *, collector_free);

void
manifest_done(struct manifest *m)
{
	for (size_t i = 0; i < m->n_collectors; i++)
		collector_free(m->collectors[i]);
	free(m->collectors);
	free(m->cmdline);
	*m = (struct manifest){ 0 };
}

/* ARRAY, or a larger one, with room for one more than its N elements; NULL when out of memory.
 * It grows at powers of two, so that the capacity need not be kept. */
static void *
grow(void *array, size_t n, size_t size)
{
	if (n > 0 && (n & (n - 1)) != 0)
		return array;
	return reallocarray(array, n > 0 ? 2 * n : 1, size);
}

int
manifest_add_collector(struct manifest *m, const char *name, const char *description,
    struct manifest_collector **ret)
{
	_cleanup_(collector_freep) struct manifest_collector *c = calloc(1, sizeof(*c));
	struct manifest_collector **collectors;

	if (!c)
		return -ENOMEM;
	c->name = strdup(name);
	if (!c->name)
		return -ENOMEM;
	if (description) {
		c->description = strdup(description);
		if (!c->description)
			return -ENOMEM;
	}
	collectors = grow(m->collectors, m->n_collectors, sizeof(*m->collectors));
	if (!collectors)
		return -ENOMEM;
	m->collectors = collectors;
	*ret = m->collectors[m->n_collectors++] = TAKE_PTR(c);
	return 0;
}

static int
add_file(struct manifest_collector *c, const struct manifest_file *file)
{
	struct manifest_file *files;
	char *path;

	if (c->n_files >= MANIFEST_FILES_MAX) {
		c->files_uncounted++;
		return 0;
	}
	files = grow(c->files, c->n_files, sizeof(*c->files));
	if (!files)
		return -ENOMEM;
	c->files = files;
	path = strdup(file->path);
	if (!path)
		return -ENOMEM;
	c->files[c->n_files] = *file;
	c->files[c->n_files++].path = path;
	return 0;
}

int
manifest_add_file(struct manifest_collector *c, const char *path, uint64_t bytes,
    bool truncated, uint64_t redactions)
{
	struct manifest_file file = {
		.path = (char *)path,
		.bytes = bytes,
		.truncated = truncated,
		.redactions = redactions,
	};

	return add_file(c, &file);
}

int
manifest_add_missing(struct manifest_collector *c, const char *path)
{
	struct manifest_file file = { .path = (char *)path, .missing = true };

	return add_file(c, &file);
}

void
manifest_lose_files(struct manifest_collector *c, size_t first)
{
	for (size_t i = first; i < c->n_files; i++) {
		c->files[i].bytes = 0;
		c->files[i].redactions = 0;
		c->files[i].truncated = false;
		c->files[i].missing = true;
	}
}

void
manifest_drop_files(struct manifest_collector *c, size_t first)
{
	while (c->n_files > first)
		free(c->files[--c->n_files].path);
}

static char *
join_words(char *const *argv)
{
	size_t size = 1;
	char *text;
	char *p;

	for (size_t i = 0; argv[i]; i++)
		size += strlen(argv[i]) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	p = text;
	for (size_t i = 0; argv[i]; i++) {
		if (i > 0)
			*p++ = ' ';
		p = stpcpy(p, argv[i]);
	}
	*p = '\0';
	return text;
}

int
manifest_add_command(
    struct manifest_collector *c, char *const *argv, struct manifest_command **ret_command)
{
	struct manifest_command *commands;
	char *command;

	if (c->n_commands >= MANIFEST_COMMANDS_MAX)
		return -E2BIG;
	commands = grow(c->commands, c->n_commands, sizeof(*c->commands));
	if (!commands)
		return -ENOMEM;
	c->commands = commands;
	command = join_words(argv);
	if (!command)
		return -ENOMEM;
	c->commands[c->n_commands] =
	    (struct manifest_command){ .command = command, .exit_status = -1 };
	*ret_command = &c->commands[c->n_commands++];
	return 0;
}

int
manifest_add_note(struct manifest_collector *c, const char *text)
{
	if (strv_length(c->notes) >= MANIFEST_NOTES_MAX) {
		c->notes_uncounted++;
		return 0;
	}
	return strv_append(&c->notes, text);
}

void
manifest_count(const struct manifest *m, struct outcome_counts *ret)
{
	uint64_t n[_OUTCOME_COUNT] = { 0 };

	for (size_t i = 0; i < m->n_collectors; i++)
		n[m->collectors[i]->outcome]++;
	*ret = (struct outcome_counts){
		.ok = n[OUTCOME_OK],
		.partial = n[OUTCOME_PARTIAL],
		.skipped = n[OUTCOME_SKIPPED],
		.failed = n[OUTCOME_FAILED],
		.timed_out = n[OUTCOME_TIMED_OUT],
	};
}

/* Writing. The frame is text, each small object is a cJSON value that is printed and freed. */

struct output {
	manifest_write_fn fn;
	void *userdata;
};

static int
put(const struct output *out, const char *text)
{
	return out->fn(text, strlen(text), out->userdata);
}

/* Puts TEXT as a JSON string. */
static int
put_string(const struct output *out, const char *text)
{
	_cleanup_json_ cJSON *value = cJSON_CreateString(text);
	_cleanup_free_ char *printed = value ? json_print(value, false) : NULL;

	return printed ? put(out, printed) : -ENOMEM;
}

/* Puts the members of OBJECT without its braces, or with them. */
static int
put_object(const struct output *out, const cJSON *object, bool braces)
{
	_cleanup_free_ char *text = json_print(object, false);

	if (!text)
		return -ENOMEM;
	if (braces)
		return put(out, text);
	text[strlen(text) - 1] = '\0';
	return put(out, text + 1);
}

static int
add_time(cJSON *object, const char *text_name, const char *usec_name, uint64_t usec)
{
	char text[CLOCK_TEXT_BYTES];

	if (usec == 0)
		return 0;
	if (json_add_text(object, text_name, clock_format_utc(usec, text)) < 0)
		return -ENOMEM;
	return json_add_uint(object, usec_name, usec);
}

/* Seconds, as sos has them, and the exact number, which is what we read back. */
static int
add_span(cJSON *object, const char *sec_name, const char *usec_name, uint64_t usec)
{
	if (!cJSON_AddNumberToObject(object, sec_name, (double)usec / (double)USEC_PER_SEC))
		return -ENOMEM;
	return json_add_uint(object, usec_name, usec);
}

static int
add_counts(cJSON *object, const struct manifest *m)
{
	struct outcome_counts counts;
	cJSON *o = cJSON_AddObjectToObject(object, "outcomes");
	int r = o ? 0 : -ENOMEM;

	manifest_count(m, &counts);
	if (r >= 0)
		r = json_add_uint(o, "ok", counts.ok);
	if (r >= 0)
		r = json_add_uint(o, "partial", counts.partial);
	if (r >= 0)
		r = json_add_uint(o, "skipped", counts.skipped);
	if (r >= 0)
		r = json_add_uint(o, "failed", counts.failed);
	if (r >= 0)
		r = json_add_uint(o, "timed_out", counts.timed_out);
	return r;
}

/* What sos has no word for. */
static int
add_own(cJSON *object, const struct manifest *m)
{
	cJSON *o = cJSON_AddObjectToObject(object, "microshift_support");
	int r = o ? 0 : -ENOMEM;

	if (r >= 0)
		r = json_add_uint(o, "format", MANIFEST_VERSION);
	if (r >= 0)
		r = json_add_text(o, "id", m->id);
	if (r >= 0)
		r = json_add_text(o, "status", report_status_to_string(m->status));
	if (r >= 0)
		r = json_add_text(o, "end_reason", m->end_reason);
	if (r >= 0)
		r = json_add_text(o, "profile", profile_to_string(m->profile));
	if (r >= 0)
		r = json_add_text(o, "trigger", trigger_to_string(m->trigger));
	if (r >= 0)
		r = json_add_text(o, "source", source_to_string(m->source));
	if (r >= 0)
		r = json_add_text(o, "reason", m->reason);
	if (r >= 0)
		r = json_add_text(o, "hostname", m->hostname);
	if (r >= 0)
		r = json_add_uint(o, "raw_bytes", m->raw_bytes);
	if (r >= 0)
		r = json_add_uint(o, "redactions", m->redactions);
	if (r >= 0)
		r = json_add_uint(o, "peak_memory_bytes", m->peak_memory_bytes);
	if (r >= 0 && !is_empty(m->event.unit))
		r = json_add_item(o, "event", unit_event_to_json(&m->event));
	if (r >= 0)
		r = add_counts(o, m);
	return r;
}

/* An overview for people: the name of each collector and how it ended. */
static int
add_overview(cJSON *object, const struct manifest *m)
{
	cJSON *o = cJSON_AddObjectToObject(object, "collectors");
	int r = o ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < m->n_collectors; i++)
		r = json_add_text(
		    o, m->collectors[i]->name, outcome_to_string(m->collectors[i]->outcome));
	return r;
}

static int
put_head(const struct output *out, const struct manifest *m)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	uint64_t span = m->end_usec > m->start_usec ? m->end_usec - m->start_usec : 0;
	int r = o ? 0 : -ENOMEM;

	if (r >= 0)
		r = json_add_text(o, "version", m->program_version);
	if (r >= 0)
		r = json_add_text(o, "cmdline", m->cmdline);
	if (r >= 0)
		r = json_add_text(o, "compression", m->compression);
	if (r >= 0)
		r = add_time(o, "start_time", "start_usec", m->start_usec);
	if (r >= 0)
		r = add_time(o, "end_time", "end_usec", m->end_usec);
	if (r >= 0 &&
	    !cJSON_AddNumberToObject(o, "run_time", (double)span / (double)USEC_PER_SEC))
		r = -ENOMEM;
	if (r >= 0)
		r = add_own(o, m);
	if (r >= 0)
		r = add_overview(o, m);
	return r < 0 ? r : put_object(out, o, false);
}

static int
put_file(const struct output *out, const struct manifest_file *f)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	int r = o ? 0 : -ENOMEM;

	if (r >= 0)
		r = json_add_text(o, "path", f->path);
	if (r >= 0)
		r = json_add_uint(o, "bytes", f->bytes);
	if (r >= 0)
		r = json_add_bool(o, "truncated", f->truncated);
	if (r >= 0 && f->redactions > 0)
		r = json_add_uint(o, "redactions", f->redactions);
	if (r >= 0 && f->missing)
		r = json_add_bool(o, "missing", true);
	return r < 0 ? r : put_object(out, o, true);
}

static int
add_program(cJSON *o, const char *command)
{
	size_t n = strcspn(command, " ");
	_cleanup_free_ char *program = strndup(command, n);

	return program ? json_add_text(o, "command", program) : -ENOMEM;
}

static int
put_command(const struct output *out, const struct manifest_command *c)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	int r = o ? 0 : -ENOMEM;

	if (r >= 0)
		r = add_program(o, c->command);
	if (r >= 0)
		r = json_add_text(o, "exec", c->command);
	if (r >= 0)
		r = json_add_text(o, "filepath", c->path);
	if (r >= 0)
		r = json_add_int(o, "return_code", c->exit_status);
	if (r >= 0 && c->signal > 0)
		r = json_add_int(o, "signal", c->signal);
	if (r >= 0)
		r = json_add_bool(o, "truncated", c->truncated);
	if (r >= 0)
		r = json_add_bool(o, "timeout_hit", c->timed_out);
	if (r >= 0 && c->abandoned)
		r = json_add_bool(o, "abandoned", true);
	if (r >= 0)
		r = json_add_text(o, "error", c->error);
	if (r >= 0)
		r = add_time(o, "start_time", "start_usec", c->start_usec);
	if (r >= 0)
		r = add_span(o, "run_time", "duration_usec", c->duration_usec);
	return r < 0 ? r : put_object(out, o, true);
}

static int
put_collector_head(const struct output *out, const struct manifest_collector *c)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	int r = o ? 0 : -ENOMEM;

	if (r >= 0)
		r = json_add_text(o, "description", c->description);
	if (r >= 0)
		r = json_add_text(o, "outcome", outcome_to_string(c->outcome));
	if (r >= 0 && c->outcome != OUTCOME_OK) {
		r = json_add_int(o, "fault_code", c->fault.code);
		if (r >= 0)
			r = json_add_text(o, "fault", c->fault.text);
	}
	if (r >= 0)
		r = json_add_bool(o, "timeout_hit", c->outcome == OUTCOME_TIMED_OUT);
	if (r >= 0)
		r = add_span(o, "timeout", "limit_usec", c->limit_usec);
	if (r >= 0)
		r = add_time(o, "start_time", "start_usec", c->start_usec);
	if (r >= 0)
		r = add_span(o, "run_time", "duration_usec", c->duration_usec);
	if (r >= 0 && c->files_uncounted > 0)
		r = json_add_uint(o, "files_uncounted", c->files_uncounted);
	if (r >= 0 && c->notes_uncounted > 0)
		r = json_add_uint(o, "notes_uncounted", c->notes_uncounted);
	return r < 0 ? r : put_object(out, o, false);
}

static int
put_notes(const struct output *out, char *const *notes)
{
	int r = put(out, ",\n\"notes\":[");

	for (size_t i = 0; r >= 0 && notes[i]; i++) {
		r = put(out, i > 0 ? ",\n" : "\n");
		if (r >= 0)
			r = put_string(out, notes[i]);
	}
	return r < 0 ? r : put(out, "]");
}

static int
put_collector(const struct output *out, const struct manifest_collector *c)
{
	int r = put(out, "{");

	if (r >= 0)
		r = put_collector_head(out, c);
	if (r >= 0 && c->notes)
		r = put_notes(out, c->notes);
	if (r >= 0)
		r = put(out, ",\n\"commands\":[");
	for (size_t i = 0; r >= 0 && i < c->n_commands; i++) {
		r = put(out, i > 0 ? ",\n" : "\n");
		if (r >= 0)
			r = put_command(out, &c->commands[i]);
	}
	if (r >= 0)
		r = put(out, "],\n\"files\":[");
	for (size_t i = 0; r >= 0 && i < c->n_files; i++) {
		r = put(out, i > 0 ? ",\n" : "\n");
		if (r >= 0)
			r = put_file(out, &c->files[i]);
	}
	return r < 0 ? r : put(out, "]}");
}

int
manifest_write(const struct manifest *m, manifest_write_fn fn, void *userdata)
{
	struct output out = { .fn = fn, .userdata = userdata };
	int r;

	r = put(&out, "{");
	if (r >= 0)
		r = put_head(&out, m);
	if (r >= 0)
		r = put(&out, ",\n\"components\":{\"report\":{\"profiles\":[");
	if (r >= 0)
		r = put_string(&out, profile_to_string(m->profile));
	if (r >= 0)
		r = put(&out, "],\"plugins\":{");
	for (size_t i = 0; r >= 0 && i < m->n_collectors; i++) {
		r = put(&out, i > 0 ? ",\n" : "\n");
		if (r >= 0)
			r = put_string(&out, m->collectors[i]->name);
		if (r >= 0)
			r = put(&out, ":");
		if (r >= 0)
			r = put_collector(&out, m->collectors[i]);
	}
	return r < 0 ? r : put(&out, "}}}}\n");
}

/* Reading. */

/* A copy of the string member NAME in *RET; stays NULL when it is missing. */
static int
get_copy(const cJSON *object, const char *name, char **ret)
{
	const char *s;
	int r = json_get_string(object, name, &s);

	if (r <= 0)
		return r;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

static int
parse_file(const cJSON *o, struct manifest_collector *c)
{
	struct manifest_file file = { 0 };
	const char *path = NULL;

	if (json_get_string(o, "path", &path) != 1 || is_empty(path) ||
	    json_get_uint(o, "bytes", &file.bytes) < 0 ||
	    json_get_bool(o, "truncated", &file.truncated) < 0 ||
	    json_get_uint(o, "redactions", &file.redactions) < 0 ||
	    json_get_bool(o, "missing", &file.missing) < 0)
		return -EINVAL;
	file.path = (char *)path;
	return add_file(c, &file);
}

static int
parse_command(const cJSON *o, struct manifest_collector *c)
{
	const char *exec = NULL;
	struct manifest_command *command;
	int r;

	if (json_get_string(o, "exec", &exec) != 1 || is_empty(exec))
		return -EINVAL;
	r = manifest_add_command(c, (char *const[]){ (char *)exec, NULL }, &command);
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	if (json_get_int(o, "return_code", &command->exit_status) < 0 ||
	    json_get_int(o, "signal", &command->signal) < 0 ||
	    json_get_bool(o, "truncated", &command->truncated) < 0 ||
	    json_get_bool(o, "timeout_hit", &command->timed_out) < 0 ||
	    json_get_bool(o, "abandoned", &command->abandoned) < 0 ||
	    json_get_uint(o, "start_usec", &command->start_usec) < 0 ||
	    json_get_uint(o, "duration_usec", &command->duration_usec) < 0)
		return -EINVAL;
	r = get_copy(o, "filepath", &command->path);
	return r < 0 ? r : get_copy(o, "error", &command->error);
}

static int
parse_list(const cJSON *object, const char *name, struct manifest_collector *c,
    int (*fn)(const cJSON *, struct manifest_collector *))
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name);
	const cJSON *item;

	if (!list)
		return 0;
	if (!cJSON_IsArray(list))
		return -EINVAL;
	cJSON_ArrayForEach (item, list) {
		int r = fn(item, c);

		if (r < 0)
			return r;
	}
	return 0;
}

static int
parse_outcome(const cJSON *o, struct manifest_collector *c)
{
	const char *name = NULL;

	if (json_get_string(o, "outcome", &name) != 1 ||
	    outcome_from_string(name, &c->outcome) < 0)
		return -EINVAL;
	if (c->outcome == OUTCOME_OK)
		return 0;
	if (json_get_int(o, "fault_code", &c->fault.code) < 0 ||
	    json_get_text(o, "fault", c->fault.text, sizeof(c->fault.text)) < 0)
		return -EINVAL;
	return 0;
}

static int
parse_notes(const cJSON *o, struct manifest_collector *c)
{
	const cJSON *notes = cJSON_GetObjectItemCaseSensitive(o, "notes");
	const cJSON *item;
	int r;

	cJSON_ArrayForEach (item, notes) {
		if (!cJSON_IsString(item))
			return -EINVAL;
		r = manifest_add_note(c, item->valuestring);
		if (r < 0)
			return r;
	}
	return json_get_uint(o, "notes_uncounted", &c->notes_uncounted) < 0 ? -EINVAL : 0;
}

static int
parse_collector(const cJSON *o, struct manifest *m)
{
	struct manifest_collector *c;
	int r;

	r = manifest_add_collector(m, o->string, NULL, &c);
	if (r < 0)
		return r;
	r = get_copy(o, "description", &c->description);
	if (r < 0)
		return r;
	if (parse_outcome(o, c) < 0 || json_get_uint(o, "limit_usec", &c->limit_usec) < 0 ||
	    json_get_uint(o, "start_usec", &c->start_usec) < 0 ||
	    json_get_uint(o, "duration_usec", &c->duration_usec) < 0 ||
	    json_get_uint(o, "files_uncounted", &c->files_uncounted) < 0)
		return -EINVAL;
	r = parse_notes(o, c);
	if (r < 0)
		return r;
	r = parse_list(o, "files", c, parse_file);
	return r < 0 ? r : parse_list(o, "commands", c, parse_command);
}

static int
parse_own(const cJSON *o, struct manifest *m)
{
	const char *status = NULL;
	const char *profile = NULL;
	const char *trigger = NULL;
	const char *source = NULL;
	uint64_t format = 0;

	if (json_get_uint(o, "format", &format) != 1 || format > MANIFEST_VERSION)
		return -EINVAL;
	if (json_get_text(o, "id", m->id, sizeof(m->id)) != 1 || !report_id_is_valid(m->id))
		return -EINVAL;
	if (json_get_string(o, "status", &status) != 1 ||
	    report_status_from_string(status, &m->status) < 0 ||
	    json_get_string(o, "profile", &profile) != 1 ||
	    profile_from_string(profile, &m->profile) < 0 ||
	    json_get_string(o, "trigger", &trigger) != 1 ||
	    trigger_from_string(trigger, &m->trigger) < 0 ||
	    json_get_string(o, "source", &source) != 1 ||
	    source_from_string(source, &m->source) < 0)
		return -EINVAL;
	if (json_get_text(o, "end_reason", m->end_reason, sizeof(m->end_reason)) < 0 ||
	    json_get_text(o, "reason", m->reason, sizeof(m->reason)) < 0 ||
	    json_get_text(o, "hostname", m->hostname, sizeof(m->hostname)) < 0 ||
	    json_get_uint(o, "raw_bytes", &m->raw_bytes) < 0 ||
	    json_get_uint(o, "redactions", &m->redactions) < 0 ||
	    json_get_uint(o, "peak_memory_bytes", &m->peak_memory_bytes) < 0)
		return -EINVAL;
	o = cJSON_GetObjectItemCaseSensitive(o, "event");
	return o ? unit_event_from_json(o, &m->event, NULL) : 0;
}

static int
parse_head(const cJSON *o, struct manifest *m)
{
	if (json_get_text(o, "version", m->program_version, sizeof(m->program_version)) < 0 ||
	    json_get_text(o, "compression", m->compression, sizeof(m->compression)) < 0 ||
	    json_get_uint(o, "start_usec", &m->start_usec) < 0 ||
	    json_get_uint(o, "end_usec", &m->end_usec) < 0)
		return -EINVAL;
	return get_copy(o, "cmdline", &m->cmdline);
}

static const cJSON *
find_plugins(const cJSON *root)
{
	const cJSON *o = cJSON_GetObjectItemCaseSensitive(root, "components");

	o = cJSON_GetObjectItemCaseSensitive(o, "report");
	o = cJSON_GetObjectItemCaseSensitive(o, "plugins");
	return cJSON_IsObject(o) ? o : NULL;
}

int
manifest_parse(const char *data, size_t size, struct manifest *ret, struct fault *reterr)
{
	_cleanup_(manifest_done) struct manifest m = { 0 };
	_cleanup_json_ cJSON *root = NULL;
	const cJSON *plugins;
	const cJSON *item;
	int r;

	if (size > MANIFEST_MAX_BYTES)
		return fault_set(reterr, -EFBIG, "The manifest has %zu bytes, too many", size);
	r = json_parse(data, size, &root, reterr);
	if (r < 0)
		return r;
	r = parse_head(root, &m);
	if (r >= 0)
		r = parse_own(cJSON_GetObjectItemCaseSensitive(root, "microshift_support"), &m);
	if (r < 0)
		return fault_set(reterr, r, "Not a manifest of a support report: %m");
	plugins = find_plugins(root);
	if (!plugins)
		return fault_set(reterr, -EINVAL, "The manifest has no list of plugins");
	cJSON_ArrayForEach (item, plugins) {
		r = parse_collector(item, &m);
		if (r < 0)
			return fault_set(
			    reterr, r, "Invalid plugin '%s' in the manifest: %m", item->string);
	}
	*ret = m;
	m = (struct manifest){ 0 };
	return 0;
}
