/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>

#include <archive.h>
#include <archive_entry.h>

#include "ctl/packer.h"
#include "lib/cleanup.h"

#define FILE_MODE      0640
#define DIRECTORY_MODE 0750
#define LINK_MODE      0777

DEFINE_CLEANUP(struct archive *, archive_write_free);

static la_ssize_t
on_write(struct archive *a, void *userdata, const void *data, size_t len)
{
	const struct sink *sink = userdata;
	int r = sink->fn(data, len, sink->userdata);

	if (r >= 0)
		return (la_ssize_t)len;
	archive_set_error(a, -r, "cannot be written");
	return -1;
}

static int
add_filter(struct archive *out, int code)
{
	switch (code) {
	case ARCHIVE_FILTER_NONE:
		return ARCHIVE_OK;
	case ARCHIVE_FILTER_GZIP:
		/* Without the time of now, so that equal input gives equal output. */
		if (archive_write_add_filter_gzip(out) < ARCHIVE_WARN)
			return ARCHIVE_FATAL;
		return archive_write_set_filter_option(out, "gzip", "timestamp", NULL);
	case ARCHIVE_FILTER_XZ:
		return archive_write_add_filter_xz(out);
	case ARCHIVE_FILTER_ZSTD:
		return archive_write_add_filter_zstd(out);
	case ARCHIVE_FILTER_BZIP2:
		return archive_write_add_filter_bzip2(out);
	default:
		return ARCHIVE_FATAL;
	}
}

int
packer_create(int code, bool is_tar, struct sink *sink, struct archive **ret)
{
	_cleanup_(archive_write_freep) struct archive *out = archive_write_new();

	if (!out)
		return -ENOMEM;
	if ((is_tar ? archive_write_set_format_pax_restricted(out)
		    : archive_write_set_format_raw(out)) != ARCHIVE_OK ||
	    add_filter(out, code) < ARCHIVE_WARN ||
	    archive_write_set_bytes_in_last_block(out, 1) != ARCHIVE_OK ||
	    archive_write_open(out, sink, NULL, on_write, NULL) != ARCHIVE_OK)
		return -EBADMSG;
	*ret = TAKE_PTR(out);
	return 0;
}

static mode_t
mode_of(mode_t type)
{
	return type == AE_IFDIR ? DIRECTORY_MODE : type == AE_IFLNK ? LINK_MODE : FILE_MODE;
}

struct archive_entry *
packer_header(struct archive_entry *e, const char *path)
{
	struct archive_entry *h = archive_entry_new();

	if (!h)
		return NULL;
	archive_entry_copy_pathname(h, path);
	archive_entry_set_filetype(h, archive_entry_filetype(e));
	archive_entry_set_perm(h, mode_of(archive_entry_filetype(e)));
	if (archive_entry_mtime_is_set(e))
		archive_entry_set_mtime(h, archive_entry_mtime(e), 0);
	return h;
}
