/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Takes samples: some 20 short reads of /proc and of cgroups and four statvfs(3), no fork, no
 * allocation, some 60 system calls and a quarter of a millisecond.
 *
 * Cgroups are read at their place in cgroup v2, and in v1 memory and CPU at theirs. What a
 * machine does not have stays absent; so do the rates of a first sample, which have nothing to
 * count from. */

#include <stdint.h>

#include "daemon/sample.h"

/* What the rates count from; UINT64_MAX when it is not known. */
struct sampler_counters {
	uint64_t cpu_usec;
	uint64_t read_bytes;
	uint64_t write_bytes;
};

struct sampler {
	int root_fd;	  /* borrowed: "/", or in tests a directory that stands for it */
	int state_dir_fd; /* borrowed: on the file system of the spool */
	uint32_t boot;
	uint64_t last_usec; /* CLOCK_BOOTTIME of the last sample, 0 before the first */
	struct sampler_counters last[_SAMPLE_CGROUP_COUNT];
};

void sampler_init(struct sampler *s, int root_fd, int state_dir_fd);

/* Everything but the units, which are told on the bus and not read. */
void sampler_take(struct sampler *s, struct sample *ret);
