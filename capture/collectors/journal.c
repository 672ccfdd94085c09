/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-journal.h>

#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/collectors/journal.h"
#include "capture/collectors/journaldisk.h"
#include "capture/collectors/journalfile.h"
#include "capture/collectors/journalscan.h"
#include "capture/collectors/journalunits.h"
#include "capture/notes.h"
#include "capture/sink/bundle.h"
#include "capture/sink/exportfile.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/report.h"
#include "lib/settings.h"
#include "lib/text.h"

#define MIB  UINT64_C(1048576)
#define KIB  UINT64_C(1024)
#define HOUR (60 * USEC_PER_MINUTE)

/* Older runs than max_runs are kept too if they are this close to the event. */
#define RUNS_WINDOW_USEC (10 * USEC_PER_MINUTE)

#define KERNEL_PATH	   "sos_commands/kernel/dmesg"
#define BOOT_PATH	   "sos_commands/logs/journalctl_--no-pager_--boot"
#define PREVIOUS_BOOT_PATH "sos_commands/logs/journalctl_--no-pager_--boot_-1"
#define EXPORT_PATH	   "sos_commands/logs/journal.export.zst"

/* Raw bytes; text compresses to about a tenth, the export to a twentieth. */
/* clang-format off */
static const struct journal_limits limits_of[_PROFILE_COUNT] = {
	/*                     unit       boot      previous  kernel     export    window    entries runs */
	[PROFILE_FLASH]    = { 256 * KIB, 0,        0,        0,         0,        0,        300,    0 },
	[PROFILE_CRASH]    = { 8 * MIB,   4 * MIB,  1 * MIB,  1 * MIB,   16 * MIB, 2 * HOUR, 0,      4 },
	[PROFILE_STARTUP]  = { 8 * MIB,   4 * MIB,  1 * MIB,  1 * MIB,   16 * MIB, 2 * HOUR, 0,      4 },
	[PROFILE_CERT]     = { 4 * MIB,   1 * MIB,  0,        256 * KIB, 4 * MIB,  2 * HOUR, 0,      0 },
	[PROFILE_PRESSURE] = { 1 * MIB,   1 * MIB,  0,        1 * MIB,   2 * MIB,  1 * HOUR, 0,      0 },
	[PROFILE_FINAL]    = { 4 * MIB,   4 * MIB,  1 * MIB,  1 * MIB,   4 * MIB,  6 * HOUR, 0,      0 },
	[PROFILE_FULL]     = { 32 * MIB,  32 * MIB, 16 * MIB, 4 * MIB,   64 * MIB, 0,        0,      0 },
};
/* clang-format on */

/* Realtime SPAN_USEC before what the report is about. */
static uint64_t
time_before_event(const struct request *request, uint64_t span_usec)
{
	uint64_t event = request->event.exit_usec;

	if (event == 0)
		event = request->created_usec;
	return event > span_usec ? event - span_usec : 0;
}

static uint64_t
window_begin(const struct collector_context *ctx, const struct journal_limits *limits)
{
	return limits->window_usec > 0 ? time_before_event(ctx->request, limits->window_usec)
				       : 0;
}

/* Keeps the worst of two results: errors before cuts before success. */
static void
merge(int *result, int r)
{
	if (*result >= 0 && (r < 0 || r > *result))
		*result = r;
}

/* The journal of UNIT, with its type, as the member PATH. STORED are the units that have one.
 */
static int
add_unit(struct collector_context *ctx, const struct journal_unit *unit,
    const char *const *stored, const struct journal_limits *limits, bool may_be_missing)
{
	const struct unit_event *event = &ctx->request->event;
	const struct journal_file file = {
		.path = unit->path,
		.may_be_missing = may_be_missing,
	};
	_cleanup_(journalscan_done) struct journal_scan s = {
		.ctx = ctx,
		.max_value_bytes = JOURNAL_MESSAGE_MAX_BYTES,
		.all = { JOURNAL_UNIT, unit->unit },
		/* Of the run that ended, else of the one that has to be cut. */
		.beginnings = { { 0 }, { JOURNAL_RUN, s.cut_run } },
		.not_units = stored,
		.max_bytes = limits->unit_bytes,
		.max_entries = limits->max_entries,
		.max_runs = limits->max_runs,
		.keep_since_usec = time_before_event(ctx->request, RUNS_WINDOW_USEC),
	};

	if (streq(unit->unit, event->unit) && *event->invocation_id)
		s.beginnings[0] =
		    (struct journal_selection){ JOURNAL_RUN, event->invocation_id };
	return journalfile_add_text(&s, &file);
}

