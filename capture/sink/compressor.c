/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <archive.h>
#include <archive_entry.h>

#include "capture/sink/compressor.h"

struct compressor {
	struct archive *archive; /* owned; NULL once it is finished */
	compressor_write_fn write;
	void *userdata; /* borrowed: the caller's, passed to write */
	bool discard;	/* abandoned: what libarchive still writes while it is freed */
	int error;	/* of write, sticky */
};

/* Levels. The whole capture aims at 48 MiB: zstd 3 takes about 6 MiB here, gzip 6 less than 1,
 * xz preset 2 takes 17; 3, which sos uses, would take 32 for a dictionary as large as a part.
 */
static const struct {
	int (*add)(struct archive *);
	const char *level;
} filters[_COMPRESSION_COUNT] = {
	[COMPRESSION_ZSTD] = { archive_write_add_filter_zstd, "3" },
	[COMPRESSION_XZ] = { archive_write_add_filter_xz, "2" },
	[COMPRESSION_GZIP] = { archive_write_add_filter_gzip, "6" },
};

DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);

static la_ssize_t
on_compressed(struct archive *a, void *userdata, const void *data, size_t size)
{
	struct compressor *c = userdata;

	if (c->discard)
		return (la_ssize_t)size;
	if (c->error == 0)
		c->error = c->write(data, size, c->userdata);
	if (c->error == 0)
		return (la_ssize_t)size;
	archive_set_error(a, -c->error, "write");
	return -1;
}

/* The error of the callback if there is one, else that of the library, whose own codes
 * (ARCHIVE_ERRNO_MISC) are -1. */
static int
error_of(const struct compressor *c)
{
	int code = archive_errno(c->archive);

	return c->error < 0 ? c->error : code > 0 ? -code : -EIO;
}

int
compressor_new(enum compression compression, compressor_write_fn fn, void *userdata,
    struct compressor **ret)
{
	_cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
	_cleanup_(compressor_freep) struct compressor *c = calloc(1, sizeof(*c));
	int r;

	if (!c || !entry)
		return -ENOMEM;
	c->write = fn;
	c->userdata = userdata;
	c->archive = archive_write_new();
	if (!c->archive)
		return -ENOMEM;
	/* "raw" is one nameless file without any framing. */
	r = archive_write_set_format_raw(c->archive);
	if (r == ARCHIVE_OK)
		r = filters[compression].add(c->archive);
	if (r == ARCHIVE_OK)
		r = archive_write_set_filter_option(
		    c->archive, NULL, "compression-level", filters[compression].level);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_per_block(c->archive, 0);
	if (r == ARCHIVE_OK)
		r = archive_write_open(c->archive, c, NULL, on_compressed, NULL);
	archive_entry_set_filetype(entry, AE_IFREG);
	if (r == ARCHIVE_OK)
		r = archive_write_header(c->archive, entry);
	if (r != ARCHIVE_OK)
		return error_of(c);
	*ret = TAKE_PTR(c);
	return 0;
}

int
compressor_write(struct compressor *c, const void *data, size_t size)
{
	return archive_write_data(c->archive, data, size) < 0 ? error_of(c) : 0;
}

int
compressor_finish(struct compressor *c)
{
	int r = archive_write_close(c->archive) < ARCHIVE_WARN ? error_of(c) : 0;

	(void)archive_write_free(c->archive);
	c->archive = NULL;
	return r;
}

void
compressor_free(struct compressor *c)
{
	if (!c)
		return;
	c->discard = true;
	if (c->archive)
		(void)archive_write_free(c->archive);
	free(c);
}
