/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "ctl/extract.h"
#include "ctl/interrupt.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/manifest.h"
#include "lib/text.h"

#define READ_BLOCK_BYTES (64u * 1024u)
#define DIRECTORY_MODE	 0700
#define FILE_MODE	 0600
#define MANIFEST_NAME	 "manifest.json"

DEFINE_CLEANUP(struct archive *, archive_read_free);
DEFINE_CLEANUP(struct archive *, archive_write_free);
DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);

/* The error numbers of libarchive are its own, see archive(3). */
int
extract_fault(struct archive *a, struct fault *reterr)
{
	const char *text = archive_error_string(a);

	if (archive_errno(a) == ENOMEM)
		return fault_set(reterr, -ENOMEM, "out of memory");
	return fault_set(
	    reterr, -EBADMSG, "the archive is damaged: %s", text ? text : "it cannot be read");
}

int
extract_open(int fd, struct archive **ret, struct fault *reterr)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();

	if (!a)
		return fault_set(reterr, -ENOMEM, "out of memory");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fault_set(reterr, -errno, "cannot read the archive: %m");
	/* The formats that a report can have, and no other parser than is needed. */
	if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(a) < ARCHIVE_WARN ||
	    archive_read_support_filter_xz(a) < ARCHIVE_WARN ||
	    archive_read_support_filter_zstd(a) < ARCHIVE_WARN)
		return extract_fault(a, reterr);
	if (archive_read_open_fd(a, fd, READ_BLOCK_BYTES) != ARCHIVE_OK)
		return extract_fault(a, reterr);
	*ret = TAKE_PTR(a);
	return 0;
}

int
extract_next(struct archive *a, struct archive_entry **ret, struct fault *reterr)
{
	int r;

	do
		r = archive_read_next_header(a, ret);
	while (r == ARCHIVE_RETRY);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_WARN)
		return extract_fault(a, reterr);
	return 1;
}

/* The pax header has UTF-8, which does not convert in the C locale; NULL when there is no name.
 */
static const char *
entry_name(struct archive_entry *e)
{
	const char *name = archive_entry_pathname_utf8(e);

	return name ? name : archive_entry_pathname(e);
}

/* No empty components and ".", no leading component TOP. */
int
extract_clean_name(const char *name, const char *top, char path[EXTRACT_PATH_BYTES])
{
	size_t used = 0;
	bool is_first = true;

	if (!name || name[0] == '/')
		return -EINVAL;
	while (*name) {
		size_t n = strcspn(name, "/");
		bool is_dropped = n == 0 || (n == 1 && name[0] == '.');

		if (n == 2 && name[0] == '.' && name[1] == '.')
			return -EINVAL;
		if (n > NAME_MAX)
			return -EINVAL;
		if (!is_dropped && is_first) {
			is_first = false;
			is_dropped = strlen(top) == n && strncmp(name, top, n) == 0;
		}
		if (!is_dropped) {
			if (used + n + 2 > EXTRACT_PATH_BYTES)
				return -EINVAL;
			if (used > 0)
				path[used++] = '/';
			memcpy(path + used, name, n);
			used += n;
		}
		name += n;
		name += strspn(name, "/");
	}
	path[used] = '\0';
	return used > 0;
}

int
extract_name(struct archive_entry *e, const char *top, char path[EXTRACT_PATH_BYTES])
{
	return extract_clean_name(entry_name(e), top, path);
}

/* Where unpacking stands. */
struct extraction {
	struct archive *archive; /* borrowed from the caller of run() */
	int top_fd;		 /* borrowed */
	const struct extract_options *options;
	time_t directory_time; /* of the newest directory; 0 = none has a time */
	struct extract_stats stats;
	uint64_t entries;
	struct fault *reterr;
};

/* Opens the directory that PATH is in, making what is missing; *ret_base is the last component.
 * Links are not followed: one in the way makes the entry unsafe, -ELOOP or -ENOTDIR. */
