/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "capture/sink/untar.h"
#include "lib/clock.h"

#define READ_STEP_BYTES (64u * 1024u)

struct untar {
	struct archive *archive; /* owned */
	int fd;			 /* owned; outlives the archive */
};

int
untar_open(int dir_fd, const char *name, struct untar **ret)
{
	_cleanup_(untar_freep) struct untar *u = calloc(1, sizeof(*u));
	struct stat st;

	if (!u)
		return -ENOMEM;
	/* O_NONBLOCK: opening a FIFO would wait for a writer. */
	u->fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (u->fd < 0)
		return -errno;
	if (fstat(u->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	u->archive = archive_read_new();
	if (!u->archive)
		return -ENOMEM;
	/* Only what we write. */
	if (archive_read_support_filter_zstd(u->archive) < ARCHIVE_WARN ||
	    archive_read_support_filter_xz(u->archive) < ARCHIVE_WARN ||
	    archive_read_support_filter_gzip(u->archive) < ARCHIVE_WARN ||
	    archive_read_support_format_tar(u->archive) < ARCHIVE_WARN ||
	    archive_read_open_fd(u->archive, u->fd, READ_STEP_BYTES) != ARCHIVE_OK)
		return -EBADMSG;
	*ret = TAKE_PTR(u);
	return 0;
}

void
untar_free(struct untar *u)
{
	if (!u)
		return;
	if (u->archive)
		(void)archive_read_free(u->archive);
	(void)close_fd(u->fd);
	free(u);
}

static enum untar_type
type_of(struct archive_entry *e)
{
	if (archive_entry_hardlink(e))
		return UNTAR_OTHER;
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return UNTAR_FILE;
	case AE_IFDIR:
		return UNTAR_DIRECTORY;
	case AE_IFLNK:
		return archive_entry_symlink(e) ? UNTAR_SYMLINK : UNTAR_OTHER;
	default:
		return UNTAR_OTHER;
	}
}

int
untar_next(struct untar *u, struct untar_entry *ret)
{
	struct archive_entry *e;
	int r = archive_read_next_header(u->archive, &e);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return -EBADMSG;
	*ret = (struct untar_entry){
		.type = type_of(e),
		.path = archive_entry_pathname(e),
		.link_target = archive_entry_symlink(e),
	};
	/* A name that cannot be converted. */
	if (!ret->path)
		ret->path = "";
	if (archive_entry_size(e) > 0)
		ret->size_bytes = (uint64_t)archive_entry_size(e);
	if (archive_entry_mtime(e) > 0)
		ret->mtime_usec = (uint64_t)archive_entry_mtime(e) * USEC_PER_SEC;
	return 1;
}

ssize_t
untar_read(struct untar *u, void *buf, size_t size)
{
	la_ssize_t n = archive_read_data(u->archive, buf, size);

	return n < 0 ? -EBADMSG : (ssize_t)n;
}
