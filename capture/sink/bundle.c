/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/certinfo.h"
#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "capture/sink/names.h"
#include "capture/sink/spill.h"
#include "capture/sink/tarball.h"
#include "capture/stop.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/manifest.h"
#include "lib/redact/redact.h"
#include "lib/text.h"

/* A member on its way: collector → redact → spill (bounded) → at its end, with its size known,
 * tar → part → file. */

#define READ_STEP_BYTES (64u * 1024u)
/* Read before the place where a tail begins, filtered and thrown away: a private key that the
 * cut goes through is then recognised by its first line. The largest one (RSA 16384) has 13
 * KiB. */
#define TAIL_LEAD_BYTES (64u * 1024u)
/* A tail begins with a whole line if one ends within this. */
#define LINE_MAX_BYTES	4096u
/* Below this the archive counts as full. */
#define ROOM_MIN_BYTES	(4u * 1024u)
/* A member that might not fit is compressed on trial at this many places, each of this size. */
#define SAMPLE_COUNT	4u
#define SAMPLE_BYTES	(64u * 1024u)
/* Compression that is assumed until RATIO_MIN_BYTES are written: text has 5 to 20. */
#define FIRST_RATIO	4u
#define RATIO_MIN_BYTES (64u * 1024u)
/* Nothing that is collected packs better for long; a run of zeros must not promise more. */
#define RATIO_MAX	16u
/* ".1" to this one for a name that is taken. */
#define SUFFIX_MAX	999u

/* A filter is costly to make, so one is kept. Its callback needs to know the member of now. */
struct filter {
	struct redact *redact;	      /* owned */
	struct bundle_member *member; /* borrowed */
};

struct bundle {
	struct tarball *tarball;       /* owned */
	struct bundle_options options; /* topdir is owned */
	struct names names;
	struct filter *spare;		   /* owned, may be NULL */
	struct manifest_collector *record; /* borrowed */
	uint64_t scope_left_bytes;
	uint64_t deadline_usec;
	uint64_t raw_bytes;
	uint64_t redactions;
	char last_path[LAYOUT_PATH_BYTES];
	bool was_cut; /* the archive's budget was too small for something */
	int error;    /* sticky; of the archive itself */
};

struct bundle_member {
	struct bundle *bundle; /* borrowed */
	struct bundle_member_options options;
	struct filter *filter;	 /* owned; NULL with options.is_redacted */
	struct spill *spill;	 /* owned */
	uint64_t counted;	 /* of the filter before this member */
	uint64_t own_redactions; /* by its writer */
	uint64_t written_bytes;	 /* into the filter */
	uint64_t skipped_bytes;	 /* left out before the filter saw them */
	bool rest_unknown;	 /* reading ended at the limit, so nobody knows what follows */
	bool limited_by_room;	 /* by the collector's or the archive's limit, not its own */
	bool limited_by_archive;
	bool discard; /* output is thrown away: TAIL_LEAD_BYTES */
	bool is_full;
	bool interrupted;
	int error; /* sticky; of the spill or the filter, so of this member only */
	char path[LAYOUT_PATH_BYTES];
};

static void
filter_free(struct filter *f)
{
	if (!f)
		return;
	redact_free(f->redact);
	free(f);
}
DEFINE_CLEANUP(struct filter *, filter_free);

static int
keep(struct bundle_member *m, const void *data, size_t size)
{
	int r;

	if (m->discard)
		return 0;
	r = spill_write(m->spill, data, size);
	if (r > 0)
		m->is_full = true;
	return r < 0 ? r : 0;
}

static int
on_redacted(const void *data, size_t size, void *userdata)
{
	struct filter *f = userdata;

	return keep(f->member, data, size);
}

