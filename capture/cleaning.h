/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a cleaned report needs before its first byte: the key, and all names of this machine. */

struct clean_rules;
struct fault;
struct settings;

/* Makes rules from the map in STATE_FD (< 0: none), the settings and what the machine below
 * ROOT ("" for "/") tells, and keeps what was learnt in the map. A map that cannot be used is
 * passed over with a warning: the aliases of this report are then its own. Returns 0 or a
 * negative errno, with which nothing may be captured. The caller owns *ret. */
int cleaning_prepare(int state_fd, const char *root, const struct settings *settings,
    struct clean_rules **ret, struct fault *reterr);
