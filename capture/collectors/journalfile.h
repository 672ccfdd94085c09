/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A part of the journal as a member of the report: as text, or in the export format. */

#include <stdbool.h>

struct journal_scan;

struct journal_file {
	const char *path;
	const char *header; /* lines before the first entry; NULL = none */
	bool as_dmesg;
	bool may_be_missing; /* when there are no entries; else the file says that there are
				none */
};

/* Measures S and stores it as text. max_bytes is lowered to the room in the bundle. What a
 * person should know goes to the notes of the collector. Returns 0; 1 when lines are missing
 * that the limits of S allow; errors of the journal or as bundle_add(). */
int journalfile_add_text(struct journal_scan *s, const struct journal_file *file);

/* The same in the export format, whose max_bytes are of fields; no member without entries. */
int journalfile_add_export(struct journal_scan *s, const char *path);
