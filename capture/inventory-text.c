/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "capture/inventory.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

#define NAME_COLUMN   18
#define MEMBER_COLUMN 8
/* Words of a list begin anew on the next line behind this column. */
#define LINE_COLUMNS  96u

static const char *
text_of(const cJSON *object, const char *name)
{
	const char *text = "";

	(void)json_get_string(object, name, &text);
	return text;
}

static uint64_t
number_of(const cJSON *object, const char *name)
{
	uint64_t number = 0;

	(void)json_get_uint(object, name, &number);
	return number;
}

static bool
is_applicable(const cJSON *collector)
{
	bool applies = false;

	(void)json_get_bool(collector, "applies", &applies);
	return applies;
}

/* "at most 30s, 4.0M" of OBJECT. Returns BUF. */
static const char *
limits_of(const cJSON *object, const char *bytes, char *buf, size_t size)
{
	char span[32];
	char text[32];

	(void)snprintf(buf, size, "%s, %s",
	    clock_format_span(number_of(object, "wall_usec"), span, sizeof(span)),
	    text_format_bytes(number_of(object, bytes), text, sizeof(text)));
	return buf;
}

/* One list of the collector, under LABEL. */
static void
print_words(const cJSON *collector, const char *name, const char *label, FILE *f)
{
	const cJSON *words = cJSON_GetObjectItemCaseSensitive(collector, name);
	size_t column = 0;
	const cJSON *word;

	cJSON_ArrayForEach (word, words) {
		size_t n = strlen(word->valuestring);

		if (column == 0 || column + n > LINE_COLUMNS) {
			(void)fprintf(f, "%s    %-*s", column == 0 ? "" : "\n", MEMBER_COLUMN,
			    column == 0 ? label : "");
			column = MEMBER_COLUMN + 4;
		}
		(void)fprintf(f, " %s", word->valuestring);
		column += n + 1;
	}
	if (column > 0)
		(void)fprintf(f, "\n");
}

/* The words of the list NAME, so that a person can copy them into a shell. */
static void
print_argv(const cJSON *command, const char *name, FILE *f)
{
	const cJSON *word;

	cJSON_ArrayForEach (word, cJSON_GetObjectItemCaseSensitive(command, name))
		(void)fprintf(f, strpbrk(word->valuestring, " \t\"") ? " '%s'" : " %s",
		    word->valuestring);
}

static void
print_commands(const cJSON *collector, FILE *f)
{
	const cJSON *commands = cJSON_GetObjectItemCaseSensitive(collector, "commands");
	const cJSON *command;
	char limits[64];

	cJSON_ArrayForEach (command, commands) {
		(void)fprintf(f, "    %-*s", MEMBER_COLUMN, "run");
		print_argv(command, "argv", f);
		if (cJSON_GetObjectItemCaseSensitive(command, "for_each")) {
			(void)fprintf(f, "   for each of:");
			print_argv(command, "for_each", f);
		}
		(void)fprintf(
		    f, "   (%s)\n", limits_of(command, "max_bytes", limits, sizeof(limits)));
	}
}

static void
print_step(const cJSON *collector, unsigned number, FILE *f)
{
	char limits[64];

	(void)fprintf(f, "%2u. %-*s %-14s %s\n", number, NAME_COLUMN,
	    text_of(collector, "name"),
	    limits_of(collector, "max_bytes", limits, sizeof(limits)),
	    text_of(collector, "description"));
	/* In the order of declared.c. */
	print_words(collector, "show_units", "units", f);
	print_words(collector, "copy", "copy", f);
	print_words(collector, "forbid", "but not", f);
	print_words(collector, "journal_units", "journal", f);
	print_words(collector, "list", "list", f);
	print_commands(collector, f);
}

static void
print_absent(const cJSON *collectors, FILE *f)
{
	const cJSON *collector;
	bool any = false;

	cJSON_ArrayForEach (collector, collectors) {
		if (is_applicable(collector))
			continue;
		(void)fprintf(f, "%s    %-*s %s\n", any ? "" : "\nDo not apply here:\n",
		    NAME_COLUMN, text_of(collector, "name"), text_of(collector, "reason"));
		any = true;
	}
}

static void
print_end(const cJSON *inventory, FILE *f)
{
	const cJSON *problems = cJSON_GetObjectItemCaseSensitive(inventory, "problems");
	bool privileged = false;
	const cJSON *problem;

	cJSON_ArrayForEach (problem, problems)
		(void)fprintf(f, "%s    %s:%" PRIu64 ": %s\n",
		    problem == problems->child ? "\nMistakes in definitions:\n" : "",
		    text_of(problem, "file"), number_of(problem, "line"),
		    text_of(problem, "text"));
	(void)json_get_bool(inventory, "privileged", &privileged);
	if (!privileged)
		(void)fprintf(f, "\nWithout root: what only root may see counts as missing.\n");
}

void
inventory_print_plan(const cJSON *inventory, FILE *f)
{
	const cJSON *collectors = cJSON_GetObjectItemCaseSensitive(inventory, "collectors");
	const cJSON *profile = cJSON_GetObjectItemCaseSensitive(inventory, "profile");
	const cJSON *collector;
	unsigned n = 0;
	char limits[64];
	char memory[32];

	(void)fprintf(f,
	    "A report of profile %s, at most %s compressed, %s of memory, would take:\n",
	    text_of(profile, "name"),
	    limits_of(profile, "archive_bytes", limits, sizeof(limits)),
	    text_format_bytes(number_of(profile, "memory_bytes"), memory, sizeof(memory)));
	cJSON_ArrayForEach (collector, collectors)
		if (is_applicable(collector))
			print_step(collector, ++n, f);
	print_absent(collectors, f);
	print_end(inventory, f);
}

void
inventory_print_list(const cJSON *inventory, FILE *f)
{
	const cJSON *collectors = cJSON_GetObjectItemCaseSensitive(inventory, "collectors");
	const cJSON *masked = cJSON_GetObjectItemCaseSensitive(inventory, "masked");
	const cJSON *item;

	cJSON_ArrayForEach (item, collectors)
		(void)fprintf(f, "%-*s %-8s %s\n", NAME_COLUMN, text_of(item, "name"),
		    is_applicable(item) ? "applies" : "-",
		    text_of(item, is_applicable(item) ? "description" : "reason"));
	cJSON_ArrayForEach (item, masked)
		(void)fprintf(f, "%-*s %-8s by %s\n", NAME_COLUMN, text_of(item, "name"),
		    "masked", text_of(item, "file"));
	print_end(inventory, f);
}
