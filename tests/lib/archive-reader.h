/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads an archive whole into memory, for tests that look into what was written. */

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "lib/cleanup.h"
#include "lib/text.h"

struct read_entry {
	char path[1200];
	char link[1024];
	char owner[64];
	mode_t type;
	unsigned mode;
	int64_t mtime;
	int64_t uid;
	char *data;
	size_t size;
};

struct read_archive {
	struct read_entry *entries;
	size_t n_entries;
	int status; /* ARCHIVE_EOF when it was read to its end */
};

static inline void
read_archive_done(struct read_archive *a)
{
	for (size_t i = 0; i < a->n_entries; i++)
		free(a->entries[i].data);
	free(a->entries);
	*a = (struct read_archive){ 0 };
}

static inline bool
read_archive_entry(struct archive *reader, struct archive_entry *entry, struct read_entry *e)
{
	la_ssize_t n;
	char buf[65536];

	*e = (struct read_entry){
		.type = archive_entry_filetype(entry),
		.mode = archive_entry_perm(entry),
		.mtime = archive_entry_mtime(entry),
		.uid = archive_entry_uid(entry),
	};
	text_copy(e->path, sizeof(e->path), archive_entry_pathname(entry));
	text_copy(e->link, sizeof(e->link), archive_entry_symlink(entry));
	text_copy(e->owner, sizeof(e->owner), archive_entry_uname(entry));
	while ((n = archive_read_data(reader, buf, sizeof(buf))) > 0) {
		e->data = realloc(e->data, e->size + (size_t)n + 1);
		assert(e->data);
		memcpy(e->data + e->size, buf, (size_t)n);
		e->size += (size_t)n;
		e->data[e->size] = '\0';
	}
	return n == 0;
}

/* Reads PATH as far as it can be read. */
static inline struct read_archive
read_archive(const char *path)
{
	struct archive *reader = archive_read_new();
	struct read_archive a = { 0 };
	struct archive_entry *entry;

	assert(reader);
	assert(archive_read_support_filter_all(reader) >= ARCHIVE_WARN);
	assert(archive_read_support_format_tar(reader) == ARCHIVE_OK);
	a.status = archive_read_open_filename(reader, path, 10240);
	while (a.status == ARCHIVE_OK) {
		struct read_entry *entries;

		a.status = archive_read_next_header(reader, &entry);
		if (a.status != ARCHIVE_OK && a.status != ARCHIVE_WARN)
			break;
		if ((a.n_entries & (a.n_entries - 1)) == 0) {
			entries =
			    reallocarray(a.entries, 2 * a.n_entries + 1, sizeof(*entries));
			assert(entries);
			a.entries = entries;
		}
		a.status = read_archive_entry(reader, entry, &a.entries[a.n_entries++])
		    ? ARCHIVE_OK
		    : ARCHIVE_FATAL;
	}
	(void)archive_read_free(reader);
	return a;
}

/* The member PATH, or NULL. */
static inline const struct read_entry *
read_archive_find(const struct read_archive *a, const char *path)
{
	for (size_t i = 0; i < a->n_entries; i++)
		if (streq(a->entries[i].path, path))
			return &a->entries[i];
	return NULL;
}
