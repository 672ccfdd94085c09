/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "capture/collector.h"
#include "capture/collectors/hostfacts.h"
#include "capture/mounts.h"
#include "capture/notes.h"
#include "capture/rootdir.h"
#include "capture/sink/bundle.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/text.h"

/* 3,000 mounts of overlay are about 3 MiB. */
#define MOUNTS_MAX_BYTES (16u * 1024u * 1024u)

/* The root of PID 1: in a sandbox, /tmp and /home are not what they are for everybody else. */
#define INIT_ROOT "/proc/1/root"

struct usage {
	uint64_t size, used, available;
};

static unsigned
percent(const struct usage *u)
{
	uint64_t sum = u->used + u->available;

	/* df rounds up, so that a full file system never shows 99 %. */
	return sum > 0 ? (unsigned)((u->used * 100 + sum - 1) / sum) : 0;
}

static void
print_line(FILE *f, const struct mount *m, const struct usage *u)
{
	char share[8] = "-";

	if (!u) {
		(void)fprintf(f, "%-24s %12s %12s %12s %5s %s\n", m->source, "-", "-", "-", "-",
		    m->point);
		return;
	}
	if (u->size > 0)
		(void)snprintf(share, sizeof(share), "%u%%", percent(u));
	(void)fprintf(f, "%-24s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %5s %s\n", m->source,
	    u->size, u->used, u->available, share, m->point);
}

static bool
ask(int root_fd, const struct mount *m, struct statvfs *ret)
{
	_cleanup_close_ int fd = -EBADF;

	if (m->is_remote)
		return false;
	fd = rootdir_openat(root_fd, m->point, O_PATH);
	return fd >= 0 && fstatvfs(fd, ret) == 0;
}

static void
print_usage(int root_fd, const struct mounts *mounts, FILE *blocks, FILE *inodes)
{
	(void)fprintf(blocks, "%-24s %12s %12s %12s %5s %s\n", "Filesystem", "1K-blocks",
	    "Used", "Available", "Use%", "Mounted on");
	(void)fprintf(inodes, "%-24s %12s %12s %12s %5s %s\n", "Filesystem", "Inodes", "IUsed",
	    "IFree", "IUse%", "Mounted on");
	for (size_t i = 0; i < mounts->n; i++) {
		const struct mount *m = &mounts->items[i];
		struct statvfs st;
		struct usage b, n;

		if (streq(m->type, "autofs"))
			continue;
		if (!ask(root_fd, m, &st)) {
			print_line(blocks, m, NULL);
			print_line(inodes, m, NULL);
			continue;
		}
		b.size = st.f_blocks * st.f_frsize / 1024;
		b.used = (st.f_blocks - st.f_bfree) * st.f_frsize / 1024;
		b.available = st.f_bavail * st.f_frsize / 1024;
		n.size = st.f_files;
		n.used = st.f_files - st.f_ffree;
		n.available = st.f_ffree;
		print_line(blocks, m, &b);
		print_line(inodes, m, &n);
	}
}

static void
print_mounts(const struct mounts *mounts, FILE *f)
{
	for (size_t i = 0; i < mounts->n; i++)
		(void)fprintf(f, "%s on %s type %s (%s)\n", mounts->items[i].source,
		    mounts->items[i].point, mounts->items[i].type, mounts->items[i].options);
}

struct buffer {
	char *text; /* owned */
	size_t size;
	FILE *f; /* owned */
};

static void
buffer_done(struct buffer *b)
{
	if (b->f)
		(void)fclose(b->f);
	free(b->text);
}

static bool
buffer_open(struct buffer *b)
{
	b->f = open_memstream(&b->text, &b->size);
	return b->f != NULL;
}

/* The text so far; the stream stays open. */
static const char *
buffer_text(struct buffer *b)
{
	return fflush(b->f) == 0 ? b->text : "";
}

/* proc/mounts as PID 1 has it, where sos readers look for it; ours is that of a sandbox. */
static int
add_proc_mounts(struct collector_context *ctx, int root_fd)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (io_read_file(root_fd, "proc/1/mounts", MOUNTS_MAX_BYTES, &text, &size) < 0)
		return 0;
	return bundle_add(ctx->bundle, "proc/mounts", text, size, NULL);
}

int
hostfs_add(struct collector_context *ctx)
{
	_cleanup_(mounts_done) struct mounts mounts = { 0 };
	_cleanup_(buffer_done) struct buffer blocks = { 0 };
	_cleanup_(buffer_done) struct buffer inodes = { 0 };
	_cleanup_(buffer_done) struct buffer table = { 0 };
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	_cleanup_close_ int init_fd = -EBADF;
	int r;

	if (root_fd < 0)
		return root_fd;
	r = mounts_load(root_fd, MOUNTS_INIT, &mounts);
	if (r >= 0 && is_empty(ctx->root))
		init_fd = open(INIT_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r < 0)
		r = mounts_load(root_fd, MOUNTS_SELF, &mounts);
	if (r < 0) {
		(void)notes_add(ctx, "df: the table of mounts: %s", strerror(-r));
		return r;
	}
	if (!buffer_open(&blocks) || !buffer_open(&inodes) || !buffer_open(&table))
		return -ENOMEM;
	print_usage(init_fd >= 0 ? init_fd : root_fd, &mounts, blocks.f, inodes.f);
	print_mounts(&mounts, table.f);
	r = hostfacts_add(ctx, "filesys", "df -al -x autofs", buffer_text(&blocks), "df");
	if (r >= 0)
		r = hostfacts_add(
		    ctx, "filesys", "df -ali -x autofs", buffer_text(&inodes), NULL);
	if (r >= 0)
		r = hostfacts_add(ctx, "filesys", "mount -l", buffer_text(&table), "mount");
	return r < 0 ? r : add_proc_mounts(ctx, root_fd);
}
