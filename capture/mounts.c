/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>

#include "capture/mounts.h"
#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/text.h"

/* 3,000 mounts of overlay are about 3 MiB: each names its layers. */
#define MOUNTINFO_MAX_BYTES (16u * 1024u * 1024u)

/* Types that wait for somebody else: a server, a daemon, an automounter. "fuse" also stands
 * for "fuse.something". */
static const char *const remote_types[] = { "9p", "afs", "autofs", "ceph", "cifs", "coda",
	"davfs", "fuse", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2",
	"orangefs", "pvfs2", "smb3", "smbfs", "virtiofs" };

static bool
type_is_remote(const char *type)
{
	for (size_t i = 0; i < ELEMENTSOF(remote_types); i++)
		if (streq(type, remote_types[i]))
			return true;
	/* lxcfs shows a container its own share of /proc files. */
	return text_has_prefix(type, "fuse.") && !streq(type, "fuse.lxcfs");
}

/* Undoes the kernel's \040 for blanks, tabs, newlines and backslashes, in place. */
static void
unescape(char *s)
{
	char *out = s;

	for (; *s; s++)
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else
			*out++ = *s;
	*out = '\0';
}

/* Those of the mount, then those of the file system; "rw" or "ro" of the latter says nothing
 * new unless it differs. */
static char *
join_options(const char *mount, const char *file_system)
{
	if (strncmp(mount, file_system, 2) == 0) {
		if (file_system[2] == '\0')
			return strdup(mount);
		if (file_system[2] == ',')
			file_system += 3;
	}
	return text_format("%s,%s", mount, file_system);
}

/* 36 35 98:0 /root /point rw,noatime master:1 … - type source options; see proc(5). */
static bool
parse_line(char *line, struct mount *ret)
{
	char *fields[5]; /* point, options, type, source, options of the file system */
	char *rest = line, *separator;

	for (unsigned i = 0; i < 6; i++) {
		/* The first four tell numbers and what part of the file system is shown. */
		fields[i < 5 ? 0 : 1] = strsep(&rest, " ");
		if (!rest)
			return false;
	}
	separator = text_has_prefix(rest, "- ") ? rest : strstr(rest, " - ");
	if (!separator)
		return false;
	rest = separator + (separator == rest ? 2 : 3);
	for (unsigned i = 2; i < 5; i++) {
		fields[i] = strsep(&rest, " ");
		if (!fields[i])
			return false;
	}
	for (unsigned i = 0; i < ELEMENTSOF(fields); i++)
		unescape(fields[i]);
	*ret = (struct mount){
		.point = strdup(fields[0]),
		.type = strdup(fields[2]),
		.source = strdup(fields[3]),
		.options = join_options(fields[1], fields[4]),
		.is_remote = type_is_remote(fields[2]),
	};
	return true;
}

static void
mount_done(struct mount *m)
{
	free(m->point);
	free(m->type);
	free(m->source);
	free(m->options);
}

void
mounts_done(struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		mount_done(&m->items[i]);
	free(m->items);
	*m = (struct mounts){ 0 };
}

static int
append(struct mounts *m, size_t *capacity, struct mount *item)
{
	if (!item->point || !item->type || !item->source || !item->options)
		return -ENOMEM;
	if (m->n == *capacity) {
		size_t wanted = *capacity ? 2 * *capacity : 64;
		struct mount *items = reallocarray(m->items, wanted, sizeof(*items));

		if (!items)
			return -ENOMEM;
		m->items = items;
		*capacity = wanted;
	}
	m->items[m->n++] = *item;
	return 0;
}

int
mounts_parse(const char *text, struct mounts *ret)
{
	_cleanup_(mounts_done) struct mounts m = { 0 };
	_cleanup_free_ char *copy = strdup(text);
	size_t capacity = 0;
	char *rest = copy;
	int r;

	if (!copy)
		return -ENOMEM;
	while (rest && m.n < MOUNTS_MAX) {
		struct mount item;

		if (!parse_line(strsep(&rest, "\n"), &item))
			continue;
		r = append(&m, &capacity, &item);
		if (r < 0) {
			mount_done(&item);
			return r;
		}
	}
	*ret = m;
	m = (struct mounts){ 0 };
	return 0;
}

int
mounts_load(int root_fd, const char *path, struct mounts *ret)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -EBADF;
	char link[64];
	int r;

	fd = rootdir_openat(root_fd, path, O_RDONLY);
	if (fd < 0)
		return fd;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	r = io_read_file(AT_FDCWD, link, MOUNTINFO_MAX_BYTES, &text, NULL);
	if (r < 0)
		return r;
	return mounts_parse(text, ret);
}

const struct mount *
mounts_find(const struct mounts *m, const char *path)
{
	const struct mount *best = NULL;
	size_t best_size = 0;

	/* The longest mount point decides, of equal ones the last: it hides the others. */
	for (size_t i = 0; i < m->n; i++) {
		const struct mount *item = &m->items[i];
		size_t n = strlen(item->point);

		if (n < best_size || strncmp(path, item->point, n) != 0)
			continue;
		if (n > 1 && path[n] != '/' && path[n] != '\0')
			continue;
		best = item;
		best_size = n;
	}
	return best;
}

bool
mount_is_writable(const struct mount *m)
{
	_cleanup_free_ char *options = strdup(m->options);
	bool is_writable = false;
	char *rest = options, *word;

	/* The last one is that of the file system, see join_options(). */
	while ((word = strsep(&rest, ",")))
		if (streq(word, "rw") || streq(word, "ro"))
			is_writable = streq(word, "rw");
	return is_writable;
}

bool
mounts_is_remote(const struct mounts *m, const char *path)
{
	const struct mount *mount = mounts_find(m, path);

	/* Where the root itself is remote nothing else would be left. */
	return mount && mount->is_remote && strlen(mount->point) > 1;
}
