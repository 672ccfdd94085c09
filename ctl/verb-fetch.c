/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/extract.h"
#include "ctl/interrupt.h"
#include "ctl/mustgather.h"
#include "ctl/reply.h"
#include "ctl/verb.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/text.h"

#define COPY_BLOCK_BYTES (128u * 1024u)
/* Reports hold what only root may see; whoever fetches one decides who may read it. */
#define FETCHED_MODE	 0600
/* What an archive is called outside the spool, where an ID alone says little. */
#define NAME_PREFIX	 "microshift-support-"

static int
set_output(struct options *o, const char *value, struct fault *reterr)
{
	if (is_empty(value))
		return fault_set(reterr, -EINVAL, "-o needs a file, a directory or '-'");
	o->output = value;
	return 0;
}

static int
set_extract(struct options *o, const char *value, struct fault *reterr)
{
	o->extract = true;
	return value ? set_output(o, value, reterr) : 0;
}

static int
set_must_gather(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->must_gather = true;
	return 0;
}

static int
set_last_good(struct options *o, const char *value, struct fault *reterr)
{
	o->last_good = true;
	return set_must_gather(o, value, reterr);
}

const struct option_def fetch_options[] = {
	{ 'o', "output", "PATH", false,
	    "write to this file or directory, or to stdout with '-'", set_output },
	{ 'x', "extract", "DIR", true, "unpack into a new directory in DIR, or here",
	    set_extract },
	{ 0, "must-gather", NULL, false,
	    "only the state of the cluster, as omc and omg take it", set_must_gather },
	{ 0, "last-good", NULL, false, "the same of before, from a report that found no API",
	    set_last_good },
	{ 'f', "force", NULL, false, "replace a file that is there already", option_set_force },
	{ 0 },
};

/* One report on its way out of the spool. */
struct fetch {
	const struct options *options;
	char id[REPORT_ID_BYTES];
	char name[128]; /* of the archive, outside the spool */
	char sha256[SHA256_BYTES];
	uint64_t size_bytes;
	int fd; /* owned: the archive in the spool, read-only */
};

static void
fetch_done(struct fetch *f)
{
	f->fd = close_fd(f->fd);
}

static enum mustgather_tree
tree_of(const struct fetch *f)
{
	return f->options->last_good ? MUSTGATHER_LAST_GOOD : MUSTGATHER_REPORT;
}

static int
use_reply(struct fetch *f, const cJSON *shown, const cJSON *opened)
{
	const char *name = reply_text(opened, "name");
	char top[MUSTGATHER_NAME_BYTES];
	struct stat st;

	text_copy(f->sha256, sizeof(f->sha256), reply_text(shown, "sha256"));
	f->size_bytes = reply_uint(opened, "size_bytes");
	if (is_empty(name) || strchr(name, '/') || name[0] == '.')
		return complain(PROTO_EXIT_ERROR, "'%s' is no name for a file", name);
	if (f->options->must_gather)
		(void)snprintf(f->name, sizeof(f->name), "%s.tar.gz",
		    mustgather_name(f->id, tree_of(f), top));
	else
		(void)snprintf(f->name, sizeof(f->name), "%s%s",
		    text_has_prefix(name, NAME_PREFIX) ? "" : NAME_PREFIX, name);
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return complain(
		    PROTO_EXIT_ERROR, "microshift-supportd passed something that is no file");
	if ((uint64_t)st.st_size != f->size_bytes)
		return complain(PROTO_EXIT_ERROR,
		    "%s has %" PRIu64 " bytes and should have %" PRIu64, f->id,
		    (uint64_t)st.st_size, f->size_bytes);
	return PROTO_EXIT_OK;
}

/* Show says what the archive must be, Open gives it. The ID is resolved once, so that 'latest'
 * is the same report in both. */
