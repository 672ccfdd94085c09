/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "capture/collector.h"
#include "capture/collectors/journalscan.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/text.h"

/* Of the budget, what the beginning of a run may take on top of it. */
#define HEAD_SHARE	 8u
/* Lines from the start of a run that are kept: versions, first steps. */
#define HEAD_FIRST_LINES 20u
/* Lines after an error that are kept with it: a panic is followed by its stack. */
#define HEAD_AFTER_ERROR 5u
#define HEAD_LINES_MAX	 300u
/* Entries that are looked through for errors, and that are counted when they are left out: some
 * µs each. */
#define LOOK_MAX	 100000u
/* Entries after which the journal is opened anew; with their indexes a few MiB of it. */
#define REFRESH_EVERY	 4096u
/* The clock is asked once for so many entries. */
#define STOP_CHECK_EVERY 256u

void
journalscan_done(struct journal_scan *s)
{
	sd_journal_close(s->j);
	free(s->first.cursor);
	journal_entry_done(&s->entry);
}

static unsigned
count_open_files(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	char target[PATH_MAX];
	unsigned n = 0;

	while (dir && (entry = readdir(dir))) {
		ssize_t size =
		    readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[size > 0 ? size : 0] = '\0';
		n += strstr(target, ".journal") != NULL;
	}
	return n;
}

/* libsystemd drops a file in which it cannot go on, without a word. But it closes it. (Its size
 * would tell as well, but journald shortens a file when it rotates it.) */
static void
look_for_damage(struct journal_scan *s)
{
	if (s->j && count_open_files() < s->n_open_files)
		s->is_damaged = true;
}

/* Goes on with J, whose files are all there. */
static void
use_journal(struct journal_scan *s, sd_journal *j)
{
	sd_journal_close(s->j);
	s->j = j;
	s->n_looked = 0;
	s->n_open_files = count_open_files();
}

/* Restricts J to what is looked at now. With matches libsystemd gives up a file at its first
 * corrupt entry, without them it passes over those; so look() has to choose then. */
static int
match(struct journal_scan *s, sd_journal *j)
{
	static const struct journal_selection everything = { JOURNAL_ALL, NULL };

	return journalread_match(j, s->by_hand ? &everything : &s->now);
}

static int
begin_selection(struct journal_scan *s, const struct journal_selection *selection)
{
	sd_journal *fresh;
	int r;

	s->now = *selection;
	/* What was dropped on the way may be readable from the other end. */
	look_for_damage(s);
	if (!s->j || s->is_damaged) {
		r = journalread_open(s->ctx->root, s->max_value_bytes, &fresh);
		if (r < 0)
			return r;
		use_journal(s, fresh);
	}
	return match(s, s->j);
}

/* libsystemd keeps the pages of every part of the files that it looked at. Opens the journal
 * anew, at the same entry, so that a long scan does not fill the memory of a small machine. */
static int
refresh(struct journal_scan *s)
{
	_cleanup_(sd_journal_closep) sd_journal *fresh = NULL;
	_cleanup_free_ char *cursor = NULL;
	int r;

	if (++s->n_looked < REFRESH_EVERY)
		return 0;
	s->n_looked = 0;
	look_for_damage(s);
	r = sd_journal_get_cursor(s->j, &cursor);
	if (r >= 0)
		r = journalread_open(s->ctx->root, s->max_value_bytes, &fresh);
	if (r >= 0)
		r = match(s, fresh);
	if (r >= 0)
		r = sd_journal_seek_cursor(fresh, cursor);
	if (r >= 0)
		r = sd_journal_next(fresh);
	if (r < 0)
		return r;
	/* Looking for it, libsystemd does not get past what is corrupt; so on with the old one.
	 */
	if (sd_journal_test_cursor(fresh, cursor) > 0)
		use_journal(s, TAKE_PTR(fresh));
	else
		s->is_damaged = true;
	return 0;
}

