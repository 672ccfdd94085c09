/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The directories of collect.d(5): which definitions there are, and where each is from.
 *
 * NAME.conf comes from the vendor's, the administrator's or the run-time directory, the later
 * one replacing the earlier; then the drop-ins NAME.conf.d/ *.conf of all of them are applied
 * in the order of their names. */

#include <stddef.h>

#include "capture/collectdef.h"
#include "lib/conf.h"

/* Collectors; far above real use. */
#define COLLECTFILES_MAX 256u

struct collectfiles {
	struct collectdef **items; /* owned, [n], sorted by name */
	size_t n;
	char **masked; /* owned strv: paths of empty files and of links to /dev/null */
};

/* Loads everything in DIRS (NULL-terminated, weakest first) with drop-ins. Returns the number
 * of problems, each passed to ON_PROBLEM (may be NULL), or negative errno. The caller owns what
 * is in *ret (collectfiles_done()). */
int collectfiles_load(
    char *const *dirs, conf_problem_fn on_problem, void *userdata, struct collectfiles *ret);
void collectfiles_done(struct collectfiles *files);

/* The name of the collector that the file PATH defines, changes or masks; "" when it cannot be
 * one. */
void collectfiles_name_of(const char *path, char name[COLLECTDEF_NAME_MAX + 1]);
