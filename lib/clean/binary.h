/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the filters cannot read: they know text in UTF-8 and its relatives. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a text, counted as it goes by. All zero is none. */
struct text_count {
	uint64_t bytes;
	uint64_t controls; /* that no text has */
	uint64_t nuls;
};

void text_count_add(struct text_count *t, const void *data, size_t len);

/* True if what was counted is no text: too many bytes that no text has, or too many NULs for
 * lists as those of /proc/PID/cmdline, of which UTF-16 is half. */
bool text_count_is_binary(const struct text_count *t);

/* The same for DATA[LEN], a piece of a file of at least a line or the whole of it. */
bool text_is_binary(const void *data, size_t len);
