/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <locale.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "ctl/extract.h"
#include "ctl/interrupt.h"
#include "ctl/mustgather.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/text.h"

#define TREE	       "sos_commands/microshift/"
#define LAST_GOOD_TREE "sos_commands/microshift-last-good/"
#define DIRECTORY_MODE 0750
#define FILE_MODE      0640
#define BLOCK_BYTES    (64u * 1024u)

DEFINE_CLEANUP(struct archive *, archive_read_free);
DEFINE_CLEANUP(struct archive *, archive_write_free);
DEFINE_CLEANUP(struct archive_entry *, archive_entry_free);

const char *
mustgather_name(const char *id, enum mustgather_tree tree, char buf[MUSTGATHER_NAME_BYTES])
{
	(void)snprintf(buf, MUSTGATHER_NAME_BYTES, "must-gather-%s%s",
	    tree == MUSTGATHER_LAST_GOOD ? "last-good-" : "", id);
	return buf;
}

/* Beside the tree there are outputs of commands, which have other names. */
const char *
mustgather_map(const char *path)
{
	static const char *const directories[] = { "namespaces", "cluster-scoped-resources" };
	static const char *const files[] = {
		"aggregated-discovery-api.yaml",
		"aggregated-discovery-apis.yaml",
		"event-filter.html",
		"inspect_cluster_resources.log",
		"inspect_namespaces.log",
		"timestamp",
	};

	if (!text_has_prefix(path, TREE))
		return NULL;
	path += strlen(TREE);
	for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
		size_t n = strlen(directories[i]);

		if (strncmp(path, directories[i], n) == 0 &&
		    (path[n] == '/' || path[n] == '\0'))
			return path;
	}
	for (size_t i = 0; i < ELEMENTSOF(files); i++)
		if (streq(path, files[i]))
			return path;
	return NULL;
}

/* Nothing else is there. What it says of its age is worth having beside it. */
const char *
mustgather_map_last_good(const char *path)
{
	if (!text_has_prefix(path, LAST_GOOD_TREE) || path[strlen(LAST_GOOD_TREE)] == '\0')
		return NULL;
	return path + strlen(LAST_GOOD_TREE);
}

int
mustgather_compression(const char *name, enum mustgather_compression *ret)
{
	static const char *const refused[] = { ".zst", ".bz2", ".tar", ".zip" };

	for (size_t i = 0; i < ELEMENTSOF(refused); i++)
		if (text_has_suffix(name, refused[i]))
			return -EOPNOTSUPP;
	*ret = text_has_suffix(name, ".xz") || text_has_suffix(name, ".txz") ? MUSTGATHER_XZ
									     : MUSTGATHER_GZIP;
	return 0;
}

/* Where writing stands. */
struct repack {
	struct archive *in;  /* owned */
	struct archive *out; /* owned */
	char top[MUSTGATHER_NAME_BYTES];
	const char *report_top;
	extract_map_fn map;
	bool has_last_good;
	void *directories; /* owned: tsearch(3) tree of names */
	time_t time;	   /* of directories that have none */
	uint64_t files;
	struct fault *reterr;
};

static void
repack_done(struct repack *p)
{
	archive_write_freep(&p->out);
	archive_read_freep(&p->in);
	tdestroy(p->directories, free);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
write_fault(struct repack *p)
{
	int error = archive_errno(p->out);

	return fault_set(p->reterr, error > 0 ? -error : -EIO, "cannot write the archive: %s",
	    archive_error_string(p->out) ? archive_error_string(p->out) : "no reason given");
}

/* NAME, "" for the top. SIZE is of a file. */
static int
write_header(struct repack *p, const char *name, mode_t type, time_t time, la_int64_t size)
{
	_cleanup_(archive_entry_freep) struct archive_entry *e = archive_entry_new();
	_cleanup_free_ char *path = text_format(
	    "%s%s%s%s", p->top, *name ? "/" : "", name, type == AE_IFDIR ? "/" : "");

	if (!e || !path)
		return fault_set(p->reterr, -ENOMEM, "out of memory");
	archive_entry_copy_pathname(e, path);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, type == AE_IFDIR ? DIRECTORY_MODE : FILE_MODE);
	/* Whole seconds: a fraction would need a header of its own for each member. */
	archive_entry_set_mtime(e, time, 0);
	archive_entry_set_size(e, size);
	return archive_write_header(p->out, e) < ARCHIVE_WARN ? write_fault(p) : 0;
}

/* Writes the directory NAME unless it is there. */
static int
add_directory(struct repack *p, const char *name, time_t time)
{
	char *copy;

	if (tfind(name, &p->directories, compare))
		return 0;
	copy = strdup(name);
	if (!copy || !tsearch(copy, &p->directories, compare)) {
		free(copy);
		return fault_set(p->reterr, -ENOMEM, "out of memory");
	}
	return write_header(p, name, AE_IFDIR, time, 0);
}