/* Reads the entry at which the journal stands. Returns 1 if it is wanted, 0 if not, -ENOMEM. */
static int
look(struct journal_scan *s)
{
	struct journal_entry *e = &s->entry;
	int r;

	r = journalread_load(s->j, e);
	if (r == -ENOMEM)
		return r;
	/* What could be read of a corrupt entry is shown, if it has a message. */
	s->is_unreadable = r < 0;
	if (s->by_hand && !journal_entry_is_of(e, &s->now))
		return 0;
	if (s->not_kernel_of && streq(e->transport, "kernel") &&
	    streq(e->boot_id, s->not_kernel_of))
		return 0;
	for (const char *const *unit = s->not_units; unit && *unit; unit++)
		if (journal_entry_is_of(e, &(struct journal_selection){ JOURNAL_UNIT, *unit }))
			return 0;
	return 1;
}

static uint64_t
size_of(const struct journal_scan *s)
{
	return s->count_fields ? s->entry.bytes : journal_entry_line_size(&s->entry);
}

/* Runs of a unit, counted back from the newest. */
struct runs {
	char last[33];
	unsigned n;
};

/* Why this entry is the first that is not kept; GAP_NONE when it is. */
static enum journal_gap
judge(struct journal_scan *s, struct runs *runs)
{
	const char *run = journal_entry_run(&s->entry);
	uint64_t usec = s->entry.realtime_usec;

	if (size_of(s) > s->bytes_left ||
	    (s->max_entries > 0 && s->n_entries >= s->max_entries))
		return s->is_short_of_room ? GAP_ROOM : GAP_BUDGET;
	if (usec < s->since_usec)
		return GAP_WINDOW;
	if (*run && !streq(run, runs->last)) {
		text_copy(runs->last, sizeof(runs->last), run);
		runs->n++;
	}
	if (s->max_runs > 0 && runs->n > s->max_runs && usec < s->keep_since_usec)
		return GAP_RUNS;
	return GAP_NONE;
}

static bool
must_stop(const struct journal_scan *s)
{
	return s->n_looked % STOP_CHECK_EVERY == 0 && collector_must_stop(s->ctx);
}

/* Keeps the entry, as the first one so far. */
static void
keep_entry(struct journal_scan *s)
{
	const struct journal_entry *e = &s->entry;

	s->n_entries++;
	s->bytes_left -= size_of(s);
	text_copy(s->first.boot_id, sizeof(s->first.boot_id), e->boot_id);
	s->first.monotonic_usec = e->monotonic_usec;
	s->first.realtime_usec = e->realtime_usec;
}

/* Goes back from the end to the first entry that is not kept, and stays there. Returns 1; 0
 * when there is none. */
static int
go_back(struct journal_scan *s)
{
	struct runs runs = { 0 };
	int r;

	while ((r = sd_journal_previous(s->j)) > 0) {
		r = look(s);
		if (r > 0)
			s->gap = judge(s, &runs);
		if (r >= 0 && s->gap == GAP_NONE && must_stop(s))
			s->gap = GAP_TIME;
		if (s->gap != GAP_NONE)
			text_copy(s->cut_run, sizeof(s->cut_run), journal_entry_run(&s->entry));
		if (r < 0 || s->gap != GAP_NONE)
			return r < 0 ? r : 1;
		if (r > 0)
			keep_entry(s);
		r = refresh(s);
		if (r < 0)
			return r;
	}
	return r;
}

/* From where go_back() stopped: remembers the entry after it. */
static int
remember_first(struct journal_scan *s, int stopped)
{
	int r = 0;

	if (stopped == 0)
		r = sd_journal_seek_head(s->j);
	if (r >= 0)
		r = sd_journal_next(s->j);
	return r <= 0 ? r : sd_journal_get_cursor(s->j, &s->first.cursor);
}

/* Goes to the first entry, or to one before it. Returns 1, 0 when there is none any more. */
static int
go_to_first(struct journal_scan *s)
{
	int r;

	/* Looking for it, libsystemd may stop at what is corrupt. */
	if (s->is_damaged)
		r = sd_journal_seek_head(s->j);
	else
		r = sd_journal_seek_cursor(s->j, s->first.cursor);
	return r < 0 ? r : sd_journal_next(s->j);
}

/* Counts the entries before the first one. */
static int
count_older(struct journal_scan *s)
{
	uint64_t n = 0;
	int r;

	r = go_to_first(s);
	if (r <= 0)
		return r;
	while ((r = sd_journal_previous(s->j)) > 0) {
		if (++n > LOOK_MAX || must_stop(s)) {
			s->is_more = true;
			return 0;
		}
		r = look(s);
		s->n_older += r > 0;
		if (r >= 0)
			r = refresh(s);
		if (r < 0)
			return r;
	}
	return r;
}

