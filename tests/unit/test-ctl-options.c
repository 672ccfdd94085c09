/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "ctl/options.h"
#include "ctl/verb.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/text.h"

#define ARGS_MAX 16

static struct options parsed;
static struct fault fault;
static char *args[ARGS_MAX];

/* Parses the words of LINE with TABLE. Returns as options_parse(). */
static int
parse(const struct option_def *table, const char *line, bool permute)
{
	static char copy[256];
	int n = 0;

	text_copy(copy, sizeof(copy), line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		assert(n < ARGS_MAX);
		args[n++] = word;
	}
	parsed = (struct options){ 0 };
	fault = (struct fault){ 0 };
	return options_parse(&parsed, table, args, n, permute, &fault);
}

static void
test_forms(void)
{
	ok_int(parse(list_options, "a -n 3 b --unit=u.service c", true), 3,
	    "words between options");
	ok_str(args[0], "a", "in order");
	ok_str(args[2], "c", "in order");
	ok(parsed.limit == 3 && streq(parsed.unit, "u.service"), "both values");
	ok(parse(list_options, "-rn12", true) == 0 && parsed.reverse && parsed.limit == 12,
	    "short options in one word");
	ok(parse(list_options, "-1r", true) == 0 && parsed.reverse && parsed.limit == 1,
	    "short options without values");
	ok(parse(list_options, "--unit u --key k", true) == 0 && streq(parsed.key, "k"),
	    "values as words");
	ok_int(
	    parse(list_options, "-r -- -n --key", true), 2, "behind -- there are no options");
	ok_str(args[0], "-n", "but words");
	ok_int(parse(fetch_options, "-o - x", true), 1, "a dash is a value");
	ok_str(parsed.output, "-", "of -o");
	ok_int(parse(fetch_options, "- x", true), 2, "and a word");
	ok(parse(fetch_options, "--extract x", true) == 1 && parsed.extract && !parsed.output,
	    "an optional value only with =");
	ok(parse(fetch_options, "-xf x", true) == 1 && parsed.extract && parsed.force,
	    "and not in a word of short options");
	ok(parse(fetch_options, "--extract=d x", true) == 1 && streq(parsed.output, "d"),
	    "optional value");
	ok_int(parse(list_options, "-n 3 show -x", false), 2, "up to the first word");
	ok_int(
	    parse(NULL, "--json=pretty", true), 0, "without a table there are the common ones");
	ok_int(parsed.json, JSON_PRETTY, "of which this is one");
}

static void
check_error(const char *line, const char *want)
{
	ok(parse(list_options, line, true) < 0, "refused: %s", line);
	ok(strstr(fault.text, want) != NULL, "says '%s': %s", want, fault.text);
}

static void
test_errors(void)
{
	check_error("--sicne=1", "did you mean '--since'");
	check_error("--rev", "did you mean '--reverse'");
	check_error("--n", "there is no option '--n'");
	check_error("--an-option-with-a-very-long-name-indeed", "no option");
	check_error("-Q", "'-Q'");
	check_error("-rQ", "'-Q'");
	check_error("--unit", "needs a value");
	check_error("-n", "needs a value");
	check_error("--reverse=yes", "takes no value");
	check_error("--=x", "no option");
	check_error("-n -1", "number");
	check_error("-n 99999999999999999999", "number");
}

static void
test_suggestions(void)
{
	static const char *const words[] = { "list", "collect", NULL, "status", "fetch" };
	static const struct {
		const char *typed;
		const char *want;
	} cases[] = {
		{ "lsit", "list" },
		{ "lit", "list" },
		{ "stat", "status" },
		{ "c", "collect" },
		{ "Fetch", "fetch" },
		{ "feth", "fetch" },
		{ "remove", NULL },
		{ "", NULL },
		{ "x", NULL },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		ok_str(suggest(cases[i].typed, words, ELEMENTSOF(words)), cases[i].want,
		    "suggestion for '%s'", cases[i].typed);
}

int
main(void)
{
	test_forms();
	test_errors();
	test_suggestions();
	return tap_done();
}
