/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Rules of the administrator, see redact.d(5): names whose values are secrets, and texts that
 * are. They come on top of the built-in ones and cannot lift any. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/conf.h"

struct fault;
struct redact_own;

/* Rules of each kind; each costs a little time at every byte. */
#define OWN_RULES_MAX	      256u
/* A shorter name or text is in too many others. */
#define OWN_RULE_MIN_BYTES    4u
#define OWN_KEY_MAX_BYTES     64u
#define OWN_LITERAL_MAX_BYTES 256u

/* Reads the files *.conf of redact.d, vendor's, administrator's and of the run time. Mistakes
 * are passed to ON_PROBLEM (may be NULL, see conf.h) and the rest still counts. Returns the
 * number of problems, or negative errno. *RET is NULL when there are no rules; the caller owns
 * it (redact_own_free()). */
int redact_own_load(conf_problem_fn on_problem, void *userdata, struct redact_own **ret);

int redact_own_new(struct redact_own **ret);
void redact_own_free(struct redact_own *own);
DEFINE_CLEANUP(struct redact_own *, redact_own_free);

/* Adds a name, which counts as those of rules.c do: as the end of a longer one, in upper and
 * lower case, with or without separators. Or a text, in exactly this spelling. Returns 0;
 * -EINVAL with the reason; -ENOSPC; -ENOMEM. */
int redact_own_add_key(struct redact_own *own, const char *name, struct fault *reterr);
int redact_own_add_literal(struct redact_own *own, const char *text, struct fault *reterr);

/* For the filter. The words by which places are found: keys in lower case, found in any; NULL
 * behind the last one. */
const char *redact_own_key(const struct redact_own *own, size_t i);
const char *redact_own_literal(const struct redact_own *own, size_t i);

/* True if the name TEXT[LEN], in lower case without separators, ends in one of the keys. */
bool redact_own_has_key(const struct redact_own *own, const char *text, size_t len);
