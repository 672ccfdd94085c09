/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <systemd/sd-journal.h>

#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/collectors/journal.h"
#include "capture/collectors/journalread.h"
#include "capture/notes.h"
#include "capture/rootdir.h"
#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/report.h"
#include "lib/settings.h"
#include "lib/text.h"

#define MIB UINT64_C(1048576)
#define KIB UINT64_C(1024)

/* Of a file's budget, what the first errors of a run may take. */
#define HEAD_SHARE	 8u
/* Lines from the start of a run that are kept with its errors: versions, first steps. */
#define HEAD_FIRST_LINES 20u
#define HEAD_LINES_MAX	 300u
/* Entries that are looked through for them. */
#define HEAD_SCAN_MAX	 200000u
/* Older runs than max_runs are kept too if they are this close to the event. */
#define WINDOW_USEC	 (10 * USEC_PER_MINUTE)
/* Entries after which the journal is opened anew; with their indexes a few MiB of it. */
#define REFRESH_EVERY	 8192u
/* The clock is asked once for so many entries. */
#define STOP_CHECK_EVERY 256u

/* Raw bytes; text compresses to about a tenth. */
/* clang-format off */
static const struct journal_limits limits_of[_PROFILE_COUNT] = {
	/*                     unit       boot      previous  kernel     entries runs */
	[PROFILE_FLASH]    = { 256 * KIB, 0,        0,        0,         300,    0 },
	[PROFILE_CRASH]    = { 8 * MIB,   4 * MIB,  0,        1 * MIB,   0,      4 },
	[PROFILE_STARTUP]  = { 8 * MIB,   4 * MIB,  0,        1 * MIB,   0,      4 },
	[PROFILE_CERT]     = { 4 * MIB,   1 * MIB,  0,        256 * KIB, 0,      0 },
	[PROFILE_PRESSURE] = { 1 * MIB,   1 * MIB,  0,        1 * MIB,   0,      0 },
	[PROFILE_FINAL]    = { 4 * MIB,   4 * MIB,  1 * MIB,  1 * MIB,   0,      0 },
	[PROFILE_FULL]     = { 32 * MIB,  32 * MIB, 16 * MIB, 4 * MIB,   0,      0 },
};
/* clang-format on */

/* Why a file does not begin with the oldest entry there is. */
enum gap {
	GAP_NONE,
	GAP_RUNS,   /* older runs than wanted */
	GAP_BUDGET, /* the file's own limit */
	GAP_ROOM,   /* the report has no room */
	GAP_TIME,
};

/* Restricts a journal to what belongs to VALUE. Returns 0 or negative errno. */
typedef int (*match_fn)(sd_journal *j, const char *value);

/* One file under construction. */
struct scan {
	struct collector_context *ctx;
	sd_journal **j; /* the caller's; replaced by refresh() */
	match_fn set_matches;
	const char *value; /* of set_matches */
	const struct journal_limits *limits;
	uint64_t max_bytes;
	bool is_short_of_room;	     /* max_bytes is less than the limits allow */
	uint64_t keep_since_usec;    /* realtime: max_runs does not count from here on */
	const char *first_errors_of; /* invocation ID, or NULL = of the run that is cut */

	/* Found by measure(). */
	char *cursor; /* owned: of the first entry that is kept */
	uint64_t first_usec;
	uint64_t n_entries;
	char cut_run[ID128_BYTES]; /* the run that the cut goes through */
	enum gap gap;

	/* Used and counted while printing. */
	struct journal_entry entry;
	struct journal_text text;
	uint64_t n_unreadable;
	uint64_t n_dropped;
	sd_id128_t boot_id;
	bool has_boot_id;
};

static void
scan_done(struct scan *s)
{
	free(s->cursor);
	journal_entry_done(&s->entry);
	journal_text_done(&s->text);
}

