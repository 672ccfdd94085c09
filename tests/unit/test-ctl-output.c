/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "ctl/output.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/text.h"

static const struct table_column columns[] = {
	{ "NAME", false, 0 },
	{ "WHEN", false, 1 },
	{ "SIZE", true, 2 },
	{ "NOTE", false, 0 },
};

static void
add(struct table *t, const char *name, const char *when, const char *size, const char *note)
{
	struct table_cell cells[] = {
		{ name, STYLE_NORMAL },
		{ when, STYLE_NORMAL },
		{ size, STYLE_BAD },
		{ note, STYLE_NORMAL },
	};

	assert(table_add(t, cells) == 0);
}

/* What the table prints; the caller frees it. */
static char *
print(const struct table *t, bool legend, bool colour, unsigned width)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert(f);
	table_print(t, f, legend, colour, width);
	assert(fclose(f) == 0);
	return text;
}

static void
test_table(void)
{
	struct table *t;
	char *text;

	assert(table_new(columns, ELEMENTSOF(columns), &t) == 0);
	add(t, "a", "today", "1", "x");
	add(t, "a longer name", NULL, "12345", "");
	add(t, "\303\244\303\266", "t\033[2J", "2", "last");

	text = print(t, true, false, 0);
	ok_str(text,
	    "NAME          WHEN   SIZE NOTE\n"
	    "a             today     1 x\n"
	    "a longer name -     12345 -\n"
	    "\303\244\303\266            t?[2J     2 last\n",
	    "aligned, nothing behind the last column, no control characters");
	free(text);

	text = print(t, false, false, 29);
	ok_str(text,
	    "a                 1 x\n"
	    "a longer name 12345 -\n"
	    "\303\244\303\266                2 last\n",
	    "the first column to give way is gone, and no legend");
	free(text);
	text = print(t, false, false, 5);
	ok_str(text, "a             x\na longer name -\n\303\244\303\266            last\n",
	    "columns that do not give way stay, however narrow it is");
	free(text);

	text = print(t, true, true, 0);
	ok(strstr(text, "\033[1mNAME\033[0m") && strstr(text, "    \033[31m1\033[0m x"),
	    "colours are around the text, not the padding");
	free(text);

	for (int i = 0; i < 1000; i++)
		add(t, "many", "", "", "");
	text = print(t, false, false, 0);
	ok(text_has_suffix(text, "many          -         - -\n"), "it grows");
	free(text);
	table_free(t);
	table_free(NULL);
}

static void
check_safe(const char *given, const char *want)
{
	char buf[64];

	text_copy(buf, sizeof(buf), given);
	ok_str(output_make_safe(buf), want, "made safe");
}

static void
test_make_safe(void)
{
	check_safe("plain text", "plain text");
	check_safe("\033[2J\a\r\n\t\177", "?[2J?????");
	check_safe(
	    "\303\244 \342\202\254 \360\237\230\200", "\303\244 \342\202\254 \360\237\230\200");
	check_safe("\302\2332J", "??2J");	/* CSI in UTF-8 */
	check_safe("\2332J", "?2J");		/* and in eight bits */
	check_safe("\342\200\256x", "???x");	/* right-to-left override */
	check_safe("\300\257", "??");		/* over-long */
	check_safe("\355\240\200", "???");	/* surrogate */
	check_safe("\303", "?");		/* cut */
	check_safe("\342\202", "??");		/* cut */
	check_safe("\364\220\200\200", "????"); /* beyond Unicode */
	check_safe("\360\200\200\200", "????"); /* over-long */
	ok_int(output_text_width("\303\244b"), 2, "width of two characters");
}

static void
test_json(void)
{
	_cleanup_json_ cJSON *value = cJSON_CreateObject();
	enum json_mode mode;
	char *text = NULL;
	size_t size;
	FILE *f;

	ok(json_mode_from_string("pretty", &mode) == 0 && mode == JSON_PRETTY, "pretty");
	ok(json_mode_from_string("short", &mode) == 0 && mode == JSON_SHORT, "short");
	ok(json_mode_from_string("off", &mode) == 0 && mode == JSON_OFF, "off");
	ok(json_mode_from_string("", &mode) < 0, "nothing is no mode");
	assert(value && json_add_uint(value, "usec", UINT64_C(1795444072123456)) == 0);
	f = open_memstream(&text, &size);
	assert(f && output_json(f, value, JSON_SHORT) == 0 && fclose(f) == 0);
	ok_str(text, "{\"usec\":1795444072123456}\n", "times keep their microseconds");
	free(text);

	assert(cJSON_AddArrayToObject(value, "none") && cJSON_AddObjectToObject(value, "a\"b"));
	assert(cJSON_AddTrueToObject(cJSON_GetObjectItem(value, "a\"b"), "yes"));
	f = open_memstream(&text, &size);
	assert(f && output_json(f, value, JSON_PRETTY) == 0 && fclose(f) == 0);
	ok_str(text,
	    "{\n  \"usec\": 1795444072123456,\n  \"none\": [],\n  \"a\\\"b\": {\n"
	    "    \"yes\": true\n  }\n}\n",
	    "indented");
	free(text);
}

int
main(void)
{
	test_table();
	test_make_safe();
	test_json();
	return tap_done();
}
