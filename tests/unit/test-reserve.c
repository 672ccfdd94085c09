/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <sys/stat.h>

#include "daemon/reserve.h"
#include "lib/paths.h"
#include "tests/lib/tmpdir.h"

static void
check_lines(struct tmpdir *tmp, const char *want, const char *name)
{
	_cleanup_free_ char *lines = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;

	ok_int(reserve_read(tmp->fd, &lines, &size), 0, "%s", name);
	text = strndup(lines ? lines : "", size);
	ok_str(text, want, "%s: lines", name);
}

int
main(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_free_ char *large = calloc(1, RESERVE_MAX_BYTES + 1);
	struct stat st;

	ok_int(reserve_append(tmp.fd, "a\n", 2), -ENOENT, "there is none yet");
	ok_int(reserve_prepare(tmp.fd), 0, "one is made");
	assert(fstatat(tmp.fd, RESERVE_FILE, &st, 0) == 0);
	ok(st.st_size == RESERVE_MAX_BYTES && st.st_blocks * 512 >= RESERVE_MAX_BYTES,
	    "with blocks of its own");
	check_lines(&tmp, "", "empty");
	ok_int(reserve_append(tmp.fd, "a\n", 2), 0, "a line");
	ok_int(reserve_append(tmp.fd, "bc\n", 3), 0, "and another");
	ok_int(reserve_prepare(tmp.fd), 0, "what is there stays");
	check_lines(&tmp, "a\nbc\n", "two");

	memset(large, 'x', RESERVE_MAX_BYTES);
	ok_int(reserve_append(tmp.fd, large, RESERVE_MAX_BYTES - 4), -ENOSPC, "it ends");
	ok_int(reserve_append(tmp.fd, large, RESERVE_MAX_BYTES - 5), 0, "exactly there");
	ok_int(reserve_append(tmp.fd, "y", 1), -ENOSPC, "then it is full");
	assert(fstatat(tmp.fd, RESERVE_FILE, &st, 0) == 0);
	ok_int((int)st.st_size, RESERVE_MAX_BYTES, "it never grows");
	ok_int(reserve_clear(tmp.fd), 0, "and is forgotten");
	check_lines(&tmp, "", "empty again");
	assert(fstatat(tmp.fd, RESERVE_FILE, &st, 0) == 0);
	ok(st.st_blocks * 512 >= RESERVE_MAX_BYTES, "its blocks are still its own");
	return tap_done();
}