/* True if the entry belongs to a run older than those that are wanted. Counts runs. */
static bool
is_too_old(struct scan *s, char last_run[ID128_BYTES], unsigned *n_runs)
{
	char run[ID128_BYTES];
	uint64_t usec;

	if (s->limits->max_runs == 0)
		return false;
	journalread_run(*s->j, run);
	if (*run && !streq(run, last_run)) {
		text_copy(last_run, ID128_BYTES, run);
		(*n_runs)++;
	}
	return *n_runs > s->limits->max_runs &&
	    sd_journal_get_realtime_usec(*s->j, &usec) >= 0 && usec < s->keep_since_usec;
}

static int
remember_position(struct scan *s)
{
	free(s->cursor);
	s->cursor = NULL;
	(void)sd_journal_get_realtime_usec(*s->j, &s->first_usec);
	return sd_journal_get_cursor(*s->j, &s->cursor);
}

/* libsystemd keeps the pages of every part of the files that it looked at. Opens the journal
 * anew, at the same entry, so that a long scan does not fill the memory of a small machine. */
static int
refresh(struct scan *s)
{
	_cleanup_free_ char *cursor = NULL;
	sd_journal *fresh;
	int r;

	r = sd_journal_get_cursor(*s->j, &cursor);
	if (r >= 0)
		r = journalread_open(s->ctx->root, &fresh);
	if (r < 0)
		return r;
	sd_journal_close(*s->j);
	*s->j = fresh;
	r = s->set_matches(fresh, s->value);
	if (r >= 0)
		r = sd_journal_seek_cursor(fresh, cursor);
	if (r >= 0)
		r = sd_journal_next(fresh);
	return r < 0 ? r : 0;
}

