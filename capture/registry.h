/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which collectors run, and in which order: the built-in ones and those of collect.d, filtered
 * by profile or by name, what is lost first in front. */

#include "capture/collector.h"

struct registry_options {
	char *const *dirs; /* of collect.d, weakest first */
	enum profile profile;
	char *const *only; /* names; run these whatever the profile is; NULL or empty = all */
	bool all;	   /* instead: all that there are, of whatever profile */
};

/* A built-in collector that is masked in `dirs` is left out, as a declared one is. Returns 0;
 * -ENOENT when a name in `only` is not that of a collector (the others are in *ret
 * nevertheless); -ENOMEM. The caller owns *ret (collector_list_done()), also after -ENOENT. */
int registry_load(
    const struct registry_options *options, struct collector_list *ret, struct fault *reterr);
