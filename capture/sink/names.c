/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/sink/names.h"

#define FIRST_CAPACITY 1024u

/* FNV-1a. The lowest bit is taken for the kind, the second one is set so that no entry is 0. */
static uint64_t
hash_path(const char *path, size_t length)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++) {
		h ^= (unsigned char)path[i];
		h *= UINT64_C(0x100000001b3);
	}
	return (h & ~UINT64_C(3)) | 2;
}

/* The slot that has HASH, or the empty one where it belongs. */
static size_t
find_slot(const uint64_t *slots, size_t capacity, uint64_t hash)
{
	/* The low bits of FNV are good, but two of them are gone. */
	size_t i = (size_t)(hash >> 2) & (capacity - 1);

	while (slots[i] != 0 && (slots[i] & ~UINT64_C(1)) != hash)
		i = (i + 1) & (capacity - 1);
	return i;
}

void
names_done(struct names *n)
{
	free(n->slots);
	free(n->order);
	*n = (struct names){ 0 };
}

enum name_kind
names_find(const struct names *n, const char *path, size_t length)
{
	uint64_t slot;

	if (n->capacity == 0)
		return NAME_FREE;
	slot = n->slots[find_slot(n->slots, n->capacity, hash_path(path, length))];
	if (slot == 0)
		return NAME_FREE;
	return slot & 1 ? NAME_DIRECTORY : NAME_LEAF;
}

static void
insert(struct names *n, uint64_t entry)
{
	n->slots[find_slot(n->slots, n->capacity, entry & ~UINT64_C(1))] = entry;
}

static int
grow(struct names *n)
{
	size_t capacity = n->capacity > 0 ? 2 * n->capacity : FIRST_CAPACITY;
	uint64_t *order;
	uint64_t *slots;

	order = reallocarray(n->order, capacity / 2, sizeof(*order));
	if (!order)
		return -ENOMEM;
	n->order = order;
	slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(n->slots);
	n->slots = slots;
	n->capacity = capacity;
	for (size_t i = 0; i < n->n_names; i++)
		insert(n, n->order[i]);
	return 0;
}

void
names_rewind(struct names *n, size_t n_names)
{
	if (n_names >= n->n_names)
		return;
	memset(n->slots, 0, n->capacity * sizeof(*n->slots));
	n->n_names = n_names;
	for (size_t i = 0; i < n_names; i++)
		insert(n, n->order[i]);
}

int
names_add(struct names *n, const char *path, size_t length, enum name_kind kind)
{
	uint64_t entry = hash_path(path, length) | (kind == NAME_DIRECTORY);

	/* At most half full, so that probing stays short. */
	if (2 * (n->n_names + 1) > n->capacity) {
		int r = grow(n);

		if (r < 0)
			return r;
	}
	n->order[n->n_names++] = entry;
	insert(n, entry);
	return 0;
}
