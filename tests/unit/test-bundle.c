/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "lib/clean/clean.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/manifest.h"
#include "lib/spill.h"
#include "tests/lib/archive-reader.h"
#include "tests/lib/tmpdir.h"

#define MIB   (1024u * 1024u)
#define MTIME (UINT64_C(1795353016) * USEC_PER_SEC)

static struct bundle *
open_bundle(const struct tmpdir *t, enum compression compression, uint64_t max_archive_bytes)
{
	struct bundle_options options = {
		.topdir = "top",
		.compression = compression,
		.max_archive_bytes = max_archive_bytes,
		.mtime_usec = MTIME,
		.spill_dir_fd = t->fd,
	};
	struct bundle *b = NULL;
	struct fault f;

	if (bundle_open(t->fd, "a.part", &options, &b, &f) < 0) {
		printf("Bail out! %s\n", f.text);
		abort();
	}
	return b;
}

static struct read_archive
read_back(const struct tmpdir *t, const char *name)
{
	_cleanup_free_ char *path = text_format("%s/%s", t->path, name);

	assert(path);
	return read_archive(path);
}

/* SIZE bytes of text lines, numbered from 0; the caller frees it. */
static char *
make_text(size_t size)
{
	char *text = malloc(size + 32);
	size_t n = 0;

	assert(text);
	for (unsigned i = 0; n < size; i++)
		n += (size_t)snprintf(text + n, 32, "line %08u of the text\n", i);
	text[size] = '\0';
	return text;
}

static char *
make_noise(size_t size)
{
	char *noise = malloc(size);
	uint64_t x = 88172645463325252;

	assert(noise);
	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		noise[i] = (char)(x >> 32);
	}
	return noise;
}

static void
test_members(enum compression compression)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, compression, UINT64_MAX);
	static const char *const order[] = { "top/", "top/version.txt", "top/a/", "top/a/b/",
		"top/a/b/c", "top/a/d", "top/link", "top/empty" };
	struct bundle_member_options old = { .mtime_usec = 1234 * USEC_PER_SEC };
	struct read_archive a;
	bool same = true;
	struct stat st;

	ok_int(bundle_add(b, "version.txt", "1\n", 2, NULL), 0, "add");
	ok_int(bundle_add(b, "a/b/c", "deep", 4, &old), 0, "add below");
	ok_int(bundle_add(b, "a/d", "x\0y", 3, NULL), 0, "add binary");
	ok_int(bundle_add_symlink(b, "link", "a/b/c"), 0, "add a link");
	ok_int(bundle_add(b, "empty", NULL, 0, NULL), 0, "add nothing");
	ok_int(bundle_close(b, NULL), 0, "close");
	ok(fstatat(t.fd, "a.part", &st, 0) == 0 && (st.st_mode & 07777) == 0640,
	    "the file has mode 0640");

	a = read_back(&t, "a.part");
	ok_int(a.status, ARCHIVE_EOF, "%s reads back", compression_to_string(compression));
	ok_int(a.n_entries, ELEMENTSOF(order), "members and their directories, once");
	for (size_t i = 0; i < a.n_entries && i < ELEMENTSOF(order); i++) {
		const struct read_entry *e = &a.entries[i];

		ok_str(e->path, order[i], "in order");
		same = same && e->uid == 0 && streq(e->owner, "root");
		same = same &&
		    e->mode ==
			(e->type == AE_IFDIR	      ? 0750u
				: e->type == AE_IFLNK ? 0777u
						      : 0640u);
	}
	ok(same, "owners and modes");
	if (a.n_entries == ELEMENTSOF(order)) {
		ok_int(a.entries[1].mtime, MTIME / USEC_PER_SEC, "time of the bundle");
		ok_int(a.entries[4].mtime, 1234, "time of its own");
		ok(a.entries[5].size == 3 && memcmp(a.entries[5].data, "x\0y", 3) == 0,
		    "content");
		ok_str(a.entries[6].link, "a/b/c", "target");
	}
	read_archive_done(&a);
}

