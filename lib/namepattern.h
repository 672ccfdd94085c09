/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Patterns for names of Kubernetes namespaces: a shell glob (`openshift-*`) that matches the
 * whole name, or an extended regular expression between slashes (`/^shop-(a|b)$/`) that matches
 * anywhere in it.
 *
 * Members of the group may send patterns to the daemon. So an expression has neither repetition
 * counts nor back-references: with them few characters make regcomp(3) take gigabytes, and
 * regexec(3) take years. */

#include <stdbool.h>

/* Namespaces have at most 63 characters; a pattern longer than this is no pattern. */
#define NAME_PATTERN_MAX_BYTES 256u

struct fault;

/* Returns 0, or -EINVAL with what is wrong with it. */
int name_pattern_check(const char *pattern, struct fault *reterr);

/* True if NAME matches one of PATTERNS (NULL matches nothing). A pattern that is not valid
 * matches nothing. */
bool name_patterns_match(char *const *patterns, const char *name);
