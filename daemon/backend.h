/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the methods of the control socket do: the table of ops.h over intake, scheduler and
 * spool. */

#include <stddef.h>
#include <stdint.h>

struct busloop;
struct intake;
struct ops_backend;
struct scheduler;
struct settings;
struct spool;

/* The userdata of the table. All borrowed; the members may be exchanged by a reload. */
struct backend {
	struct intake *intake;
	struct scheduler *scheduler;
	struct spool *spool;
	const struct settings *settings;
	const struct busloop *busloop;
	uint64_t started_usec; /* realtime */
};

extern const struct ops_backend backend_ops;

/* The line that `systemctl status` and Status show. Returns BUF. */
const char *backend_status_line(const struct backend *b, char *buf, size_t size);