/* Goes back from the end as far as the limits allow. */
static int
measure(struct scan *s)
{
	char last_run[ID128_BYTES] = "";
	unsigned n_runs = 0;
	uint64_t bytes = 0;
	int r;

	r = sd_journal_seek_tail(*s->j);
	if (r < 0)
		return r;
	while ((r = sd_journal_previous(*s->j)) > 0) {
		bytes += journalread_line_size(*s->j);
		if (bytes > s->max_bytes)
			s->gap = s->is_short_of_room ? GAP_ROOM : GAP_BUDGET;
		else if (s->limits->max_entries > 0 && s->n_entries >= s->limits->max_entries)
			s->gap = GAP_BUDGET;
		else if (is_too_old(s, last_run, &n_runs))
			s->gap = GAP_RUNS;
		else if (s->n_entries % STOP_CHECK_EVERY == 0 && collector_must_stop(s->ctx))
			s->gap = GAP_TIME;
		if (s->gap != GAP_NONE)
			break;
		s->n_entries++;
		r = s->n_entries % REFRESH_EVERY == 0 ? refresh(s) : 0;
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (s->gap != GAP_NONE)
		journalread_run(*s->j, s->cut_run);
	if (s->n_entries == 0)
		return 0;
	/* Back to the last entry that counts. */
	if (r == 0) {
		r = sd_journal_seek_head(*s->j);
		if (r < 0)
			return r;
	}
	r = sd_journal_next(*s->j);
	return r <= 0 ? r : remember_position(s);
}

/* journalctl's line between two boots. */
static int
write_boot_change(struct scan *s, struct bundle_member *m)
{
	char line[64];
	sd_id128_t id;
	bool is_new;
	int n;

	if (sd_journal_get_monotonic_usec(*s->j, NULL, &id) < 0)
		return 0;
	is_new = s->has_boot_id && !sd_id128_equal(id, s->boot_id);
	s->boot_id = id;
	s->has_boot_id = true;
	if (!is_new)
		return 0;
	n = snprintf(line, sizeof(line), "-- Boot " SD_ID128_FORMAT_STR " --\n",
	    SD_ID128_FORMAT_VAL(id));
	return bundle_member_write(m, line, (size_t)n);
}

static int
write_entry(struct scan *s, struct bundle_member *m, bool as_dmesg)
{
	int r;

	r = journalread_load(*s->j, &s->entry);
	if (r == -ENOMEM)
		return r;
	/* What could be read of a corrupt entry is shown, if it has a message. */
	s->n_unreadable += r < 0;
	s->n_dropped += journalread_dropped(&s->entry);
	r = as_dmesg ? journalread_format_dmesg(&s->entry, &s->text)
		     : journalread_format(&s->entry, &s->text);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	return bundle_member_write(m, s->text.data, s->text.size);
}

static int
write_text(struct bundle_member *m, const char *text)
{
	return bundle_member_write(m, text, strlen(text));
}

/* The first lines and first errors of RUN, as far as they are older than what measure() kept.
 */
static int
write_first_errors(struct scan *s, struct bundle_member *m, const char *run)
{
	uint64_t budget = s->max_bytes / HEAD_SHARE, bytes = 0;
	unsigned n_scanned = 0, n_lines = 0;
	int r;

	r = journalread_match_run(*s->j, run);
	if (r >= 0)
		r = sd_journal_seek_head(*s->j);
	while (r >= 0 && (r = sd_journal_next(*s->j)) > 0) {
		uint64_t usec;

		if (n_lines >= HEAD_LINES_MAX || ++n_scanned > HEAD_SCAN_MAX ||
		    (n_scanned % STOP_CHECK_EVERY == 0 && collector_must_stop(s->ctx)) ||
		    sd_journal_get_realtime_usec(*s->j, &usec) < 0 || usec >= s->first_usec)
			break;
		if (n_scanned > HEAD_FIRST_LINES && !journalread_is_error(*s->j))
			continue;
		bytes += journalread_line_size(*s->j);
		if (bytes > budget)
			break;
		n_lines++;
		r = write_entry(s, m, false);
	}
	return r < 0 ? r : (int)n_lines;
}

/* What is said where lines are left out. */
static int
write_gap(struct scan *s, struct bundle_member *m, const char *run)
{
	static const char *const reasons[] = {
		[GAP_RUNS] = "older runs are left out",
		[GAP_BUDGET] = "older lines are left out, the budget of this file is",
		[GAP_ROOM] = "older lines are left out, the room left in the report was",
		[GAP_TIME] = "older lines are left out, the time was over",
	};
	char line[256], size[32];
	int r = 0;

	/* Runs that nobody wants have no first errors that anybody wants. */
	if (*run && s->gap != GAP_RUNS)
		r = write_first_errors(s, m, run);
	if (r < 0 && r != -EINVAL)
		return r;
	if (r > 0)
		(void)snprintf(
		    line, sizeof(line), "-- above: first lines and errors of run %s --\n", run);
	if (r > 0)
		r = write_text(m, line);
	if (r < 0)
		return r;
	(void)text_format_bytes(s->max_bytes, size, sizeof(size));
	(void)snprintf(line, sizeof(line), "-- %s%s%s --\n", reasons[s->gap],
	    s->gap == GAP_BUDGET || s->gap == GAP_ROOM ? " " : "",
	    s->gap == GAP_BUDGET || s->gap == GAP_ROOM ? size : "");
	return write_text(m, line);
}

/* Writes what measure() found. */
static int
print(struct scan *s, struct bundle_member *m, bool as_dmesg)
{
	const char *run = s->first_errors_of ? s->first_errors_of : s->cut_run;
	int r;

	if (s->n_entries == 0)
		return write_text(m, "-- No entries --\n");
	if (s->gap != GAP_NONE) {
		r = write_gap(s, m, as_dmesg ? "" : run);
		if (r < 0)
			return r;
		r = s->set_matches(*s->j, s->value);
		if (r < 0)
			return r;
	}
	r = sd_journal_seek_cursor(*s->j, s->cursor);
	for (uint64_t i = 0; r >= 0 && i < s->n_entries; i++) {
		r = sd_journal_next(*s->j);
		if (r <= 0)
			break;
		r = write_boot_change(s, m);
		if (r >= 0)
			r = write_entry(s, m, as_dmesg);
		if (r >= 0 && (i + 1) % REFRESH_EVERY == 0)
			r = refresh(s);
		if (i % STOP_CHECK_EVERY == 0 && collector_must_stop(s->ctx)) {
			s->gap = GAP_TIME;
			(void)write_text(
			    m, "-- newer lines are left out, the time was over --\n");
			break;
		}
	}
	return r < 0 ? r : 0;
}

static void
note_findings(struct scan *s, const char *path)
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
}

