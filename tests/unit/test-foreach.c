/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/collectors/foreach.h"
#include "tests/lib/lab.h"

static void
test_parse(void)
{
	static const char text[] = "  abc123  running  2 minutes\n"
				   "\n"
				   "system@ovs-system\r\n"
				   "-rf\n"
				   "abc123\n"
				   "● failed.service loaded\n"
				   "a;b\n"
				   "/run/x.sock\n"
				   "last";
	_cleanup_(strv_freep) char **items = NULL;
	size_t left_out;

	assert(foreach_parse(text, strlen(text), 10, &items, &left_out) == 0);
	ok_int(strv_length(items), 4, "what can be an item");
	ok_str(items[0], "abc123", "the first word, once");
	ok_str(items[1], "system@ovs-system", "without the end of the line");
	ok_str(items[2], "/run/x.sock", "a path");
	ok_str(items[3], "last", "also without a line end");
	ok_int(left_out, 0, "none too many");
}

static void
test_limits(void)
{
	_cleanup_(strv_freep) char **items = NULL;
	char text[2 * FOREACH_ITEM_BYTES + 16];
	size_t left_out;
	size_t n = FOREACH_ITEM_BYTES;

	memset(text, 'a', n);
	text_copy(text + n, sizeof(text) - n, "\nb\nc\nd\n");
	assert(foreach_parse(text, strlen(text), 2, &items, &left_out) == 0);
	ok(strv_length(items) == 2 && streq(items[0], "b"), "one that is too long is none");
	ok_int(left_out, 1, "no more than asked for");
	strv_free(items);
	items = NULL;
	text[n - 1] = '\n';
	assert(foreach_parse(text, strlen(text), 1, &items, &left_out) == 0);
	ok_int(strlen(items[0]), FOREACH_ITEM_BYTES - 1, "the longest one that is");
}

static void
test_expand(void)
{
	static char *const argv[] = { (char *)"tool", (char *)"--id={}", (char *)"{}{}",
		(char *)"{", NULL };
	_cleanup_(strv_freep) char **list = NULL;

	assert(foreach_expand(argv, "x{}y", &list) == 0);
	ok_int(strv_length(list), 4, "as many words");
	ok_str(list[1], "--id=x{}y", "in a word");
	ok_str(list[2], "x{}yx{}y", "twice, and not in the item");
	ok_str(list[3], "{", "half a place is none");
}

static int
list(struct lab *lab, const char *script, uint64_t wall_usec, char ***ret, struct fault *fault)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };

	return foreach_list(&lab->ctx, argv, wall_usec, 3, ret, fault);
}

static void
test_list(void)
{
	static char *const missing[] = { (char *)"no-such-program", NULL };
	_cleanup_(strv_freep) char **items = NULL;
	_cleanup_(strv_freep) char **many = NULL;
	_cleanup_(strv_freep) char **none = NULL;
	_cleanup_lab_ struct lab lab;
	struct fault f = { 0 };

	lab_open(&lab);
	ok_int(
	    list(&lab, "echo a; echo b >&2; echo c; echo d; echo e", 0, &items, &f), 0, "runs");
	ok_int(strv_length(items), 3, "standard output, up to the limit");
	ok(lab_has_note(&lab, "'sh' lists 1 more than MaxItems=; they are left out"),
	    "what is left out is noted");
	ok_int(list(&lab, "echo a; exit 3", 0, &none, &f), -EIO, "a list that fails is none");
	ok_str(fault_text(&f), "'sh' failed with exit status 3", "and the reason is told");
	ok_int(list(&lab, "kill -9 $$", 0, &none, &f), -EIO, "%s", "killed");
	ok_int(list(&lab, "sleep 70", 50 * USEC_PER_MSEC, &none, &f), -ETIME, "one that hangs");
	ok_int(foreach_list(&lab.ctx, missing, 0, 3, &none, &f), -ENOENT, "no such program");
	ok(!none, "nothing is given then");
	ok_int(list(&lab, "yes item", 0, &many, &f), 0, "one that never ends");
	ok_int(strv_length(many), 1, "is cut");
	lab_close(&lab);
}

int
main(void)
{
	test_parse();
	test_limits();
	test_expand();
	test_list();
	return tap_done();
}
