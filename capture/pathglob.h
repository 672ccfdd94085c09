/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The patterns of collect.d(5), and walks over what they match.
 *
 *   *      any characters within one name, none included, leading dots included
 *   ?      one character of a name
 *   [a-z]  one of these, [!a-z] none of these
 *   **     as a whole component: any number of directories, none included
 *   \c     the character c itself
 *
 * Patterns are absolute. A pattern that names a directory stands for everything below it too.
 * Symbolic links to directories are followed on the way, where a component of the pattern
 * matches them and another one comes after it (/sys/class/net is nothing but links), but never
 * by `**` and never in the descent: a walk cannot loop or leave what was asked for. */

#include <stdbool.h>
#include <stddef.h>

/* A walk goes no deeper: real trees are far flatter, a loop of bind mounts is not. */
#define PATHGLOB_DEPTH_MAX     40u
/* Names of one directory that are looked at; a directory of a million files must not cost its
 * names' memory. */
#define PATHGLOB_DIR_NAMES_MAX 20000u
/* Wildcards in one component: bounds the backtracking of fnmatch(3). */
#define PATHGLOB_WILDCARDS_MAX 6u

/* What a walk meets. */
enum pathglob_type {
	PATHGLOB_FILE,	  /* a regular file */
	PATHGLOB_DIR,	  /* reported before its content; only when `with_directories` */
	PATHGLOB_SYMLINK, /* not followed */
	PATHGLOB_OTHER,	  /* FIFO, socket, device */
};

struct pathglob_entry {
	int dir_fd;	  /* NAME in DIR_FD reaches it without resolving PATH again */
	const char *name; /* "." for the root itself */
	const char *path; /* absolute, seen from the root */
	enum pathglob_type type;
};

struct pathglob_walk {
	int root_fd; /* of "/", or of a tree that stands for it */
	bool with_directories;
	bool is_truncated; /* out: a directory had more than PATHGLOB_DIR_NAMES_MAX names, or
			      the tree was deeper than PATHGLOB_DEPTH_MAX */
	bool is_denied;	   /* out: something may be there that we have no right to see */
	void *userdata;

	/* Called for everything found, names sorted within each directory. A return != 0 ends
	 * the walk and is what pathglob_walk() returns. */
	int (*on_entry)(const struct pathglob_entry *entry, void *userdata);

	/* Asked before a directory is opened; false leaves it out. May be NULL. */
	bool (*may_enter)(const char *path, void *userdata);
};

/* True if PATTERN can be used: absolute, no empty, "." or ".." component, of sane size. */
bool pathglob_is_valid(const char *pattern);

/* True if PATTERN (a valid one) matches PATH itself, or a directory that PATH is in. */
bool pathglob_match(const char *pattern, const char *path);

/* Calls on_entry for everything that PATTERN (a valid one) matches, and everything below it.
 * The same thing can come twice when the pattern has more than one `**`. What cannot be opened
 * or vanishes meanwhile is left out. Returns 0, what on_entry returned, or -ENOMEM. */
int pathglob_walk(struct pathglob_walk *w, const char *pattern);
