/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The daemon: owns everything, and the order in which it starts and stops. */

#include <stdbool.h>

#include "lib/cleanup.h"

struct fault;
struct supportd;

struct supportd_options {
	const char *config_file; /* NULL: the installed one and its drop-ins */
	const char *state_dir;
	const char *socket_path; /* made by ourselves when systemd passed no socket */
};

/* Reads the configuration, opens the spool, takes up what an earlier instance left, and
 * listens. Returns 0 or negative errno with the reason. */
int supportd_new(
    const struct supportd_options *options, struct supportd **ret, struct fault *reterr);
void supportd_free(struct supportd *d);
DEFINE_CLEANUP(struct supportd *, supportd_free);

/* Runs until SIGTERM or SIGINT. Tells the service manager READY=1 when all units are watched.
 * Returns 0 or negative errno. */
int supportd_run(struct supportd *d);
