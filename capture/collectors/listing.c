/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

#include "capture/collector.h"
#include "capture/collectors/listing.h"
#include "capture/mounts.h"
#include "capture/pathglob.h"
#include "capture/rootdir.h"
#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "lib/text.h"

/* Longest line: a path, the target of a link, and the columns before them. */
#define LINE_BYTES (2 * PATH_MAX + 512)

struct listing {
	struct collector_context *ctx;
	struct mounts mounts;
	struct bundle_member *member; /* owned; NULL until something is found */
	const char *path;	      /* of the member */
	uint64_t n, max;
	int root_fd;
};

static void
listing_done(struct listing *l)
{
	bundle_member_abort(l->member);
	mounts_done(&l->mounts);
	l->root_fd = close_fd(l->root_fd);
}

static void
format_mode(mode_t mode, char buf[11])
{
	static const char bits[] = "rwxrwxrwx";
	char type = '-';

	if (S_ISDIR(mode))
		type = 'd';
	else if (S_ISLNK(mode))
		type = 'l';
	else if (S_ISFIFO(mode))
		type = 'p';
	else if (S_ISSOCK(mode))
		type = 's';
	else if (S_ISCHR(mode))
		type = 'c';
	else if (S_ISBLK(mode))
		type = 'b';
	buf[0] = type;
	for (unsigned i = 0; i < 9; i++)
		buf[i + 1] = mode & (0400u >> i) ? bits[i] : '-';
	if (mode & S_ISUID)
		buf[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		buf[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		buf[9] = mode & S_IXOTH ? 't' : 'T';
	buf[10] = '\0';
}

/* "system_u:object_r:container_var_lib_t:s0 " or "". */
static void
format_context(const struct pathglob_entry *e, char *buf, size_t size)
{
	char link[NAME_MAX + 64];
	ssize_t n;

	buf[0] = '\0';
	if ((size_t)snprintf(link, sizeof(link), "/proc/self/fd/%d/%s", e->dir_fd, e->name) >=
	    sizeof(link))
		return;
	n = lgetxattr(link, "security.selinux", buf, size - 2);
	if (n <= 0) {
		buf[0] = '\0';
		return;
	}
	if (buf[n - 1] == '\0')
		n--;
	buf[n] = ' ';
	buf[n + 1] = '\0';
}

/* A line break in a name must not look like another line. */
static void
blank_controls(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

static int
format_line(const struct pathglob_entry *e, char line[LINE_BYTES])
{
	char mode[11], context[256], time[32], target[PATH_MAX] = "", size[32];
	struct stat st;
	struct tm tm;
	int n;

	if (fstatat(e->dir_fd, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	format_mode(st.st_mode, mode);
	format_context(e, context, sizeof(context));
	if (!localtime_r(&st.st_mtim.tv_sec, &tm) ||
	    strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S %z", &tm) == 0)
		text_copy(time, sizeof(time), "?");
	if (S_ISLNK(st.st_mode)) {
		ssize_t k = readlinkat(e->dir_fd, e->name, target, sizeof(target) - 1);

		target[k > 0 ? k : 0] = '\0';
	}
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		(void)snprintf(
		    size, sizeof(size), "%u,%u", major(st.st_rdev), minor(st.st_rdev));
	else
		(void)snprintf(size, sizeof(size), "%lld", (long long)st.st_size);
	n = snprintf(line, LINE_BYTES, "%9llu %6llu %s %3lu %5u %5u %s%12s %s %s%s%s",
	    (unsigned long long)st.st_ino, (unsigned long long)st.st_blocks / 2, mode,
	    (unsigned long)st.st_nlink, st.st_uid, st.st_gid, context, size, time, e->path,
	    *target ? " -> " : "", target);
	if (n < 0 || n >= LINE_BYTES - 1)
		n = LINE_BYTES - 2;
	blank_controls(line);
	line[n++] = '\n';
	return n;
}

static int
on_entry(const struct pathglob_entry *entry, void *userdata)
{
	struct listing *l = userdata;
	char line[LINE_BYTES];
	int r, n;

	if (collector_must_stop(l->ctx))
		return -ETIME;
	if (!l->member) {
		r = bundle_member_begin(l->ctx->bundle, l->path, NULL, &l->member);
		if (r < 0)
			return r;
	}
	if (l->n++ >= l->max) {
		static const char more[] = "… and more: MaxFiles= is reached\n";

		(void)bundle_member_write(l->member, more, strlen(more));
		return 1;
	}
	n = format_line(entry, line);
	return n > 0 ? bundle_member_write(l->member, line, (size_t)n) : 0;
}

static bool
may_enter(const char *path, void *userdata)
{
	const struct listing *l = userdata;

	return !mounts_is_remote(&l->mounts, path);
}

int
listing_add(struct collector_context *ctx, const char *plugin, const char *pattern,
    uint64_t max_entries)
{
	char *argv[] = { (char *)"find", (char *)pattern, (char *)"-ls", NULL };
	char path[LAYOUT_PATH_BYTES];
	_cleanup_(listing_done) struct listing l = {
		.ctx = ctx,
		.path = path,
		.max = max_entries,
		.root_fd = rootdir_open(ctx->root),
	};
	struct pathglob_walk walk = {
		.root_fd = l.root_fd,
		.with_directories = true,
		.on_entry = on_entry,
		.may_enter = may_enter,
		.userdata = &l,
	};
	int r, end;

	if (l.root_fd < 0)
		return l.root_fd;
	r = layout_command_path(plugin, argv, path);
	if (r < 0)
		return r;
	(void)mounts_load(l.root_fd, MOUNTS_SELF, &l.mounts);
	r = pathglob_walk(&walk, pattern);
	/* What was listed until then is worth keeping, whatever ended it. */
	end = l.member ? bundle_member_end(TAKE_PTR(l.member)) : 0;
	if (r < 0)
		return r;
	return end != 0 ? end : r > 0 || walk.is_truncated;
}
