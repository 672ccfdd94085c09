/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "capture/collector.h"
#include "capture/collectors/filecopy.h"
#include "capture/forbidden.h"
#include "capture/mounts.h"
#include "capture/notes.h"
#include "capture/pathglob.h"
#include "capture/rootdir.h"
#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "capture/sink/names.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/text.h"

/* Bytes at either end of a file that tell text from binary. */
#define PROBE_BYTES 512u

/* Ends a walk because the number of files is reached. Above every errno. */
#define STOP_WALK 10000

struct copier {
	struct collector_context *ctx;
	const struct filecopy_spec *spec;
	int root_fd;
	struct mounts mounts;
	struct names seen; /* paths of the machine that were dealt with */
	char **targets;	   /* owned strv: files that links led to, still to be copied */
	uint64_t n_files;
	bool is_incomplete;
	struct fault fault; /* the first thing that is missing */
};

static void
copier_done(struct copier *c)
{
	c->root_fd = close_fd(c->root_fd);
	mounts_done(&c->mounts);
	names_done(&c->seen);
	strv_free(c->targets);
}

static bool
matches_any(char *const *patterns, const char *path)
{
	for (; patterns && *patterns; patterns++)
		if (pathglob_match(*patterns, path))
			return true;
	return false;
}

/* Says why PATH may not be read, NULL when it may. */
static const char *
refusal(const struct copier *c, const char *path)
{
	if (forbidden_path(path) || matches_any(c->spec->forbid, path))
		return "forbidden, not read";
	if (mounts_is_remote(&c->mounts, path))
		return "on a network or FUSE file system, not read";
	return NULL;
}

/* Something that was asked for is missing: notes it, and keeps the first reason. Returns 0 or
 * -ENOMEM. */
static int
miss(struct copier *c, int error, const char *path, const char *why)
{
	if (!c->is_incomplete)
		fault_set(&c->fault, error, "%s: %s", path, why);
	c->is_incomplete = true;
	return notes_add(c->ctx, "%s: %s", path, why);
}

/* In /proc and /sys much can only be written, or read at certain times. */
static bool
is_pseudo(const char *path)
{
	return text_has_prefix(path, "/proc/") || text_has_prefix(path, "/sys/");
}

/* A file could not be opened or read. Returns 0. */
static int
not_readable(struct copier *c, const char *path, int error)
{
	if (error == -ENOENT || error == -ESRCH || error == -ENOTDIR || error == -ELOOP ||
	    is_pseudo(path))
		return 0;
	return miss(c, error, path, strerror(-error));
}

static bool
is_binary(int fd, off_t size)
{
	char buf[2 * PROBE_BYTES];
	ssize_t head = pread(fd, buf, PROBE_BYTES, 0);
	ssize_t tail;

	if (head < 0)
		return false;
	tail = pread(fd, buf + head, PROBE_BYTES,
	    size > (off_t)PROBE_BYTES ? size - (off_t)PROBE_BYTES : 0);
	return memchr(buf, '\0', (size_t)head + (tail > 0 ? (size_t)tail : 0)) != NULL;
}

/* Writes into BUF what a link at LINK needs to lead to TARGET, both paths in the archive. */
static int
relative_target(const char *link, const char *target, char buf[LAYOUT_PATH_BYTES])
{
	size_t common = 0, n = 0;

	for (size_t i = 0; link[i] && link[i] == target[i]; i++)
		if (link[i] == '/')
			common = i + 1;
	for (const char *p = strchr(link + common, '/'); p; p = strchr(p + 1, '/')) {
		if (n + 3 >= LAYOUT_PATH_BYTES)
			return -ENAMETOOLONG;
		memcpy(buf + n, "../", 3);
		n += 3;
	}
	if (n + strlen(target + common) >= LAYOUT_PATH_BYTES)
		return -ENAMETOOLONG;
	text_copy(buf + n, LAYOUT_PATH_BYTES - n, target + common);
	return 0;
}

/* "sos_strings/PLUGIN/var.log.messages.tailed" for /var/log/messages. */
static int
tailed_path(const char *plugin, const char *path, char buf[LAYOUT_PATH_BYTES])
{
	int n = snprintf(buf, LAYOUT_PATH_BYTES, "sos_strings/%s/%s.tailed", plugin, path + 1);
	size_t start = strlen("sos_strings/") + strlen(plugin) + 1;

	if (n < 0 || (size_t)n >= LAYOUT_PATH_BYTES || (size_t)n - start > LAYOUT_NAME_MAX)
		return -ENAMETOOLONG;
	for (char *p = buf + start; *p; p++)
		if (*p == '/')
			*p = '.';
	return 0;
}