static int
measure(struct journal_scan *s)
{
	int r;

	s->bytes_left = s->max_bytes;
	s->n_entries = 0;
	s->gap = GAP_NONE;
	r = begin_selection(s, &s->all);
	if (r >= 0)
		r = sd_journal_seek_tail(s->j);
	if (r >= 0)
		r = go_back(s);
	if (r != -ENOMEM)
		look_for_damage(s);
	return r;
}

int
journalscan_measure(struct journal_scan *s)
{
	int r;

	r = measure(s);
	if (r != -ENOMEM && (r < 0 || s->is_damaged)) {
		s->by_hand = s->is_damaged = true;
		r = measure(s);
		/* Not even so. What can be read from the other end is better than nothing. */
		if (r < 0 && r != -ENOMEM) {
			s->gap = GAP_DAMAGE;
			s->n_entries = 0;
			return 0;
		}
	}
	if (r >= 0 && s->n_entries > 0)
		r = remember_first(s, r);
	if (r >= 0 && s->gap != GAP_NONE && s->gap != GAP_TIME && !s->is_damaged)
		r = count_older(s);
	return r < 0 ? r : 0;
}

/* The beginning, while it is written. */
struct head {
	uint64_t bytes_left;
	uint64_t n_looked;
	uint64_t n_seen;   /* that are wanted */
	uint64_t n_lines;  /* written */
	uint64_t n_noted;  /* left out, and said so between those */
	uint64_t n_hidden; /* left out since the last one that was written */
	unsigned n_after;  /* more to keep after an error */
};

static bool
is_before_first(const struct journal_scan *s)
{
	const struct journal_entry *e = &s->entry;

	if (s->n_entries == 0)
		return true;
	/* Within a boot nobody sets the clock. */
	if (streq(e->boot_id, s->first.boot_id))
		return e->monotonic_usec < s->first.monotonic_usec;
	return e->realtime_usec < s->first.realtime_usec;
}

/* Whether the entry is one of those the beginning is kept for. Where the journal is damaged,
 * all are: they would be there. */
static bool
is_of_interest(const struct journal_scan *s, struct head *h)
{
	if (s->gap == GAP_DAMAGE)
		return true;
	if (h->n_lines >= HEAD_LINES_MAX)
		return false;
	if (journal_entry_is_error(&s->entry)) {
		h->n_after = HEAD_AFTER_ERROR;
		return true;
	}
	if (h->n_after > 0) {
		h->n_after--;
		return true;
	}
	return h->n_seen <= HEAD_FIRST_LINES;
}

static int
write_entry(struct journal_scan *s, const struct journal_output *out)
{
	s->n_unreadable += s->is_unreadable;
	s->n_dropped += journal_entry_dropped(&s->entry);
	return out->entry(s->j, &s->entry, out->userdata);
}

static int write_note(const struct journal_output *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int
write_note(const struct journal_output *out, const char *format, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	return out->note(line, out->userdata);
}

static int
write_head_entry(struct journal_scan *s, struct head *h, const struct journal_output *out)
{
	uint64_t size = size_of(s);
	int r = 0;

	h->n_seen++;
	if (!is_of_interest(s, h) || size > h->bytes_left) {
		h->n_hidden++;
		return 0;
	}
	if (h->n_hidden > 0)
		r = write_note(out, "-- %" PRIu64 " lines are left out --", h->n_hidden);
	if (r < 0)
		return r;
	h->n_noted += h->n_hidden;
	h->n_hidden = 0;
	h->bytes_left -= size;
	h->n_lines++;
	return write_entry(s, out);
}

/* Writes how SELECTION began and its first errors, as far as they are older than what is kept.
 */
static int
write_head(struct journal_scan *s, const struct journal_selection *selection, struct head *h,
    const struct journal_output *out)
{
	int r;

	r = begin_selection(s, selection);
	if (r >= 0)
		r = sd_journal_seek_head(s->j);
	while (r >= 0 && (r = sd_journal_next(s->j)) > 0) {
		if (++h->n_looked > LOOK_MAX || must_stop(s))
			return 0;
		r = look(s);
		if (r >= 0 && !is_before_first(s))
			return 0;
		if (r > 0)
			r = write_head_entry(s, h, out);
		if (r >= 0)
			r = refresh(s);
	}
	return r;
}

static int
write_beginning(struct journal_scan *s, struct head *h, const struct journal_output *out)
{
	int r = 0;

	if (s->gap == GAP_DAMAGE) {
		h->bytes_left = s->max_bytes;
		return write_head(s, &s->all, h, out);
	}
	/* Runs that nobody wants have no first errors that anybody wants. */
	if (s->gap == GAP_RUNS || s->gap == GAP_TIME)
		return 0;
	h->bytes_left = s->max_bytes / HEAD_SHARE;
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(s->beginnings) && h->n_seen == 0; i++)
		if (!is_empty(s->beginnings[i].value))
			r = write_head(s, &s->beginnings[i], h, out);
	return r;
}

