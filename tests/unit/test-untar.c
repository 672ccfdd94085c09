/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/sink/tarball.h"
#include "capture/sink/untar.h"
#include "lib/clock.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

#define NAME "a.tar"

static void
write_archive(const struct tmpdir *tmp, enum compression compression)
{
	static const struct tarball_entry entries[] = {
		{ .path = "top/", .is_directory = true, .mode = 0750 },
		{ .path = "top/file",
		    .mode = 0640,
		    .size_bytes = 5,
		    .mtime_usec = 1795444072 * USEC_PER_SEC },
		{ .path = "top/link", .link_target = "file", .mode = 0777 },
	};
	struct tarball *t = NULL;

	(void)unlinkat(tmp->fd, NAME, 0);
	assert(tarball_open(tmp->fd, NAME, compression, &t) == 0);
	assert(tarball_entry(t, &entries[0]) == 0);
	assert(tarball_entry(t, &entries[1]) == 0 && tarball_data(t, "these", 5) == 0);
	assert(tarball_entry(t, &entries[2]) == 0);
	assert(tarball_close(t) == 0);
	tarball_free(t);
}

static void
test_read(const struct tmpdir *tmp, enum compression compression)
{
	_cleanup_(untar_freep) struct untar *u = NULL;
	struct untar_entry e;
	char buf[16] = "";

	write_archive(tmp, compression);
	ok_int(
	    untar_open(tmp->fd, NAME, &u), 0, "open, %s", compression_to_string(compression));
	ok(untar_next(u, &e) == 1 && e.type == UNTAR_DIRECTORY && streq(e.path, "top/"),
	    "a directory");
	ok(untar_next(u, &e) == 1 && e.type == UNTAR_FILE && streq(e.path, "top/file") &&
		e.size_bytes == 5 && e.mtime_usec == 1795444072 * USEC_PER_SEC,
	    "a file");
	ok(untar_read(u, buf, 3) == 3 && streq(buf, "the"), "a part of its data");
	ok(untar_next(u, &e) == 1 && e.type == UNTAR_SYMLINK && streq(e.link_target, "file"),
	    "a link, past the rest of the data");
	ok_int(untar_read(u, buf, sizeof(buf)), 0, "which has none");
	ok_int(untar_next(u, &e), 0, "the end");
}

static void
test_cut(const struct tmpdir *tmp)
{
	_cleanup_(untar_freep) struct untar *u = NULL;
	_cleanup_free_ char *path = text_format("%s/" NAME, tmp->path);
	struct untar_entry e;
	struct stat st;
	int r;

	write_archive(tmp, COMPRESSION_GZIP);
	assert(path && stat(path, &st) == 0 && truncate(path, st.st_size / 2) == 0);
	/* So short a one breaks off before its first entry. */
	r = untar_open(tmp->fd, NAME, &u);
	while (r >= 0 && (r = untar_next(u, &e)) > 0)
		continue;
	ok_int(r, -EBADMSG, "a half breaks off");
}

static void
test_none(const struct tmpdir *tmp)
{
	_cleanup_(untar_freep) struct untar *u = NULL;

	ok_int(untar_open(tmp->fd, "absent", &u), -ENOENT, "no file");
	assert(symlinkat(NAME, tmp->fd, "link") == 0);
	ok_int(untar_open(tmp->fd, "link", &u), -ELOOP, "a link is not followed");
	assert(mkfifoat(tmp->fd, "fifo", 0600) == 0);
	ok_int(
	    untar_open(tmp->fd, "fifo", &u), -EINVAL, "a FIFO is refused, and does not hang");
}

int
main(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();

	for (int c = 0; c < _COMPRESSION_COUNT; c++)
		test_read(&tmp, (enum compression)c);
	test_cut(&tmp);
	test_none(&tmp);
	return tap_done();
}
