/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A compressed pax archive written as a stream, readable up to its last flush at any time.
 *
 * The compressed file is a row of parts, each a complete zstd frame (xz stream, gzip member) of
 * its own. The formats allow that, and their tools and libarchive read the row as one. A
 * compressor that runs from start to end would hold back up to several MiB until its end, all
 * of which a kill would cost; libarchive 3.5 and 3.6 cannot flush one. What parts cost, with
 * zstd -3 on 13 MiB of a real journal that packs 20:1: 11 % at 1 MiB, 6 % at 2, 3 % at 4;
 * nothing where text packs 4:1.
 *
 * This, compressor.c and untar.c, which reads it back, are the files that know libarchive. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/settings.h"

/* A part is ended when it has taken this much; a kill costs no more. */
#define TARBALL_PART_BYTES (4u * 1024u * 1024u)

struct tarball;

struct tarball_entry {
	const char *path;
	const char *link_target; /* a symbolic link when not NULL */
	bool is_directory;
	unsigned mode; /* permission bits */
	uint64_t mtime_usec;
	uint64_t size_bytes;
};

/* Creates NAME in DIR_FD, which must not exist, with mode 0640. The caller owns *ret. */
int tarball_open(
    int dir_fd, const char *name, enum compression compression, struct tarball **ret);

/* Starts an entry; a file's data follows with tarball_data(), exactly size_bytes of it. All
 * errors are final: later calls repeat them. */
int tarball_entry(struct tarball *t, const struct tarball_entry *entry);
int tarball_data(struct tarball *t, const void *data, size_t size);

/* Ends the current entry and part: what was added is in the file now. */
int tarball_flush(struct tarball *t);

/* Cuts the file back to FILE_BYTES, which was its length after a tarball_flush(), and goes on
 * from there: also after an error, for which it is the one way out. */
int tarball_rewind(struct tarball *t, uint64_t file_bytes);

/* Ends the archive and fsyncs it. */
int tarball_close(struct tarball *t);

void tarball_free(struct tarball *t);
DEFINE_CLEANUP(struct tarball *, tarball_free);
#define _cleanup_tarball_ _cleanup_(tarball_freep)

/* How small this archive's compressor makes DATA; nothing is written. */
int tarball_sample(
    const struct tarball *t, const void *data, size_t size, uint64_t *ret_compressed_bytes);

/* Bytes in the file; bytes before compression, and how many of those are in the open part, so
 * not all in the file yet. */
uint64_t tarball_file_bytes(const struct tarball *t);
uint64_t tarball_raw_bytes(const struct tarball *t);
uint64_t tarball_part_bytes(const struct tarball *t);
