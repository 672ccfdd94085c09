/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>

#include "lib/clock.h"
#include "lib/profile.h"
#include "lib/text.h"

#define MIB (UINT64_C(1) << 20)

static const struct {
	const char *name;
	struct profile_limits limits;
} profiles[_PROFILE_COUNT] = {
	[PROFILE_FLASH] = { "flash", { 2 * USEC_PER_SEC, MIB / 2, 8 * MIB } },
	[PROFILE_CRASH] = { "crash", { 45 * USEC_PER_SEC, 16 * MIB, 48 * MIB } },
	[PROFILE_STARTUP] = { "startup", { 60 * USEC_PER_SEC, 16 * MIB, 48 * MIB } },
	[PROFILE_CERT] = { "cert", { 20 * USEC_PER_SEC, 4 * MIB, 32 * MIB } },
	[PROFILE_PRESSURE] = { "pressure", { 10 * USEC_PER_SEC, 2 * MIB, 16 * MIB } },
	[PROFILE_FINAL] = { "final", { 5 * USEC_PER_SEC, 8 * MIB, 32 * MIB } },
	[PROFILE_FULL] = { "full", { 5 * USEC_PER_MINUTE, 64 * MIB, 64 * MIB } },
};

const char *
profile_to_string(enum profile p)
{
	assert(p < _PROFILE_COUNT);
	return profiles[p].name;
}

int
profile_from_string(const char *s, enum profile *ret)
{
	for (unsigned p = 0; p < _PROFILE_COUNT; p++) {
		if (streq(profiles[p].name, s)) {
			*ret = (enum profile)p;
			return 0;
		}
	}
	return -EINVAL;
}

const struct profile_limits *
profile_limits(enum profile p)
{
	assert(p < _PROFILE_COUNT);
	return &profiles[p].limits;
}
