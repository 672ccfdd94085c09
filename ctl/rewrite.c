/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "ctl/interrupt.h"
#include "ctl/packer.h"
#include "ctl/rewrite.h"
#include "lib/clean/binary.h"
#include "lib/fault.h"
#include "lib/filter.h"
#include "lib/io.h"
#include "lib/spill.h"
#include "lib/text.h"

#define BLOCK_BYTES (64u * 1024u)
#define NOTE_SUFFIX ".left-out"
/* Names of members within members, for messages. */
#define PLACE_BYTES (2u * EXTRACT_PATH_BYTES)

DEFINE_CLEANUP(struct archive *, archive_read_free);
DEFINE_CLEANUP(struct archive *, archive_write_free);
DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);

struct rewrite {
	const struct rewrite_options *options;
	struct rewrite_stats *stats;
	struct tree *tree;     /* borrowed */
	struct filter *filter; /* owned */
	void *noted;	       /* owned: tsearch(3) tree of members that a note replaces */
	uint64_t entries;
	bool is_discarded; /* nothing is written */
	char place[PLACE_BYTES];
	struct fault *reterr;
};

/* The data of one member as it is read. */
struct reading {
	struct archive *archive; /* borrowed */
	uint8_t *block;		 /* owned, [BLOCK_BYTES] */
	size_t len;
	bool is_read;	/* block has bytes that nobody took */
	int error;	/* of the archive around */
	uint64_t bytes; /* so far */
	struct rewrite *rewrite;
};

static void
reading_done(struct reading *s)
{
	free(s->block);
}

static void
rewrite_done(struct rewrite *rw)
{
	filter_free(rw->filter);
	tdestroy(rw->noted, free);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static uint64_t
member_max_bytes(const struct rewrite *rw)
{
	return rw->options->max_member_bytes > 0 ? rw->options->max_member_bytes
						 : REWRITE_MEMBER_MAX_BYTES;
}

static void
tell(const struct rewrite *rw, enum rewrite_finding finding, uint64_t offset, const char *rule)
{
	if (rw->options->found)
		rw->options->found(finding, rw->place, offset, rule, rw->options->userdata);
}

static void
on_secret(enum redact_kind kind, uint64_t offset, void *userdata)
{
	struct rewrite *rw = userdata;

	rw->stats->secrets[kind]++;
	tell(rw, REWRITE_SECRET, offset, redact_kind_to_string(kind));
}

static void
on_identity(enum clean_kind kind, uint64_t offset, void *userdata)
{
	struct rewrite *rw = userdata;

	rw->stats->identities[kind]++;
	tell(rw, REWRITE_IDENTITY, offset, clean_kind_to_string(kind));
}

static int
make_filter(struct rewrite *rw)
{
	struct filter_options options = {
		.clean = rw->options->rules,
		.own = rw->options->own,
	};
	int r = filter_new(&options, &rw->filter);

	if (r < 0)
		return r;
	redact_set_found(filter_redact(rw->filter), on_secret, rw);
	if (options.clean)
		clean_set_found(filter_clean(rw->filter), on_identity, rw);
	return 0;
}

/* Reads until the block is full or the member ends. Returns its length. */
static la_ssize_t
reading_next(struct reading *s)
{
	if (s->is_read) {
		s->is_read = false;
		return (la_ssize_t)s->len;
	}
	if (s->error < 0 || interrupt_is_pending())
		return s->error = s->error < 0 ? s->error : -EINTR;
	s->len = 0;
	while (s->len < BLOCK_BYTES) {
		la_ssize_t n =
		    archive_read_data(s->archive, s->block + s->len, BLOCK_BYTES - s->len);

		if (n == ARCHIVE_RETRY)
			continue;
		if (n < 0)
			return s->error = -EBADMSG;
		if (n == 0)
			break;
		s->len += (size_t)n;
	}
	s->bytes += s->len;
	s->rewrite->stats->bytes += s->len;
	if (s->bytes > member_max_bytes(s->rewrite) ||
	    s->rewrite->stats->bytes > EXTRACT_MAX_BYTES)
		return s->error = -EFBIG;
	return (la_ssize_t)s->len;
}

/* Runs text through the filters. Returns -EILSEQ when it is none. */
static int
filter_text(struct reading *in, const struct sink *sink)
{
	struct rewrite *rw = in->rewrite;
	la_ssize_t n;
	int finished;
	int r = 0;

	filter_set_output(rw->filter, sink->fn, sink->userdata);
	while (r >= 0 && (n = reading_next(in)) != 0) {
		if (n < 0)
			r = (int)n;
		else if (text_is_binary(in->block, (size_t)n))
			r = -EILSEQ;
		else
			r = filter_write(rw->filter, in->block, (size_t)n);
	}
	/* In any case: the filter is used again. */
	finished = filter_finish(rw->filter);
	return r < 0 ? r : finished;
}

static bool
has_bytes(const struct reading *s, size_t at, const char *bytes, size_t len)
{
	return s->len >= at + len && memcmp(s->block + at, bytes, len) == 0;
}

/* True for what is packed in one of the ways that tree_support_formats() knows. */
static bool
is_packed(const struct reading *s)
{
	return has_bytes(s, 0, "\x1f\x8b\x08", 3) || has_bytes(s, 0, "\xfd\x37zXZ\0", 6) ||
	    has_bytes(s, 0, "\x28\xb5\x2f\xfd", 4) || has_bytes(s, 0, "BZh", 3) ||
	    has_bytes(s, 257, "ustar", 5);
}

static la_ssize_t
on_nested_read(struct archive *a, void *userdata, const void **ret)
{
	struct reading *s = userdata;
	la_ssize_t n = reading_next(s);

	if (n < 0)
		archive_set_error(a, EIO, "cannot be read");
	*ret = s->block;
	return n < 0 ? ARCHIVE_FATAL : n;
}

static int
open_nested(struct reading *in, struct archive **ret)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();

	if (!a)
		return -ENOMEM;
	if (tree_support_formats(a) < 0 || archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open(a, in, NULL, on_nested_read, NULL) != ARCHIVE_OK)
		return -EBADMSG;
	*ret = TAKE_PTR(a);
	return 0;
}

