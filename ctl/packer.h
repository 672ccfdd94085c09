/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Writing what was filtered: archives and compressed files like those that were read, into a
 * callback. */

#include <stdbool.h>
#include <stddef.h>

struct archive;
struct archive_entry;

/* Takes bytes. Returns 0 or a negative errno. */
typedef int (*sink_fn)(const void *data, size_t len, void *userdata);

struct sink {
	sink_fn fn;
	void *userdata; /* borrowed: passed to fn */
};

/* Starts an archive, IS_TAR, or a single compressed file, compressed by CODE
 * (ARCHIVE_FILTER_*), that writes to SINK (borrowed). Equal input gives equal output. The
 * caller owns *ret (archive_write_free()). Returns 0; -EBADMSG when CODE is none we write;
 * -ENOMEM. */
int packer_create(int code, bool is_tar, struct sink *sink, struct archive **ret);

/* A header for PATH, with nothing of E but what says nothing about people: kind and time. NULL
 * when out of memory; the caller owns it (archive_entry_free()). */
struct archive_entry *packer_header(struct archive_entry *e, const char *path);
