/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files that the journal lies in: how large they are, and what is wrong with them.
 * libsystemd passes over a file that it cannot read, so somebody has to say so. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collector_context;
typedef struct sd_journal sd_journal;

/* Bytes of a journal file's header that are looked at. */
#define JOURNALDISK_HEADER_BYTES 104u

/* Adds what `journalctl --disk-usage` says, and notes about files that cannot be read and about
 * a journal that does not survive a reboot. IS_FOREIGN says that J is not of this machine's ID.
 */
void journaldisk_add(struct collector_context *ctx, sd_journal *j, bool is_foreign);

/* What is wrong with a journal file of FILE_SIZE bytes that begins with HEADER[SIZE]; NULL when
 * it may be fine. See struct Header in systemd's
 * src/libsystemd/sd-journal/journal-def.h. */
const char *journaldisk_check(const uint8_t *header, size_t size, uint64_t file_size);