static int
open_report(struct varlink_client *c, const char *id, struct fetch *f)
{
	_cleanup_json_ cJSON *shown = NULL;
	_cleanup_json_ cJSON *opened = NULL;
	const cJSON *report;
	int status;

	status = client_call(c, PROTO_SHOW, client_id_parameters(id), &shown);
	if (status != PROTO_EXIT_OK)
		return status;
	report = reply_member(shown, "report");
	text_copy(f->id, sizeof(f->id), reply_text(report, "id"));
	if (!report_id_is_valid(f->id))
		return complain(PROTO_EXIT_ERROR, "'%s' is no report ID", f->id);
	status = client_open_report(c, f->id, &opened, &f->fd);
	if (status != PROTO_EXIT_OK)
		return status;
	return use_reply(f, report, opened);
}

/* Compares what FD reads with the checksum of the report. */
static int
verify(const struct fetch *f, int fd)
{
	char sha256[SHA256_BYTES];
	int r;

	r = extract_sha256(fd, sha256);
	if (r == -EOPNOTSUPP || is_empty(f->sha256)) {
		(void)complain(
		    PROTO_EXIT_OK, "cannot check %s here; its SHA-256 is %s", f->id, f->sha256);
		return PROTO_EXIT_OK;
	}
	if (r < 0)
		return complain(PROTO_EXIT_ERROR, "cannot check %s: %s", f->id, strerror(-r));
	if (!streq(sha256, f->sha256))
		return complain(PROTO_EXIT_ERROR,
		    "%s is damaged: its SHA-256 is %s and should be %s", f->id, sha256,
		    f->sha256);
	return PROTO_EXIT_OK;
}

