/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A member of the bundle with records of the journal, in the Journal Export Format
 * (https://systemd.io/JOURNAL_EXPORT_FORMATS) and compressed with zstd: `zstd -dc FILE |
 * systemd-journal-remote -o x.journal -` makes a journal file of it.
 *
 * The format states the length of values that are not plain text, so the filter cannot run over
 * the finished file: each value passes it before its length is written. The messages are one
 * text for the filter, so that a key which was logged line by line is seen. What would be
 * memory or environment of a process is left out (COREDUMP=, COREDUMP_ENVIRON=). */

#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"

struct bundle;

/* A longer value is cut, with a mark at its end. Lines of services have at most 48 KiB
 * (LineMax=), what is longer comes from programs that speak journald's own protocol. */
#define EXPORTFILE_VALUE_MAX_BYTES (1024u * 1024u)

struct exportfile;

/* Starts the member PATH of B. The caller ends it with exportfile_end(). Returns as
 * bundle_member_begin(). */
int exportfile_begin(struct bundle *b, const char *path, struct exportfile **ret);

/* Starts a record. What is before it is ended. BOOT_ID has 32 digits. There is no __CURSOR=,
 * which the format allows: readers make their own, and it would be half of the compressed size.
 */
int exportfile_entry(
    struct exportfile *x, uint64_t realtime_usec, uint64_t monotonic_usec, const char *boot_id);

/* Adds "NAME=value" to the record, any bytes. A name that journald does not allow is left out,
 * and _BOOT_ID, which is there already. */
int exportfile_field(struct exportfile *x, const void *field, size_t size);

/* Frees X and stores the member, whole or not at all. Returns as bundle_add(); errors of the
 * calls before, too. */
int exportfile_end(struct exportfile *x);

/* Bytes written so far, before compression. */
uint64_t exportfile_bytes(const struct exportfile *x);

/* Frees X, nothing is stored. */
void exportfile_abort(struct exportfile *x);
DEFINE_CLEANUP(struct exportfile *, exportfile_abort);