static int filter_data(struct reading *in, unsigned depth, const struct sink *sink);
static int add_entry(struct rewrite *rw, struct archive *in, struct archive_entry *e,
    const char *path, struct archive *out, unsigned depth);

static int
on_packed(const void *data, size_t len, void *userdata)
{
	struct archive *out = userdata;

	return archive_write_data(out, data, len) == (la_ssize_t)len ? 0 : -EIO;
}

/* What is compressed and no archive: one member without a name. */
static int
repack_file(struct rewrite *rw, struct archive *in, struct archive *out, unsigned depth)
{
	_cleanup_(archive_entry_freep) struct archive_entry *e = archive_entry_new();
	_cleanup_(reading_done) struct reading s = {
		.archive = in,
		.rewrite = rw,
		.block = malloc(BLOCK_BYTES),
	};
	int r;

	if (!e || !s.block)
		return -ENOMEM;
	archive_entry_set_filetype(e, AE_IFREG);
	if (archive_write_header(out, e) < ARCHIVE_WARN)
		return -EIO;
	r = filter_data(&s, depth + 1, &(struct sink){ on_packed, out });
	return r < 0 ? r : s.error;
}

static int
repack_tar(struct rewrite *rw, struct archive *in, struct archive_entry *e, struct archive *out,
    unsigned depth)
{
	size_t outer = strlen(rw->place);
	int r = 1;

	while (r > 0) {
		char path[EXTRACT_PATH_BYTES];

		(void)snprintf(rw->place + outer, sizeof(rw->place) - outer, "!");
		r = extract_name(e, "", path);
		if (r == 1)
			r = add_entry(rw, in, e, path, out, depth + 1);
		else
			rw->stats->left_out += r < 0;
		if (r != -EINVAL && r < 0)
			return r;
		r = extract_next(in, &e, NULL);
	}
	rw->place[outer] = '\0';
	return r;
}

/* What is thrown away is not compressed. */
static int
filter_code(const struct rewrite *rw, int code)
{
	return rw->is_discarded ? ARCHIVE_FILTER_NONE : code;
}

