/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a machine in trouble can bear: a support tool must not be what brings it down. A pure
 * judgement of how the machine is now. */

#include <stdbool.h>
#include <stdint.h>

struct sample;

/* A report of a crash takes 48 MiB, and its commands about as much again. */
#define GUARD_MEMORY_MIN_KIB   (120u * 1024u)
/* Of 10 s, in which nothing gets on because memory is short. */
#define GUARD_PRESSURE_PERCENT 40u
/* Processes that run or wait for each CPU, over a minute. A start of MicroShift reaches 3. */
#define GUARD_LOAD_PER_CPU     8u
/* With less free space than this, or an eighth of KeepFree= if that is less, not even a flash
 * is safe. */
#define GUARD_NOTE_BYTES       (64u * 1024u * 1024u)
#define GUARD_REASON_BYTES     128u

enum guard_level {
	GUARD_ALL,   /* what was asked for */
	GUARD_FLASH, /* the flash profile only */
	GUARD_NOTE,  /* a line in tombstones.jsonl */
};

struct guard_facts {
	const struct sample *now; /* what is not known is no trouble */
	uint64_t keep_free_bytes; /* of the settings */
	unsigned n_cpus;
	bool is_automatic; /* what a person asks for is only limited by space */
};

/* Judges, and says why in REASON unless the level is GUARD_ALL. */
enum guard_level guard_judge(const struct guard_facts *facts, char reason[GUARD_REASON_BYTES]);
