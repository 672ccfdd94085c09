/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* --check: looks once, prints what is wrong, and with --tell lets the daemon know. */

struct options;
struct settings;

/* What the process exits with when something is wrong; besides enum proto_exit. */
#define CHECK_EXIT_FOUND 8

/* Below the state directory: what checks remember. */
#define CHECK_DIR "check"

/* Loud. Returns the exit status. */
int checkmode_run(const struct options *o, const struct settings *settings);
