/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Capture profiles: how much a report takes, and the budgets it keeps. */

#include <stdint.h>

enum profile {
	PROFILE_FLASH,	 /* only what is already in the request, and the newest journal lines */
	PROFILE_CRASH,	 /* a run ended and nobody asked for it */
	PROFILE_STARTUP, /* the same before READY: adds what the start-up was waiting for */
	PROFILE_CERT,	 /* certificate trouble */
	PROFILE_PRESSURE, /* memory or disk pressure: cheap facts only */
	PROFILE_FINAL,	  /* the machine is about to reboot or roll back */
	PROFILE_FULL,	  /* on request */
	_PROFILE_COUNT,
};

/* Budgets of a profile on a device with 2 cores and 2 GB. */
struct profile_limits {
	uint64_t
	    wall_usec; /* the whole capture; what is not done by then is skipped and listed */
	uint64_t archive_bytes; /* the compressed archive; the rest is skipped and listed */
	uint64_t memory_bytes;	/* of the capture's own, without its libraries */
};

const char *profile_to_string(enum profile p);

/* Returns 0 or -EINVAL. */
int profile_from_string(const char *s, enum profile *ret);

const struct profile_limits *profile_limits(enum profile p);