/* All directories above NAME, and before anything else the top and `namespaces`: readers look
 * for that, and take ages from its time. */
static int
add_parents(struct repack *p, const char *name)
{
	char path[EXTRACT_PATH_BYTES];
	int r;

	r = add_directory(p, "", p->time);
	if (r >= 0)
		r = add_directory(p, "namespaces", p->time);
	text_copy(path, sizeof(path), name);
	for (char *s = strchr(path, '/'); s && r >= 0; s = strchr(s + 1, '/')) {
		*s = '\0';
		r = add_directory(p, path, p->time);
		*s = '/';
	}
	return r;
}

static int
copy_data(struct repack *p)
{
	char block[BLOCK_BYTES];
	la_ssize_t n;

	while ((n = archive_read_data(p->in, block, sizeof(block))) > 0)
		if (archive_write_data(p->out, block, (size_t)n) < 0)
			return write_fault(p);
	if (n < 0)
		return fault_set(p->reterr, -EBADMSG, "the report is damaged: %s",
		    archive_error_string(p->in) ? archive_error_string(p->in) : "unreadable");
	return 0;
}

static int
add_entry(struct repack *p, struct archive_entry *e)
{
	time_t time = archive_entry_mtime_is_set(e) ? archive_entry_mtime(e) : p->time;
	char path[EXTRACT_PATH_BYTES];
	const char *name;
	int r;

	r = extract_name(e, p->report_top, path);
	if (archive_entry_filetype(e) == AE_IFDIR)
		p->time = time;
	if (r > 0 && mustgather_map_last_good(path))
		p->has_last_good = true;
	name = r > 0 ? p->map(path) : NULL;
	/* Links, of which the tree has none, would make readers give up. */
	if (!name || archive_entry_hardlink(e) ||
	    (archive_entry_filetype(e) != AE_IFREG && archive_entry_filetype(e) != AE_IFDIR))
		return 0;
	r = add_parents(p, name);
	if (r >= 0 && archive_entry_filetype(e) == AE_IFDIR)
		return add_directory(p, name, time);
	if (r >= 0)
		r = write_header(p, name, AE_IFREG, time, archive_entry_size(e));
	if (r >= 0)
		r = copy_data(p);
	p->files++;
	return r;
}

static int
open_output(struct repack *p, int out_fd, enum mustgather_compression c)
{
	p->out = archive_write_new();
	if (!p->out)
		return fault_set(p->reterr, -ENOMEM, "out of memory");
	/* ustar with extensions only where a name is too long for it, never global ones. */
	if (archive_write_set_format_pax_restricted(p->out) != ARCHIVE_OK ||
	    (c == MUSTGATHER_XZ ? archive_write_add_filter_xz(p->out)
				: archive_write_add_filter_gzip(p->out)) < ARCHIVE_WARN ||
	    archive_write_open_fd(p->out, out_fd) != ARCHIVE_OK)
		return write_fault(p);
	return 0;
}

static int
no_tree(const struct repack *p)
{
	return fault_set(p->reterr, -ENOENT, "%s",
	    p->map == mustgather_map_last_good
		? "it has no last good state; the API answered, or there was none"
		: "it has no state of the cluster; its profile does not take it, or "
		  "the collector 'kube' did not run");
}

static int
copy_tree(struct repack *p)
{
	for (;;) {
		struct archive_entry *e;
		int r;

		if (interrupt_is_pending())
			return fault_set(p->reterr, -EINTR, "interrupted");
		r = extract_next(p->in, &e, p->reterr);
		if (r > 0)
			r = add_entry(p, e);
		else if (r == 0 && p->files == 0)
			return no_tree(p);
		else
			return r;
		if (r < 0)
			return r;
	}
}

static int
write_tree(struct repack *p, int fd, int out_fd, enum mustgather_compression c)
{
	int r;

	r = extract_open(fd, &p->in, p->reterr);
	if (r >= 0)
		r = open_output(p, out_fd, c);
	if (r >= 0)
		r = copy_tree(p);
	if (r >= 0 && archive_write_close(p->out) != ARCHIVE_OK)
		r = write_fault(p);
	return r;
}

int
mustgather_write(int fd, const struct mustgather_options *options, int out_fd,
    bool *ret_has_last_good, struct fault *reterr)
{
	char report_top[REPORT_ID_BYTES + 32];
	_cleanup_(repack_done) struct repack p = {
		.report_top = report_id_topdir(options->id, report_top, sizeof(report_top)),
		.map = options->tree == MUSTGATHER_LAST_GOOD ? mustgather_map_last_good
							     : mustgather_map,
		.reterr = reterr,
	};
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	int r;

	/* libarchive converts names; in the C locale it could not. */
	(void)mustgather_name(options->id, options->tree, p.top);
	r = write_tree(&p, fd, out_fd, options->compression);
	*ret_has_last_good = p.has_last_good;
	if (utf8) {
		(void)uselocale(before);
		freelocale(utf8);
	}
	return r;
}