/* Why older entries are left out, in BUF. */
static const char *
reason_of(const struct journal_scan *s, char *buf, size_t size)
{
	char amount[32];

	switch (s->gap) {
	case GAP_RUNS:
		(void)snprintf(buf, size, "only the last %u runs are taken", s->max_runs);
		break;
	case GAP_WINDOW:
		text_copy(buf, size, "they are too old for this profile");
		break;
	case GAP_BUDGET:
		if (s->max_entries > 0 && s->n_entries >= s->max_entries)
			(void)snprintf(
			    buf, size, "only the last %" PRIu64 " are taken", s->max_entries);
		else
			(void)snprintf(buf, size, "the budget of this file is %s",
			    text_format_bytes(s->max_bytes, amount, sizeof(amount)));
		break;
	case GAP_ROOM:
		(void)snprintf(buf, size, "the room left in the report was %s",
		    text_format_bytes(s->max_bytes, amount, sizeof(amount)));
		break;
	case GAP_TIME:
		text_copy(buf, size, "the time was over");
		break;
	case GAP_DAMAGE:
	case GAP_NONE:
		text_copy(buf, size, "the journal is damaged");
		break;
	}
	return buf;
}

/* What is said at the place where lines are left out. */
static int
write_gap(struct journal_scan *s, const struct journal_output *out)
{
	struct head head = { 0 };
	uint64_t n_told;
	char reason[96];
	int r;

	r = write_beginning(s, &head, out);
	if (r < 0)
		return r;
	(void)reason_of(s, reason, sizeof(reason));
	if (s->gap == GAP_DAMAGE || s->gap == GAP_TIME)
		return write_note(out, "-- lines are missing here: %s --", reason);
	n_told = head.n_lines + head.n_noted;
	if (head.n_lines > 0)
		r = write_note(out, "-- above: how it began, and its first errors --");
	if (r >= 0 && s->is_damaged)
		return write_note(out, "-- older lines are left out: %s --", reason);
	if (r >= 0)
		r = write_note(out, "-- %s%" PRIu64 " lines are left out: %s --",
		    s->is_more ? "more than " : "",
		    s->n_older > n_told ? s->n_older - n_told : 0, reason);
	return r;
}

static int
write_newest(struct journal_scan *s, const struct journal_output *out)
{
	bool has_begun = !s->is_damaged;
	uint64_t n = 0;
	int r;

	r = begin_selection(s, &s->all);
	if (r < 0)
		return r;
	for (r = go_to_first(s); r > 0 && n < s->n_entries; r = sd_journal_next(s->j)) {
		if (must_stop(s)) {
			s->gap = GAP_TIME;
			return write_note(
			    out, "-- newer lines are left out: the time was over --");
		}
		/* It may have gone to the beginning instead. */
		if (!has_begun)
			has_begun = sd_journal_test_cursor(s->j, s->first.cursor) > 0;
		r = has_begun ? look(s) : 0;
		n += r > 0;
		if (r > 0)
			r = write_entry(s, out);
		if (r >= 0)
			r = refresh(s);
		if (r < 0)
			return r;
	}
	look_for_damage(s);
	return r < 0 ? r : 0;
}

int
journalscan_write(struct journal_scan *s, const struct journal_output *out)
{
	int r = 0;

	if (s->gap != GAP_NONE)
		r = write_gap(s, out);
	return r < 0 || !s->first.cursor ? r : write_newest(s, out);
}
