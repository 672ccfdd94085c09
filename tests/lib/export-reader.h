/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads the Journal Export Format, strictly: what systemd-journal-remote would refuse fails an
 * assertion. */

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

/* The content of a file compressed with zstd, owned by the caller, with a NUL behind it. */
static inline char *
export_unpack(const void *data, size_t size, size_t *ret_size)
{
	struct archive *reader = archive_read_new();
	struct archive_entry *entry;
	char *text = NULL, buf[65536];
	size_t total = 0;
	la_ssize_t n;

	assert(archive_read_support_filter_zstd(reader) >= ARCHIVE_WARN);
	assert(archive_read_support_format_raw(reader) == ARCHIVE_OK);
	assert(archive_read_open_memory(reader, data, size) == ARCHIVE_OK);
	assert(archive_read_next_header(reader, &entry) == ARCHIVE_OK);
	while ((n = archive_read_data(reader, buf, sizeof(buf))) > 0) {
		text = realloc(text, total + (size_t)n + 1);
		assert(text);
		memcpy(text + total, buf, (size_t)n);
		total += (size_t)n;
		text[total] = '\0';
	}
	assert(n == 0);
	(void)archive_read_free(reader);
	*ret_size = total;
	return text;
}

struct export_reader {
	const char *data;
	size_t size;
	size_t at;
};

/* One field; `name_size` is 0 for the end of an entry. */
struct export_field {
	const char *name, *value;
	size_t name_size, size;
};

static inline bool
export_next(struct export_reader *r, struct export_field *ret)
{
	const char *line = r->data + r->at;
	size_t left = r->size - r->at;
	const char *end, *equals;
	uint64_t size;

	*ret = (struct export_field){ 0 };
	if (left == 0)
		return false;
	end = memchr(line, '\n', left);
	assert(end);
	r->at += (size_t)(end - line) + 1;
	if (end == line)
		return true;
	equals = memchr(line, '=', (size_t)(end - line));
	ret->name = line;
	if (equals) {
		ret->name_size = (size_t)(equals - line);
		ret->value = equals + 1;
		ret->size = (size_t)(end - equals) - 1;
		return true;
	}
	ret->name_size = (size_t)(end - line);
	assert(r->size - r->at >= sizeof(size));
	memcpy(&size, r->data + r->at, sizeof(size));
	size = le64toh(size);
	r->at += sizeof(size);
	assert(size < r->size - r->at);
	ret->value = r->data + r->at;
	ret->size = (size_t)size;
	r->at += ret->size;
	assert(r->data[r->at++] == '\n');
	return true;
}

/* The field NAME of entry number ENTRY (from 0); false when there is none. */
static inline bool
export_find(
    const char *data, size_t size, size_t entry, const char *name, struct export_field *ret)
{
	struct export_reader r = { .data = data, .size = size };

	while (export_next(&r, ret)) {
		if (ret->name_size == 0 && entry-- == 0)
			return false;
		if (entry == 0 && ret->name_size == strlen(name) &&
		    memcmp(ret->name, name, ret->name_size) == 0)
			return true;
	}
	return false;
}

static inline size_t
export_count(const char *data, size_t size)
{
	struct export_reader r = { .data = data, .size = size };
	struct export_field f;
	size_t n = 0;

	while (export_next(&r, &f))
		n += f.name_size == 0;
	return n;
}
