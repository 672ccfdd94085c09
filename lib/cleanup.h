/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Scope-bound ownership: the declaration of a local says who frees it. Modelled on systemd's
 * src/fundamental/macro-fundamental.h and src/basic/alloc-util.h, reduced to what is used here.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* `unused`: a variable that only owns something is used by its destructor, which clang does not
 * see. */
#define _cleanup_(fn) __attribute__((cleanup(fn), unused))

/* clang-format off */

/* Defines FUNCp() for _cleanup_(): calls FUNC on the variable unless it is NULL. */
#define DEFINE_CLEANUP(type, func)          \
	static inline void func##p(type *p) \
	{                                   \
		if (*p)                     \
			func(*p);           \
	}                                   \
	struct cleanup_needs_a_semicolon_here

/* Hands an owned pointer over: yields it and leaves NULL behind. */
#define TAKE_PTR(ptr)                        \
	({                                   \
		typeof(ptr) *_pptr = &(ptr); \
		typeof(ptr) _taken = *_pptr; \
		*_pptr = NULL;               \
		_taken;                      \
	})

/* Hands an owned file descriptor over: yields it and leaves -EBADF behind. */
#define TAKE_FD(fd)                 \
	({                          \
		int *_pfd = &(fd);  \
		int _taken = *_pfd; \
		*_pfd = -EBADF;     \
		_taken;             \
	})

/* clang-format on */

/* Closes FD if it is one, keeps errno, yields -EBADF: `fd = close_fd(fd);`. */
static inline int
close_fd(int fd)
{
	int saved_errno = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved_errno;
	return -EBADF;
}

static inline void
cleanup_free_p(void *p)
{
	free(*(void **)p);
}

static inline void
cleanup_close_p(int *fd)
{
	(void)close_fd(*fd);
}

#define _cleanup_free_	_cleanup_(cleanup_free_p)
#define _cleanup_close_ _cleanup_(cleanup_close_p)

DEFINE_CLEANUP(FILE *, fclose);
DEFINE_CLEANUP(DIR *, closedir);
#define _cleanup_fclose_   _cleanup_(fclosep)
#define _cleanup_closedir_ _cleanup_(closedirp)

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
