/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The names that are taken in an archive: a set of paths, each a leaf or a directory.
 *
 * Only 64-bit hashes are kept, some 30 bytes a name, because a large cluster has 50,000 of
 * them. Two paths with one hash (once in 10^10 such archives) give a needless ".1", never a
 * lost member.
 */

#include <stddef.h>
#include <stdint.h>

enum name_kind {
	NAME_FREE,
	NAME_LEAF,
	NAME_DIRECTORY,
};

struct names {
	uint64_t *slots; /* owned, [capacity]; 0 = empty */
	size_t capacity; /* a power of two */
	uint64_t *order; /* owned, [n_names], room for capacity / 2: what was added, in order */
	size_t n_names;
};

void names_done(struct names *n);

/* What PATH[LENGTH] is. */
enum name_kind names_find(const struct names *n, const char *path, size_t length);

/* Enters a path that is NAME_FREE. Returns 0 or -ENOMEM. */
int names_add(struct names *n, const char *path, size_t length, enum name_kind kind);

/* Forgets all but the first N_NAMES that were added. */
void names_rewind(struct names *n, size_t n_names);
