/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A disk that fails, a machine that dies, a power cut, at the Nth change of the file system.
 *
 * The functions below take the place of libc's in the program that includes this file (once),
 * also for the code that is linked into it. Each change is one step: create, write, truncate,
 * allocate, rename, unlink, mkdir, fsync. A power cut keeps what POSIX promises and nothing
 * else: of a file what it was at its last fsync(2), of a directory the names it had at its
 * last; a file whose name was synced, but not its data, is empty. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/io.h"

enum disk_fault {
	DISK_GOOD,
	DISK_DIE,	/* the process is killed at that step */
	DISK_CUT,	/* the power is; DISK's tree is what a reboot finds */
	DISK_FAIL_ONCE, /* that step fails with `error` */
	DISK_FAIL,	/* so do all from there on */
};

#define DISK_FILES_MAX 512u

struct disk_entry {
	char name[256]; /* NAME_MAX and its NUL */
	unsigned file;	/* its number */
	bool is_dir;
};

/* A file or directory that existed at some time. Inode numbers are used again, these are not.
 */
struct disk_file {
	ino_t inode;
	bool is_synced;
	char *data; /* of a file, at its last sync; NULL: empty */
	size_t size;
	struct disk_entry *entries; /* of a directory */
	size_t n_entries;
};

static struct disk {
	bool is_on;
	enum disk_fault fault;
	unsigned at; /* from 1 */
	int error;
	unsigned steps;	      /* so far */
	const char *cut_path; /* where the tree is built that a cut leaves; made by us */
	char root[128];
	struct disk_file files[DISK_FILES_MAX];
	unsigned n_files;
} disk;

static unsigned
disk_new_file(ino_t inode)
{
	assert(disk.n_files < DISK_FILES_MAX);
	disk.files[disk.n_files] = (struct disk_file){ .inode = inode };
	return disk.n_files++;
}

/* The number of the file that has this inode now: the newest. */
static unsigned
disk_file_of(ino_t inode)
{
	for (unsigned i = disk.n_files; i > 0; i--)
		if (disk.files[i - 1].inode == inode)
			return i - 1;
	return disk_new_file(inode);
}

static void
disk_sync_file(int fd, struct disk_file *f, const struct stat *st)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	free(f->data);
	f->data = NULL;
	f->size = (size_t)st->st_size;
	if (f->size > 0)
		assert(io_read_file(AT_FDCWD, path, 1u << 20, &f->data, &f->size) == 0);
}

static void
disk_sync_dir(int fd, struct disk_file *f)
{
	_cleanup_closedir_ DIR *dir = NULL;
	struct stat st;

	assert(io_opendir(fd, ".", &dir) == 0);
	free(f->entries);
	f->entries = NULL;
	f->n_entries = 0;
	for (struct dirent *de = readdir(dir); de; de = readdir(dir)) {
		struct disk_entry *e;

		if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
			continue;
		assert(fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0);
		f->entries = reallocarray(f->entries, f->n_entries + 1, sizeof(*e));
		assert(f->entries && strlen(de->d_name) < sizeof(e->name));
		e = &f->entries[f->n_entries++];
		(void)snprintf(e->name, sizeof(e->name), "%s", de->d_name);
		e->file = disk_file_of(st.st_ino);
		e->is_dir = S_ISDIR(st.st_mode);
	}
}

static void
disk_sync(int fd)
{
	struct disk_file *f;
	struct stat st;

	assert(fstat(fd, &st) == 0);
	f = &disk.files[disk_file_of(st.st_ino)];
	f->is_synced = true;
	if (S_ISDIR(st.st_mode))
		disk_sync_dir(fd, f);
	else
		disk_sync_file(fd, f, &st);
}

/* Writes what a reboot finds of directory number DIR to PATH. */
static void
disk_build(unsigned dir, const char *path)
{
	assert(mkdir(path, 0750) == 0);
	for (size_t i = 0; i < disk.files[dir].n_entries; i++) {
		const struct disk_entry *e = &disk.files[dir].entries[i];
		const struct disk_file *f = &disk.files[e->file];
		char below[512];
		FILE *out;

		(void)snprintf(below, sizeof(below), "%s/%s", path, e->name);
		if (e->is_dir) {
			disk_build(e->file, below);
			continue;
		}
		out = fopen(below, "we");
		assert(out && (f->size == 0 || fwrite(f->data, f->size, 1, out) == 1));
		assert(fclose(out) == 0);
	}
}