/* Fills the member PATH with what the matches select. Returns as journal_add_unit(). */
static int
add_file(
    struct scan *s, const char *path, match_fn set_matches, const char *value, bool as_dmesg)
{
	struct bundle_member *m;
	uint64_t room = bundle_room(s->ctx->bundle);
	int r, end;

	if (bundle_contains(s->ctx->bundle, path))
		return 0;
	/* Beyond the room the bundle would cut the end, the newest lines. */
	if (s->max_bytes > room) {
		s->max_bytes = room;
		s->is_short_of_room = true;
	}
	s->set_matches = set_matches;
	s->value = value;
	r = set_matches(*s->j, value);
	if (r >= 0)
		r = measure(s);
	if (r < 0)
		return r;
	/* A container has no kernel messages; an empty dmesg would say more than is known. */
	if (as_dmesg && s->n_entries == 0)
		return 0;
	r = bundle_member_begin(s->ctx->bundle, path, NULL, &m);
	if (r < 0)
		return r;
	r = print(s, m, as_dmesg);
	end = bundle_member_end(m);
	note_findings(s, path);
	if (end < 0)
		return end;
	if (r < 0 && r != -EFBIG)
		return r;
	/* Its own budget is what a file is meant to have; the rest is a loss. */
	return end > 0 || s->gap == GAP_ROOM || s->gap == GAP_TIME;
}

/* Realtime from which on everything is kept, runs or not. */
static uint64_t
keep_since(const struct request *request)
{
	uint64_t event = request->event.exit_usec;

	if (event == 0)
		event = request->created_usec;
	return event > WINDOW_USEC ? event - WINDOW_USEC : 0;
}

static int
add_unit(struct collector_context *ctx, sd_journal **j, const char *plugin, const char *unit,
    const struct journal_limits *limits)
{
	const struct unit_event *event = &ctx->request->event;
	_cleanup_(scan_done) struct scan s = {
		.ctx = ctx,
		.j = j,
		.limits = limits,
		.max_bytes = limits->unit_bytes,
		.keep_since_usec = keep_since(ctx->request),
	};
	_cleanup_free_ char *full =
	    text_format("%s%s", unit, strchr(unit, '.') ? "" : ".service");
	_cleanup_free_ char *name = NULL;
	char path[LAYOUT_PATH_BYTES];
	int r;

	if (!full)
		return -ENOMEM;
	if (streq(full, event->unit) && *event->invocation_id)
		s.first_errors_of = event->invocation_id;
	/* sos leaves out ".service", as people do. */
	name = text_format("journalctl --no-pager --unit %.*s",
	    (int)(strlen(full) - (text_has_suffix(full, ".service") ? strlen(".service") : 0)),
	    full);
	if (!name)
		return -ENOMEM;
	r = layout_collector_path(plugin, name, path);
	return r < 0 ? r : add_file(&s, path, journalread_match_unit, full, false);
}

int
journal_add_unit_limited(struct collector_context *ctx, const char *plugin, const char *unit,
    const struct journal_limits *limits)
{
	_cleanup_(sd_journal_closep) sd_journal *j = NULL;
	int r;

	r = journalread_open(ctx->root, &j);
	return r < 0 ? r : add_unit(ctx, &j, plugin, unit, limits);
}

int
journal_add_unit(struct collector_context *ctx, const char *plugin, const char *unit)
{
	return journal_add_unit_limited(ctx, plugin, unit, &limits_of[ctx->request->profile]);
}