static void
test_names(void)
{
	static const char *const bad[] = { "/etc/passwd", "../x", "a/../../x", "", "a//b",
		"a\nb" };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	struct read_archive a;

	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ok_int(bundle_add(b, bad[i], "x", 1, NULL), -EINVAL, "bad path %zu", i);
	ok_int(bundle_add_symlink(b, "up", "../x"), -EINVAL, "a link that leaves");

	assert(bundle_add(b, "f", "1", 1, NULL) == 0);
	assert(bundle_add(b, "f", "2", 1, NULL) == 0);
	ok_str(bundle_last_path(b), "f.1", "a name that is taken");
	assert(bundle_add_symlink(b, "f", "f.1") == 0);
	ok_str(bundle_last_path(b), "f.2", "also by a link");
	assert(bundle_add(b, "d/x", "3", 1, NULL) == 0);
	assert(bundle_add(b, "d", "4", 1, NULL) == 0);
	ok_str(bundle_last_path(b), "d.1", "or by a directory");
	ok_int(bundle_add(b, "f/x", "5", 1, NULL), -ENOTDIR, "a file is no directory");
	assert(bundle_add(b, "\xc3\xa4/\xe2\x82\xac", "6", 1, NULL) == 0);
	for (int i = 0; i < 3000; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "many/%d", i);
		assert(
		    bundle_add(b, path, "", 0, NULL) == 0 && streq(bundle_last_path(b), path));
	}
	assert(bundle_close(b, NULL) == 0);
	a = read_back(&t, "a.part");
	ok_int(a.status, ARCHIVE_EOF, "reads back");
	ok_int(a.n_entries, 1 + 3 + 3 + 2 + 3001, "all of them");
	ok(read_archive_find(&a, "top/f.2")->type == AE_IFLNK, "the link");
	ok(read_archive_find(&a, "top/\xc3\xa4/\xe2\x82\xac"), "UTF-8");
	read_archive_done(&a);
}

static void
test_redaction(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	_cleanup_(manifest_done) struct manifest m = { 0 };
	struct manifest_collector *record;
	_cleanup_free_ char *text = make_text(3 * SPILL_MEMORY_BYTES);
	static const char secret[] = "password=hunter2hunter2\n";
	struct bundle_member *one;
	struct bundle_member *two;
	struct read_archive a;
	int fds[2];

	assert(manifest_add_collector(&m, "c", NULL, &record) == 0);
	bundle_set_scope(b, record, 0, USEC_INFINITY);
	memcpy(text + 2 * SPILL_MEMORY_BYTES, secret, strlen(secret));
	ok_int(bundle_add(b, "small", secret, strlen(secret), NULL), 0, "small");
	ok_int(bundle_add(b, "large", text, strlen(text), NULL), 0, "spilled");
	assert(pipe(fds) == 0 && write(fds[1], secret, strlen(secret)) > 0);
	(void)close(fds[1]);
	ok_int(bundle_add_fd(b, "pipe", fds[0], NULL), 0, "from a pipe");
	(void)close(fds[0]);

	assert(bundle_member_begin(b, "one", NULL, &one) == 0);
	assert(bundle_member_begin(b, "two", NULL, &two) == 0);
	for (size_t i = 0; i < strlen(secret); i++) {
		assert(bundle_member_write(one, secret + i, 1) == 0);
		assert(bundle_member_write(two, &"password=\n"[i % 10], 1) == 0);
	}
	ok_int(bundle_member_end(two), 0, "two members at once");
	ok_int(bundle_member_end(one), 0, "byte by byte");
	assert(bundle_close(b, NULL) == 0);

	a = read_back(&t, "a.part");
	ok_int(a.n_entries, 6, "all are there");
	for (size_t i = 1; i < a.n_entries; i++)
		ok(!memmem(a.entries[i].data, a.entries[i].size, "hunter2", 7), "%s is clean",
		    a.entries[i].path);
	ok(strstr(read_archive_find(&a, "top/small")->data, "[REDACTED:"), "and says so");
	ok(bundle_redactions(b) >= 4, "redactions are counted");
	ok_int(record->files[0].redactions, 1, "also in the record");
	ok_str(record->files[3].path, "two", "which has the order of the archive");
	read_archive_done(&a);
}

