/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>

#include <archive.h>
#include <archive_entry.h>

#include "ctl/rewrite.h"
#include "lib/fault.h"
#include "tests/lib/archive-reader.h"
#include "tests/lib/tmpdir.h"

/* An archive with one member NAME, DATA[LEN], compressed by nothing, in the file PATH. */
static void
make_archive(const char *path, const char *name, const void *data, size_t len)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	assert(a && e && archive_write_set_format_pax_restricted(a) == ARCHIVE_OK);
	assert(archive_write_open_filename(a, path) == ARCHIVE_OK);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_uname(e, "jdoe");
	archive_entry_set_size(e, (la_int64_t)len);
	assert(archive_write_header(a, e) == ARCHIVE_OK);
	assert(archive_write_data(a, data, len) == (la_ssize_t)len);
	assert(archive_write_close(a) == ARCHIVE_OK);
	archive_entry_free(e);
	archive_write_free(a);
}

/* Rewrites the file "in" of T to "out". Returns as rewrite_run(). */
static int
run(const struct tmpdir *t, struct rewrite_options *options, struct rewrite_stats *stats)
{
	_cleanup_free_ char *path = text_format("%s/in", t->path);
	_cleanup_(tree_closep) struct tree *tree = NULL;
	_cleanup_close_ int out_fd =
	    openat(t->fd, "out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct fault f = { 0 };
	int r;

	options->spill_dir_fd = t->fd;
	r = tree_open(-EBADF, path, &tree, &f);
	return r < 0 ? r : rewrite_run(tree, out_fd, options, stats, &f);
}

static struct read_archive
read_out(const struct tmpdir *t)
{
	_cleanup_free_ char *path = text_format("%s/out", t->path);

	return read_archive(path);
}

/* LEN bytes of text. The caller frees *RET. */
static size_t
make_text(size_t len, char **ret)
{
	char *text = malloc(len);

	assert(text);
	memset(text, 'a', len);
	for (size_t i = 79; i < len; i += 80)
		text[i] = '\n';
	*ret = text;
	return len;
}

static void
test_plain(void)
{
	static const char text[] = "password=hunter2\n";
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_free_ char *path = text_format("%s/in", t.path);
	struct rewrite_options options = { 0 };
	struct rewrite_stats stats;
	struct read_archive a;

	make_archive(path, "top/x", text, strlen(text));
	ok_int(run(&t, &options, &stats), 0, "secrets alone");
	ok(stats.members == 1 && stats.secrets[REDACT_PASSWORD] == 1 && stats.bytes == 17,
	    "counts");
	a = read_out(&t);
	ok_str(a.entries[0].data, "password=[REDACTED:password]\n", "a member");
	ok_str(a.entries[0].owner, "", "without its owner");
	read_archive_done(&a);
}

/* The limit of a member is hit with a small one. */
static void
test_member_limit(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_free_ char *path = text_format("%s/in", t.path);
	_cleanup_free_ char *text = NULL;
	size_t len = make_text(300000, &text);
	struct rewrite_options options = { .max_member_bytes = 299999 };
	struct rewrite_stats stats;
	struct read_archive a;

	make_archive(path, "top/x", text, len);
	ok_int(run(&t, &options, &stats), 0, "a member that is too large");
	ok_int(stats.not_filtered, 1, "is left out");
	a = read_out(&t);
	ok(a.n_entries == 1 && streq(a.entries[0].path, "top/x.left-out") &&
		strstr(a.entries[0].data, "too large"),
	    "and a note says so");
	read_archive_done(&a);
	options.max_member_bytes = 300000;
	ok_int(run(&t, &options, &stats), 0, "one as large as can be");
	ok_int(stats.not_filtered, 0, "is not left out");
}

static void
test_damaged(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_free_ char *path = text_format("%s/in", t.path);
	_cleanup_free_ char *text = NULL;
	size_t len = make_text(300000, &text);
	struct rewrite_options options = { 0 };
	struct rewrite_stats stats;

	make_archive(path, "top/x", text, len);
	assert(truncate(path, 100000) == 0);
	ok_int(run(&t, &options, &stats), -EBADMSG, "an archive that was cut");
}

int
main(void)
{
	test_plain();
	test_member_limit();
	test_damaged();
	return tap_done();
}
