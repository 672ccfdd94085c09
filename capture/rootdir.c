/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/text.h"

int
rootdir_open(const char *root)
{
	int fd = open(is_empty(root) ? "/" : root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Kernels before 5.6 and strict seccomp filters have no openat2(2). Then links are resolved by
 * the machine's own root, which is the same thing outside tests. */
static bool
is_missing_syscall(int error)
{
	return error == ENOSYS || error == EPERM || error == EINVAL;
}

int
rootdir_openat(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	while (*path == '/')
		path++;
	if (*path == '\0')
		path = ".";
	fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (fd < 0 && is_missing_syscall(errno))
		fd = openat(root_fd, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : (int)fd;
}

bool
rootdir_exists(int root_fd, const char *path)
{
	_cleanup_close_ int fd = rootdir_openat(root_fd, path, O_PATH);

	return fd >= 0;
}

static int
read_fd_link(int fd, char *buf)
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, PATH_MAX);
	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

int
rootdir_path_of(int root_fd, int fd, char *buf)
{
	char root[PATH_MAX];
	size_t n;
	int r;

	r = read_fd_link(root_fd, root);
	if (r < 0)
		return r;
	r = read_fd_link(fd, buf);
	if (r < 0)
		return r;
	n = strlen(root);
	if (n == 1)
		return 0;
	if (strncmp(buf, root, n) != 0 || (buf[n] != '/' && buf[n] != '\0'))
		return -EXDEV;
	memmove(buf, buf + n, strlen(buf + n) + 1);
	if (buf[0] == '\0')
		text_copy(buf, PATH_MAX, "/");
	return 0;
}