/* Names and addresses in texts, paths and targets of links; what is no text is a note. */
static void
test_clean(void)
{
	static const struct prf_key key = { "test" };
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = NULL;
	_cleanup_free_ char *noise = make_noise(70000);
	struct bundle_options options = {
		.topdir = "top",
		.max_archive_bytes = UINT64_MAX,
		.spill_dir_fd = t.fd,
	};
	char long_path[LAYOUT_PATH_BYTES];
	char alias[32];
	char path[64];
	struct read_archive a;

	assert(clean_rules_new(&key, &rules) == 0);
	assert(clean_rules_add(rules, ALIAS_HOST, "edge1") == 1);
	assert(clean_text(rules, "edge1", alias, sizeof(alias)) == 0);
	options.clean = rules;
	assert(bundle_open(t.fd, "a.part", &options, &b, NULL) == 0);
	ok_int(bundle_add(b, "edge1/x", "edge1 127.0.0.1 password=a\n", 28, NULL), 0, "add");
	ok(bundle_contains(b, "edge1/x"), "it is there by its name");
	(void)snprintf(path, sizeof(path), "%s/x", alias);
	ok_str(bundle_last_path(b), path, "and has another");
	ok_int(bundle_add_symlink(b, "edge1-link", "edge1/x"), 0, "a link");
	ok_int(bundle_add_directory(b, "edge1-dir"), 0, "a directory");
	ok_int(bundle_add(b, "binary", noise, 70000, NULL), 0, "no text");
	ok_int(bundle_add(b, "list", "a\0b=c\0", 6, NULL), 0, "a list of the kernel");
	memset(long_path, 'x', sizeof(long_path));
	memcpy(long_path + sizeof(long_path) - 12, "/edge1/y", 9);
	ok_int(bundle_add(b, long_path, "x", 1, NULL), -EINVAL, "a path that becomes too long");
	ok_int(bundle_close(b, NULL), 0, "close");

	a = read_back(&t, "a.part");
	for (size_t i = 0; i < a.n_entries; i++) {
		const struct read_entry *e = &a.entries[i];

		ok(!strstr(e->path, "edge1") && !(strstr(e->link, "edge1")), "no name in %s",
		    e->path);
		if (text_has_suffix(e->path, "/x"))
			ok(strncmp(e->data, alias, strlen(alias)) == 0 &&
				strstr(e->data, "127.0.0.1 password=[REDACTED:password]"),
			    "a text");
		if (text_has_suffix(e->path, "/binary"))
			ok(strstr(e->data, "left out"), "a note");
		if (text_has_suffix(e->path, "/list"))
			ok_int(e->size, 6, "a list");
	}
	read_archive_done(&a);
}

