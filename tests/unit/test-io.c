/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

static void
test_read(struct tmpdir *tmp)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *proc = NULL;
	size_t size;

	assert(io_write_file_atomic(tmp->fd, "f", "hello", 5, 0640) == 0);
	ok_int(io_read_file(tmp->fd, "f", 5, &data, &size), 0,
	    "a file of exactly the limit is read");
	ok(size == 5 && streq(data, "hello"), "whole, with a NUL behind");
	ok_int(io_read_file(tmp->fd, "f", 4, &data, &size), -EFBIG, "one byte more is refused");
	ok_int(io_read_file(tmp->fd, "missing", 4, &data, NULL), -ENOENT, "missing file");
	ok_int(io_read_file(tmp->fd, ".", 4, &data, NULL), -EINVAL, "a directory is refused");
	assert(mkfifoat(tmp->fd, "fifo", 0600) == 0);
	ok_int(io_read_file(tmp->fd, "fifo", 4, &data, NULL), -EINVAL, "a FIFO does not block");
	ok_int(io_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &proc, &size), 0,
	    "/proc, where st_size is 0");
	ok(size > 100, "is read whole");
}

static void
test_write(struct tmpdir *tmp)
{
	_cleanup_free_ char *data = NULL;
	struct rlimit limit, full;
	struct stat st;

	ok_int(io_write_file_atomic(tmp->fd, "w", "one", 3, 0600), 0, "new file");
	ok_int(io_write_file_atomic(tmp->fd, "w", "two!", 4, 0640), 0, "replaced");
	ok(io_read_file(tmp->fd, "w", 10, &data, NULL) == 0 && streq(data, "two!"),
	    "new content");
	ok(fstatat(tmp->fd, "w", &st, 0) == 0 && (st.st_mode & 07777) == 0640,
	    "the mode is what was asked for, whatever the umask");
	ok(fstatat(tmp->fd, ".#w", &st, 0) < 0, "no temporary file is left");
	ok(io_is_temporary_name(".#w") && !io_is_temporary_name("w"),
	    "temporary names are known");

	assert(mkdirat(tmp->fd, "d", 0700) == 0);
	ok_int(io_write_file_atomic(tmp->fd, "d", "x", 1, 0600), -EISDIR,
	    "a directory in the way is an error");
	ok(fstatat(tmp->fd, ".#d", &st, 0) < 0, "that leaves no temporary file either");

	ok_int(io_append_file(tmp->fd, "log", "a\n", 2, 0600), 0, "append creates");
	ok_int(io_append_file(tmp->fd, "log", "b\n", 2, 0600), 0, "append appends");
	assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && getrlimit(RLIMIT_FSIZE, &limit) == 0);
	full = (struct rlimit){ 6, limit.rlim_max };
	assert(setrlimit(RLIMIT_FSIZE, &full) == 0);
	ok_int(io_append_file(tmp->fd, "log", "line\n", 5, 0600), -EFBIG, "all or nothing");
	assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	free(TAKE_PTR(data));
	ok(io_read_file(tmp->fd, "log", 10, &data, NULL) == 0 && streq(data, "a\nb\n"),
	    "both there");
}

static void
test_directories(struct tmpdir *tmp)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	ok_int(io_mkdir_p(tmp->fd, "x/y/z", 0750), 0, "mkdir -p");
	ok_int(io_mkdir_p(tmp->fd, "x/y/z", 0750), 0, "again");
	ok(fstatat(tmp->fd, "x/y/z", &st, 0) == 0 && S_ISDIR(st.st_mode), "is there");
	tmpdir_put(tmp, "x/file", "");
	ok_int(io_mkdir_p(tmp->fd, "x/file", 0750), -ENOTDIR, "a file in the way");
	ok_int(io_open_dir(tmp->fd, "x/new", 0750, &fd), 0, "open creates");

	assert(mkdirat(tmp->fd, "outside", 0700) == 0);
	tmpdir_put(tmp, "outside/kept", "");
	assert(symlinkat("../outside", tmp->fd, "x/link") == 0);
	ok_int(io_remove_tree(tmp->fd, "x"), 0, "remove a tree");
	ok(fstatat(tmp->fd, "x", &st, 0) < 0, "is gone");
	ok(fstatat(tmp->fd, "outside/kept", &st, 0) == 0, "links were not followed");
	ok_int(io_remove_tree(tmp->fd, "x"), 0, "removing nothing is fine");
}

int
main(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();

	test_read(&tmp);
	test_write(&tmp);
	test_directories(&tmp);
	return tap_done();
}