static int
open_parent(int top_fd, char *path, int *ret_fd, const char **ret_base)
{
	_cleanup_close_ int fd = fcntl(top_fd, F_DUPFD_CLOEXEC, 3);
	char *slash;

	if (fd < 0)
		return -errno;
	while ((slash = strchr(path, '/'))) {
		int next;

		*slash = '\0';
		if (mkdirat(fd, path, DIRECTORY_MODE) < 0 && errno != EEXIST)
			return -errno;
		next = openat(fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		(void)close_fd(fd);
		fd = next;
		path = slash + 1;
	}
	*ret_fd = TAKE_FD(fd);
	*ret_base = path;
	return 0;
}

/* Writes the data of the current entry to FD; holes stay holes. */
static int
copy_data(struct extraction *x, int fd)
{
	for (;;) {
		const void *block;
		size_t size;
		la_int64_t offset;
		int r = archive_read_data_block(x->archive, &block, &size, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r == ARCHIVE_RETRY)
			continue;
		if (r < ARCHIVE_WARN)
			return extract_fault(x->archive, x->reterr);
		x->stats.bytes += size;
		if (x->stats.bytes > EXTRACT_MAX_BYTES || offset < 0 ||
		    (uint64_t)offset > EXTRACT_MAX_BYTES)
			return fault_set(
			    x->reterr, -EFBIG, "the archive unpacks to more than 8 GiB");
		while (size > 0) {
			ssize_t n = pwrite(fd, block, size, offset);

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return fault_set(x->reterr, -errno, "cannot write: %m");
			block = (const char *)block + n;
			size -= (size_t)n;
			offset += n;
		}
	}
}

static int
extract_file(struct extraction *x, struct archive_entry *e, int dir_fd, const char *base)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
	_cleanup_close_ int fd = -EBADF;
	la_int64_t size = archive_entry_size_is_set(e) ? archive_entry_size(e) : 0;
	int r;

	if (size < 0 || (uint64_t)size > EXTRACT_MAX_BYTES)
		return fault_set(
		    x->reterr, -EFBIG, "the archive has a file of more than 8 GiB");
	fd = openat(
	    dir_fd, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -errno;
	r = copy_data(x, fd);
	if (r < 0)
		return r;
	/* A hole at the end has no block. */
	if (ftruncate(fd, size) < 0)
		return fault_set(x->reterr, -errno, "cannot write: %m");
	if (archive_entry_mtime_is_set(e)) {
		times[1].tv_sec = archive_entry_mtime(e);
		times[1].tv_nsec = archive_entry_mtime_nsec(e);
		(void)futimens(fd, times);
	}
	x->stats.files++;
	return 0;
}

/* ".." may stand only at the beginning, where the directories are real ones, and not too often.
 */
bool
extract_link_is_safe(const char *path, const char *target)
{
	size_t depth = 0;

	if (is_empty(target) || target[0] == '/')
		return false;
	for (; *path; path++)
		depth += *path == '/';
	while (text_has_prefix(target, "../") || streq(target, "..")) {
		if (depth-- == 0)
			return false;
		target += 2;
		target += strspn(target, "/");
	}
	for (; *target; target += strspn(target, "/")) {
		size_t n = strcspn(target, "/");

		if (n == 2 && target[0] == '.' && target[1] == '.')
			return false;
		target += n;
	}
	return true;
}

static int
extract_link(struct archive_entry *e, const char *path, int dir_fd, const char *base)
{
	const char *target = archive_entry_symlink_utf8(e);

	if (!target)
		target = archive_entry_symlink(e);
	if (!target || !extract_link_is_safe(path, target))
		return -EINVAL;
	return symlinkat(target, dir_fd, base) < 0 ? -errno : 0;
}

/* True for what an entry may do wrong without being worth ending for. */
static bool
is_entry_error(int r)
{
	return r == -EINVAL || r == -EEXIST || r == -ELOOP || r == -ENOTDIR || r == -EISDIR ||
	    r == -ENAMETOOLONG || r == -EILSEQ;
}

/* Creates what E says. Errors of the entry alone are counted, others returned. */
static int
extract_entry(struct extraction *x, struct archive_entry *e)
{
	_cleanup_close_ int dir_fd = -EBADF;
	char path[EXTRACT_PATH_BYTES];
	char whole[EXTRACT_PATH_BYTES];
	const char *base = NULL;
	int r;

	r = extract_name(e, x->options->top, path);
	if (archive_entry_filetype(e) == AE_IFDIR && archive_entry_mtime_is_set(e) &&
	    archive_entry_mtime(e) > x->directory_time)
		x->directory_time = archive_entry_mtime(e);
	if (r == 0 && archive_entry_filetype(e) == AE_IFDIR)
		return 0;
	if (r <= 0 || archive_entry_hardlink(e)) {
		x->stats.left_out++;
		return 0;
	}
	base = x->options->map ? x->options->map(path) : path;
	if (is_empty(base) || (x->options->map && archive_entry_filetype(e) == AE_IFLNK))
		return 0;
	text_copy(whole, sizeof(whole), base);
	text_copy(path, sizeof(path), whole);
	r = open_parent(x->top_fd, path, &dir_fd, &base);
	if (r >= 0 && archive_entry_filetype(e) == AE_IFREG)
		r = extract_file(x, e, dir_fd, base);
	else if (r >= 0 && archive_entry_filetype(e) == AE_IFDIR)
		r = mkdirat(dir_fd, base, DIRECTORY_MODE) < 0 && errno != EEXIST ? -errno : 0;
	else if (r >= 0 && archive_entry_filetype(e) == AE_IFLNK)
		r = extract_link(e, whole, dir_fd, base);
	else if (r >= 0)
		r = -EINVAL;
	if (is_entry_error(r)) {
		x->stats.left_out++;
		return 0;
	}
	if (r < 0 && x->reterr && x->reterr->code == 0)
		return fault_set(x->reterr, r, "cannot create '%s': %m", whole);
	return r;
}

static int
extract_all(struct extraction *x)
{
	for (;;) {
		struct archive_entry *e;
		int r;

		if (interrupt_is_pending())
			return fault_set(x->reterr, -EINTR, "interrupted");
		r = extract_next(x->archive, &e, x->reterr);
		if (r <= 0)
			return r;
		if (++x->entries > EXTRACT_MAX_ENTRIES)
			return fault_set(x->reterr, -EFBIG,
			    "the archive has more than %u entries", EXTRACT_MAX_ENTRIES);
		r = extract_entry(x, e);
		if (r < 0)
			return r;
	}
}

/* Gives the directories below FD their time; what is written into one would change it again, so
 * this comes last. All of a report have the same: when it was taken. */
static void
set_directory_times(const struct extraction *x, int fd)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = x->directory_time } };
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;

	if (io_opendir(fd, ".", &dir) < 0)
		return;
	while ((entry = readdir(dir))) {
		_cleanup_close_ int child = -EBADF;

		if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
			continue;
		child =
		    openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			set_directory_times(x, child);
	}
	(void)futimens(fd, times);
}

