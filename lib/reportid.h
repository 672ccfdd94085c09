/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Report identifiers: "20261123T142752Z-0007-e585a599".
 *
 * UTC time for people, a persisted sequence number so that a clock that jumps can neither
 * reorder nor collide them, and eight hex digits: the start of the invocation ID, or random.
 * They are file names and systemd instance names at once, so nothing in them needs escaping. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 16 + 1 + up to 10 digits + 1 + 8, and the NUL. */
#define REPORT_ID_BYTES 40u

/* Makes an ID. INVOCATION_ID may be NULL or empty, then the last part is random. */
void report_id_make(char id[REPORT_ID_BYTES], uint64_t realtime_usec, uint64_t sequence,
    const char *invocation_id);

/* True if S is exactly an ID; what comes from a peer or a directory must pass this before use.
 */
bool report_id_is_valid(const char *s);

/* True if S is a non-empty start of an ID, of the right characters. */
bool report_id_is_prefix(const char *s);

/* The sequence number in a valid ID. */
uint64_t report_id_sequence(const char *id);

/* Name of the archive's single top directory: "microshift-support-ID". Returns BUF. */
const char *report_id_topdir(const char *id, char *buf, size_t size);
