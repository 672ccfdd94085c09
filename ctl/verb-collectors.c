/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/program.h"
#include "ctl/reply.h"
#include "ctl/verb.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/profile.h"
#include "lib/text.h"

/* A list of the page; longer ones are in the JSON. */
#define VALUE_BYTES	4096u
/* Names that are compared with one that does not exist. */
#define CANDIDATES_MAX	256u
/* All profiles with blanks between them. */
#define PROFILES_BYTES	64u
#define CONTINUE_COLUMN 14

static int
set_check(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->check = true;
	return 0;
}

const struct option_def collectors_options[] = {
	{ 0, "check", NULL, false,
	    "print the mistakes in their files, and fail if there are any", set_check },
	{ 0 },
};

static const struct table_column columns[] = {
	{ "NAME", false, 0 },
	{ "APPLIES", false, 0 },
	{ "FROM", false, 4 },
	{ "TIME", true, 3 },
	{ "SIZE", true, 2 },
	{ "PROFILES", false, 1 },
	{ "WHAT, OR WHY NOT", false, 0 },
};

static int
count_of(const cJSON *object, const char *name)
{
	return cJSON_GetArraySize(reply_member(object, name));
}

/* The strings in the list NAME of OBJECT, with SEPARATOR between them. Returns BUF. */
static const char *
join(const cJSON *object, const char *name, const char *separator, char *buf, size_t size)
{
	const cJSON *item;
	size_t used = 0;

	buf[0] = '\0';
	cJSON_ArrayForEach (item, reply_member(object, name)) {
		if (!cJSON_IsString(item) || used >= size)
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%s",
		    used > 0 ? separator : "", item->valuestring);
	}
	return output_make_safe(buf);
}

/* "all", "all but flash", or their names. Returns BUF. */
static const char *
format_profiles(const cJSON *collector, char buf[PROFILES_BYTES])
{
	const char *flash = profile_to_string(PROFILE_FLASH);
	int n = count_of(collector, "profiles");

	(void)join(collector, "profiles", " ", buf, PROFILES_BYTES);
	if (n == _PROFILE_COUNT)
		text_copy(buf, PROFILES_BYTES, "all");
	else if (n == _PROFILE_COUNT - 1 && !strstr(buf, flash))
		(void)snprintf(buf, PROFILES_BYTES, "all but %s", flash);
	else if (n == 0)
		text_copy(buf, PROFILES_BYTES, "when named");
	return buf;
}

/* Where it is from, and whether drop-ins change it. Returns BUF. */
static const char *
format_origin(const cJSON *collector, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s%s", reply_text(collector, "origin"),
	    count_of(collector, "drop_ins") > 0 ? ", changed" : "");
	return buf;
}

static int
add_row(struct table *t, const cJSON *collector)
{
	bool applies = reply_bool(collector, "applies");
	bool is_faulty = count_of(collector, "problems") > 0;
	char profiles[PROFILES_BYTES];
	char origin[48];
	char span[32];
	char size[32];
	struct table_cell cells[] = {
		{ reply_text(collector, "name"), is_faulty ? STYLE_BAD : STYLE_NORMAL },
		{ applies ? "yes" : "no", applies ? STYLE_GOOD : STYLE_DIM },
		{ format_origin(collector, origin, sizeof(origin)), STYLE_NORMAL },
		{ clock_format_span(reply_uint(collector, "wall_usec"), span, sizeof(span)),
		    STYLE_NORMAL },
		{ text_format_bytes(reply_uint(collector, "max_bytes"), size, sizeof(size)),
		    STYLE_NORMAL },
		{ format_profiles(collector, profiles), STYLE_NORMAL },
		{ reply_text(collector, applies ? "description" : "reason"),
		    applies ? STYLE_NORMAL : STYLE_DIM },
	};

	return table_add(t, cells);
}

static int
add_masked_row(struct table *t, const cJSON *masked)
{
	char why[512];
	struct table_cell cells[] = {
		{ reply_text(masked, "name"), STYLE_DIM },
		{ "masked", STYLE_WARNING },
		{ NULL, STYLE_NORMAL },
		{ NULL, STYLE_NORMAL },
		{ NULL, STYLE_NORMAL },
		{ NULL, STYLE_NORMAL },
		{ why, STYLE_DIM },
	};

	(void)snprintf(why, sizeof(why), "by %s", reply_text(masked, "file"));
	return table_add(t, cells);
}

