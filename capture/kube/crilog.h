/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Container logs as the runtime writes them, turned into the text that the API gives out:
 *
 *   2026-11-22T13:00:00.123456789Z stdout P the first part
 *   2026-11-22T13:00:00.123456790Z stdout F of a long line
 * becomes
 *   2026-11-22T13:00:00.123456789Z the first part of a long line
 *
 * Lines that are not of that form pass as they are. Pure, and in constant memory. */

#include <stdbool.h>
#include <stddef.h>

/* Time, stream, tags: longer ones are no head of a line. */
#define CRILOG_HEAD_BYTES 80u

/* Takes text. Returns 0 or a negative errno, which ends the conversion. */
typedef int (*crilog_write_fn)(const void *data, size_t size, void *userdata);

struct crilog {
	crilog_write_fn write;
	void *userdata; /* borrowed */
	char head[CRILOG_HEAD_BYTES];
	size_t n_head;
	bool in_text; /* behind the head of the line */
	bool is_part; /* the line goes on in the next one */
	bool was_part;
};

void crilog_init(struct crilog *c, crilog_write_fn fn, void *userdata);

/* Converts DATA[SIZE], cut anywhere. Returns 0 or the error of the callback. */
int crilog_feed(struct crilog *c, const void *data, size_t size);

/* Writes what was held. */
int crilog_finish(struct crilog *c);
