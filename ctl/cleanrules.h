/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The key and the names that `clean` and `verify` work with. */

#include "lib/clean/clean.h"

struct options;
struct redact_own;
struct subject;

/* Makes the rules of `clean`: those of the map (--map; this machine's when we may read it; none
 * otherwise), of the options, and of what S itself tells. Loud; returns an enum proto_exit. */
int cleanrules_for_clean(
    const struct options *o, const struct subject *s, struct clean_rules **ret);

/* Keeps them in the map, if there is one. Loud, as above. */
int cleanrules_keep(const struct options *o, const struct clean_rules *rules);

/* The rules of redact.d(5) in *ret, NULL without any. Loud, as above. */
int cleanrules_own(struct redact_own **ret);

/* Makes the rules of `verify` from --seeds, a map or a list with a name in each line; *ret is
 * NULL without it. Loud, as above. */
int cleanrules_for_verify(const struct options *o, struct clean_rules **ret);
