/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every row of a table for a filter has to show. */

#include "tests/lib/sink.h"
#include "tests/lib/tap.h"

/* INPUT was filtered to ONCE, byte by byte to BYTES, and ONCE again to TWICE: all are WANT. */
static inline void
filter_check(const char *input, const char *want, const struct sink *once,
    const struct sink *bytes, const struct sink *twice)
{
	char name[96];
	size_t n = 0;

	for (; input[n] && n < sizeof(name) - 1; n++)
		name[n] = input[n] < ' ' || input[n] == '#' ? ' ' : input[n];
	name[n] = '\0';
	ok_str(once->data, want, "%s", name);
	if (strcmp(once->data, bytes->data) != 0)
		ok_str(bytes->data, once->data, "byte by byte: %s", name);
	if (strcmp(once->data, twice->data) != 0)
		ok_str(twice->data, once->data, "twice: %s", name);
}
