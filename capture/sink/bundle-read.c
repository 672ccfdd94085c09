/* SPDX-License-Identifier: Apache-2.0 */

/* Members from a descriptor: with an end in time, and from the right place of a file. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/sink/bundle-internal.h"
#include "capture/sink/room.h"
#include "capture/stop.h"
#include "lib/fault.h"

#define READ_STEP_BYTES (64u * 1024u)
/* Read before the place where a tail begins, filtered and thrown away: a private key that the
 * cut goes through is then recognised by its first line. The largest one (RSA 16384) has 13
 * KiB. */
#define TAIL_LEAD_BYTES (64u * 1024u)

/* Waits until FD can be read. Returns 0, -ETIME at the deadline, -EINTR when asked to stop. */
static int
wait_for_data(const struct bundle *b, int fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = stop_fd(), .events = POLLIN },
	};

	for (;;) {
		uint64_t now = clock_monotonic_usec();
		uint64_t wait_msec;
		int n;

		if (now >= b->deadline_usec)
			return -ETIME;
		wait_msec = (b->deadline_usec - now) / USEC_PER_MSEC + 1;
		n = poll(fds, ELEMENTSOF(fds), wait_msec < INT32_MAX ? (int)wait_msec : -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (stop_is_requested())
			return -EINTR;
		if (n > 0)
			return 0;
	}
}

/* Copies up to *LEFT bytes from FD into the member and counts them off. Returns 0 at the end,
 * -EFBIG when the member is full, or what went wrong. */
static int
copy_fd(struct bundle_member *m, int fd, uint64_t *left, char *buf)
{
	const struct bundle *b = m->bundle;

	while (*left > 0) {
		size_t want = *left < READ_STEP_BYTES ? (size_t)*left : READ_STEP_BYTES;
		ssize_t n;
		int r;

		if (stop_is_requested())
			return -EINTR;
		if (clock_monotonic_usec() >= b->deadline_usec)
			return -ETIME;
		n = read(fd, buf, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			r = wait_for_data(b, fd);
			if (r < 0)
				return r;
			continue;
		}
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*left -= (uint64_t)n;
		r = bundle_member_write(m, buf, (size_t)n);
		if (r < 0)
			return r;
	}
	return 0;
}

/* For the tail of a regular file: goes to where it begins, through the lead before it. */
static int
seek_tail(struct bundle_member *m, int fd, uint64_t *size, char *buf)
{
	uint64_t max_bytes = m->options.max_bytes;
	uint64_t begin;
	uint64_t lead;
	int r;

	if (max_bytes == 0 || max_bytes > BUNDLE_MEMBER_MAX_BYTES)
		max_bytes = BUNDLE_MEMBER_MAX_BYTES;
	if (!m->options.is_final && max_bytes > bundle_room_at(m->bundle, ROOM_RATIO_MAX))
		max_bytes = bundle_room_at(m->bundle, ROOM_RATIO_MAX);
	if (*size <= max_bytes)
		return 0;
	begin = *size - max_bytes;
	lead = begin < TAIL_LEAD_BYTES ? begin : TAIL_LEAD_BYTES;
	if (lseek(fd, (off_t)(begin - lead), SEEK_SET) < 0)
		return -errno;
	/* What the filter holds back at the end of the lead comes out later: some KiB more. */
	m->discard = true;
	r = copy_fd(m, fd, &lead, buf);
	m->discard = false;
	m->skipped_bytes = begin;
	*size = max_bytes;
	return r;
}

static int
read_fd(struct bundle_member *m, int fd)
{
	_cleanup_free_ char *buf = malloc(READ_STEP_BYTES);
	uint64_t size = UINT64_MAX;
	struct stat st;
	int r;

	if (!buf)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* A log that grows as fast as we read must not hold us; files of /proc have size 0. */
	if (S_ISREG(st.st_mode) && st.st_size > 0) {
		size = (uint64_t)st.st_size;
		if (m->options.keep == BUNDLE_KEEP_TAIL) {
			r = seek_tail(m, fd, &size, buf);
			if (r < 0)
				return r;
		}
	}
	r = copy_fd(m, fd, &size, buf);
	if (r != -EFBIG)
		return r;
	/* The limit of the member is no error; the marker says what is missing. */
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		m->skipped_bytes += size;
	else
		m->rest_unknown = true;
	return 0;
}

int
bundle_add_fd(
    struct bundle *b, const char *path, int fd, const struct bundle_member_options *options)
{
	_cleanup_(bundle_member_abortp) struct bundle_member *m = NULL;
	int error;
	int r;

	r = bundle_member_begin(b, path, options, &m);
	if (r < 0)
		return r;
	error = read_fd(m, fd);
	if (m->error < 0)
		return bundle_member_end(TAKE_PTR(m));
	if (error < 0) {
		char note[FAULT_TEXT_MAX_BYTES];

		/* Not even one byte: there is nothing to store, the error says it all. */
		if (m->written_bytes == 0 && error != -ETIME && error != -EINTR)
			return error;
		(void)snprintf(note, sizeof(note),
		    "\n[microshift-support: reading ended here: %s]\n", strerror(-error));
		m->interrupted = true;
		(void)bundle_member_write(m, note, strlen(note));
	}
	r = bundle_member_end(TAKE_PTR(m));
	return error < 0 && r >= 0 ? error : r;
}
