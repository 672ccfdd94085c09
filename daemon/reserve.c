/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/reserve.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/paths.h"

#define FILE_MODE 0640

static int
open_file(int state_dir_fd, int flags)
{
	int fd = openat(
	    state_dir_fd, RESERVE_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, FILE_MODE);

	return fd < 0 ? -errno : fd;
}

static int
write_at(int fd, const char *data, size_t size, off_t offset)
{
	ssize_t n = pwrite(fd, data, size, offset);

	if (n < 0)
		return -errno;
	if ((size_t)n != size)
		return -EIO;
	return fdatasync(fd) < 0 ? -errno : 0;
}

int
reserve_prepare(int state_dir_fd)
{
	_cleanup_close_ int fd = open_file(state_dir_fd, O_CREAT);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == RESERVE_MAX_BYTES)
		return 0;
	r = posix_fallocate(fd, 0, RESERVE_MAX_BYTES);
	if (r == 0)
		r = ftruncate(fd, RESERVE_MAX_BYTES) < 0 ? errno : 0;
	if (r != 0)
		return -r;
	return fsync(fd) < 0 ? -errno : 0;
}

/* The bytes before the first NUL are taken. */
static int
read_all(int fd, char **ret_data, size_t *ret_used)
{
	_cleanup_free_ char *data = malloc(RESERVE_MAX_BYTES);
	ssize_t n;

	if (!data)
		return -ENOMEM;
	n = pread(fd, data, RESERVE_MAX_BYTES, 0);
	if (n < 0)
		return -errno;
	*ret_used = strnlen(data, (size_t)n);
	*ret_data = TAKE_PTR(data);
	return 0;
}

int
reserve_append(int state_dir_fd, const char *line, size_t size)
{
	_cleanup_close_ int fd = open_file(state_dir_fd, 0);
	_cleanup_free_ char *data = NULL;
	size_t used;
	int r;

	if (fd < 0)
		return fd;
	r = read_all(fd, &data, &used);
	if (r < 0)
		return r;
	if (size > RESERVE_MAX_BYTES - used)
		return -ENOSPC;
	return write_at(fd, line, size, (off_t)used);
}

int
reserve_read(int state_dir_fd, char **ret_lines, size_t *ret_size)
{
	_cleanup_close_ int fd = open_file(state_dir_fd, 0);

	return fd < 0 ? fd : read_all(fd, ret_lines, ret_size);
}

int
reserve_clear(int state_dir_fd)
{
	_cleanup_close_ int fd = open_file(state_dir_fd, 0);
	_cleanup_free_ char *zeroes = calloc(1, RESERVE_MAX_BYTES);

	if (fd < 0)
		return fd;
	if (!zeroes)
		return -ENOMEM;
	return write_at(fd, zeroes, RESERVE_MAX_BYTES, 0);
}
