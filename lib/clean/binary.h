/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the filters cannot read: they know text in UTF-8 and its relatives. */

#include <stdbool.h>
#include <stddef.h>

/* True if DATA[LEN], a piece of a file of at least a line or the whole of it, is no text: too
 * many bytes that no text has, or too many NULs for lists as those of /proc/PID/cmdline, of
 * which UTF-16 is half. */
bool text_is_binary(const void *data, size_t len);
