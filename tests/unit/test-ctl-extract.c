/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"
#include "tests/lib/tmpdir.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <archive.h>
#include <archive_entry.h>

#include "ctl/extract.h"
#include "ctl/interrupt.h"
#include "lib/fault.h"
#include "lib/text.h"

#define TOP "microshift-support-20261123T142752Z-0007-e585a599"

struct member {
	const char *name;
	const char *target; /* of a link */
	const char *data;
	mode_t type; /* 0 ends the list */
};

/* Writes MEMBERS to the file "archive" in T. Returns it, opened for reading. */
static int
make_archive(const struct tmpdir *t, const struct member *members)
{
	struct archive *a = archive_write_new();
	int fd = openat(t->fd, "archive", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(a && fd >= 0);
	assert(archive_write_set_format_pax(a) == ARCHIVE_OK);
	assert(archive_write_add_filter_gzip(a) == ARCHIVE_OK);
	assert(archive_write_open_fd(a, fd) == ARCHIVE_OK);
	for (const struct member *m = members; m->type; m++) {
		struct archive_entry *e = archive_entry_new();

		assert(e);
		archive_entry_set_pathname(e, m->name);
		archive_entry_set_mtime(e, 1700000000, 0);
		archive_entry_set_uid(e, 12345);
		/* AE_IFMT as the type stands for a hard link. */
		archive_entry_set_filetype(e, m->type == AE_IFMT ? AE_IFREG : m->type);
		archive_entry_set_perm(e, 06777);
		if (m->type == AE_IFLNK)
			archive_entry_set_symlink(e, m->target);
		if (m->type == AE_IFMT)
			archive_entry_set_hardlink(e, m->target);
		if (m->type == AE_IFCHR)
			archive_entry_set_rdev(e, makedev(1, 3));
		archive_entry_set_size(e, m->data ? (la_int64_t)strlen(m->data) : 0);
		assert(archive_write_header(a, e) >= ARCHIVE_WARN);
		if (m->data)
			(void)archive_write_data(a, m->data, strlen(m->data));
		archive_entry_free(e);
	}
	assert(archive_write_close(a) == ARCHIVE_OK);
	archive_write_free(a);
	return fd;
}

static const char *
read_text(const struct tmpdir *t, const char *path)
{
	static char *data;

	free(TAKE_PTR(data));
	if (io_read_file(t->fd, path, 4096, &data, NULL) < 0)
		return NULL;
	return data;
}

static bool
exists(const struct tmpdir *t, const char *path)
{
	return faccessat(t->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static mode_t
mode_of(const struct tmpdir *t, const char *path)
{
	struct stat st;

	assert(fstatat(t->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0);
	return st.st_mode;
}

static int
unpack(int fd, int dir_fd, const char *name, struct extract_stats *stats, struct fault *f)
{
	struct extract_options options = { .name = name, .top = name };

	return extract_archive(fd, dir_fd, &options, stats, f);
}

static void
test_good(void)
{
	static const struct member members[] = {
		{ TOP, NULL, NULL, AE_IFDIR },
		{ TOP "/summary.txt", NULL, "summary", AE_IFREG },
		{ TOP "/a/b/c", NULL, "deep", AE_IFREG },
		{ TOP "/a/./b//d", NULL, "odd name", AE_IFREG },
		{ TOP "/a/empty", NULL, NULL, AE_IFDIR },
		{ TOP "/a/b/up", "../../summary.txt", NULL, AE_IFLNK },
		{ TOP "/a/here", "b/c", NULL, AE_IFLNK },
		{ TOP "/manifest.json", NULL, "{}", AE_IFREG },
		{ NULL, NULL, NULL, 0 },
	};
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int fd = make_archive(&t, members);
	_cleanup_free_ char *manifest = NULL;
	struct extract_stats stats;
	struct fault f = { 0 };
	struct stat st;
	size_t size;

	ok_int(unpack(fd, t.fd, TOP, &stats, &f), 0, "unpacks");
	ok(stats.files == 4 && stats.left_out == 0 && stats.bytes == 21, "counts");
	ok_str(read_text(&t, TOP "/a/b/up"), "summary", "link up");
	ok_str(read_text(&t, TOP "/a/here"), "deep", "link down");
	ok_str(read_text(&t, TOP "/a/b/d"), "odd name", "clean name");
	ok_int(mode_of(&t, TOP "/summary.txt"), S_IFREG | 0600, "no mode of the archive's");
	ok_int(mode_of(&t, TOP "/a/empty"), S_IFDIR | 0700, "nor for directories");
	assert(fstatat(t.fd, TOP "/summary.txt", &st, 0) == 0);
	ok(st.st_uid == geteuid() && st.st_mtime == 1700000000, "our owner, its time");

	ok_int(unpack(fd, t.fd, TOP, &stats, &f), -EEXIST, "only a new directory");
	ok_int(extract_manifest(fd, &manifest, &size, &f), 0, "finds the manifest");
	ok(size == 2 && streq(manifest, "{}"), "and reads it");
}

static void
test_hostile(void)
{
	static const struct member members[] = {
		{ "/tmp/absolute", NULL, "x", AE_IFREG },
		{ "../outside", NULL, "x", AE_IFREG },
		{ TOP "/../outside", NULL, "x", AE_IFREG },
		{ TOP "/a/../../outside", NULL, "x", AE_IFREG },
		{ "..", NULL, NULL, AE_IFDIR },
		{ TOP "/absolute", "/etc", NULL, AE_IFLNK },
		{ TOP "/up", "..", NULL, AE_IFLNK },
		{ TOP "/up2", "../outside", NULL, AE_IFLNK },
		{ TOP "/d/up3", "../../outside", NULL, AE_IFLNK },
		{ TOP "/down-and-up", "d/../../outside", NULL, AE_IFLNK },
		{ TOP "/hard", TOP "/ok", NULL, AE_IFMT },
		{ TOP "/hard2", "/etc/passwd", NULL, AE_IFMT },
		{ TOP "/device", NULL, NULL, AE_IFCHR },
		{ TOP "/fifo", NULL, NULL, AE_IFIFO },
		/* A file in the place of the top directory. */
		{ TOP, NULL, "x", AE_IFREG },
		/* Fourteen and one until here; these are fine alone, not together. */
		{ TOP "/link", "d", NULL, AE_IFLNK },
		{ TOP "/link/through", NULL, "x", AE_IFREG },
		{ TOP "/link", NULL, "x", AE_IFREG },
		{ TOP "/ok", NULL, "ok", AE_IFREG },
		{ TOP "/ok", NULL, "twice", AE_IFREG },
		{ TOP "/ok/below", NULL, "x", AE_IFREG },
		{ NULL, NULL, NULL, 0 },
	};
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int fd = make_archive(&t, members);
	struct extract_stats stats;
	struct fault f = { 0 };

	ok_int(unpack(fd, t.fd, TOP, &stats, &f), 0, "goes on: %s", fault_text(&f));
	ok_int(stats.left_out, 19, "all of it is left out");
	ok_int(stats.files, 1, "but the one good file");
	ok(!exists(&t, "outside") && !exists(&t, TOP "/outside"), "nothing outside");
	ok(!exists(&t, TOP "/absolute") && !exists(&t, TOP "/up") && !exists(&t, TOP "/up2") &&
		!exists(&t, TOP "/d/up3") && !exists(&t, TOP "/down-and-up"),
	    "no link out");
	ok(!exists(&t, TOP "/hard") && !exists(&t, TOP "/hard2"), "no hard link");
	ok(!exists(&t, TOP "/device") && !exists(&t, TOP "/fifo"), "no special file");
	ok(!exists(&t, TOP "/d/through"), "no file through a link");
	ok_str(read_text(&t, TOP "/ok"), "ok", "no file twice");
}

/* p/q/s leads to the top, so p/q/s/.. would be outside: allowed one by one, they must not be
 * together. */
static void
test_links_that_are_safe_alone(void)
{
	static const struct member members[] = {
		{ TOP "/p/q/s", "../..", NULL, AE_IFLNK },
		{ TOP "/p/q/t", "s/../outside", NULL, AE_IFLNK },
		{ TOP "/ok", NULL, "ok", AE_IFREG },
		{ NULL, NULL, NULL, 0 },
	};
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int fd = make_archive(&t, members);
	struct extract_stats stats;
	struct fault f = { 0 };

	tmpdir_put(&t, "outside", "secret");
	ok_int(unpack(fd, t.fd, TOP, &stats, &f), 0, "unpacks");
	ok(exists(&t, TOP "/p/q/s") && !exists(&t, TOP "/p/q/t"), "only the first");
	ok(!read_text(&t, TOP "/p/q/t"), "the secret stays outside");
}

static void
test_long_names(void)
{
	char component[300];
	char deep[9000] = "";
	struct member members[] = {
		{ component, NULL, "x", AE_IFREG },
		{ deep, NULL, "x", AE_IFREG },
		{ TOP "/ok", NULL, "ok", AE_IFREG },
		{ NULL, NULL, NULL, 0 },
	};
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int fd = -EBADF;
	struct extract_stats stats;
	struct fault f = { 0 };

	memset(component, 'c', sizeof(component) - 1);
	component[sizeof(component) - 1] = '\0';
	for (size_t i = 0; i < 2000; i++)
		memcpy(deep + 4 * i, "abc/", 5);
	fd = make_archive(&t, members);
	ok_int(unpack(fd, t.fd, TOP, &stats, &f), 0, "unpacks");
	ok(stats.left_out == 2 && stats.files == 1, "without what has no room for its name");
}

static void
test_damaged_archive(const struct member *members)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int fd = make_archive(&t, members);
	_cleanup_close_ int empty = openat(t.fd, "empty", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_close_ int garbage = -EBADF;
	_cleanup_free_ char *manifest = NULL;
	struct extract_stats stats;
	struct fault f = { 0 };
	size_t size;

	ok_int(extract_manifest(fd, &manifest, &size, &f), -ENOENT, "no manifest");
	assert(ftruncate(fd, lseek(fd, 0, SEEK_END) / 2) == 0);
	ok_int(unpack(fd, t.fd, TOP, &stats, &f), -EBADMSG, "%s", fault_text(&f));
	ok_str(read_text(&t, TOP "/first"), "first", "what could be read is there");

	tmpdir_put(&t, "garbage", "this is not an archive, but it is long enough to look into");
	garbage = openat(t.fd, "garbage", O_RDONLY | O_CLOEXEC);
	ok_int(unpack(garbage, t.fd, "g", &stats, &f), -EBADMSG, "garbage");
	ok(!exists(&t, "g"), "leaves nothing");
	ok(unpack(empty, t.fd, "e", &stats, NULL) <= 0, "an empty file");
	ok_int(unpack(-1, t.fd, "e2", &stats, &f), -EBADF, "no file");
}

static void
test_damaged(void)
{
	static char noise[300001];
	static const struct member members[] = {
		{ TOP "/first", NULL, "first", AE_IFREG },
		{ TOP "/second", NULL, noise, AE_IFREG },
		{ NULL, NULL, NULL, 0 },
	};

	srandom(1);
	for (size_t i = 0; i < sizeof(noise) - 1; i++)
		noise[i] = (char)('0' + random() % 64);
	test_damaged_archive(members);
}

static void
test_interrupted(void)
{
	static const struct member members[] = {
		{ TOP "/first", NULL, "first", AE_IFREG },
		{ NULL, NULL, NULL, 0 },
	};
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int fd = make_archive(&t, members);
	struct extract_stats stats;
	struct interrupt interrupt;
	struct fault f = { 0 };

	(void)signal(SIGTERM, SIG_DFL);
	interrupt_hold(&interrupt);
	assert(raise(SIGTERM) == 0);
	ok_int(unpack(fd, t.fd, TOP, &stats, &f), -EINTR, "a signal ends it");
	ok(!exists(&t, TOP), "and nothing is left");
	/* Ignoring takes back what is pending. */
	(void)signal(SIGTERM, SIG_IGN);
	ok(!interrupt_is_pending(), "the signal is gone");
	interrupt_release(&interrupt);
}

static void
test_sha256(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int fd = -EBADF;
	char sha256[SHA256_BYTES] = "";
	int r;

	tmpdir_put(&t, "abc", "abc");
	fd = openat(t.fd, "abc", O_RDONLY | O_CLOEXEC);
	r = extract_sha256(fd, sha256);
	if (r == -EOPNOTSUPP) {
		tap_skip("libarchive was built without SHA-256");
		return;
	}
	ok_str(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "of 'abc', FIPS 180-2");
	ok(extract_sha256(fd, sha256) == 0 && sha256[0] == 'b', "again from the start");
	tmpdir_put(&t, "abc", "");
	ok_int(extract_sha256(fd, sha256), 0, "of nothing");
	ok_str(sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "of nothing");
	ok(extract_sha256(-1, sha256) < 0, "no file");
}

int
main(void)
{
	test_good();
	test_hostile();
	test_links_that_are_safe_alone();
	test_long_names();
	test_damaged();
	test_interrupted();
	test_sha256();
	return tap_done();
}
