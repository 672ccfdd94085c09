/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/spill.h"

#define PENDING_BYTES	   (64u * 1024u)
#define READ_STEP_BYTES	   (64u * 1024u)
/* First allocation; small members need no more. */
#define MEMORY_FIRST_BYTES 4096u

/* Positions are offsets into a linear store of max_bytes; with KEEP_TAIL it is a ring, and
 * byte N of the stream is at N modulo max_bytes. */
struct spill {
	int dir_fd; /* borrowed */
	int fd;	    /* owned; -EBADF while in memory */
	bool keep_tail;
	uint64_t max_bytes;
	uint64_t total; /* accepted so far; with KEEP_TAIL may be more than max_bytes */
	uint64_t dropped_end;
	/* All of it while there is no file; then what is still to be written, because the
	 * filter hands over small pieces: pending_bytes that belong at pending_at. */
	char *memory; /* owned */
	size_t capacity;
	uint64_t pending_at;
	size_t pending_bytes;
};

int
spill_new(int dir_fd, uint64_t max_bytes, bool keep_tail, struct spill **ret)
{
	struct spill *s;

	assert(max_bytes > 0);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct spill){
		.dir_fd = dir_fd,
		.fd = -EBADF,
		.keep_tail = keep_tail,
		.max_bytes = max_bytes,
	};
	*ret = s;
	return 0;
}

void
spill_free(struct spill *s)
{
	if (!s)
		return;
	free(s->memory);
	(void)close_fd(s->fd);
	free(s);
}

uint64_t
spill_size(const struct spill *s)
{
	return s->total < s->max_bytes ? s->total : s->max_bytes;
}

uint64_t
spill_dropped(const struct spill *s)
{
	return s->dropped_end + (s->total - spill_size(s));
}

/* O_TMPFILE needs support by the file system (not NFS, not an old overlayfs). */
static int
open_unlinked(int dir_fd)
{
	static const char name[] = ".#spill";
	int fd;

	fd = openat(dir_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return -errno;
	(void)unlinkat(dir_fd, name, 0);
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (unlinkat(dir_fd, name, 0) < 0) {
		int r = -errno;

		(void)close_fd(fd);
		return r;
	}
	return fd;
}

static int
write_at(int fd, const char *data, size_t size, uint64_t position)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, data, size, (off_t)position);

		if (n < 0 && errno == EINTR)
			continue;
		/* EFBIG is RLIMIT_FSIZE here; to our callers it means a limit of theirs. */
		if (n < 0)
			return errno == EFBIG ? -ENOSPC : -errno;
		data += n;
		size -= (size_t)n;
		position += (uint64_t)n;
	}
	return 0;
}

static int
grow(struct spill *s, uint64_t want)
{
	size_t capacity = s->capacity > 0 ? s->capacity : MEMORY_FIRST_BYTES;
	char *memory;

	if (want <= s->capacity)
		return 0;
	while (capacity < want)
		capacity *= 2;
	memory = realloc(s->memory, capacity);
	if (!memory)
		return -ENOMEM;
	s->memory = memory;
	s->capacity = capacity;
	return 0;
}

static int
move_to_file(struct spill *s)
{
	_cleanup_close_ int fd = open_unlinked(s->dir_fd);
	int r;

	if (fd < 0)
		return fd;
	r = grow(s, PENDING_BYTES);
	if (r < 0)
		return r;
	/* Memory is left before a ring can have turned, see store(). */
	r = write_at(fd, s->memory, (size_t)spill_size(s), 0);
	if (r < 0)
		return r;
	s->fd = TAKE_FD(fd);
	return 0;
}

static int
flush_pending(struct spill *s)
{
	int r = write_at(s->fd, s->memory, s->pending_bytes, s->pending_at);

	s->pending_bytes = 0;
	return r;
}

/* Writes a piece to the file, together with others when it is small. */
static int
store_in_file(struct spill *s, const char *data, size_t size, uint64_t position)
{
	int r;

	if (s->pending_bytes + size > PENDING_BYTES ||
	    position != s->pending_at + s->pending_bytes) {
		r = flush_pending(s);
		if (r < 0)
			return r;
		s->pending_at = position;
	}
	if (size > PENDING_BYTES)
		return write_at(s->fd, data, size, position);
	memcpy(s->memory + s->pending_bytes, data, size);
	s->pending_bytes += size;
	return 0;
}

/* Puts a piece that does not cross the end of the ring at POSITION. */
static int
store(struct spill *s, const char *data, size_t size, uint64_t position)
{
	int r;

	if (s->fd < 0 && position + size > SPILL_MEMORY_BYTES) {
		r = move_to_file(s);
		if (r < 0)
			return r;
	}
	if (s->fd >= 0)
		return store_in_file(s, data, size, position);
	r = grow(s, position + size);
	if (r < 0)
		return r;
	memcpy(s->memory + position, data, size);
	return 0;
}

int
spill_write(struct spill *s, const void *data, size_t size)
{
	const char *p = data;
	bool cut = false;

	if (!s->keep_tail && size > s->max_bytes - s->total) {
		s->dropped_end += size - (s->max_bytes - s->total);
		size = (size_t)(s->max_bytes - s->total);
		cut = true;
	}
	/* More than the whole ring: only the end of it counts. */
	if (size > s->max_bytes) {
		/* The memory has no holes: it must be left while all of it is filled. */
		if (s->fd < 0 && s->max_bytes > SPILL_MEMORY_BYTES) {
			int r = move_to_file(s);

			if (r < 0)
				return r;
		}
		p += size - s->max_bytes;
		s->total += size - s->max_bytes;
		size = (size_t)s->max_bytes;
	}
	while (size > 0) {
		uint64_t position = s->total % s->max_bytes;
		size_t n = size;
		int r;

		if (n > s->max_bytes - position)
			n = (size_t)(s->max_bytes - position);
		r = store(s, p, n, position);
		if (r < 0)
			return r;
		p += n;
		size -= n;
		s->total += n;
	}
	return cut ? 1 : 0;
}

static int
fetch(struct spill *s, uint64_t position, size_t size, char *buf, const char **ret_data)
{
	size_t done = 0;

	if (s->fd < 0) {
		*ret_data = s->memory + position;
		return 0;
	}
	while (done < size) {
		ssize_t n = pread(s->fd, buf + done, size - done, (off_t)(position + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	*ret_data = buf;
	return 0;
}

int
spill_read(struct spill *s, uint64_t offset, uint64_t size, spill_read_fn fn, void *userdata)
{
	_cleanup_free_ char *buf = NULL;
	uint64_t oldest = s->total - spill_size(s);
	int r;

	assert(offset + size <= spill_size(s));
	if (s->fd >= 0) {
		buf = malloc(READ_STEP_BYTES);
		if (!buf)
			return -ENOMEM;
		r = flush_pending(s);
		if (r < 0)
			return r;
	}
	while (size > 0) {
		uint64_t position = (oldest + offset) % s->max_bytes;
		uint64_t n = size < READ_STEP_BYTES ? size : READ_STEP_BYTES;
		const char *data = NULL;

		if (n > s->max_bytes - position)
			n = s->max_bytes - position;
		r = fetch(s, position, (size_t)n, buf, &data);
		if (r < 0)
			return r;
		r = fn(data, (size_t)n, userdata);
		if (r < 0)
			return r;
		offset += n;
		size -= n;
	}
	return 0;
}
