/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "ctl/interrupt.h"
#include "ctl/tree.h"
#include "lib/clean/seeds.h"
#include "lib/fault.h"

#define BLOCK_BYTES (64u * 1024u)

DEFINE_CLEANUP(struct archive *, archive_read_free);

struct tree {
	struct archive *archive; /* owned */
	int fd;			 /* owned; -EBADF for a directory */
	uint64_t size_bytes;
	uint64_t left_out;
	size_t skip; /* of a directory: bytes of names before its own */
};

int
tree_support_formats(struct archive *a)
{
	if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(a) < ARCHIVE_WARN ||
	    archive_read_support_filter_xz(a) < ARCHIVE_WARN ||
	    archive_read_support_filter_zstd(a) < ARCHIVE_WARN ||
	    archive_read_support_filter_bzip2(a) < ARCHIVE_WARN)
		return -EOPNOTSUPP;
	return 0;
}

static int
open_directory(struct tree *t, const char *path, struct fault *reterr)
{
	const char *base;

	t->archive = archive_read_disk_new();
	if (!t->archive)
		return fault_set(reterr, -ENOMEM, "out of memory");
	/* The tree is taken by the name of its top, as an archive of it would have it. */
	base = strrchr(path, '/');
	t->skip = base ? (size_t)(base - path) + 1 : 0;
	if (archive_read_disk_set_symlink_physical(t->archive) != ARCHIVE_OK ||
	    archive_read_disk_set_behavior(t->archive,
		ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL |
		    ARCHIVE_READDISK_NO_FFLAGS) != ARCHIVE_OK ||
	    archive_read_disk_open(t->archive, path) != ARCHIVE_OK)
		return extract_fault(t->archive, reterr);
	return 0;
}

static int
open_archive(struct tree *t, struct fault *reterr)
{
	t->archive = archive_read_new();
	if (!t->archive)
		return fault_set(reterr, -ENOMEM, "out of memory");
	if (lseek(t->fd, 0, SEEK_SET) < 0)
		return fault_set(reterr, -errno, "cannot read it twice, as a pipe cannot");
	if (tree_support_formats(t->archive) < 0 ||
	    archive_read_open_fd(t->archive, t->fd, BLOCK_BYTES) != ARCHIVE_OK)
		return extract_fault(t->archive, reterr);
	return 0;
}

int
tree_open(int fd, const char *path, struct tree **ret, struct fault *reterr)
{
	_cleanup_(tree_closep) struct tree *t = calloc(1, sizeof(*t));
	struct stat st;
	int r;

	if (!t)
		return fault_set(reterr, -ENOMEM, "out of memory");
	t->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3)
			: open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (t->fd < 0 || fstat(t->fd, &st) < 0)
		return fault_set(reterr, -errno, "cannot open '%s': %m", path);
	if (S_ISDIR(st.st_mode)) {
		t->fd = close_fd(t->fd);
		r = open_directory(t, path, reterr);
	} else {
		t->size_bytes = (uint64_t)st.st_size;
		r = open_archive(t, reterr);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

void
tree_close(struct tree *t)
{
	if (!t)
		return;
	archive_read_freep(&t->archive);
	(void)close_fd(t->fd);
	free(t);
}

bool
tree_is_directory(const struct tree *t)
{
	return t->fd < 0;
}

/* The name of E, cleaned. Returns as extract_name(). */
static int
name_of(const struct tree *t, struct archive_entry *e, char path[EXTRACT_PATH_BYTES])
{
	const char *name;

	if (t->fd >= 0)
		return extract_name(e, "", path);
	name = archive_entry_pathname(e);
	if (!name || strlen(name) < t->skip)
		return -EINVAL;
	return extract_clean_name(name + t->skip, "", path);
}

int
tree_next(struct tree *t, struct archive_entry **ret, char path[EXTRACT_PATH_BYTES],
    struct fault *reterr)
{
	int r;

	while ((r = extract_next(t->archive, ret, reterr)) > 0) {
		if (t->fd < 0)
			(void)archive_read_disk_descend(t->archive);
		r = name_of(t, *ret, path);
		if (r > 0)
			return 1;
		t->left_out += r < 0;
	}
	return r;
}

/* The path without the component at the top. */
static const char *
below_top(const char *path)
{
	const char *slash = strchr(path, '/');

	return slash ? slash + 1 : path;
}

static int
learn_data(struct archive *a, const char *path, struct clean_rules *rules)
{
	_cleanup_free_ char *data = malloc(SEEDS_FILE_MAX_BYTES);
	la_ssize_t n;

	if (!data)
		return -ENOMEM;
	n = archive_read_data(a, data, SEEDS_FILE_MAX_BYTES);
	return n > 0 ? seeds_learn_file(rules, path, data, (size_t)n) : 0;
}

int
tree_learn(struct tree *t, struct clean_rules *rules, struct fault *reterr)
{
	char path[EXTRACT_PATH_BYTES];
	struct archive_entry *e;
	int r;

	while ((r = tree_next(t, &e, path, reterr)) > 0) {
		if (interrupt_is_pending())
			return fault_set(reterr, -EINTR, "interrupted");
		r = seeds_learn_path(rules, path);
		if (r >= 0)
			r = seeds_learn_path(rules, below_top(path));
		if (r >= 0 && archive_entry_filetype(e) == AE_IFREG &&
		    seeds_wants(below_top(path)))
			r = learn_data(t->archive, below_top(path), rules);
		if (r < 0)
			return fault_set(reterr, r, "out of memory");
	}
	return r;
}

struct archive *
tree_archive(struct tree *t)
{
	return t->archive;
}

int
tree_filter(const struct tree *t)
{
	return t->fd < 0 ? ARCHIVE_FILTER_NONE : archive_filter_code(t->archive, 0);
}

uint64_t
tree_left_out(const struct tree *t)
{
	return t->left_out;
}

uint64_t
tree_size_bytes(const struct tree *t)
{
	return t->size_bytes;
}

uint64_t
tree_done_bytes(const struct tree *t)
{
	return t->fd < 0 ? 0 : (uint64_t)archive_filter_bytes(t->archive, -1);
}