static void
test_member_limit(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	_cleanup_free_ char *text = make_text(2 * MIB);
	struct bundle_member_options head = { .max_bytes = 100000 };
	struct bundle_member_options tail = { .max_bytes = 100000, .keep = BUNDLE_KEEP_TAIL };
	_cleanup_close_ int fd = -EBADF;
	struct bundle_member *m;
	struct read_archive a;
	const struct read_entry *e;
	size_t left;

	ok_int(bundle_add(b, "head", text, 2 * MIB, &head), 1, "the head is kept");
	ok_int(bundle_add(b, "tail", text, 2 * MIB, &tail), 1, "the tail is kept");
	ok_int(bundle_add(b, "fits", text, 100000, &tail), 0, "what fits is whole");
	fd = openat(t.fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert(fd >= 0 && write(fd, text, 2 * MIB) == 2 * MIB);
	assert(lseek(fd, 0, SEEK_SET) == 0);
	ok_int(bundle_add_fd(b, "fd-head", fd, &head), 1, "the head of a file");
	assert(lseek(fd, 0, SEEK_SET) == 0);
	ok_int(bundle_add_fd(b, "fd-tail", fd, &tail), 1, "the tail of a file");
	assert(bundle_member_begin(b, "stream", &head, &m) == 0);
	for (left = 2 * MIB; left > 0; left -= 1024)
		if (bundle_member_write(m, text, 1024) == -EFBIG)
			break;
	ok(left > MIB && bundle_member_end(m) == 1, "a writer learns that it is enough");
	assert(bundle_close(b, NULL) == 0);

	a = read_back(&t, "a.part");
	e = read_archive_find(&a, "top/head");
	ok(strstr(e->data, "\n[microshift-support: cut here, 1997152 bytes left out]\n"),
	    "a line at the end says so");
	ok(e->size > 100000 && e->size < 100100 && memcmp(e->data, text, 100000) == 0, "head");
	e = read_archive_find(&a, "top/tail");
	ok(text_has_prefix(e->data, "[microshift-support: 19"), "a line before the tail");
	ok(text_has_prefix(strchr(e->data, '\n') + 1, "line "), "then a whole line");
	ok(text_has_suffix(e->data, text + 2 * MIB - 90000), "tail");
	e = read_archive_find(&a, "top/fd-head");
	ok(memcmp(e->data, text, 100000) == 0 && strstr(e->data, "1997152 bytes left out"),
	    "head of the file");
	e = read_archive_find(&a, "top/fd-tail");
	ok(text_has_suffix(e->data, text + 2 * MIB - 90000) && e->size < 100200,
	    "tail of the file");
	read_archive_done(&a);
}

/* The tail of a log begins within a private key: its lines must not show, although the line
 * that makes them a key is cut off. */
static void
test_key_at_the_cut(void)
{
	static const char line[] =
	    "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ\n";
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	_cleanup_free_ char *text = make_text(MIB);
	_cleanup_close_ int fd = -EBADF;
	struct read_archive a;
	bool clean = true;
	char *p;

	p = stpcpy(text + MIB / 2, "\n-----BEGIN PRIVATE KEY-----\n");
	for (int i = 0; i < 50; i++)
		memcpy(p + (size_t)i * strlen(line), line, strlen(line));
	p += 50 * strlen(line);
	memcpy(p, "-----END PRIVATE KEY-----\n", 26);
	fd = openat(t.fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert(fd >= 0 && write(fd, text, MIB) == MIB);
	for (size_t from = MIB / 2 - 30; from < MIB / 2 + 4000; from += 177) {
		struct bundle_member_options tail = {
			.max_bytes = MIB - from,
			.keep = BUNDLE_KEEP_TAIL,
		};

		assert(lseek(fd, 0, SEEK_SET) == 0);
		assert(bundle_add_fd(b, "log", fd, &tail) == 1);
		assert(bundle_add(b, "log", text, MIB, &tail) >= 0);
	}
	assert(bundle_close(b, NULL) == 0);
	a = read_back(&t, "a.part");
	for (size_t i = 1; i < a.n_entries; i++)
		clean = clean && !memmem(a.entries[i].data, a.entries[i].size, line + 8, 16);
	ok(clean && a.n_entries > 40, "no part of a key in %zu tails", a.n_entries - 1);
	read_archive_done(&a);
}

static void
test_scope(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	_cleanup_(manifest_done) struct manifest m = { 0 };
	_cleanup_free_ char *text = make_text(MIB);
	struct bundle_member_options final = { .is_final = true };
	struct manifest_collector *record;

	assert(manifest_add_collector(&m, "c", NULL, &record) == 0);
	bundle_set_scope(b, record, 3 * MIB / 2, USEC_INFINITY);
	ok_int(bundle_add(b, "1", text, MIB, NULL), 0, "the first fits");
	ok_int(bundle_room(b), MIB / 2, "room is left");
	ok_int(bundle_add(b, "2", text, MIB, NULL), -EDQUOT, "the second is cut");
	ok_int(bundle_add(b, "3", text, MIB, NULL), -EDQUOT, "the third is refused");
	ok_str(bundle_last_path(b), "", "and not stored");
	ok_int(record->n_files, 3, "all are listed");
	ok(!record->files[0].truncated && record->files[1].truncated &&
		record->files[2].missing,
	    "as what they are");
	ok_int(bundle_add(b, "4", text, MIB, &final), 0, "the last members always go in");
	ok(!bundle_was_cut(b), "the archive has room");
	bundle_set_scope(b, NULL, 0, USEC_INFINITY);
	ok_int(bundle_add(b, "5", text, MIB, NULL), 0, "the next collector has its own room");
	ok_int(bundle_close(b, NULL), 0, "close");
}

static void
check_budget(enum compression compression, bool noise)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, compression, MIB);
	_cleanup_free_ char *data = noise ? make_noise(4 * MIB) : make_text(4 * MIB);
	struct bundle_member_options final = { .is_final = true };
	struct read_archive a;
	int n_stored = 0;
	int r = 0;

	for (int i = 0; i < 100 && r == 0; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "%d", i);
		r = bundle_add(b, path, data, 4 * MIB, NULL);
		n_stored += r == 0;
	}
	ok(noise ? n_stored == 0 : n_stored > 0, "%d whole members in 1 MiB of %s", n_stored,
	    compression_to_string(compression));
	ok_int(r, -EDQUOT, "then the archive is full");
	ok(bundle_was_cut(b), "and said so");
	for (int i = 0; i < 20; i++)
		r = bundle_add(b, "more", data, MIB, NULL);
	ok_int(r, -EDQUOT, "small things go in while there is room, not for ever");
	ok_int(bundle_add(b, "manifest.json", "{}", 2, &final), 0, "but for the manifest");
	ok_int(bundle_close(b, NULL), 0, "close");
	ok(bundle_archive_bytes(b) < MIB + 64 * 1024, "%llu bytes were written",
	    (unsigned long long)bundle_archive_bytes(b));
	a = read_back(&t, "a.part");
	ok_int(a.status, ARCHIVE_EOF, "it reads back");
	ok_str(a.entries[a.n_entries - 1].path, "top/manifest.json", "to the last member");
	read_archive_done(&a);
}

