/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* When a declared collector applies: the [Condition] section of collect.d(5).
 *
 * A value that begins with `!` must not hold. Of the others, one that holds is enough, of
 * whatever kind; with none there is no restriction. Everything is looked up in files, so that
 * it also works without D-Bus, systemd or a container runtime that answers; only on RPM systems
 * a package costs one short `rpm -q`. */

#include <stdbool.h>
#include <stdint.h>

struct fault;

/* Word lists, each owned (strv). */
struct conditions {
	char **path_exists; /* patterns of pathglob.h */
	char **unit_exists; /* unit files; masked ones do not count */
	char **package;	    /* installed dpkg or RPM packages */
	char **container;   /* containers of pods, by name pattern */
};

struct conditions_context {
	int root_fd;		/* see rootdir.h */
	uint64_t deadline_usec; /* monotonic; for the `rpm` call */
	uint64_t end_usec;	/* likewise; see cmdrun.h */
	bool *rpm_hangs; /* set when it did not answer: it is not asked again; NULL = forget */
};

void conditions_done(struct conditions *c);

/* Returns true when C holds; otherwise *reterr (may be NULL) says what is missing: with -EACCES
 * when it may be there but we have no right to see it. */
bool conditions_hold(
    const struct conditions *c, const struct conditions_context *ctx, struct fault *reterr);

/* True if a unit file for UNIT is installed and not masked. "foo@bar.service" is satisfied by
 * "foo@.service", a name without suffix means ".service". */
bool conditions_unit_exists(int root_fd, const char *unit);
