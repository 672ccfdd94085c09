/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "capture/sink/compressor.h"
#include "capture/sink/tarball.h"
#include "lib/clock.h"
#include "lib/io.h"

struct tarball {
	int fd;			 /* owned */
	struct archive *tar;	 /* owned; writes through on_tar() */
	struct compressor *part; /* owned; NULL between parts; writes through on_part() */
	enum compression compression;
	uint64_t file_bytes;
	uint64_t raw_bytes;
	uint64_t part_bytes;
	bool discard; /* abandoned: what libarchive still writes while it is freed */
	int error;    /* negative errno, sticky */
};

DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);

/* Translates libarchive's state into ours. ARCHIVE_WARN is no error: it is said for a name that
 * is not UTF-8, which is then stored as it is. */
static int
check(struct tarball *t, int r)
{
	int code;

	if (r >= ARCHIVE_WARN)
		return 0;
	if (t->error < 0)
		return t->error;
	code = archive_errno(t->tar);
	/* Its own codes (ARCHIVE_ERRNO_MISC) are -1. */
	t->error = code > 0 ? -code : -EIO;
	return t->error;
}

static int
on_part(const void *data, size_t size, void *userdata)
{
	struct tarball *t = userdata;
	int r;

	r = io_write_all(t->fd, data, size);
	/* RLIMIT_FSIZE, or the largest file of the file system: no room, in our words. */
	if (r == -EFBIG)
		r = -ENOSPC;
	if (r >= 0)
		t->file_bytes += size;
	return r;
}

/* Keeps the first error. */
static int
keep_error(struct tarball *t, int r)
{
	if (r < 0 && t->error == 0)
		t->error = r;
	return t->error;
}

static int
part_close(struct tarball *t)
{
	int r;

	if (!t->part)
		return 0;
	r = keep_error(t, compressor_finish(t->part));
	compressor_free(t->part);
	t->part = NULL;
	t->part_bytes = 0;
	return r;
}

static int
part_write(struct tarball *t, const void *data, size_t size)
{
	int r = t->error;

	if (t->discard)
		return 0;
	if (r == 0 && !t->part)
		r = keep_error(t, compressor_new(t->compression, on_part, t, &t->part));
	if (r == 0)
		r = keep_error(t, compressor_write(t->part, data, size));
	if (r < 0)
		return r;
	t->part_bytes += size;
	t->raw_bytes += size;
	return t->part_bytes >= TARBALL_PART_BYTES ? part_close(t) : 0;
}

static la_ssize_t
on_tar(struct archive *a, void *userdata, const void *data, size_t size)
{
	int r = part_write(userdata, data, size);

	if (r < 0) {
		archive_set_error(a, -r, "compress");
		return -1;
	}
	return (la_ssize_t)size;
}

static int
open_tar(struct tarball *t)
{
	int r;

	t->tar = archive_write_new();
	if (!t->tar)
		return -ENOMEM;
	/* Plain ustar where that can say it: extended headers cost 1 KiB an entry. */
	r = archive_write_set_format_pax_restricted(t->tar);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_per_block(t->tar, 0);
	if (r == ARCHIVE_OK)
		r = archive_write_open(t->tar, t, NULL, on_tar, NULL);
	return r == ARCHIVE_OK ? 0 : check(t, ARCHIVE_FATAL);
}

/* Freeing writes the ends of part and archive, which must not get into the file. */
static void
discard_writers(struct tarball *t)
{
	t->discard = true;
	if (t->tar)
		(void)archive_write_free(t->tar);
	compressor_free(t->part);
	t->tar = NULL;
	t->part = NULL;
	t->discard = false;
}

int
tarball_open(int dir_fd, const char *name, enum compression compression, struct tarball **ret)
{
	_cleanup_tarball_ struct tarball *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->compression = compression;
	t->fd =
	    openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (t->fd < 0)
		return -errno;
	/* Also when the umask of whoever started us says otherwise. */
	if (fchmod(t->fd, 0640) < 0)
		return -errno;
	r = open_tar(t);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

void
tarball_free(struct tarball *t)
{
	if (!t)
		return;
	discard_writers(t);
	(void)close_fd(t->fd);
	free(t);
}

int
tarball_entry(struct tarball *t, const struct tarball_entry *e)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();

	if (t->error < 0)
		return t->error;
	if (!entry)
		return -ENOMEM;
	archive_entry_copy_pathname(entry, e->path);
	archive_entry_set_mode(entry,
	    (e->link_target	      ? AE_IFLNK
		    : e->is_directory ? AE_IFDIR
				      : AE_IFREG) |
		e->mode);
	if (e->link_target)
		archive_entry_copy_symlink(entry, e->link_target);
	else
		archive_entry_set_size(entry, (la_int64_t)e->size_bytes);
	/* Whole seconds: a fraction needs an extended header. */
	archive_entry_set_mtime(entry, (time_t)(e->mtime_usec / USEC_PER_SEC), 0);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_copy_uname(entry, "root");
	archive_entry_copy_gname(entry, "root");
	return check(t, archive_write_header(t->tar, entry));
}

int
tarball_data(struct tarball *t, const void *data, size_t size)
{
	la_ssize_t n;

	if (t->error < 0)
		return t->error;
	n = archive_write_data(t->tar, data, size);
	if (n < 0)
		return check(t, ARCHIVE_FATAL);
	/* Less means more than the entry was declared with. */
	assert((size_t)n == size);
	return 0;
}

int
tarball_flush(struct tarball *t)
{
	int r;

	if (t->error < 0)
		return t->error;
	r = check(t, archive_write_finish_entry(t->tar));
	return r < 0 ? r : part_close(t);
}

int
tarball_rewind(struct tarball *t, uint64_t file_bytes)
{
	assert(file_bytes <= t->file_bytes);
	discard_writers(t);
	if (ftruncate(t->fd, (off_t)file_bytes) < 0 ||
	    lseek(t->fd, (off_t)file_bytes, SEEK_SET) < 0)
		return t->error = -errno;
	t->file_bytes = file_bytes;
	t->part_bytes = 0;
	t->error = 0;
	return open_tar(t);
}

int
tarball_close(struct tarball *t)
{
	int r;

	if (t->error < 0)
		return t->error;
	r = check(t, archive_write_close(t->tar));
	if (r >= 0)
		r = part_close(t);
	if (r >= 0 && fsync(t->fd) < 0)
		r = t->error = -errno;
	return r;
}

static int
on_sample(const void *data, size_t size, void *userdata)
{
	uint64_t *bytes = userdata;

	(void)data;
	*bytes += size;
	return 0;
}

int
tarball_sample(
    const struct tarball *t, const void *data, size_t size, uint64_t *ret_compressed_bytes)
{
	_cleanup_(compressor_freep) struct compressor *c = NULL;
	uint64_t bytes = 0;
	int r;

	r = compressor_new(t->compression, on_sample, &bytes, &c);
	if (r >= 0)
		r = compressor_write(c, data, size);
	if (r >= 0)
		r = compressor_finish(c);
	if (r >= 0)
		*ret_compressed_bytes = bytes;
	return r;
}

uint64_t
tarball_file_bytes(const struct tarball *t)
{
	return t->file_bytes;
}

uint64_t
tarball_raw_bytes(const struct tarball *t)
{
	return t->raw_bytes;
}

uint64_t
tarball_part_bytes(const struct tarball *t)
{
	return t->part_bytes;
}