/* Alternates text, which lets the estimate of what fits grow, with noise, which belies it. */
static void
test_budget_surprise(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, 2 * MIB);
	_cleanup_free_ char *text = make_text(16 * MIB);
	_cleanup_free_ char *noise = make_noise(16 * MIB);
	struct read_archive a;

	ok_int(bundle_add(b, "text", text, 16 * MIB, NULL), 0, "text that packs well");
	ok_int(bundle_add(b, "noise", noise, 16 * MIB, NULL), -EDQUOT, "noise that does not");
	ok_int(bundle_close(b, NULL), 0, "close");
	ok(bundle_archive_bytes(b) < 2 * MIB + 256 * 1024, "%llu bytes were written",
	    (unsigned long long)bundle_archive_bytes(b));
	a = read_back(&t, "a.part");
	ok_int(a.status, ARCHIVE_EOF, "it reads back");
	read_archive_done(&a);
}

static void
test_deadline(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	uint64_t begin = clock_monotonic_usec();
	struct read_archive a;
	int fds[2];

	bundle_set_scope(b, NULL, 0, begin + 200 * USEC_PER_MSEC);
	assert(pipe2(fds, O_NONBLOCK) == 0 && write(fds[1], "begin", 5) == 5);
	ok_int(bundle_add_fd(b, "slow", fds[0], NULL), -ETIME, "a source that never ends");
	ok(clock_monotonic_usec() - begin < 3 * USEC_PER_SEC, "is left at the deadline");
	ok_int(bundle_add_fd(b, "late", fds[0], NULL), -ETIME, "so are later ones");
	bundle_set_scope(b, NULL, 0, USEC_INFINITY);
	(void)close(fds[0]);
	ok_int(bundle_add_fd(b, "bad", fds[0], NULL), -EBADF, "what cannot be read");
	ok_str(bundle_last_path(b), "", "is not stored");
	(void)close(fds[1]);
	assert(bundle_close(b, NULL) == 0);
	a = read_back(&t, "a.part");
	ok(text_has_prefix(read_archive_find(&a, "top/slow")->data,
	       "begin\n[microshift-support: reading ended here: "),
	    "what came until then is kept");
	read_archive_done(&a);
}