/* Unpacks, filters and packs again what IN reads. */
static int
filter_packed(struct reading *in, unsigned depth, const struct sink *sink)
{
	_cleanup_(archive_read_freep) struct archive *nested = NULL;
	_cleanup_(archive_write_freep) struct archive *out = NULL;
	struct sink copy = *sink;
	struct archive_entry *e;
	bool is_tar;
	int r;

	if (depth == REWRITE_DEPTH_MAX)
		return -ELOOP;
	r = open_nested(in, &nested);
	if (r >= 0)
		r = extract_next(nested, &e, NULL);
	if (r == 0)
		r = -EBADMSG;
	if (r < 0)
		return r;
	/* One compression; libarchive would take any number off, and we put on one. */
	if (archive_filter_count(nested) > 2)
		return -ELOOP;
	is_tar = (archive_format(nested) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
	r = packer_create(
	    filter_code(in->rewrite, archive_filter_code(nested, 0)), is_tar, &copy, &out);
	if (r >= 0)
		r = is_tar ? repack_tar(in->rewrite, nested, e, out, depth)
			   : repack_file(in->rewrite, nested, out, depth);
	if (r >= 0 && archive_write_close(out) != ARCHIVE_OK)
		r = -EIO;
	return r;
}

static int
filter_data(struct reading *in, unsigned depth, const struct sink *sink)
{
	la_ssize_t n = reading_next(in);

	if (n < 0)
		return (int)n;
	in->is_read = n > 0;
	return is_packed(in) ? filter_packed(in, depth, sink) : filter_text(in, sink);
}

static int
on_discard(const void *data, size_t len, void *userdata)
{
	(void)data;
	(void)len;
	(void)userdata;
	return 0;
}

static int
on_spill(const void *data, size_t len, void *userdata)
{
	int r = spill_write(userdata, data, len);

	return r > 0 ? -EFBIG : r;
}

static const char *
reason_for(int error)
{
	switch (error) {
	case -EILSEQ:
		return "it is no text, so nobody can say what is in it";
	case -ELOOP:
		return "it is an archive in too many archives";
	case -EFBIG:
		return "it is too large";
	default:
		return "it is damaged or not understood";
	}
}

/* True for what is wrong with a member alone. */
static bool
is_member_error(int r)
{
	return r == -EILSEQ || r == -ELOOP || r == -EFBIG || r == -EBADMSG;
}

static int
write_fault(struct rewrite *rw, struct archive *out)
{
	const char *text = archive_error_string(out);

	return fault_set(
	    rw->reterr, -EIO, "cannot write the archive: %s", text ? text : "no reason given");
}

static int
write_file(struct rewrite *rw, struct archive_entry *e, const char *path, struct spill *spill,
    struct archive *out)
{
	_cleanup_(archive_entry_freep) struct archive_entry *h = packer_header(e, path);
	int r;

	if (!h)
		return -ENOMEM;
	archive_entry_set_size(h, (la_int64_t)spill_size(spill));
	if (archive_write_header(out, h) < ARCHIVE_WARN)
		return write_fault(rw, out);
	r = spill_read(spill, 0, spill_size(spill), on_packed, out);
	return r < 0 ? write_fault(rw, out) : 0;
}

/* Writes a note in place of the member PATH. */
static int
write_note(struct rewrite *rw, struct archive_entry *e, const char *path, int reason,
    struct archive *out)
{
	_cleanup_spill_ struct spill *spill = NULL;
	_cleanup_free_ char *name = text_format("%s%s", path, NOTE_SUFFIX);
	_cleanup_free_ char *text =
	    text_format("[microshift-support: left out, %s]\n", reason_for(reason));
	_cleanup_free_ char *copy = strdup(path);
	int r;

	if (!name || !text || !copy || !tsearch(copy, &rw->noted, compare))
		return -ENOMEM;
	TAKE_PTR(copy);
	rw->stats->not_filtered++;
	tell(rw, REWRITE_UNREADABLE, REWRITE_NO_OFFSET, reason_for(reason));
	r = spill_new(rw->options->spill_dir_fd, BLOCK_BYTES, false, &spill);
	if (r >= 0)
		r = spill_write(spill, text, strlen(text));
	return r < 0 ? r : write_file(rw, e, name, spill, out);
}

static int
add_file(struct rewrite *rw, struct archive *in, struct archive_entry *e, const char *path,
    struct archive *out, unsigned depth)
{
	_cleanup_spill_ struct spill *spill = NULL;
	_cleanup_(reading_done) struct reading s = {
		.archive = in,
		.rewrite = rw,
		.block = malloc(BLOCK_BYTES),
	};
	struct sink sink = { .fn = on_spill };
	int r;

	if (!s.block)
		return -ENOMEM;
	r = spill_new(rw->options->spill_dir_fd, member_max_bytes(rw), false, &spill);
	if (r < 0)
		return r;
	if (rw->is_discarded)
		sink.fn = on_discard;
	else
		sink.userdata = spill;
	r = filter_data(&s, depth, &sink);
	rw->stats->members++;
	/* What is wrong with the archive around is not wrong with the member. */
	if (s.error < 0 && s.error != -EFBIG)
		return s.error;
	if (rw->stats->bytes > EXTRACT_MAX_BYTES)
		return fault_set(rw->reterr, -EFBIG, "it unpacks to more than 8 GiB");
	if (is_member_error(r))
		return write_note(rw, e, path, r, out);
	return r < 0 ? r : write_file(rw, e, path, spill, out);
}

/* A link, whose TARGET is cleaned like a name. */
static int
add_link(struct rewrite *rw, struct archive_entry *e, const char *path, const char *target,
    struct archive *out)
{
	_cleanup_(archive_entry_freep) struct archive_entry *h = packer_header(e, path);
	char cleaned[EXTRACT_PATH_BYTES];
	int r = 0;

	if (!h)
		return -ENOMEM;
	if (!target || !extract_link_is_safe(path, target)) {
		rw->stats->left_out++;
		return 0;
	}
	if (rw->options->rules)
		r = clean_text(rw->options->rules, target, cleaned, sizeof(cleaned));
	else
		text_copy(cleaned, sizeof(cleaned), target);
	if (r == -ENAMETOOLONG) {
		rw->stats->left_out++;
		return 0;
	}
	if (r < 0)
		return r;
	archive_entry_copy_symlink(h, cleaned);
	archive_entry_set_size(h, 0);
	return archive_write_header(out, h) < ARCHIVE_WARN ? write_fault(rw, out) : 0;
}

/* Another name of a file that came before. */
static int
add_hard_link(struct rewrite *rw, struct archive_entry *e, const char *path, const char *target,
    struct archive *out)
{
	_cleanup_(archive_entry_freep) struct archive_entry *h = packer_header(e, path);
	char name[EXTRACT_PATH_BYTES];
	char cleaned[EXTRACT_PATH_BYTES];

	if (!h)
		return -ENOMEM;
	if (extract_clean_name(target, "", name) != 1) {
		rw->stats->left_out++;
		return 0;
	}
	text_copy(cleaned, sizeof(cleaned), name);
	if (rw->options->rules &&
	    clean_text(rw->options->rules, name, cleaned, sizeof(cleaned)) < 0)
		return -ENOMEM;
	if (tfind(cleaned, &rw->noted, compare))
		return write_note(rw, e, path, -EILSEQ, out);
	archive_entry_copy_hardlink(h, cleaned);
	archive_entry_set_size(h, 0);
	return archive_write_header(out, h) < ARCHIVE_WARN ? write_fault(rw, out) : 0;
}

static int
add_directory(
    struct rewrite *rw, struct archive_entry *e, const char *path, struct archive *out)
{
	_cleanup_(archive_entry_freep) struct archive_entry *h = packer_header(e, path);

	if (!h)
		return -ENOMEM;
	return archive_write_header(out, h) < ARCHIVE_WARN ? write_fault(rw, out) : 0;
}

/* Cleans the name of a member; what is found in it counts. Returns -ENAMETOOLONG when it does
 * not fit. */
static int
clean_path(struct rewrite *rw, const char *path, char cleaned[EXTRACT_PATH_BYTES])
{
	int r;

	if (!rw->options->rules) {
		text_copy(cleaned, EXTRACT_PATH_BYTES, path);
		return 0;
	}
	r = clean_text(rw->options->rules, path, cleaned, EXTRACT_PATH_BYTES);
	if (r >= 0 && !streq(path, cleaned))
		tell(rw, REWRITE_IDENTITY, REWRITE_NO_OFFSET, "name");
	return r;
}

static int
add_entry(struct rewrite *rw, struct archive *in, struct archive_entry *e, const char *path,
    struct archive *out, unsigned depth)
{
	size_t outer = strlen(rw->place);
	const char *hard_link = archive_entry_hardlink(e);
	char cleaned[EXTRACT_PATH_BYTES];
	int r;

	if (++rw->entries > EXTRACT_MAX_ENTRIES)
		return fault_set(rw->reterr, -EFBIG, "the archive has more than %u entries",
		    EXTRACT_MAX_ENTRIES);
	(void)snprintf(rw->place + outer, sizeof(rw->place) - outer, "%s", path);
	r = clean_path(rw, path, cleaned);
	if (r == -ENAMETOOLONG) {
		rw->stats->left_out++;
		r = 0;
	} else if (r >= 0 && hard_link) {
		r = add_hard_link(rw, e, cleaned, hard_link, out);
	} else if (r >= 0 && archive_entry_filetype(e) == AE_IFREG) {
		r = add_file(rw, in, e, cleaned, out, depth);
	} else if (r >= 0 && archive_entry_filetype(e) == AE_IFDIR) {
		r = add_directory(rw, e, cleaned, out);
	} else if (r >= 0 && archive_entry_filetype(e) == AE_IFLNK) {
		r = add_link(rw, e, cleaned, archive_entry_symlink(e), out);
	} else if (r >= 0) {
		rw->stats->left_out++;
	}
	rw->place[outer] = '\0';
	return r;
}

static void
tell_progress(const struct rewrite *rw)
{
	if (rw->options->progress)
		rw->options->progress(tree_done_bytes(rw->tree), tree_size_bytes(rw->tree),
		    rw->options->userdata);
}

static int
on_output(const void *data, size_t len, void *userdata)
{
	return io_write_all(*(const int *)userdata, data, len);
}

static int
rewrite_all(struct rewrite *rw, struct sink *sink)
{
	_cleanup_(archive_write_freep) struct archive *out = NULL;
	struct archive *in = tree_archive(rw->tree);
	char path[EXTRACT_PATH_BYTES];
	struct archive_entry *e;
	int r;

	while ((r = tree_next(rw->tree, &e, path, rw->reterr)) > 0) {
		if (interrupt_is_pending())
			return fault_set(rw->reterr, -EINTR, "interrupted");
		if (!out)
			r = packer_create(
			    filter_code(rw, tree_filter(rw->tree)), true, sink, &out);
		if (r >= 0)
			r = add_entry(rw, in, e, path, out, 0);
		if (r < 0)
			return r;
		tell_progress(rw);
	}
	if (r < 0)
		return r;
	rw->stats->left_out += tree_left_out(rw->tree);
	if (!out)
		return fault_set(rw->reterr, -EBADMSG, "there is nothing in it");
	return archive_write_close(out) == ARCHIVE_OK ? 0 : write_fault(rw, out);
}

int
rewrite_run(struct tree *tree, int out_fd, const struct rewrite_options *options,
    struct rewrite_stats *ret_stats, struct fault *reterr)
{
	struct fault fault = { 0 };
	_cleanup_(rewrite_done) struct rewrite rw = {
		.options = options,
		.stats = ret_stats,
		.tree = tree,
		.is_discarded = out_fd < 0,
		.reterr = reterr ? reterr : &fault,
	};
	struct sink sink = {
		.fn = out_fd < 0 ? on_discard : on_output,
		.userdata = &out_fd,
	};
	int r;

	*ret_stats = (struct rewrite_stats){ 0 };
	rw.reterr->code = 0;
	r = make_filter(&rw);
	if (r >= 0)
		r = rewrite_all(&rw, &sink);
	if (r < 0 && rw.reterr->code == 0)
		return fault_set(rw.reterr, r, "cannot filter it: %m");
	return r;
}