int
journal_add_unit_limited(struct collector_context *ctx, const char *plugin, const char *unit,
    const struct journal_limits *limits)
{
	_cleanup_(journalunits_done) struct journal_units units = { 0 };
	_cleanup_free_ const char **stored = NULL;
	size_t n_watched, i;
	int r;

	r = journalunits_list(ctx, &units, &n_watched);
	if (r >= 0)
		r = journalunits_add(&units, plugin, unit, &i);
	if (r < 0)
		return r;
	if (bundle_contains(ctx->bundle, units.items[i].path))
		return 0;
	r = journalunits_stored(ctx, &units, &stored);
	return r < 0 ? r : add_unit(ctx, &units.items[i], stored, limits, false);
}

int
journal_add_unit(struct collector_context *ctx, const char *plugin, const char *unit)
{
	return journal_add_unit_limited(ctx, plugin, unit, &limits_of[ctx->request->profile]);
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

	r = journalread_match(j, &(struct journal_selection){ JOURNAL_BOOT, boot_id });
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

/* Lines for the journal of a boot about what is not in it. Returns NULL when out of memory. */
static char *
describe_rest(struct collector_context *ctx, const struct journal_units *units)
{
	_cleanup_free_ char *text = strdup("");

	for (size_t i = 0; text && i < units->n_items; i++) {
		const struct journal_unit *unit = &units->items[i];
		char *longer;

		if (!bundle_contains(ctx->bundle, unit->path))
			continue;
		longer = text_format("%s-- %s: see %s --\n", text, unit->unit, unit->path);
		free(text);
		text = longer;
	}
	return TAKE_PTR(text);
}

/* What is the same for the boots and the export. */
struct rest {
	struct collector_context *ctx;
	const struct journal_limits *limits;
	struct journal_units units; /* owned content */
	const char **stored;	    /* owned: those that have a file by now */
	char *header;		    /* owned; names their files */
};

static void
rest_done(struct rest *rest)
{
	journalunits_done(&rest->units);
	free(rest->stored);
	free(rest->header);
}

static int
add_boot(struct rest *rest, const char *path, const char *boot_id, uint64_t max_bytes)
{
	bool is_previous = streq(path, PREVIOUS_BOOT_PATH);
	bool has_dmesg = !is_previous && bundle_contains(rest->ctx->bundle, KERNEL_PATH);
	_cleanup_free_ char *header = text_format("%s%s", rest->header,
	    has_dmesg ? "-- messages of the kernel: see " KERNEL_PATH " --\n" : "");
	const struct journal_file file = {
		.path = path,
		.header = header,
		.may_be_missing = is_previous,
	};
	_cleanup_(journalscan_done) struct journal_scan s = {
		.ctx = rest->ctx,
		.max_value_bytes = JOURNAL_MESSAGE_MAX_BYTES,
		.all = { JOURNAL_BOOT, boot_id },
		.beginnings = { { JOURNAL_BOOT, boot_id } },
		.not_units = rest->stored,
		.not_kernel_of = has_dmesg ? boot_id : NULL,
		.max_bytes = max_bytes,
		.since_usec = window_begin(rest->ctx, rest->limits),
	};

	return header ? journalfile_add_text(&s, &file) : -ENOMEM;
}

static int
add_kernel(struct rest *rest, const char *boot_id)
{
	/* A container has no kernel messages; an empty dmesg would say more than is known. */
	static const struct journal_file file = {
		.path = KERNEL_PATH,
		.as_dmesg = true,
		.may_be_missing = true,
	};
	_cleanup_(journalscan_done) struct journal_scan s = {
		.ctx = rest->ctx,
		.max_value_bytes = JOURNAL_MESSAGE_MAX_BYTES,
		.all = { JOURNAL_KERNEL, boot_id },
		.beginnings = { { JOURNAL_KERNEL, boot_id } },
		.max_bytes = rest->limits->kernel_bytes,
	};

	return journalfile_add_text(&s, &file);
}

static int
add_export(struct rest *rest)
{
	_cleanup_(journalscan_done) struct journal_scan s = {
		.ctx = rest->ctx,
		.max_value_bytes = EXPORTFILE_VALUE_MAX_BYTES,
		.all = { JOURNAL_ALL, NULL },
		.beginnings = { { JOURNAL_RUN, rest->ctx->request->event.invocation_id } },
		.max_bytes = rest->limits->export_bytes,
		.count_fields = true,
		.since_usec = window_begin(rest->ctx, rest->limits),
	};

	return s.max_bytes > 0 ? journalfile_add_export(&s, EXPORT_PATH) : 0;
}

/* journald says when it starts. Where that is gone, so is what was logged until then. */
static void
note_lost_start(struct collector_context *ctx, sd_journal *j, const char *boot_id)
{
	const struct journal_selection start = { JOURNAL_START, boot_id };

	if (journalread_match(j, &start) >= 0 && sd_journal_seek_head(j) >= 0 &&
	    sd_journal_next(j) == 0)
		(void)notes_add(ctx,
		    "the journal of boot %s does not reach back to its start: it was rotated or "
		    "vacuumed away",
		    boot_id);
}

static int
add_boots(struct rest *rest, sd_journal *j)
{
	struct collector_context *ctx = rest->ctx;
	const struct journal_limits *limits = rest->limits;
	char boot_id[ID128_BYTES], previous[ID128_BYTES];
	int result = 0;

	if (limits->boot_bytes == 0 || find_boot(ctx, j, boot_id) < 0)
		return 0;
	merge(&result, add_kernel(rest, boot_id));
	merge(&result, add_boot(rest, BOOT_PATH, boot_id, limits->boot_bytes));
	/* Where sos has the whole journal, and tools look for it. */
	(void)bundle_add_symlink(ctx->bundle, "sos_commands/logs/journalctl_--no-pager",
	    "journalctl_--no-pager_--boot");
	note_lost_start(ctx, j, boot_id);
	if (limits->previous_boot_bytes > 0 && find_previous_boot(j, boot_id, previous) >= 0)
		merge(&result,
		    add_boot(rest, PREVIOUS_BOOT_PATH, previous, limits->previous_boot_bytes));
	return result;
}

/* Those that are watched have a file even if they never said anything. The others get theirs
 * from the collector that names them, which knows whether it applies here. */
static int
add_units(struct rest *rest)
{
	size_t n_watched = 0;
	int result = 0;
	int r;

	r = journalunits_list(rest->ctx, &rest->units, &n_watched);
	if (r < 0)
		return r;
	for (size_t i = 0; i < rest->units.n_items; i++) {
		_cleanup_free_ const char **stored = NULL;

		r = journalunits_stored(rest->ctx, &rest->units, &stored);
		if (r >= 0)
			r = add_unit(rest->ctx, &rest->units.items[i], stored, rest->limits,
			    i >= n_watched);
		merge(&result, r);
	}
	return result;
}

/* Returns as journal_add_unit(), the worst there was: one part that fails does not cost the
 * others.
 */
static int
add_all(struct collector_context *ctx, const struct journal_limits *limits)
{
	_cleanup_(sd_journal_closep) sd_journal *j = NULL;
	_cleanup_(rest_done) struct rest rest = { .ctx = ctx, .limits = limits };
	int result;
	int r;

	r = journalread_open(ctx->root, JOURNAL_MESSAGE_MAX_BYTES, &j);
	if (r < 0)
		return r;
	journaldisk_add(ctx, j, r > 0);
	result = add_units(&rest);
	r = journalunits_stored(ctx, &rest.units, &rest.stored);
	if (r < 0)
		return r;
	rest.header = describe_rest(ctx, &rest.units);
	if (!rest.header)
		return -ENOMEM;
	merge(&result, add_boots(&rest, j));
	merge(&result, add_export(&rest));
	return result;
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	int r;

	(void)c;
	r = add_all(ctx, &limits_of[ctx->request->profile]);
	if (r == 0)
		return OUTCOME_OK;
	if (collector_must_stop(ctx)) {
		fault_set(reterr, -ETIME, "the time for the journal was over");
		return OUTCOME_TIMED_OUT;
	}
	if (r > 0)
		fault_set(reterr, -EFBIG,
		    "not all of it is there: no room in the report, or a corrupt file");
	else
		fault_set(reterr, r, "cannot read all of the journal: %m");
	return OUTCOME_PARTIAL;
}

const struct collector journal_collector = {
	.name = "journal",
	.description = "Journal: units, kernel, boots, and all of it as journal.export.zst",
	.profiles = PROFILE_MASK_ALL,
	.priority = PRIORITY_VOLATILE,
	.wall_usec = 60 * USEC_PER_SEC,
	/* Of profile full: ten units and the rest; packed about a tenth of it. */
	.max_bytes = 512 * MIB,
	.run = run,
};