static void
test_flush(enum compression compression)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	struct bundle *b = open_bundle(&t, compression, UINT64_MAX);
	_cleanup_free_ char *text = make_text(9 * MIB);
	struct read_archive a;

	assert(bundle_add(b, "first", "1\n", 2, NULL) == 0);
	assert(bundle_flush(b, NULL) == 0);
	a = read_back(&t, "a.part");
	ok(a.n_entries == 2 && streq(a.entries[1].data, "1\n"), "%s: readable after a flush",
	    compression_to_string(compression));
	read_archive_done(&a);

	assert(bundle_add(b, "second", text, 9 * MIB, NULL) == 0);
	a = read_back(&t, "a.part");
	ok(a.n_entries == 3 && a.entries[2].size >= 7 * MIB, "and up to the last whole part");
	read_archive_done(&a);

	assert(bundle_add(b, "third", "3\n", 2, NULL) == 0);
	bundle_free(b);
	a = read_back(&t, "a.part");
	ok(a.n_entries >= 3 && a.status != ARCHIVE_EOF, "what was abandoned has no end");
	read_archive_done(&a);
}

static void
test_disk_full(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	_cleanup_free_ char *noise = make_noise(4 * MIB);
	struct rlimit old;
	struct rlimit small;
	struct fault f;

	assert(getrlimit(RLIMIT_FSIZE, &old) == 0);
	small = (struct rlimit){ MIB, old.rlim_max };
	(void)signal(SIGXFSZ, SIG_IGN);
	assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
	ok_int(bundle_add(b, "large", noise, 4 * MIB, NULL), -ENOSPC, "no room on the disk");
	assert(setrlimit(RLIMIT_FSIZE, &old) == 0);
	ok_int(bundle_add(b, "small", "x", 1, NULL), 0, "for the spill costs one member");
	ok_int(bundle_close(b, &f), 0, "not the archive");
	bundle_free(b);
}

static void
test_rewind(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	_cleanup_free_ char *text = make_text(5 * MIB);
	struct bundle_mark mark;
	struct read_archive a;

	assert(bundle_add(b, "a/first", "1", 1, NULL) == 0);
	assert(bundle_flush(b, &mark) == 0);
	for (int i = 0; i < 2000; i++)
		assert(bundle_add(b, "b/second", "2", 1, NULL) == 0 || i >= 1000);
	assert(bundle_add(b, "large", text, 5 * MIB, NULL) == 0);
	ok_int(bundle_rewind(b, &mark), 0, "rewind");
	ok_int(bundle_add(b, "b/second", "3", 1, NULL), 0, "go on from there");
	ok_str(bundle_last_path(b), "b/second", "the names are free again");
	assert(bundle_add(b, "a/first", "4", 1, NULL) == 0);
	ok_str(bundle_last_path(b), "a/first.1", "but for those before");
	assert(bundle_close(b, NULL) == 0);
	ok_int(bundle_raw_bytes(b), 3, "bytes are those of what is there");
	a = read_back(&t, "a.part");
	ok(a.status == ARCHIVE_EOF && a.n_entries == 6, "reads back");
	ok_str(read_archive_find(&a, "top/b/second")->data, "3", "with the later one");
	read_archive_done(&a);
}