/* Gives the directory its name. What was read of a damaged archive is kept: it is evidence. */
static int
publish(const struct extraction *x, int dir_fd, const char *temporary, int r)
{
	if (r < 0 && (r != -EBADMSG || x->stats.files == 0)) {
		(void)io_remove_tree(dir_fd, temporary);
		return r;
	}
	if (x->directory_time > 0)
		set_directory_times(x, x->top_fd);
	if (renameat2(dir_fd, temporary, dir_fd, x->options->name, RENAME_NOREPLACE) < 0) {
		int rename_error = -errno;

		(void)io_remove_tree(dir_fd, temporary);
		return fault_set(
		    x->reterr, rename_error, "cannot create '%s': %m", x->options->name);
	}
	return r;
}

int
extract_archive(int fd, int dir_fd, const struct extract_options *options,
    struct extract_stats *ret_stats, struct fault *reterr)
{
	const char *name = options->name;
	_cleanup_(archive_read_freep) struct archive *a = NULL;
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int top_fd = -EBADF;
	struct fault fault = { 0 };
	struct extraction x = { .options = options, .reterr = reterr ? reterr : &fault };
	int r;

	assert(!strchr(name, '/'));
	*ret_stats = (struct extract_stats){ 0 };
	if (faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
		return fault_set(reterr, -EEXIST, "'%s' exists already", name);
	r = extract_open(fd, &a, reterr);
	if (r < 0)
		return r;
	temporary = text_format(".#%s.%d", name, (int)getpid());
	if (!temporary)
		return fault_set(reterr, -ENOMEM, "out of memory");
	if (mkdirat(dir_fd, temporary, DIRECTORY_MODE) < 0)
		return fault_set(reterr, -errno, "cannot create '%s': %m", temporary);
	top_fd = openat(dir_fd, temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top_fd < 0)
		return fault_set(reterr, -errno, "cannot open '%s': %m", temporary);
	x.archive = a;
	x.top_fd = top_fd;
	x.reterr->code = 0;
	r = extract_all(&x);
	if (r >= 0 && options->map && x.stats.files == 0)
		r = fault_set(x.reterr, -ENOENT, "it has nothing of what is wanted");
	*ret_stats = x.stats;
	return publish(&x, dir_fd, temporary, r);
}

/* Reads the data of the current entry whole. */
static int
read_member(struct archive *a, size_t max_bytes, char **ret_text, size_t *ret_size,
    struct fault *reterr)
{
	_cleanup_free_ char *text = NULL;
	size_t capacity = 0;
	size_t used = 0;

