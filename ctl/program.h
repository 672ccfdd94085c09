/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Running microshift-support-capture, for what needs no daemon: it alone knows the collectors.
 */

#include <stddef.h>

typedef struct cJSON cJSON;

/* Its arguments: name, twelve words, NULL. */
#define PROGRAM_ARGS_MAX 16u

/* An inventory of 250 collectors with 250 commands each, at 200 bytes. */
#define PROGRAM_OUTPUT_MAX_BYTES (16u * 1024u * 1024u)

struct program_args {
	const char *words[PROGRAM_ARGS_MAX]; /* borrowed; the first is the program itself */
	size_t n;
};

/* Appends OPTION, and VALUE if it is not NULL. */
void program_add(struct program_args *args, const char *option, const char *value);

/* Replaces this process by the program. Loud. Returns an exit status, if at all. */
int program_exec(const struct program_args *args);

/* Runs the program, which prints JSON, and reads that; it complains for itself. Loud. Returns
 * an exit status: its own when that is not 0. The caller owns *ret. */
int program_read(const struct program_args *args, cJSON **ret);
