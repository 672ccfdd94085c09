/* SPDX-License-Identifier: Apache-2.0 */

/* Fields of the journal, which come from anybody who may write to it: as a line, as dmesg, and
 * as a record of the export, which has to be well-formed and without the secret that is
 * planted. Fields end with 0x1e, entries with 0x1d. And the header of a journal file. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/collectors/journaldisk.h"
#include "capture/collectors/journalentry.h"
#include "capture/sink/exportfile.h"
#include "tests/lib/export-reader.h"
#include "tests/lib/lab.h"

#define PATH   "journal.export.zst"
#define BOOT   "11111111111111111111111111111111"
#define SECRET "pl4ntedS3cret"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_lines(const struct journal_entry *entry)
{
	static const enum journal_what all[] = { JOURNAL_ALL, JOURNAL_UNIT, JOURNAL_RUN,
		JOURNAL_BOOT, JOURNAL_KERNEL, JOURNAL_START };
	struct journal_text text = { 0 };
	size_t run = strlen(journal_entry_run(entry));

	assert(run == 0 || run == 32);
	for (size_t i = 0; i < ELEMENTSOF(all); i++)
		(void)journal_entry_is_of(
		    entry, &(struct journal_selection){ all[i], "a.slice" });
	(void)journal_entry_is_error(entry);
	(void)journal_entry_dropped(entry);
	if (journal_entry_format(entry, &text) == 0) {
		assert(entry->has_message && text.data[text.size - 1] == '\n');
		/* Nothing that a terminal could take for a command. */
		for (size_t i = 0; i < text.size; i++)
			assert((unsigned char)text.data[i] >= ' ' || text.data[i] == '\n');
	}
	(void)journal_entry_format_dmesg(entry, &text);
	journal_text_done(&text);
}

/* Gives the fields of the entry that begins at DATA to both. Returns its length. */
static size_t
add_entry(struct exportfile *x, struct journal_entry *entry, const uint8_t *data, size_t size)
{
	static const char planted[] = "PLANTED=password=" SECRET " and more";
	const uint8_t *end = memchr(data, 0x1d, size);
	size_t all = end ? (size_t)(end - data) : size;

	journal_entry_reset(entry);
	assert(exportfile_entry(x, 1, 1, BOOT) == 0);
	for (size_t i = 0; i < all;) {
		const uint8_t *stop = memchr(data + i, 0x1e, all - i);
		size_t n = stop ? (size_t)(stop - (data + i)) : all - i;

		assert(journal_entry_add(entry, data + i, n) == 0);
		assert(exportfile_field(x, data + i, n) == 0);
		i += n + 1;
	}
	assert(exportfile_field(x, planted, strlen(planted)) == 0);
	return all + 1;
}

static void
check_export(struct lab *lab, size_t n_entries)
{
	const struct read_entry *member;
	_cleanup_free_ char *text = NULL;
	size_t size;

	lab_close(lab);
	member = lab_find(lab, PATH);
	assert(member);
	text = export_unpack(member->data, member->size, &size);
	assert(export_count(text, size) == n_entries);
	assert(!memmem(text, size, SECRET, strlen(SECRET)));
}

static void
check_fields(const uint8_t *data, size_t size)
{
	_cleanup_lab_ struct lab lab;
	struct journal_entry entry = { 0 };
	struct exportfile *x;
	size_t n_entries = 0;

	lab_open(&lab);
	assert(exportfile_begin(lab.bundle, PATH, &x) == 0);
	for (size_t i = 0; i < size; n_entries++) {
		i += add_entry(x, &entry, data + i, size - i);
		check_lines(&entry);
	}
	assert(exportfile_end(x) >= 0);
	check_export(&lab, n_entries);
	journal_entry_done(&entry);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)journaldisk_check(data, size, size);
	/* The fuzzer finds the secret in this program. */
	if (size > 0 && !memmem(data, size, SECRET, strlen(SECRET)))
		check_fields(data, size);
	return 0;
}