/* Copies the archive to OUT_FD. Returns 0, -EINTR when a held signal came, negative errno. */
static int
copy(const struct fetch *f, int out_fd)
{
	_cleanup_free_ char *block = malloc(COPY_BLOCK_BYTES);
	uint64_t left = f->size_bytes;
	int r;

	if (!block)
		return -ENOMEM;
	if (lseek(f->fd, 0, SEEK_SET) < 0)
		return -errno;
	while (left > 0) {
		ssize_t n;

		if (interrupt_is_pending())
			return -EINTR;
		n = read(f->fd, block, left < COPY_BLOCK_BYTES ? left : COPY_BLOCK_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		r = io_write_all(out_fd, block, (size_t)n);
		if (r < 0)
			return r;
		left -= (uint64_t)n;
	}
	return 0;
}

/* Writes the tree of the cluster alone to OUT_FD. */
static int
repack(const struct fetch *f, int out_fd, const char *name)
{
	struct mustgather_options options = { .id = f->id, .tree = tree_of(f) };
	struct fault fault = { 0 };
	bool has_last_good;
	int status;
	int r;

	if (mustgather_compression(name, &options.compression) < 0)
		return complain(PROTO_EXIT_USAGE,
		    "'%s': readers of must-gather archives take .tar.gz and .tar.xz", name);
	status = verify(f, f->fd);
	if (status != PROTO_EXIT_OK)
		return status;
	r = mustgather_write(f->fd, &options, out_fd, &has_last_good, &fault);
	if (r < 0)
		return complain(r == -ENOENT ? PROTO_EXIT_NOT_FOUND : PROTO_EXIT_ERROR,
		    "no must-gather from %s: %s", f->id, fault_text(&fault));
	if (has_last_good && !f->options->last_good)
		(void)complain(PROTO_EXIT_OK,
		    "%s found no API; --last-good gives the state of the cluster before",
		    f->id);
	return PROTO_EXIT_OK;
}

static int
fetch_to_stdout(const struct fetch *f)
{
	int status;
	int r;

	if (f->options->must_gather)
		return repack(f, STDOUT_FILENO, "");
	/* Before the first byte: what is in a pipe cannot be taken back. */
	status = verify(f, f->fd);
	if (status != PROTO_EXIT_OK)
		return status;
	r = copy(f, STDOUT_FILENO);
	if (r < 0)
		return complain(PROTO_EXIT_ERROR, "cannot write: %s", strerror(-r));
	return PROTO_EXIT_OK;
}

static int
say_done(const struct fetch *f, const char *path)
{
	_cleanup_json_ cJSON *object = NULL;

	if (f->options->json == JSON_OFF) {
		(void)printf("%s\n", path);
		return PROTO_EXIT_OK;
	}
	object = cJSON_CreateObject();
	if (!object || json_add_text(object, "id", f->id) < 0 ||
	    json_add_text(object, "path", path) < 0 ||
	    json_add_uint(object, "size_bytes", f->size_bytes) < 0 ||
	    json_add_text(object, "sha256", f->sha256) < 0 ||
	    output_json(stdout, object, f->options->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}

/* Copies the archive to FD, of the file NAME, and checks the copy. */
static int
copy_checked(const struct fetch *f, int fd, const char *name)
{
	int r = copy(f, fd);

	if (r == -EINTR)
		return complain(PROTO_EXIT_ERROR, "interrupted, nothing is left behind");
	if (r < 0)
		return complain(PROTO_EXIT_ERROR, "cannot write '%s': %s", name, strerror(-r));
	return verify(f, fd);
}

/* The size and the checksum of a file that we made. */
static void
describe(struct fetch *f, int fd)
{
	struct stat st;

	f->size_bytes = fstat(fd, &st) >= 0 ? (uint64_t)st.st_size : 0;
	if (extract_sha256(fd, f->sha256) < 0)
		f->sha256[0] = '\0';
}

/* Writes TEMPORARY in DIR_FD, and gives it its NAME. */
static int
write_file(struct fetch *f, int dir_fd, const char *temporary, const char *name)
{
	_cleanup_close_ int fd = -EBADF;
	int status;

	fd = openat(dir_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    FETCHED_MODE);
	if (fd < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot create '%s': %s", name, strerror(errno));
	status = f->options->must_gather ? repack(f, fd, name) : copy_checked(f, fd, name);
	if (status != PROTO_EXIT_OK)
		return status;
	if (fsync(fd) < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot write '%s': %s", name, strerror(errno));
	if (f->options->must_gather)
		describe(f, fd);
	if (renameat2(
		dir_fd, temporary, dir_fd, name, f->options->force ? 0 : RENAME_NOREPLACE) >= 0)
		return PROTO_EXIT_OK;
	if (errno == EEXIST)
		return complain(
		    PROTO_EXIT_ERROR, "'%s' exists already; --force replaces it", name);
	return complain(PROTO_EXIT_ERROR, "cannot create '%s': %s", name, strerror(errno));
}

static int
fetch_to_file(struct fetch *f, const char *dir, const char *name)
{
	_cleanup_interrupt_ struct interrupt interrupt;
	_cleanup_close_ int dir_fd = -EBADF;
	_cleanup_free_ char *temporary = text_format(".#%s.%d", name, (int)getpid());
	_cleanup_free_ char *path = NULL;
	int status;

	interrupt_hold(&interrupt);
	path = streq(dir, ".") ? strdup(name) : text_format("%s/%s", dir, name);
	if (!temporary || !path)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return complain(PROTO_EXIT_ERROR, "cannot open the directory '%s': %s", dir,
		    strerror(errno));
	/* Said before megabytes are copied; the rename says it again for certain. */
	if (!f->options->force && faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
		return complain(
		    PROTO_EXIT_ERROR, "'%s' exists already; --force replaces it", path);
	status = write_file(f, dir_fd, temporary, name);
	if (status != PROTO_EXIT_OK) {
		(void)unlinkat(dir_fd, temporary, 0);
		return status;
	}
	return say_done(f, path);
}

static int
fetch_to_path(struct fetch *f, const char *output)
{
	_cleanup_free_ char *dir = NULL;
	const char *slash;
	struct stat st;

	if (!output)
		return fetch_to_file(f, ".", f->name);
	if (text_has_suffix(output, "/") || (stat(output, &st) >= 0 && S_ISDIR(st.st_mode)))
		return fetch_to_file(f, output, f->name);
	slash = strrchr(output, '/');
	if (!slash)
		return fetch_to_file(f, ".", output);
	dir = slash == output ? strdup("/") : strndup(output, (size_t)(slash - output));
	if (!dir)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return fetch_to_file(f, dir, slash + 1);
}

static int
extract_to(const struct fetch *f, const char *dir)
{
	_cleanup_interrupt_ struct interrupt interrupt;
	_cleanup_close_ int dir_fd = -EBADF;
	_cleanup_free_ char *path = NULL;
	struct extract_stats stats;
	struct fault fault = { 0 };
	char top[REPORT_ID_BYTES + sizeof(NAME_PREFIX)];
	char name[MUSTGATHER_NAME_BYTES];
	struct extract_options options = {
		.name =
		    f->options->must_gather ? mustgather_name(f->id, tree_of(f), name) : top,
		.top = top,
		.map = f->options->last_good  ? mustgather_map_last_good
		    : f->options->must_gather ? mustgather_map
					      : NULL,
	};
	int status;
	int r;

	interrupt_hold(&interrupt);
	(void)report_id_topdir(f->id, top, sizeof(top));
	path = text_format("%s/%s", dir, options.name);
	if (!path)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	/* Made when it is missing: who unpacks wants a directory. */
	r = io_open_dir(AT_FDCWD, dir, 0777, &dir_fd);
	if (r < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot open the directory '%s': %s", dir, strerror(-r));
	status = verify(f, f->fd);
	/* A damaged archive is unpacked as far as it goes. */
	r = extract_archive(f->fd, dir_fd, &options, &stats, &fault);
	if (stats.left_out > 0)
		(void)complain(PROTO_EXIT_OK,
		    "%" PRIu64 " entries of %s were not safe to create and are left out",
		    stats.left_out, f->id);
	if (r == -ENOENT && f->options->must_gather)
		return complain(PROTO_EXIT_NOT_FOUND, "no must-gather from %s: it has no %s",
		    f->id, f->options->last_good ? "last good state" : "state of the cluster");
	if (r < 0)
		status = complain(PROTO_EXIT_ERROR, "cannot unpack %s%s: %s", f->id,
		    r == -EBADMSG && stats.files > 0 ? " to its end" : "", fault_text(&fault));
	if (r < 0 && (r != -EBADMSG || stats.files == 0))
		return status;
	r = say_done(f, streq(dir, ".") ? options.name : path);
	return status != PROTO_EXIT_OK ? status : r;
}

static int
fetch_one(const struct options *o, struct varlink_client *c, const char *id, bool is_first)
{
	_cleanup_(fetch_done) struct fetch f = { .options = o, .fd = -EBADF };
	int status;

	(void)is_first;
	status = open_report(c, id, &f);
	if (status != PROTO_EXIT_OK)
		return status;
	if (o->extract)
		return extract_to(&f, o->output ? o->output : ".");
	if (o->output && streq(o->output, "-"))
		return fetch_to_stdout(&f);
	return fetch_to_path(&f, o->output);
}

static int
check_output(const struct options *o, int n_ids)
{
	struct stat st;

	if (!o->output)
		return PROTO_EXIT_OK;
	if (streq(o->output, "-")) {
		if (o->extract)
			return complain(
			    PROTO_EXIT_USAGE, "--extract cannot write to standard output");
		if (n_ids > 1)
			return complain(
			    PROTO_EXIT_USAGE, "only one report can go to standard output");
		if (isatty(STDOUT_FILENO))
			return complain(PROTO_EXIT_USAGE,
			    "a report is binary and does not go to a terminal; "
			    "use -o FILE or a pipe");
		return PROTO_EXIT_OK;
	}
	if (n_ids > 1 && !o->extract && !text_has_suffix(o->output, "/") &&
	    (stat(o->output, &st) < 0 || !S_ISDIR(st.st_mode)))
		return complain(PROTO_EXIT_USAGE,
		    "more than one report needs a directory, which '%s' is not", o->output);
	return PROTO_EXIT_OK;
}

int
verb_fetch(const struct options *o, char **arguments, int n_arguments)
{
	int status = check_output(o, n_arguments);

	if (status != PROTO_EXIT_OK)
		return status;
	return client_for_each_id(o, arguments, n_arguments, fetch_one);
}
