/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One sample of the flight recorder: a fixed row of numbers, and its line of CSV. One table in
 * sample.c has every column; printing and parsing walk it. The columns and their units are
 * described in microshift-supportd(8). */

#include <stdint.h>
#include <stdio.h>

/* Not known: the file is not there on this machine, the unit does not exist. Never 0. */
#define SAMPLE_ABSENT UINT32_MAX

/* Units whose state is sampled: the first ones of Units=. */
#define SAMPLE_UNITS_MAX 4u

/* Longest line: 20 bytes of time, 8 of boot, and numbers of at most 11 digits and a point. */
#define SAMPLE_LINE_MAX_BYTES 640u

enum sample_value {
	SAMPLE_PSI_CPU_SOME, /* of 10 s, in 1/100 percent, as the next four */
	SAMPLE_PSI_MEMORY_SOME,
	SAMPLE_PSI_MEMORY_FULL,
	SAMPLE_PSI_IO_SOME,
	SAMPLE_PSI_IO_FULL,
	SAMPLE_LOAD,	      /* of 1 minute, in 1/100 */
	SAMPLE_MEM_AVAILABLE, /* KiB, as all sizes */
	SAMPLE_MEM_FREE,
	SAMPLE_MEM_DIRTY,
	SAMPLE_MEM_SLAB,
	SAMPLE_SWAP_FREE,
	SAMPLE_DISK_SPOOL, /* available, KiB */
	SAMPLE_DISK_MICROSHIFT,
	SAMPLE_DISK_LOG,
	SAMPLE_DISK_ROOT,
	SAMPLE_CGROUPS, /* for each cgroup the values of enum sample_cgroup_value */
};

enum sample_cgroup {
	SAMPLE_CGROUP_MICROSHIFT,
	SAMPLE_CGROUP_ETCD,
	SAMPLE_CGROUP_CRIO,
	SAMPLE_CGROUP_KUBEPODS,
	_SAMPLE_CGROUP_COUNT,
};

enum sample_cgroup_value {
	SAMPLE_CGROUP_MEMORY, /* KiB */
	SAMPLE_CGROUP_CPU,    /* since the sample before, in 1/100 percent of one core */
	SAMPLE_CGROUP_READ,   /* since the sample before, KiB/s */
	SAMPLE_CGROUP_WRITE,
	_SAMPLE_CGROUP_VALUE_COUNT,
};

/* Behind the cgroups: for each unit its ActiveState (sample_unit_state()) and NRestarts. */
#define SAMPLE_UNITS	   (SAMPLE_CGROUPS + _SAMPLE_CGROUP_COUNT * _SAMPLE_CGROUP_VALUE_COUNT)
#define SAMPLE_VALUE_COUNT (SAMPLE_UNITS + 2 * SAMPLE_UNITS_MAX)

struct sample {
	uint32_t time_sec; /* realtime, since 1970; wraps in 2106 */
	uint32_t boottime_sec;
	uint32_t boot; /* the first 32 bits of the boot ID */
	uint32_t values[SAMPLE_VALUE_COUNT];
};

/* All absent. */
void sample_clear(struct sample *s);

/* Sets a value; what is larger than can be stored becomes the largest that can. */
void sample_set(struct sample *s, size_t value, uint64_t number);

/* The number of an ActiveState, SAMPLE_ABSENT for one that is not known. */
uint32_t sample_unit_state(const char *active_state);

/* The line of column names, for the NULL-terminated UNITS, of which the first are taken. */
void sample_print_header(char *const *units, FILE *f);

/* One line. N_UNITS columns of units are printed, at most SAMPLE_UNITS_MAX. */
void sample_print(const struct sample *s, size_t n_units, FILE *f);

/* Reads a line as sample_print() wrote it, without its newline. Returns 0, or -EINVAL (*ret is
 * untouched then). */
int sample_parse(const char *line, size_t n_units, struct sample *ret);