/* On standard error, as what is no collector. */
static void
print_problems(const cJSON *object)
{
	const cJSON *problem;

	cJSON_ArrayForEach (problem, reply_member(object, "problems")) {
		uint64_t line = reply_uint(problem, "line");
		char text[1024];
		char number[24] = "";

		if (line > 0)
			(void)snprintf(number, sizeof(number), "%" PRIu64 ":", line);
		(void)snprintf(text, sizeof(text), "%s:%s %s", reply_text(problem, "file"),
		    number, reply_text(problem, "text"));
		(void)fprintf(stderr, "%s\n", output_make_safe(text));
	}
}

static void
print_remarks(const struct options *o, const cJSON *inventory, const cJSON *object)
{
	print_problems(object);
	if (!o->no_legend && !reply_bool(inventory, "privileged"))
		(void)fprintf(
		    stderr, "Without root: what only root may see counts as missing.\n");
}

static int
print_table(const struct options *o, const cJSON *inventory)
{
	_cleanup_(table_freep) struct table *t = NULL;
	const cJSON *item;
	int r;

	r = table_new(columns, ELEMENTSOF(columns), &t);
	cJSON_ArrayForEach (item, reply_member(inventory, "collectors"))
		if (r >= 0)
			r = add_row(t, item);
	cJSON_ArrayForEach (item, reply_member(inventory, "masked"))
		if (r >= 0)
			r = add_masked_row(t, item);
	if (r < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	table_print(t, stdout, !o->no_legend, output_has_colour(stdout), output_width(stdout));
	print_remarks(o, inventory, inventory);
	return PROTO_EXIT_OK;
}

/* A list of the collector, one item a line. */
static void
print_list(const cJSON *object, const char *name, const char *label)
{
	char separator[CONTINUE_COLUMN + 2];
	char value[VALUE_BYTES];
	const cJSON *item;
	bool is_first = true;

	(void)snprintf(separator, sizeof(separator), "%*s", CONTINUE_COLUMN, "");
	cJSON_ArrayForEach (item, reply_member(object, name)) {
		text_copy(value, sizeof(value), item->valuestring);
		(void)output_make_safe(value);
		if (is_first)
			output_field(stdout, label, value);
		else
			(void)printf("%s%s\n", separator, value);
		is_first = false;
	}
}

static void
print_conditions(const cJSON *collector)
{
	const cJSON *conditions = reply_member(collector, "conditions");

	print_list(conditions, "path_exists", "If path");
	print_list(conditions, "unit_exists", "If unit");
	print_list(conditions, "package", "If package");
	print_list(conditions, "container", "If container");
}

static void
print_commands(const cJSON *collector)
{
	const cJSON *command;
	const char *label = "Commands";

	cJSON_ArrayForEach (command, reply_member(collector, "commands")) {
		bool repeats = count_of(command, "for_each") > 0;
		char for_each[VALUE_BYTES / 4];
		char argv[VALUE_BYTES / 2];
		char profiles[PROFILES_BYTES];
		char value[VALUE_BYTES];
		char span[32];
		char size[32];

		(void)snprintf(value, sizeof(value), "%s%s%s   (%s, %s, %s)",
		    join(command, "argv", " ", argv, sizeof(argv)),
		    repeats ? "   for each of: " : "",
		    join(command, "for_each", " ", for_each, sizeof(for_each)),
		    clock_format_span(reply_uint(command, "wall_usec"), span, sizeof(span)),
		    text_format_bytes(reply_uint(command, "max_bytes"), size, sizeof(size)),
		    format_profiles(command, profiles));
		if (label)
			output_field(stdout, label, value);
		else
			(void)printf("%*s%s\n", CONTINUE_COLUMN, "", value);
		label = NULL;
	}
}

static void
print_limits(const cJSON *collector)
{
	char value[128];
	char span[32];
	char size[32];

	(void)snprintf(value, sizeof(value), "%s, %s before compression, priority %" PRIu64,
	    clock_format_span(reply_uint(collector, "wall_usec"), span, sizeof(span)),
	    text_format_bytes(reply_uint(collector, "max_bytes"), size, sizeof(size)),
	    reply_uint(collector, "priority"));
	output_field(stdout, "Limits", value);
	if (count_of(collector, "copy") == 0)
		return;
	(void)snprintf(value, sizeof(value), "%" PRIu64 " at most, %s each",
	    reply_uint(collector, "max_files"),
	    text_format_bytes(reply_uint(collector, "max_file_bytes"), size, sizeof(size)));
	output_field(stdout, "Files", value);
}

static void
print_page(const cJSON *collector)
{
	bool applies = reply_bool(collector, "applies");
	bool colour = output_has_colour(stdout);
	char value[VALUE_BYTES];
	char profiles[PROFILES_BYTES];
	char origin[48];

	text_copy(value, sizeof(value), reply_text(collector, "name"));
	(void)printf("%s%s%s\n", style_on(STYLE_BOLD, colour), output_make_safe(value),
	    style_off(STYLE_BOLD, colour));
	text_copy(value, sizeof(value), reply_text(collector, "description"));
	output_field(stdout, "What", output_make_safe(value));
	(void)snprintf(value, sizeof(value), "%s%s%s", applies ? "yes" : "no",
	    applies ? "" : ": ", reply_text(collector, "reason"));
	output_field(stdout, "Applies", output_make_safe(value));
	(void)snprintf(value, sizeof(value), "%s%s%s",
	    format_origin(collector, origin, sizeof(origin)),
	    reply_text(collector, "file")[0] ? ": " : "", reply_text(collector, "file"));
	output_field(stdout, "From", output_make_safe(value));
	print_list(collector, "overrides", "Replaces");
	print_list(collector, "drop_ins", "Changed by");
	output_field(stdout, "Profiles", format_profiles(collector, profiles));
	print_limits(collector);
	print_conditions(collector);
	print_list(collector, "show_units", "Units");
	print_list(collector, "copy", "Copies");
	print_list(collector, "forbid", "But not");
	print_list(collector, "journal_units", "Journals of");
	print_list(collector, "list", "Lists");
	print_commands(collector);
}

static const cJSON *
find(const cJSON *list, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
		if (streq(reply_text(item, "name"), name))
			return item;
	return NULL;
}

static int
not_found(const cJSON *inventory, const char *name)
{
	const cJSON *masked = find(reply_member(inventory, "masked"), name);
	const char *names[CANDIDATES_MAX];
	const cJSON *item;
	const char *near;
	size_t n = 0;

	if (masked)
		return complain(PROTO_EXIT_NOT_FOUND, "collector '%s' is masked by %s", name,
		    reply_text(masked, "file"));
	cJSON_ArrayForEach (item, reply_member(inventory, "collectors"))
		if (n < ELEMENTSOF(names))
			names[n++] = reply_text(item, "name");
	near = suggest(name, names, n);
	return complain(PROTO_EXIT_NOT_FOUND, "there is no collector '%s'%s%s%s", name,
	    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int
show_one(const struct options *o, const cJSON *inventory, const char *name)
{
	const cJSON *collector = find(reply_member(inventory, "collectors"), name);

	if (!collector)
		return not_found(inventory, name);
	if (o->json != JSON_OFF)
		return output_json(stdout, collector, o->json) < 0
		    ? complain(PROTO_EXIT_ERROR, "out of memory")
		    : PROTO_EXIT_OK;
	print_page(collector);
	print_remarks(o, inventory, collector);
	return PROTO_EXIT_OK;
}

int
verb_collectors(const struct options *o, char **arguments, int n_arguments)
{
	_cleanup_json_ cJSON *inventory = NULL;
	struct program_args args = { 0 };
	int status;

	if (o->check) {
		if (n_arguments > 0 || o->json != JSON_OFF)
			return complain(PROTO_EXIT_USAGE,
			    "--check looks at all of them; it takes no name and no --json");
		program_add(&args, "--check-collectors", NULL);
		return program_exec(&args);
	}
	program_add(&args, "--list-collectors", NULL);
	program_add(&args, "--json", NULL);
	status = program_read(&args, &inventory);
	if (status != PROTO_EXIT_OK)
		return status;
	if (n_arguments > 0)
		return show_one(o, inventory, arguments[0]);
	if (o->json == JSON_OFF)
		return print_table(o, inventory);
	if (output_json(stdout, inventory, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}
