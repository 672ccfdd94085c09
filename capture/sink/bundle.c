/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capture/certinfo.h"
#include "capture/sink/bundle-internal.h"
#include "capture/sink/layout.h"
#include "capture/sink/room.h"
#include "capture/sink/tarball.h"
#include "lib/clean/clean.h"
#include "lib/fault.h"
#include "lib/filter.h"
#include "lib/manifest.h"
#include "lib/redact/redact.h"
#include "lib/spill.h"
#include "lib/text.h"

/* A member on its way: collector → redact → spill (bounded) → at its end, with its size known,
 * tar → part → file. */

#define PADDING_BYTES  (64u * 1024u)
/* A tail begins with a whole line if one ends within this. */
#define LINE_MAX_BYTES 4096u
/* ".1" to this one for a name that is taken. */
#define SUFFIX_MAX     999u

static int
on_filtered(const void *data, size_t size, void *userdata)
{
	struct bundle_member *m = userdata;
	int r;

	if (m->discard)
		return 0;
	r = spill_write(m->spill, data, size);
	if (r > 0)
		m->is_full = true;
	return r < 0 ? r : 0;
}

int
bundle_new_filter(const struct bundle *b, struct filter **ret)
{
	_cleanup_(filter_freep) struct filter *f = NULL;
	struct filter_options options = { .clean = b->options.clean, .own = b->options.own };
	int r;

	r = filter_new(&options, &f);
	if (r >= 0)
		r = redact_set_describe(filter_redact(f), certinfo_describe, NULL);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

/* The name under which PATH is stored, also of what a link leads to. Returns 0, or -EINVAL when
 * it is too long. */
static int
clean_path(const struct bundle *b, const char *path, char buf[LAYOUT_PATH_BYTES])
{
	int r;

	if (b->options.clean) {
		r = clean_text(b->options.clean, path, buf, LAYOUT_PATH_BYTES);
		return r == -ENAMETOOLONG ? -EINVAL : r;
	}
	text_copy(buf, LAYOUT_PATH_BYTES, path);
	return strlen(path) < LAYOUT_PATH_BYTES ? 0 : -EINVAL;
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

uint64_t
bundle_room_at(const struct bundle *b, uint64_t ratio)
{
	uint64_t left = room_raw(b->tarball, b->options.max_archive_bytes, ratio);

	return left < b->scope_left_bytes ? left : b->scope_left_bytes;
}

uint64_t
bundle_room(const struct bundle *b)
{
	return bundle_room_at(b, room_observed_ratio(b->tarball));
}

/* Tar cannot take back a size that it was told. If the sample was wrong and the archive is at
 * its limit within a member, the rest of it becomes this, which compresses to nothing. */
static bool
must_pad(const struct bundle *b, const struct bundle_member *m)
{
	return !m->options.is_final &&
	    room_is_used_up(b->tarball, b->options.max_archive_bytes);
}

struct output {
	struct bundle *bundle;
	struct bundle_member *member;
	bool padded;
};

static int
on_spilled(const void *data, size_t size, void *userdata)
{
	static char padding[PADDING_BYTES];
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
	char name[LAYOUT_PATH_BYTES];

	return clean_path(b, path, name) >= 0 && full_path(b, name, full, sizeof(full)) >= 0 &&
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
	if (f && filter_finish(f) >= 0 && !m->bundle->spare)
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
		r = bundle_new_filter(m->bundle, &m->filter);
		if (r < 0)
			return r;
	}
	filter_set_output(m->filter, on_filtered, m);
	m->counted = redact_count_all(filter_redact(m->filter));
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
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->bundle = b;
	if (options)
		m->options = *options;
	r = clean_path(b, path, m->path);
	if (r < 0)
		return r;
	path = m->path;
	/* Room for a suffix. */
	if (!layout_path_is_valid(path) || strlen(path) + 5 > LAYOUT_PATH_BYTES)
		return -EINVAL;

	max_bytes = m->options.max_bytes > 0 ? m->options.max_bytes : BUNDLE_MEMBER_MAX_BYTES;
	/* Generous: what really fits is seen at its end, from a sample. */
	most = m->options.is_final ? UINT64_MAX : bundle_room_at(b, ROOM_RATIO_MAX);
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
	r = give_filter(m);
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
	if (m->is_packed)
		r = on_filtered(data, size, m);
	else
		r = filter_write(m->filter, data, size);
	if (m->bundle->options.clean && !m->is_packed)
		text_count_add(&m->text, data, size);
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

/* How many bytes of the member are stored: all, unless they might not fit. */
static int
find_room(struct bundle_member *m, uint64_t *ret_bytes)
{
	const struct bundle *b = m->bundle;
	uint64_t held = spill_size(m->spill);
	uint64_t ratio;
	int r;

	*ret_bytes = held;
	if (m->options.is_final || held <= bundle_room_at(b, 1))
		return 0;
	r = room_sample_ratio(b->tarball, m->spill, &ratio);
	if (r < 0)
		return r;
	if (bundle_room_at(b, ratio) < held)
		*ret_bytes = bundle_room_at(b, ratio);
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

/* What cannot be cleaned must not leave: a line that says so stands for it. */
static int
replace_binary(struct bundle_member *m)
{
	static const char note[] =
	    "[microshift-support: left out, it is no text, so nobody can "
	    "say whose names are in it]\n";
	int r;

	if (!text_count_is_binary(&m->text))
		return 0;
	spill_free(m->spill);
	m->spill = NULL;
	r = spill_new(m->bundle->options.spill_dir_fd, sizeof(note), false, &m->spill);
	return r < 0 ? r : spill_write(m->spill, note, strlen(note));
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

	r = filter_finish(m->filter);
	if (m->error < 0)
		r = m->error;
	if (r >= 0)
		r = replace_binary(m);
	if (r >= 0)
		r = find_room(m, &size);
	if (r < 0)
		return refuse(b, m->path, r);
	/* Others may have been stored since this one was begun. */
	if (size == 0 && spill_size(m->spill) > 0)
		return refuse(b, m->path, -EDQUOT);
	if (m->options.is_whole && (size < spill_size(m->spill) || spill_dropped(m->spill) > 0))
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
	redactions =
	    m->own_redactions + redact_count_all(filter_redact(m->filter)) - m->counted;
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

int
bundle_add_directory(struct bundle *b, const char *path)
{
	_cleanup_free_ char *inside = NULL;
	char name[LAYOUT_PATH_BYTES];
	int r;

	if (b->error < 0)
		return b->error;
	r = clean_path(b, path, name);
	if (r < 0)
		return r;
	path = name;
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
	char cleaned[LAYOUT_PATH_BYTES];
	struct tarball_entry entry = {
		.path = full,
		.link_target = cleaned,
		.mode = 0777,
		.mtime_usec = b->options.mtime_usec,
	};
	int r;

	if (b->error < 0)
		return b->error;
	r = clean_path(b, path, name);
	if (r >= 0)
		r = clean_path(b, target, cleaned);
	if (r < 0)
		return r;
	if (!layout_link_is_valid(name, cleaned) || strlen(name) + 5 > LAYOUT_PATH_BYTES)
		return -EINVAL;
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