static int
copy_tail(struct copier *c, int fd, const char *path, const char *member,
    const struct bundle_member_options *options)
{
	char tailed[LAYOUT_PATH_BYTES], target[LAYOUT_PATH_BYTES];
	struct bundle *bundle = c->ctx->bundle;
	int r;

	/* Too deep for a name made of the whole path: cut, but at its own place. */
	if (tailed_path(c->spec->plugin, path, tailed) < 0)
		return bundle_add_fd(bundle, member, fd, options);
	r = bundle_add_fd(bundle, tailed, fd, options);
	if (r < 0 || relative_target(member, bundle_last_path(bundle), target) < 0)
		return r;
	(void)bundle_add_symlink(bundle, member, target);
	return r;
}

/* What the bundle made of a file. Errors that are the file's own do not end the walk; those of
 * the archive come again with the next one. */
static int
after_adding(struct copier *c, const char *path, int r)
{
	switch (r) {
	case -EDQUOT:
	case -ETIME:
	case -EINTR:
	case -ENOSPC:
	case -ENOMEM:
		return r;
	case 0:
	case 1:
		c->n_files++;
		/* That it was cut is in the list of files. */
		return 0;
	default:
		return not_readable(c, path, r);
	}
}

static int
copy_open_file(struct copier *c, int fd, const char *path, const struct stat *st)
{
	struct bundle_member_options options = {
		.mtime_usec = (uint64_t)st->st_mtim.tv_sec * USEC_PER_SEC,
		.max_bytes = c->spec->max_file_bytes,
		.keep = BUNDLE_KEEP_TAIL,
	};
	char member[LAYOUT_PATH_BYTES], byte;
	int r;

	r = layout_file_path(path, member);
	if (r < 0)
		return not_readable(c, path, r);
	if (bundle_contains(c->ctx->bundle, member))
		return 0;
	/* Times in /proc and /sys are those of the look. */
	if (is_pseudo(path)) {
		options.mtime_usec = 0;
		if (pread(fd, &byte, 1, 0) < 0)
			return not_readable(c, path, -errno);
	}
	if ((uint64_t)st->st_size <= c->spec->max_file_bytes || is_pseudo(path))
		r = bundle_add_fd(c->ctx->bundle, member, fd, &options);
	else if (is_binary(fd, st->st_size))
		return miss(c, -EFBIG, path, "binary and larger than MaxFileSize=");
	else
		r = copy_tail(c, fd, path, member, &options);
	return after_adding(c, path, r);
}

