/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/text.h"

#define TEMPORARY_PREFIX ".#"
#define READ_STEP_BYTES	 4096u

void
io_ignore_sigpipe(struct sigaction *ret_old)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigemptyset(&ignore.sa_mask);
	(void)sigaction(SIGPIPE, &ignore, ret_old);
}

int
io_write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Makes room for READ_STEP_BYTES more and a NUL. */
static int
grow(char **data, size_t size, size_t *capacity)
{
	size_t want = size + READ_STEP_BYTES + 1;
	char *p;

	if (want <= *capacity)
		return 0;
	if (want < 2 * *capacity)
		want = 2 * *capacity;
	p = realloc(*data, want);
	if (!p)
		return -ENOMEM;
	*data = p;
	*capacity = want;
	return 0;
}

static int
read_all(int fd, size_t max_bytes, char **ret_data, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	size_t capacity = 0;
	size_t size = 0;
	int r;

	for (;;) {
		ssize_t n;

		r = grow(&data, size, &capacity);
		if (r < 0)
			return r;
		n = read(fd, data + size, capacity - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > max_bytes)
			return -EFBIG;
	}
	data[size] = '\0';
	*ret_data = TAKE_PTR(data);
	if (ret_size)
		*ret_size = size;
	return 0;
}

int
io_read_file(int dir_fd, const char *path, size_t max_bytes, char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	/* O_NONBLOCK: opening a FIFO for reading would wait for a writer. */
	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return read_all(fd, max_bytes, ret_data, ret_size);
}

int
io_sync_dir(int dir_fd)
{
	return fsync(dir_fd) < 0 ? -errno : 0;
}

bool
io_is_temporary_name(const char *name)
{
	return text_has_prefix(name, TEMPORARY_PREFIX);
}

static int
write_and_sync(int fd, const void *data, size_t size, mode_t mode)
{
	int r;

	/* The mode at open() is cut by the umask; what is asked for is what it gets. */
	if (fchmod(fd, mode) < 0)
		return -errno;
	r = io_write_all(fd, data, size);
	if (r < 0)
		return r;
	return fsync(fd) < 0 ? -errno : 0;
}

int
io_write_file_atomic(int dir_fd, const char *name, const void *data, size_t size, mode_t mode)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -EBADF;
	int r;

	temporary = text_format(TEMPORARY_PREFIX "%s", name);
	if (!temporary)
		return -ENOMEM;
	fd = openat(
	    dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = write_and_sync(fd, data, size, mode);
	if (r >= 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir_fd, temporary, 0);
		return r;
	}
	return io_sync_dir(dir_fd);
}

int
io_append_file(int dir_fd, const char *name, const void *data, size_t size, mode_t mode)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int r;

	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	r = io_write_all(fd, data, size);
	if (r < 0) {
		(void)ftruncate(fd, st.st_size);
		return r;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int
io_mkdir_p(int dir_fd, const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1;; p++) {
		char kept = *p;

		if (kept != '/' && kept != '\0')
			continue;
		*p = '\0';
		if (mkdirat(dir_fd, copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = kept;
		if (kept == '\0')
			break;
	}
	if (fstatat(dir_fd, path, &st, 0) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int
io_open_dir(int dir_fd, const char *path, mode_t mode, int *ret_fd)
{
	int fd;
	int r;

	r = io_mkdir_p(dir_fd, path, mode);
	if (r < 0)
		return r;
	fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int
io_opendir(int dir_fd, const char *name, DIR **ret)
{
	_cleanup_close_ int fd = -EBADF;
	DIR *dir;

	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)TAKE_FD(fd);
	*ret = dir;
	return 0;
}

static int
remove_children(int parent_fd, const char *name)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int r;

	r = io_opendir(parent_fd, name, &dir);
	if (r < 0)
		return r;
	for (struct dirent *de = readdir(dir); de; de = readdir(dir)) {
		if (streq(de->d_name, ".") || streq(de->d_name, ".."))
			continue;
		r = io_remove_tree(dirfd(dir), de->d_name);
		if (r < 0)
			return r;
	}
	return 0;
}

int
io_remove_tree(int dir_fd, const char *name)
{
	int r;

	if (unlinkat(dir_fd, name, 0) >= 0 || errno == ENOENT)
		return 0;
	/* Linux says EISDIR for a directory, POSIX wants EPERM; any other reason is final. */
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	r = remove_children(dir_fd, name);
	if (r < 0)
		return r;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