/* Everything below ROOT is on the disk, and from now on it fails as planned. */
static void
disk_start(const char *root)
{
	struct stat st;
	int fd =
	    (int)syscall(SYS_openat, AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	assert(fd >= 0 && fstat(fd, &st) == 0);
	(void)snprintf(disk.root, sizeof(disk.root), "%s", root);
	disk_sync(fd);
	assert(disk_file_of(st.st_ino) == 0 || disk.n_files > 0);
	(void)close(fd);
	disk.is_on = true;
}

/* Every change asks here first. Returns 0 to go on, or a negative errno; or never. */
static int
disk_step(void)
{
	struct stat st;

	if (!disk.is_on)
		return 0;
	disk.steps++;
	if (disk.fault == DISK_GOOD || disk.steps < disk.at)
		return 0;
	switch (disk.fault) {
	case DISK_CUT:
		disk.is_on = false;
		assert(stat(disk.root, &st) == 0);
		disk_build(disk_file_of(st.st_ino), disk.cut_path);
		_exit(0);
	case DISK_DIE:
		_exit(0);
	case DISK_FAIL_ONCE:
		return disk.steps == disk.at ? -disk.error : 0;
	case DISK_FAIL:
		return -disk.error;
	case DISK_GOOD:
		break;
	}
	return 0;
}

static long
disk_result(long r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

#define DISK_STEP()                                                                            \
 do {                                                                                          \
  int step_ = disk_step();                                                                     \
  if (step_ < 0)                                                                               \
   return (int)disk_result(step_);                                                             \
 } while (0)

int
openat(int dir_fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	bool creates = false;
	va_list ap;
	int fd;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		creates = faccessat(dir_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
		DISK_STEP();
	}
	fd = (int)syscall(SYS_openat, dir_fd, path, flags, mode);
	if (fd >= 0 && creates && disk.is_on) {
		struct stat st;

		assert(fstat(fd, &st) == 0);
		(void)disk_new_file(st.st_ino);
	}
	return fd;
}

ssize_t
write(int fd, const void *data, size_t size)
{
	/* What goes to a terminal or pipe is no change. */
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		bool was_on = disk.is_on;

		/* Half of it is there when it fails. */
		if (was_on && disk.fault != DISK_GOOD && disk.steps + 1 == disk.at)
			(void)syscall(SYS_write, fd, data, size / 2);
		r = disk_step();
	}
	return r < 0 ? disk_result(r) : syscall(SYS_write, fd, data, size);
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	DISK_STEP();
	return syscall(SYS_pwrite64, fd, data, size, offset);
}

int
fsync(int fd)
{
	DISK_STEP();
	if (disk.is_on)
		disk_sync(fd);
	return 0;
}

int
fdatasync(int fd)
{
	return fsync(fd);
}

int
ftruncate(int fd, off_t size)
{
	DISK_STEP();
	return (int)syscall(SYS_ftruncate, fd, size);
}

int
posix_fallocate(int fd, off_t offset, off_t size)
{
	int r = disk_step();

	if (r < 0)
		return -r;
	return syscall(SYS_fallocate, fd, 0, offset, size) < 0 ? errno : 0;
}

int
renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	DISK_STEP();
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int
renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return renameat2(from_fd, from, to_fd, to, 0);
}

int
unlinkat(int dir_fd, const char *path, int flags)
{
	DISK_STEP();
	return (int)syscall(SYS_unlinkat, dir_fd, path, flags);
}

int
mkdirat(int dir_fd, const char *path, mode_t mode)
{
	int r;

	DISK_STEP();
	r = (int)syscall(SYS_mkdirat, dir_fd, path, mode);
	if (r >= 0 && disk.is_on) {
		struct stat st;

		assert(fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0);
		(void)disk_new_file(st.st_ino);
	}
	return r;
}