static int
copy_file(struct copier *c, int dir_fd, const char *name, const char *path)
{
	_cleanup_close_ int fd = -EBADF;
	char real[PATH_MAX];
	const char *why;
	struct stat st;

	if (c->n_files >= c->spec->max_files) {
		(void)miss(c, -EFBIG, path, "this and what follows: more than MaxFiles=");
		return STOP_WALK;
	}
	/* Not blocking, should it have become a FIFO since we looked. */
	fd = openat(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return not_readable(c, path, -errno);
	if (fstat(fd, &st) < 0)
		return not_readable(c, path, -errno);
	if (!S_ISREG(st.st_mode))
		return notes_add(c->ctx, "%s: not a regular file, not read", path);
	/* A link on the way may have led to where PATH itself does not look forbidden. */
	if (rootdir_path_of(c->root_fd, fd, real) == 0 && !streq(real, path)) {
		why = refusal(c, real);
		if (why)
			return notes_add(c->ctx, "%s: leads to %s, %s", path, real, why);
	}
	return copy_open_file(c, fd, path, &st);
}

/* Where the link PATH with the text TEXT leads by its words alone: absolute, without "." and
 * "..". */
static void
lexical_target(const char *path, const char *text, char buf[PATH_MAX])
{
	char joined[2 * PATH_MAX];
	size_t n = 0;

	if (*text == '/')
		text_copy(joined, sizeof(joined), text);
	else
		(void)snprintf(joined, sizeof(joined), "%.*s%s",
		    (int)(strrchr(path, '/') - path) + 1, path, text);
	for (const char *p = joined; *p;) {
		size_t k = strcspn(p, "/");

		if (k == 2 && p[0] == '.' && p[1] == '.')
			while (n > 0 && buf[--n] != '/')
				;
		else if (k > 0 && !(k == 1 && p[0] == '.') && n + k + 2 < PATH_MAX) {
			buf[n++] = '/';
			memcpy(buf + n, p, k);
			n += k;
		}
		p += k + (p[k] == '/');
	}
	buf[n] = '\0';
	if (n == 0)
		text_copy(buf, PATH_MAX, "/");
}

static int
store_link(struct copier *c, const char *path, const char *target)
{
	char member[LAYOUT_PATH_BYTES], target_member[LAYOUT_PATH_BYTES];
	char relative[LAYOUT_PATH_BYTES];
	int r;

	if (layout_file_path(path, member) < 0 || layout_file_path(target, target_member) < 0 ||
	    relative_target(member, target_member, relative) < 0)
		return notes_add(c->ctx, "%s: link to %s, not stored", path, target);
	if (bundle_contains(c->ctx->bundle, member))
		return 0;
	r = bundle_add_symlink(c->ctx->bundle, member, relative);
	if (r == -EINVAL)
		return notes_add(c->ctx, "%s: link to %s, not stored", path, target);
	return r < 0 ? r : 0;
}

static int
copy_link(struct copier *c, int dir_fd, const char *name, const char *path)
{
	_cleanup_close_ int fd = -EBADF;
	char text[PATH_MAX], target[PATH_MAX], real[PATH_MAX];
	struct stat st;
	ssize_t n;
	int r;

	n = readlinkat(dir_fd, name, text, sizeof(text) - 1);
	if (n < 0)
		return not_readable(c, path, -errno);
	text[n] = '\0';
	/* Links in /proc/PID/fd and the like lead to things that are not paths. */
	if (is_pseudo(path) && *text != '/' && !strchr(text, '/') && strchr(text, ':'))
		return 0;
	lexical_target(path, text, target);
	if (!mounts_is_remote(&c->mounts, target))
		fd = rootdir_openat(c->root_fd, path, O_PATH);
	if (fd < 0 || rootdir_path_of(c->root_fd, fd, real) < 0)
		return store_link(c, path, target);
	r = store_link(c, path, real);
	if (r < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return r;
	return strv_append(&c->targets, real);
}

/* Notes and remembers PATH when it may not be read. Returns true then. */
static bool
is_refused(struct copier *c, const char *path)
{
	const char *why = refusal(c, path);

	if (why && names_find(&c->seen, path, strlen(path)) == NAME_FREE) {
		(void)names_add(&c->seen, path, strlen(path), NAME_LEAF);
		(void)notes_add(c->ctx, "%s: %s", path, why);
	}
	return why != NULL;
}

static int
copy_entry(struct copier *c, const struct pathglob_entry *e)
{
	int r;

	if (collector_must_stop(c->ctx))
		return -ETIME;
	if (is_refused(c, e->path) ||
	    names_find(&c->seen, e->path, strlen(e->path)) != NAME_FREE)
		return 0;
	r = names_add(&c->seen, e->path, strlen(e->path), NAME_LEAF);
	if (r < 0)
		return r;
	if (e->type == PATHGLOB_FILE)
		return copy_file(c, e->dir_fd, e->name, e->path);
	if (e->type == PATHGLOB_SYMLINK)
		return copy_link(c, e->dir_fd, e->name, e->path);
	return notes_add(c->ctx, "%s: FIFO, socket or device, not read", e->path);
}

static int
on_entry(const struct pathglob_entry *entry, void *userdata)
{
	return copy_entry(userdata, entry);
}

static bool
may_enter(const char *path, void *userdata)
{
	return !is_refused(userdata, path);
}

/* A file that a link led to, by its real path. */
static int
copy_target(struct copier *c, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_free_ char *dir = strndup(path, (size_t)(name - path));
	_cleanup_close_ int dir_fd = -EBADF;

	if (!dir)
		return -ENOMEM;
	dir_fd = rootdir_openat(c->root_fd, dir, O_PATH | O_DIRECTORY);
	if (dir_fd < 0)
		return 0;
	return copy_entry(c,
	    &(const struct pathglob_entry){
		.dir_fd = dir_fd,
		.name = name,
		.path = path,
		.type = PATHGLOB_FILE,
	    });
}

static int
copy_pattern(struct copier *c, const char *pattern)
{
	struct pathglob_walk walk = {
		.root_fd = c->root_fd,
		.on_entry = on_entry,
		.may_enter = may_enter,
		.userdata = c,
	};
	int r;

	r = pathglob_walk(&walk, pattern);
	if (walk.is_truncated) {
		(void)miss(c, -EFBIG, pattern, "too many or too deep directories");
	}
	for (char **target = c->targets; r == 0 && target && *target; target++)
		r = copy_target(c, *target);
	strv_free(TAKE_PTR(c->targets));
	return r;
}

int
filecopy_run(
    struct collector_context *ctx, const struct filecopy_spec *spec, struct fault *reterr)
{
	_cleanup_(copier_done) struct copier c = { .ctx = ctx, .spec = spec };
	int r = 0;

	c.root_fd = rootdir_open(ctx->root);
	if (c.root_fd < 0)
		return c.root_fd;
	/* Without the table nothing is known to be remote; better than nothing collected. */
	(void)mounts_load(c.root_fd, MOUNTS_SELF, &c.mounts);
	for (char *const *pattern = spec->copy; r == 0 && pattern && *pattern; pattern++)
		r = copy_pattern(&c, *pattern);
	if (r < 0)
		return r;
	if (c.is_incomplete && reterr)
		*reterr = c.fault;
	return c.is_incomplete;
}