static int
match_boot(sd_journal *j, const char *boot_id)
{
	char match[9 + ID128_BYTES];

	sd_journal_flush_matches(j);
	(void)snprintf(match, sizeof(match), "_BOOT_ID=%s", boot_id);
	return sd_journal_add_match(j, match, 0);
}

static int
match_kernel(sd_journal *j, const char *boot_id)
{
	int r = match_boot(j, boot_id);

	return r < 0 ? r : sd_journal_add_match(j, "_TRANSPORT=kernel", 0);
}

static int
boot_of_entry(sd_journal *j, char buf[ID128_BYTES])
{
	sd_id128_t id;
	int r;

	r = sd_journal_get_monotonic_usec(j, NULL, &id);
	if (r < 0)
		return r;
	(void)snprintf(buf, ID128_BYTES, SD_ID128_FORMAT_STR, SD_ID128_FORMAT_VAL(id));
	return 0;
}

/* The boot of the event, or of the newest entry. Returns -ENODATA when there is none. */
static int
find_boot(struct collector_context *ctx, sd_journal *j, char buf[ID128_BYTES])
{
	int r;

	text_copy(buf, ID128_BYTES, ctx->request->event.boot_id);
	if (*buf)
		return 0;
	sd_journal_flush_matches(j);
	r = sd_journal_seek_tail(j);
	if (r >= 0)
		r = sd_journal_previous(j);
	return r < 0 ? r : r == 0 ? -ENODATA : boot_of_entry(j, buf);
}

/* The boot before BOOT_ID: that of the entry before its first one. */
static int
find_previous_boot(sd_journal *j, const char *boot_id, char buf[ID128_BYTES])
{
	_cleanup_free_ char *cursor = NULL;
	int r;

	r = match_boot(j, boot_id);
	if (r >= 0)
		r = sd_journal_seek_head(j);
	if (r >= 0)
		r = sd_journal_next(j);
	if (r <= 0)
		return r < 0 ? r : -ENODATA;
	r = sd_journal_get_cursor(j, &cursor);
	if (r < 0)
		return r;
	sd_journal_flush_matches(j);
	r = sd_journal_seek_cursor(j, cursor);
	if (r >= 0)
		r = sd_journal_previous_skip(j, 2);
	if (r < 2)
		return r < 0 ? r : -ENODATA;
	r = boot_of_entry(j, buf);
	return r < 0 ? r : streq(buf, boot_id) ? -ENODATA : 0;
}

static int
add_boot(struct collector_context *ctx, sd_journal **j, const char *path, const char *boot_id,
    uint64_t max_bytes)
{
	static const struct journal_limits any = { 0 };
	_cleanup_(scan_done) struct scan s = {
		.ctx = ctx,
		.j = j,
		.limits = &any,
		.max_bytes = max_bytes,
	};

	return add_file(&s, path, match_boot, boot_id, false);
}

static int
add_kernel(
    struct collector_context *ctx, sd_journal **j, const char *boot_id, uint64_t max_bytes)
{
	static const struct journal_limits any = { 0 };
	_cleanup_(scan_done) struct scan s = {
		.ctx = ctx,
		.j = j,
		.limits = &any,
		.max_bytes = max_bytes,
	};

	return add_file(&s, "sos_commands/kernel/dmesg", match_kernel, boot_id, true);
}

/* "microshift" for everything of MicroShift, otherwise the name of the unit. */
static void
plugin_of(const char *unit, char buf[UNIT_NAME_BYTES])
{
	text_copy(buf, UNIT_NAME_BYTES, unit);
	if (text_has_prefix(unit, "microshift"))
		text_copy(buf, UNIT_NAME_BYTES, "microshift");
	for (char *p = buf; *p; p++)
		if (*p == '.' || *p == '@') {
			*p = '\0';
			break;
		}
}

/* Keeps the worst of two results: errors before cuts before success. */
static void
merge(int *result, int r)
{
	if (*result >= 0 && (r < 0 || r > *result))
		*result = r;
}

