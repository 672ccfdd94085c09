/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Finds the few places in a text at which a rule has to look.
 *
 * An anchor is up to four bytes that something to redact contains ("pass", "eyJ", "://"). Every
 * anchor owns one bit in four tables indexed by byte; the bits that survive the AND of four
 * look-ups in a row are the anchors that stand there. There is no branch and no dependency from
 * one byte to the next, which is what makes it fast on text where nothing is found. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an anchor, and so of look-ahead. */
#define SCAN_ANCHOR_BYTES 4u
/* One bit each. */
#define SCAN_ANCHORS_MAX  64u

/* Stand-ins within an anchor for a set of bytes. */
#define SCAN_ANY_HASH  '\001' /* digit or lower case: the id in "$6$" */
#define SCAN_ANY_LIST  '\002' /* blank or comma: between numbers */
#define SCAN_ANY_DIGIT '\003'
#define SCAN_ANY_HEX   '\004'

struct scan {
	uint64_t table[SCAN_ANCHOR_BYTES][256];
};

/* Makes S find nothing. */
void scan_init(struct scan *s);

/* Adds the anchor with number BIT. FOLD: in upper and lower case; TEXT is in lower case then.
 */
void scan_add(struct scan *s, unsigned bit, const char *text, bool fold);

/* Finds the first place at or behind I where an anchor stands. Reads up to
 * SCAN_ANCHOR_BYTES - 1 bytes behind END, which have to be readable. Returns the place and the
 * anchors that stand there, or END and 0. */
size_t scan_next(
    const struct scan *s, const uint8_t *data, size_t i, size_t end, uint64_t *ret_anchors);