	for (;;) {
		la_ssize_t n;

		if (capacity - used < READ_BLOCK_BYTES + 1) {
			char *p = realloc(text, capacity + 4 * READ_BLOCK_BYTES);

			if (!p)
				return fault_set(reterr, -ENOMEM, "out of memory");
			text = p;
			capacity += 4 * READ_BLOCK_BYTES;
		}
		n = archive_read_data(a, text + used, READ_BLOCK_BYTES);
		if (n == 0)
			break;
		if (n < 0)
			return extract_fault(a, reterr);
		used += (size_t)n;
		if (used > max_bytes)
			return fault_set(reterr, -EFBIG, "its manifest is too large");
	}
	text[used] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_size = used;
	return 0;
}

int
extract_manifest(int fd, char **ret_text, size_t *ret_size, struct fault *reterr)
{
	_cleanup_(archive_read_freep) struct archive *a = NULL;
	int r;

	r = extract_open(fd, &a, reterr);
	if (r < 0)
		return r;
	for (;;) {
		struct archive_entry *e;
		const char *name;

		r = extract_next(a, &e, reterr);
		if (r < 0)
			return r;
		if (r == 0)
			return fault_set(reterr, -ENOENT, "it has no " MANIFEST_NAME);
		/* In the top directory, whose name we need not know. */
		name = entry_name(e);
		name = name ? strchr(name, '/') : NULL;
		if (name && streq(name, "/" MANIFEST_NAME) &&
		    archive_entry_filetype(e) == AE_IFREG)
			return read_member(a, MANIFEST_MAX_BYTES, ret_text, ret_size, reterr);
	}
}

/* libarchive computes digests for mtree(5), which is the only way to ask it for one. */
static int
feed_mtree(struct archive *a, int fd, uint64_t size)
{
	_cleanup_(archive_entry_freep) struct archive_entry *e = archive_entry_new();
	_cleanup_free_ char *block = malloc(READ_BLOCK_BYTES);

	if (!e || !block)
		return -ENOMEM;
	archive_entry_set_pathname(e, "x");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (la_int64_t)size);
	if (archive_write_header(a, e) != ARCHIVE_OK)
		return -EIO;
	while (size > 0) {
		ssize_t n = read(fd, block, READ_BLOCK_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0 || (uint64_t)n > size)
			return -EIO;
		if (archive_write_data(a, block, (size_t)n) != n)
			return -EIO;
		size -= (uint64_t)n;
	}
	return archive_write_close(a) == ARCHIVE_OK ? 0 : -EIO;
}

int
extract_sha256(int fd, char sha256[SHA256_BYTES])
{
	static const char keyword[] = "sha256digest=";
	_cleanup_(archive_write_freep) struct archive *a = archive_write_new();
	char text[1024] = "";
	size_t used = 0;
	const char *digest;
	struct stat st;
	int r;

	if (!a)
		return -ENOMEM;
	if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	/* Without padding to a block, the text ends where it ends. */
	if (archive_write_set_format_mtree(a) != ARCHIVE_OK ||
	    archive_write_set_options(a, "!all,sha256") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK ||
	    archive_write_open_memory(a, text, sizeof(text) - 1, &used) != ARCHIVE_OK)
		return -EOPNOTSUPP;
	r = feed_mtree(a, fd, (uint64_t)st.st_size);
	if (r < 0)
		return r;
	text[used] = '\0';
	digest = strstr(text, keyword);
	if (!digest || strspn(digest + strlen(keyword), "0123456789abcdef") != SHA256_BYTES - 1)
		return -EOPNOTSUPP;
	text_copy(sha256, SHA256_BYTES, digest + strlen(keyword));
	return 0;
}