static int
add_watched_units(struct collector_context *ctx, sd_journal **j)
{
	const struct journal_limits *limits = &limits_of[ctx->request->profile];
	const char *failed = ctx->request->event.unit;
	char plugin[UNIT_NAME_BYTES];
	int result = 0;

	/* The one that failed first; it may be none of those that are watched now. */
	if (*failed) {
		plugin_of(failed, plugin);
		merge(&result, add_unit(ctx, j, plugin, failed, limits));
	}
	for (char **unit = ctx->settings->units; result >= 0 && unit && *unit; unit++) {
		plugin_of(*unit, plugin);
		merge(&result, add_unit(ctx, j, plugin, *unit, limits));
	}
	return result;
}

static int
add_boots(struct collector_context *ctx, sd_journal **j)
{
	const struct journal_limits *limits = &limits_of[ctx->request->profile];
	char boot_id[ID128_BYTES], previous[ID128_BYTES];
	int result = 0;

	if (limits->boot_bytes == 0 || find_boot(ctx, *j, boot_id) < 0)
		return 0;
	merge(&result, add_kernel(ctx, j, boot_id, limits->kernel_bytes));
	merge(&result,
	    add_boot(ctx, j, "sos_commands/logs/journalctl_--no-pager_--boot", boot_id,
		limits->boot_bytes));
	if (result < 0)
		return result;
	/* Where sos has the whole journal, and tools look for it. */
	(void)bundle_add_symlink(ctx->bundle, "sos_commands/logs/journalctl_--no-pager",
	    "journalctl_--no-pager_--boot");
	if (limits->previous_boot_bytes > 0 && find_previous_boot(*j, boot_id, previous) >= 0)
		merge(&result,
		    add_boot(ctx, j, "sos_commands/logs/journalctl_--no-pager_--boot_-1",
			previous, limits->previous_boot_bytes));
	return result;
}

/* `journalctl --disk-usage`, and whether the next boot still finds anything. */
static void
add_usage(struct collector_context *ctx, sd_journal *j)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	char line[128], size[32];
	uint64_t bytes;

	if (sd_journal_get_usage(j, &bytes) < 0)
		return;
	if (bytes == 0) {
		(void)notes_add(ctx, "this machine has no journal files");
		return;
	}
	(void)snprintf(line, sizeof(line),
	    "Archived and active journals take up %s in the file system.\n",
	    text_format_bytes(bytes, size, sizeof(size)));
	(void)bundle_add(
	    ctx->bundle, "sos_commands/logs/journalctl_--disk-usage", line, strlen(line), NULL);
	if (root_fd >= 0 && !rootdir_exists(root_fd, "/var/log/journal"))
		(void)notes_add(ctx,
		    "the journal is volatile: /var/log/journal does not exist, so nothing "
		    "from before this boot is there");
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_(sd_journal_closep) sd_journal *j = NULL;
	int r;

	(void)c;
	r = journalread_open(ctx->root, &j);
	if (r < 0) {
		fault_set(reterr, r, "cannot open the journal: %m");
		return OUTCOME_FAILED;
	}
	r = add_watched_units(ctx, &j);
	if (r >= 0)
		merge(&r, add_boots(ctx, &j));
	add_usage(ctx, j);
	if (r == 0)
		return OUTCOME_OK;
	if (collector_must_stop(ctx)) {
		fault_set(reterr, -ETIME, "the time for the journal was over");
		return OUTCOME_TIMED_OUT;
	}
	if (r > 0)
		fault_set(reterr, -EFBIG,
		    "no room in the report for all of it: the newest lines are there");
	else
		fault_set(reterr, r, "cannot read all of the journal: %m");
	return OUTCOME_PARTIAL;
}

const struct collector journal_collector = {
	.name = "journal",
	.description = "Journal of the watched units, of this boot and of the kernel",
	.profiles = PROFILE_MASK_ALL,
	.priority = PRIORITY_VOLATILE,
	.wall_usec = 60 * USEC_PER_SEC,
	.max_bytes = 128 * MIB,
	.run = run,
};
