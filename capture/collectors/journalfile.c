/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <systemd/sd-journal.h>

#include "capture/collector.h"
#include "capture/collectors/journalfile.h"
#include "capture/collectors/journalscan.h"
#include "capture/notes.h"
#include "capture/sink/bundle.h"
#include "capture/sink/exportfile.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* A text on its way. */
struct text_output {
	struct bundle_member *member; /* borrowed */
	struct journal_text text;     /* owned content */
	char boot_id[33];
	bool as_dmesg;
};

static int
write_line(struct bundle_member *m, const char *line)
{
	int r = bundle_member_write(m, line, strlen(line));

	return r < 0 ? r : bundle_member_write(m, "\n", 1);
}

static int
on_text_note(const char *line, void *userdata)
{
	struct text_output *out = userdata;

	return write_line(out->member, line);
}

/* journalctl's line between two boots. */
static int
write_boot_change(struct text_output *out, const char *boot_id)
{
	bool is_new = *out->boot_id && !streq(boot_id, out->boot_id);
	char line[64];

	text_copy(out->boot_id, sizeof(out->boot_id), boot_id);
	if (!is_new)
		return 0;
	(void)snprintf(line, sizeof(line), "-- Boot %s --", boot_id);
	return write_line(out->member, line);
}

static int
on_text_entry(sd_journal *j, const struct journal_entry *entry, void *userdata)
{
	struct text_output *out = userdata;
	int r;

	(void)j;
	r = write_boot_change(out, entry->boot_id);
	if (r < 0)
		return r;
	r = out->as_dmesg ? journal_entry_format_dmesg(entry, &out->text)
			  : journal_entry_format(entry, &out->text);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	return bundle_member_write(out->member, out->text.data, out->text.size);
}

static void
note_findings(const struct journal_scan *s, const char *path)
{
	char size[32];

	if (s->gap == GAP_BUDGET)
		(void)notes_add(s->ctx, "%s: older lines are left out, its budget is %s", path,
		    text_format_bytes(s->max_bytes, size, sizeof(size)));
	if (s->n_dropped > 0)
		(void)notes_add(s->ctx,
		    "%s: journald dropped %" PRIu64 " messages (its rate limit)", path,
		    s->n_dropped);
	if (s->n_unreadable > 0)
		(void)notes_add(s->ctx, "%s: %" PRIu64 " journal entries are corrupt", path,
		    s->n_unreadable);
	if (s->is_damaged)
		(void)notes_add(s->ctx,
		    "%s: a journal file is corrupt or was deleted meanwhile, lines are missing",
		    path);
}

/* Beyond the room the bundle would cut the end, the newest lines. */
static void
fit_room(struct journal_scan *s)
{
	uint64_t room = bundle_room(s->ctx->bundle);

	if (s->max_bytes <= room)
		return;
	s->max_bytes = room;
	s->is_short_of_room = true;
}

/* Its own budget is what a file is meant to have; the rest is a loss. */
static int
result_of(const struct journal_scan *s, int r, int end)
{
	if (end < 0)
		return end;
	if (r < 0 && r != -EFBIG)
		return r;
	return end > 0 || s->is_damaged || s->gap == GAP_ROOM || s->gap == GAP_TIME;
}

int
journalfile_add_text(struct journal_scan *s, const struct journal_file *file)
{
	struct text_output out = { .as_dmesg = file->as_dmesg };
	const struct journal_output output = { on_text_entry, on_text_note, &out };
	int end;
	int r;

	fit_room(s);
	r = journalscan_measure(s);
	if (r < 0)
		return r;
	if (file->may_be_missing && s->n_entries == 0 && s->gap == GAP_NONE)
		return 0;
	r = bundle_member_begin(s->ctx->bundle, file->path, NULL, &out.member);
	if (r < 0)
		return r;
	if (!is_empty(file->header))
		r = bundle_member_write(out.member, file->header, strlen(file->header));
	if (r >= 0 && s->is_damaged)
		r = write_line(out.member,
		    "-- a journal file is corrupt or was deleted meanwhile: lines are missing --");
	if (r >= 0 && s->n_entries == 0 && s->gap == GAP_NONE)
		r = write_line(out.member, "-- No entries --");
	if (r >= 0)
		r = journalscan_write(s, &output);
	end = bundle_member_end(out.member);
	journal_text_done(&out.text);
	note_findings(s, file->path);
	return result_of(s, r, end);
}

static int
on_export_note(const char *line, void *userdata)
{
	(void)line;
	(void)userdata;
	return 0;
}

static int
on_export_entry(sd_journal *j, const struct journal_entry *entry, void *userdata)
{
	struct exportfile *x = userdata;
	const void *field;
	size_t size;
	int r;

	/* An entry that is too corrupt to say when it was would end its import. */
	if (entry->realtime_usec == 0 || is_empty(entry->boot_id))
		return 0;
	r = exportfile_entry(x, entry->realtime_usec, entry->monotonic_usec, entry->boot_id);
	sd_journal_restart_data(j);
	while (r >= 0 && sd_journal_enumerate_available_data(j, &field, &size) > 0)
		r = exportfile_field(x, field, size);
	return r;
}

int
journalfile_add_export(struct journal_scan *s, const char *path)
{
	_cleanup_(exportfile_abortp) struct exportfile *x = NULL;
	struct journal_output output = { on_export_entry, on_export_note, NULL };
	int r;

	fit_room(s);
	r = journalscan_measure(s);
	if (r < 0 || (s->n_entries == 0 && s->gap == GAP_NONE))
		return r;
	r = exportfile_begin(s->ctx->bundle, path, &x);
	if (r < 0)
		return r;
	output.userdata = x;
	r = journalscan_write(s, &output);
	if (r < 0)
		return r;
	/* Not one entry, when all are too old. */
	if (exportfile_bytes(x) == 0)
		return result_of(s, 0, 0);
	note_findings(s, path);
	return result_of(s, 0, exportfile_end(TAKE_PTR(x)));
}
