/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <getopt.h>

#include "capture/options.h"
#include "lib/text.h"

#define ID "20261123T142752Z-0007-e585a599"

/* Parses LINE, split at spaces. The words live as long as *RET_WORDS. */
static int
parse(const char *line, struct options *ret, char ***ret_words)
{
	int r;

	*ret_words = NULL;
	assert(strv_append(ret_words, "capture") == 0);
	{
		_cleanup_(strv_freep) char **words = NULL;

		assert(strv_split(line, " ", &words) == 0);
		for (size_t i = 0; i < strv_length(words); i++)
			assert(strv_append(ret_words, words[i]) == 0);
	}
	optind = 0;
	r = options_parse((int)strv_length(*ret_words), *ret_words, ret);
	return r;
}

static void
test_good(void)
{
	_cleanup_(options_done) struct options o = { 0 };
	_cleanup_(strv_freep) char **words = NULL;

	ok_int(parse("-o /tmp/x -p crash --only a,b, --reason why --compression xz --config f "
		     "--collect-dir d --debug --namespaces c*,/d/ --only-namespaces --clean",
		   &o, &words),
	    1, "by hand");
	ok_int(o.mode, MODE_OUTPUT, "mode");
	ok_str(o.output, "/tmp/x", "directory");
	ok(strv_length(o.only) == 2 && streq(o.only[1], "b"), "list");
	ok(streq(o.profile, "crash") && streq(o.reason, "why") && streq(o.compression, "xz") &&
		streq(o.config, "f") && streq(o.collect_dir, "d") && o.debug,
	    "the others");
	ok(strv_length(o.namespaces) == 2 && streq(o.namespaces[1], "/d/") && o.only_namespaces,
	    "namespaces");
	ok(o.clean, "cleaning");
	ok(text_has_prefix(o.cmdline, "capture -o /tmp/x -p crash"), "command line");
}

static void
test_modes(void)
{
	static const struct {
		const char *line;
		enum mode mode;
	} cases[] = {
		{ "--id " ID, MODE_UNIT },
		{ "--salvage --id " ID " --state-dir /x", MODE_SALVAGE },
		{ "--output=.", MODE_OUTPUT },
		{ "--dry-run -p crash --only a --json=pretty", MODE_PLAN },
		{ "--list-collectors --json", MODE_LIST },
		{ "--check-collectors --collect-dir x", MODE_CHECK_COLLECTORS },
		{ "--check", MODE_CHECK },
		{ "--check --tell --json --state-dir /x --kubeconfig f --config g",
		    MODE_CHECK },
		{ "-o x --state-dir /x", MODE_OUTPUT },
		{ "--refresh-last-good --state-dir /x --kubeconfig k", MODE_REFRESH },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(options_done) struct options o = { 0 };
		_cleanup_(strv_freep) char **words = NULL;

		ok(parse(cases[i].line, &o, &words) == 1 && o.mode == cases[i].mode, "%s",
		    cases[i].line);
	}
}

static void
test_bad(void)
{
	static const char *const lines[] = {
		"",
		"--check --id " ID,
		"--check -o x",
		"--check --profile full",
		"--check --reason a",
		"--tell -o x",
		"--json --id " ID,
		"--salvage",
		"--salvage -o x",
		"--id x",
		"--id ../../etc",
		"--id",
		"--id " ID " -o x",
		"--id " ID " --profile full",
		"--id " ID " --only a",
		"--id " ID " --namespaces a",
		"--id " ID " --reason a",
		"--id " ID " --clean",
		"--id " ID " --compression xz",
		"--refresh-last-good -o x",
		"--refresh-last-good --id " ID,
		"--refresh-last-good --salvage",
		"--refresh-last-good --profile full",
		"-o x y",
		"-o x --only ,",
		"-o x --namespaces /(/",
		"-o x --only-namespaces",
		"-o x --no-such-option",
		"-o x --dry-run",
		"-o x --json",
		"--dry-run --list-collectors",
		"--dry-run --json=off",
		"--check-collectors --json",
	};
	char reason[300] = "-o x --reason ";

	for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
		_cleanup_(options_done) struct options o = { 0 };
		_cleanup_(strv_freep) char **words = NULL;

		ok_int(parse(lines[i], &o, &words), -EINVAL, "'%s' is refused", lines[i]);
	}
	{
		_cleanup_(options_done) struct options o = { 0 };
		_cleanup_(strv_freep) char **words = NULL;

		memset(reason + strlen(reason), 'x', 256);
		ok_int(parse(reason, &o, &words), -EINVAL, "a reason that is too long");
	}
}

int
main(void)
{
	/* What it says about the mistakes is not for the test's reader. */
	assert(freopen("/dev/null", "w", stderr));
	test_good();
	test_modes();
	test_bad();
	return tap_done();
}