/* The archive itself meets the end of the disk. */
static void
test_archive_full(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	_cleanup_free_ char *noise = make_noise(SPILL_MEMORY_BYTES);
	struct rlimit old;
	struct rlimit small;
	struct fault f;
	int r = 0;

	assert(getrlimit(RLIMIT_FSIZE, &old) == 0);
	small = (struct rlimit){ MIB, old.rlim_max };
	assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
	for (int i = 0; i < 100 && r == 0; i++)
		r = bundle_add(b, "x", noise, SPILL_MEMORY_BYTES - 1, NULL);
	assert(setrlimit(RLIMIT_FSIZE, &old) == 0);
	ok_int(r, -ENOSPC, "the archive meets the end of the disk");
	ok_int(bundle_add(b, "small", "x", 1, NULL), -ENOSPC, "which is final");
	ok_int(bundle_close(b, &f), -ENOSPC, "for the archive as a whole");
	ok(strstr(f.text, "No space"), "and said so");
}

/* What the writer redacted counts too, and goes through the filter all the same; a directory
 * may stay empty. */
static void
test_redacted_by_the_writer(void)
{
	static const char text[] = "password: x1y2z3w4v5\n";
	struct bundle_member_options options = { 0 };
	struct manifest m = { 0 };
	struct manifest_collector *record;
	_cleanup_(read_archive_done) struct read_archive a = { 0 };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_bundle_ struct bundle *b = open_bundle(&t, COMPRESSION_ZSTD, UINT64_MAX);
	struct bundle_member *member;
	struct fault f;

	assert(manifest_add_collector(&m, "c", NULL, &record) == 0);
	bundle_set_scope(b, record, 0, USEC_INFINITY);
	ok_int(bundle_add_directory(b, "tree/empty"), 0, "adds a directory");
	ok_int(bundle_add_directory(b, "tree/empty"), 0, "once");
	ok_int(bundle_add_directory(b, "../x"), -EINVAL, "not outside");
	ok_int(bundle_member_begin(b, "tree/a", &options, &member), 0, "begins");
	ok_int(bundle_member_write(member, text, strlen(text)), 0, "writes");
	bundle_member_count_redactions(member, 3);
	ok_int(bundle_member_end(member), 0, "ends");
	ok_int(
	    bundle_add(b, "tree/b", text, strlen(text), NULL), 0, "another goes the usual way");
	options.is_whole = true;
	options.max_bytes = 10;
	ok_int(bundle_add(b, "tree/c", text, strlen(text), &options), -EDQUOT, "whole or not");
	ok(!bundle_contains(b, "tree/c") && record->files[2].missing,
	    "it is listed as missing");
	ok_int(bundle_redactions(b), 5, "counts both");
	ok_int(record->files[0].redactions, 4, "also in the manifest");
	ok_int(bundle_close(b, &f), 0, "closes");
	a = read_back(&t, "a.part");
	ok(a.n_entries == 5 && streq(a.entries[2].path, "top/tree/empty/") &&
		a.entries[2].type == AE_IFDIR,
	    "the empty directory is there");
	ok(a.n_entries == 5 && !strstr(a.entries[3].data, "x1y2z3w4v5"), "without it");
	ok(a.n_entries == 5 && strstr(a.entries[4].data, "[REDACTED:password]"), "filtered");
	manifest_done(&m);
}

int
main(void)
{
	for (int c = 0; c < _COMPRESSION_COUNT; c++) {
		test_members((enum compression)c);
		test_flush((enum compression)c);
		check_budget((enum compression)c, true);
	}
	check_budget(COMPRESSION_ZSTD, false);
	test_budget_surprise();
	test_names();
	test_redaction();
	test_clean();
	test_member_limit();
	test_key_at_the_cut();
	test_scope();
	test_deadline();
	test_redacted_by_the_writer();
	test_disk_full();
	test_rewind();
	test_archive_full();
	return tap_done();
}