static int
filter_new(struct filter **ret)
{
	_cleanup_(filter_freep) struct filter *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = redact_new(on_redacted, f, &f->redact);
	if (r < 0)
		return r;
	r = redact_set_describe(f->redact, certinfo_describe, NULL);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

int
bundle_open(int dir_fd, const char *name, const struct bundle_options *options,
    struct bundle **ret, struct fault *reterr)
{
	_cleanup_bundle_ struct bundle *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return fault_set(reterr, -ENOMEM, "Cannot create '%s': %m", name);
	b->options = *options;
	b->options.topdir = strdup(options->topdir);
	b->scope_left_bytes = UINT64_MAX;
	b->deadline_usec = USEC_INFINITY;
	if (!b->options.topdir)
		return fault_set(reterr, -ENOMEM, "Cannot create '%s': %m", name);
	if (!layout_path_is_valid(options->topdir))
		return fault_set(
		    reterr, -EINVAL, "Invalid top directory '%s'", options->topdir);
	r = tarball_open(dir_fd, name, options->compression, &b->tarball);
	if (r < 0)
		return fault_set(reterr, r, "Cannot create '%s': %m", name);
	*ret = TAKE_PTR(b);
	return 0;
}

void
bundle_free(struct bundle *b)
{
	if (!b)
		return;
	tarball_free(b->tarball);
	names_done(&b->names);
	filter_free(b->spare);
	free((char *)b->options.topdir);
	free(b);
}

int
bundle_close(struct bundle *b, struct fault *reterr)
{
	int r = tarball_close(b->tarball);

	return r < 0 ? fault_set(reterr, r, "Cannot finish the archive: %m") : 0;
}

int
bundle_flush(struct bundle *b, struct bundle_mark *ret_mark)
{
	int r = tarball_flush(b->tarball);

	if (r < 0)
		return b->error = r;
	if (ret_mark)
		*ret_mark = (struct bundle_mark){
			.archive_bytes = tarball_file_bytes(b->tarball),
			.raw_bytes = b->raw_bytes,
			.redactions = b->redactions,
			.n_names = b->names.n_names,
		};
	return 0;
}

int
bundle_rewind(struct bundle *b, const struct bundle_mark *mark)
{
	b->error = tarball_rewind(b->tarball, mark->archive_bytes);
	b->raw_bytes = mark->raw_bytes;
	b->redactions = mark->redactions;
	names_rewind(&b->names, mark->n_names);
	return b->error;
}

void
bundle_set_scope(struct bundle *b, struct manifest_collector *record, uint64_t max_raw_bytes,
    uint64_t deadline_usec)
{
	b->record = record;
	b->scope_left_bytes = max_raw_bytes > 0 ? max_raw_bytes : UINT64_MAX;
	b->deadline_usec = deadline_usec;
}

/* How well this archive compresses so far. */
static uint64_t
observed_ratio(const struct bundle *b)
{
	uint64_t file = tarball_file_bytes(b->tarball);
	uint64_t raw = tarball_raw_bytes(b->tarball) - tarball_part_bytes(b->tarball);
	uint64_t n;

	if (file < RATIO_MIN_BYTES)
		return FIRST_RATIO;
	n = raw / file;
	return n < 1 ? 1 : n > RATIO_MAX ? RATIO_MAX : n;
}

/* The budget without what is kept for the end; a quarter of it where it is tiny. */
static uint64_t
member_budget(const struct bundle *b)
{
	uint64_t max = b->options.max_archive_bytes;

	return max - (max / 4 < BUNDLE_RESERVE_BYTES ? max / 4 : BUNDLE_RESERVE_BYTES);
}

/* Compressed bytes that are left. */
static uint64_t
archive_left(const struct bundle *b)
{
	uint64_t used;

	if (b->options.max_archive_bytes == UINT64_MAX)
		return UINT64_MAX;
	used =
	    tarball_file_bytes(b->tarball) + tarball_part_bytes(b->tarball) / observed_ratio(b);
	return used + ROOM_MIN_BYTES > member_budget(b) ? 0 : member_budget(b) - used;
}

/* Raw bytes that are left, when so many of them make one compressed byte. */
static uint64_t
room(const struct bundle *b, uint64_t ratio)
{
	uint64_t left = archive_left(b);

	left = left > UINT64_MAX / ratio ? UINT64_MAX : left * ratio;
	return left < b->scope_left_bytes ? left : b->scope_left_bytes;
}

uint64_t
bundle_room(const struct bundle *b)
{
	return room(b, observed_ratio(b));
}

/* Tar cannot take back a size that it was told. If the sample was wrong and the archive is at
 * its limit within a member, the rest of it becomes this, which compresses to nothing. */
static bool
must_pad(const struct bundle *b, const struct bundle_member *m)
{
	return !m->options.is_final && b->options.max_archive_bytes != UINT64_MAX &&
	    tarball_file_bytes(b->tarball) >= member_budget(b);
}

struct output {
	struct bundle *bundle;
	struct bundle_member *member;
	bool padded;
};

static int
on_spilled(const void *data, size_t size, void *userdata)
{
	static char padding[READ_STEP_BYTES];
	struct output *out = userdata;

	if (!must_pad(out->bundle, out->member))
		return tarball_data(out->bundle->tarball, data, size);
	out->padded = true;
	memset(padding, '\n', sizeof(padding));
	while (size > 0) {
		size_t n = size < sizeof(padding) ? size : sizeof(padding);
		int r = tarball_data(out->bundle->tarball, padding, n);

		if (r < 0)
			return r;
		size -= n;
	}
	return 0;
}

/* The full name in the archive. */
static int
full_path(const struct bundle *b, const char *path, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s/%s", b->options.topdir, path);

	return (size_t)n < size ? 0 : -ENAMETOOLONG;
}

/* Adds the directories that PATH needs and that are not there yet. */
static int
add_parents(struct bundle *b, const char *path)
{
	char full[2 * LAYOUT_PATH_BYTES];
	int r;

	r = full_path(b, path, full, sizeof(full));
	if (r < 0)
		return r;
	for (char *p = strchr(full, '/'); p; p = strchr(p + 1, '/')) {
		struct tarball_entry entry = {
			.path = full,
			.is_directory = true,
			.mode = 0750,
			.mtime_usec = b->options.mtime_usec,
		};
		enum name_kind kind = names_find(&b->names, full, (size_t)(p - full));

		if (kind == NAME_LEAF)
			return -ENOTDIR;
		if (kind == NAME_DIRECTORY)
			continue;
		*p = '\0';
		r = tarball_entry(b->tarball, &entry);
		*p = '/';
		if (r >= 0)
			r = names_add(&b->names, full, (size_t)(p - full), NAME_DIRECTORY);
		if (r < 0)
			return b->error = r;
	}
	return 0;
}

/* Makes PATH[LAYOUT_PATH_BYTES] a name that is free, and takes it. */
static int
take_name(struct bundle *b, char *path)
{
	char full[2 * LAYOUT_PATH_BYTES];
	size_t length = strlen(path);
	int r;

	for (unsigned i = 0; i <= SUFFIX_MAX; i++) {
		if (i > 0)
			(void)snprintf(path + length, LAYOUT_PATH_BYTES - length, ".%u", i);
		r = full_path(b, path, full, sizeof(full));
		if (r < 0)
			return r;
		if (names_find(&b->names, full, strlen(full)) == NAME_FREE)
			return names_add(&b->names, full, strlen(full), NAME_LEAF);
	}
	return -EEXIST;
}

bool
bundle_contains(const struct bundle *b, const char *path)
{
	char full[2 * LAYOUT_PATH_BYTES];

	return full_path(b, path, full, sizeof(full)) >= 0 &&
	    names_find(&b->names, full, strlen(full)) != NAME_FREE;
}

void
bundle_member_abort(struct bundle_member *m)
{
	struct filter *f;

	if (!m)
		return;
	f = m->filter;
	/* Back at the start of a text the filter can be used again. */
	m->discard = true;
	if (f && redact_finish(f->redact) >= 0 && !m->bundle->spare)
		m->bundle->spare = TAKE_PTR(f);
	filter_free(f);
	spill_free(m->spill);
	free(m);
}

/* Lists PATH as left out. Returns REASON. */
static int
refuse(struct bundle *b, const char *path, int reason)
{
	int r = b->record ? manifest_add_missing(b->record, path) : 0;

	if (reason == -EDQUOT && b->scope_left_bytes > 0)
		b->was_cut = true;
	return r < 0 ? r : reason;
}

static int
give_filter(struct bundle_member *m)
{
	int r;

	m->filter = TAKE_PTR(m->bundle->spare);
	if (!m->filter) {
		r = filter_new(&m->filter);
		if (r < 0)
			return r;
	}
	m->filter->member = m;
	m->counted = redact_count_all(m->filter->redact);
	return 0;
}

int
bundle_member_begin(struct bundle *b, const char *path,
    const struct bundle_member_options *options, struct bundle_member **ret)
{
	_cleanup_(bundle_member_abortp) struct bundle_member *m = NULL;
	uint64_t max_bytes;
	uint64_t most;
	int r;

	b->last_path[0] = '\0';
	if (b->error < 0)
		return b->error;
	/* Room for a suffix. */
	if (!layout_path_is_valid(path) || strlen(path) + 5 > LAYOUT_PATH_BYTES)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->bundle = b;
	if (options)
		m->options = *options;
	text_copy(m->path, sizeof(m->path), path);

	max_bytes = m->options.max_bytes > 0 ? m->options.max_bytes : BUNDLE_MEMBER_MAX_BYTES;
	/* Generous: what really fits is seen at its end, from a sample. */
	most = m->options.is_final ? UINT64_MAX : room(b, RATIO_MAX);
	if (most == 0)
		return refuse(b, path, -EDQUOT);
	m->limited_by_room = most < max_bytes;
	m->limited_by_archive = m->limited_by_room && most < b->scope_left_bytes;
	if (m->limited_by_room)
		max_bytes = most;
	r = spill_new(
	    b->options.spill_dir_fd, max_bytes, m->options.keep == BUNDLE_KEEP_TAIL, &m->spill);
	if (r < 0)
		return r;
	r = m->options.is_redacted ? 0 : give_filter(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

int
bundle_member_write(struct bundle_member *m, const void *data, size_t size)
{
	int r;

	if (m->error < 0)
		return m->error;
	if (m->is_full)
		return -EFBIG;
	r = m->filter ? redact_write(m->filter->redact, data, size) : keep(m, data, size);
	if (r < 0)
		return m->error = r;
	m->written_bytes += size;
	return m->is_full ? -EFBIG : 0;
}

/* Looks for the first end of a line. */
struct line_search {
	uint64_t offset;
	bool found;
};

static int
on_find_line(const void *data, size_t size, void *userdata)
{
	struct line_search *search = userdata;
	const char *newline = search->found ? NULL : memchr(data, '\n', size);

	if (newline) {
		search->offset += (uint64_t)(newline - (const char *)data) + 1;
		search->found = true;
	} else if (!search->found) {
		search->offset += size;
	}
	return 0;
}

struct sample {
	const struct tarball *tarball;
	uint64_t raw_bytes;
	uint64_t compressed_bytes;
};

static int
on_sample(const void *data, size_t size, void *userdata)
{
	struct sample *sample = userdata;
	uint64_t bytes;
	int r = tarball_sample(sample->tarball, data, size, &bytes);

	if (r < 0)
		return r;
	sample->raw_bytes += size;
	sample->compressed_bytes += bytes;
	return 0;
}

/* How many bytes of the member are stored: all, unless they might not fit. */
static int
find_room(struct bundle_member *m, uint64_t *ret_bytes)
{
	const struct bundle *b = m->bundle;
	struct sample sample = { .tarball = b->tarball };
	uint64_t held = spill_size(m->spill);
	uint64_t ratio;
	int r;

	if (m->options.is_final || held <= room(b, 1)) {
		*ret_bytes = held;
		return 0;
	}
	for (uint64_t i = 0; i < SAMPLE_COUNT && archive_left(b) > 0; i++) {
		uint64_t n = held < SAMPLE_BYTES ? held : SAMPLE_BYTES;

		r = spill_read(
		    m->spill, (held - n) / (SAMPLE_COUNT - 1) * i, n, on_sample, &sample);
		if (r < 0)
			return r;
	}
	/* Careful by a quarter: small samples pack a little worse, other places may, too. */
	ratio = sample.compressed_bytes > 0 ? sample.raw_bytes * 3 / 4 / sample.compressed_bytes
					    : 1;
	*ret_bytes = room(b, ratio < 1 ? 1 : ratio > RATIO_MAX ? RATIO_MAX : ratio);
	if (*ret_bytes > held)
		*ret_bytes = held;
	return 0;
}

/* What of the spill is stored, and the lines that say what is missing. */
struct cut {
	uint64_t offset;
	uint64_t size;
	uint64_t left_out;
	char before[96];
	char after[96];
};

static int
plan_cut(struct bundle_member *m, uint64_t size, struct cut *cut)
{
	uint64_t held = spill_size(m->spill);
	int r;

	*cut = (struct cut){ .size = size };
	cut->left_out = spill_dropped(m->spill) + m->skipped_bytes + (held - cut->size);
	if (cut->left_out == 0)
		return 0;
	if (m->options.keep == BUNDLE_KEEP_HEAD && m->rest_unknown) {
		text_copy(cut->after, sizeof(cut->after),
		    "\n[microshift-support: cut here, the rest is left out]\n");
		return 0;
	}
	if (m->options.keep == BUNDLE_KEEP_HEAD) {
		(void)snprintf(cut->after, sizeof(cut->after),
		    "\n[microshift-support: cut here, %" PRIu64 " bytes left out]\n",
		    cut->left_out);
		return 0;
	}
	cut->offset = held - cut->size;
	if (cut->size > LINE_MAX_BYTES) {
		struct line_search search = { 0 };

		r = spill_read(m->spill, cut->offset, LINE_MAX_BYTES, on_find_line, &search);
		if (r < 0)
			return r;
		if (search.found) {
			cut->offset += search.offset;
			cut->size -= search.offset;
			cut->left_out += search.offset;
		}
	}
	(void)snprintf(cut->before, sizeof(cut->before),
	    "[microshift-support: %" PRIu64 " bytes before this line left out]\n",
	    cut->left_out);
	return 0;
}

static int
write_member(struct bundle_member *m, const struct cut *cut, struct output *out)
{
	struct bundle *b = m->bundle;
	char full[2 * LAYOUT_PATH_BYTES];
	struct tarball_entry entry = {
		.path = full,
		.mode = 0640,
		.mtime_usec =
		    m->options.mtime_usec > 0 ? m->options.mtime_usec : b->options.mtime_usec,
		.size_bytes = strlen(cut->before) + cut->size + strlen(cut->after),
	};
	int r;

	r = full_path(b, m->path, full, sizeof(full));
	if (r < 0)
		return r;
	r = tarball_entry(b->tarball, &entry);
	if (r >= 0)
		r = tarball_data(b->tarball, cut->before, strlen(cut->before));
	if (r >= 0)
		r = spill_read(m->spill, cut->offset, cut->size, on_spilled, out);
	if (r >= 0)
		r = tarball_data(b->tarball, cut->after, strlen(cut->after));
	if (r < 0)
		return b->error = r;
	b->raw_bytes += entry.size_bytes;
	if (b->scope_left_bytes != UINT64_MAX)
		b->scope_left_bytes -=
		    cut->size < b->scope_left_bytes ? cut->size : b->scope_left_bytes;
	return 0;
}

static int
store_member(struct bundle_member *m)
{
	struct bundle *b = m->bundle;
	struct output out = { .bundle = b, .member = m };
	uint64_t redactions;
	uint64_t size;
	struct cut cut;
	bool truncated;
	int r;

	r = m->filter ? redact_finish(m->filter->redact) : 0;
	if (m->error < 0)
		r = m->error;
	if (r >= 0)
		r = find_room(m, &size);
	if (r < 0)
		return refuse(b, m->path, r);
	/* Others may have been stored since this one was begun. */
	if (size == 0 && spill_size(m->spill) > 0)
		return refuse(b, m->path, -EDQUOT);
	if (size < spill_size(m->spill)) {
		m->limited_by_room = true;
		m->limited_by_archive = spill_size(m->spill) <= b->scope_left_bytes;
	}
	r = plan_cut(m, size, &cut);
	if (r >= 0)
		r = add_parents(b, m->path);
	if (r >= 0)
		r = take_name(b, m->path);
	if (r >= 0)
		r = write_member(m, &cut, &out);
	if (r < 0)
		return r;
	truncated = cut.left_out > 0 || m->interrupted || out.padded;
	redactions = m->own_redactions;
	if (m->filter)
		redactions += redact_count_all(m->filter->redact) - m->counted;
	b->redactions += redactions;
	text_copy(b->last_path, sizeof(b->last_path), m->path);
	if (b->record) {
		r = manifest_add_file(b->record, m->path,
		    strlen(cut.before) + cut.size + strlen(cut.after), truncated, redactions);
		if (r < 0)
			return r;
	}
	if (out.padded || (cut.left_out > 0 && m->limited_by_archive))
		b->was_cut = true;
	if (out.padded || (cut.left_out > 0 && m->limited_by_room))
		return -EDQUOT;
	return truncated ? 1 : 0;
}

void
bundle_member_count_redactions(struct bundle_member *m, uint64_t n)
{
	m->own_redactions += n;
}

int
bundle_member_end(struct bundle_member *m)
{
	int r = m->bundle->error < 0 ? m->bundle->error : store_member(m);

	bundle_member_abort(m);
	return r;
}

int
bundle_add(struct bundle *b, const char *path, const void *data, size_t size,
    const struct bundle_member_options *options)
{
	struct bundle_member *m;
	int r;

	r = bundle_member_begin(b, path, options, &m);
	if (r < 0)
		return r;
	/* Its errors are told by the end as well. */
	(void)bundle_member_write(m, data, size);
	return bundle_member_end(m);
}

/* Waits until FD can be read. Returns 0, -ETIME at the deadline, -EINTR when asked to stop. */
static int
wait_for_data(const struct bundle *b, int fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = stop_fd(), .events = POLLIN },
	};

	for (;;) {
		uint64_t now = clock_monotonic_usec();
		uint64_t wait_msec;
		int n;

		if (now >= b->deadline_usec)
			return -ETIME;
		wait_msec = (b->deadline_usec - now) / USEC_PER_MSEC + 1;
		n = poll(fds, ELEMENTSOF(fds), wait_msec < INT32_MAX ? (int)wait_msec : -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (stop_is_requested())
			return -EINTR;
		if (n > 0)
			return 0;
	}
}

/* Copies up to *LEFT bytes from FD into the member and counts them off. Returns 0 at the end,
 * -EFBIG when the member is full, or what went wrong. */
static int
copy_fd(struct bundle_member *m, int fd, uint64_t *left, char *buf)
{
	const struct bundle *b = m->bundle;

	while (*left > 0) {
		size_t want = *left < READ_STEP_BYTES ? (size_t)*left : READ_STEP_BYTES;
		ssize_t n;
		int r;

		if (stop_is_requested())
			return -EINTR;
		if (clock_monotonic_usec() >= b->deadline_usec)
			return -ETIME;
		n = read(fd, buf, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			r = wait_for_data(b, fd);
			if (r < 0)
				return r;
			continue;
		}
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*left -= (uint64_t)n;
		r = bundle_member_write(m, buf, (size_t)n);
		if (r < 0)
			return r;
	}
	return 0;
}

/* For the tail of a regular file: goes to where it begins, through the lead before it. */
static int
seek_tail(struct bundle_member *m, int fd, uint64_t *size, char *buf)
{
	uint64_t max_bytes = m->options.max_bytes;
	uint64_t begin;
	uint64_t lead;
	int r;

	if (max_bytes == 0 || max_bytes > BUNDLE_MEMBER_MAX_BYTES)
		max_bytes = BUNDLE_MEMBER_MAX_BYTES;
	if (!m->options.is_final && max_bytes > room(m->bundle, RATIO_MAX))
		max_bytes = room(m->bundle, RATIO_MAX);
	if (*size <= max_bytes)
		return 0;
	begin = *size - max_bytes;
	lead = begin < TAIL_LEAD_BYTES ? begin : TAIL_LEAD_BYTES;
	if (lseek(fd, (off_t)(begin - lead), SEEK_SET) < 0)
		return -errno;
	/* What the filter holds back at the end of the lead comes out later: some KiB more. */
	m->discard = true;
	r = copy_fd(m, fd, &lead, buf);
	m->discard = false;
	m->skipped_bytes = begin;
	*size = max_bytes;
	return r;
}

static int
read_fd(struct bundle_member *m, int fd)
{
	_cleanup_free_ char *buf = malloc(READ_STEP_BYTES);
	uint64_t size = UINT64_MAX;
	struct stat st;
	int r;

	if (!buf)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* A log that grows as fast as we read must not hold us; files of /proc have size 0. */
	if (S_ISREG(st.st_mode) && st.st_size > 0) {
		size = (uint64_t)st.st_size;
		if (m->options.keep == BUNDLE_KEEP_TAIL) {
			r = seek_tail(m, fd, &size, buf);
			if (r < 0)
				return r;
		}
	}
	r = copy_fd(m, fd, &size, buf);
	if (r != -EFBIG)
		return r;
	/* The limit of the member is no error; the marker says what is missing. */
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		m->skipped_bytes += size;
	else
		m->rest_unknown = true;
	return 0;
}

int
bundle_add_fd(
    struct bundle *b, const char *path, int fd, const struct bundle_member_options *options)
{
	_cleanup_(bundle_member_abortp) struct bundle_member *m = NULL;
	int error;
	int r;

	r = bundle_member_begin(b, path, options, &m);
	if (r < 0)
		return r;
	error = read_fd(m, fd);
	if (m->error < 0)
		return bundle_member_end(TAKE_PTR(m));
	if (error < 0) {
		char note[FAULT_TEXT_MAX_BYTES];

		/* Not even one byte: there is nothing to store, the error says it all. */
		if (m->written_bytes == 0 && error != -ETIME && error != -EINTR)
			return error;
		(void)snprintf(note, sizeof(note),
		    "\n[microshift-support: reading ended here: %s]\n", strerror(-error));
		m->interrupted = true;
		(void)bundle_member_write(m, note, strlen(note));
	}
	r = bundle_member_end(TAKE_PTR(m));
	return error < 0 && r >= 0 ? error : r;
}

int
bundle_add_directory(struct bundle *b, const char *path)
{
	_cleanup_free_ char *inside = NULL;

	if (b->error < 0)
		return b->error;
	if (!layout_path_is_valid(path) || strlen(path) + 5 > LAYOUT_PATH_BYTES)
		return -EINVAL;
	inside = text_format("%s/x", path);
	return inside ? add_parents(b, inside) : -ENOMEM;
}

int
bundle_add_symlink(struct bundle *b, const char *path, const char *target)
{
	char full[2 * LAYOUT_PATH_BYTES];
	char name[LAYOUT_PATH_BYTES];
	struct tarball_entry entry = {
		.path = full,
		.link_target = target,
		.mode = 0777,
		.mtime_usec = b->options.mtime_usec,
	};
	int r;

	if (b->error < 0)
		return b->error;
	if (!layout_link_is_valid(path, target) || strlen(path) + 5 > LAYOUT_PATH_BYTES)
		return -EINVAL;
	text_copy(name, sizeof(name), path);
	r = add_parents(b, name);
	if (r >= 0)
		r = take_name(b, name);
	if (r >= 0)
		r = full_path(b, name, full, sizeof(full));
	if (r < 0)
		return r;
	r = tarball_entry(b->tarball, &entry);
	if (r < 0)
		return b->error = r;
	text_copy(b->last_path, sizeof(b->last_path), name);
	return 0;
}

bool
bundle_was_cut(const struct bundle *b)
{
	return b->was_cut;
}

const char *
bundle_last_path(const struct bundle *b)
{
	return b->last_path;
}

uint64_t
bundle_archive_bytes(const struct bundle *b)
{
	return tarball_file_bytes(b->tarball);
}

uint64_t
bundle_raw_bytes(const struct bundle *b)
{
	return b->raw_bytes;
}

uint64_t
bundle_redactions(const struct bundle *b)
{
	return b->redactions;
}
