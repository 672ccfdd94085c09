/* SPDX-License-Identifier: Apache-2.0 */

/* Files of /proc and of cgroups: never crash, and a value is set exactly when it is found. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "daemon/procfile.h"
#include "lib/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int (*parse_fn)(const char *data, const char *key, uint64_t *ret);

static void
check(parse_fn parse, const char *text, const char *key)
{
	uint64_t a = 1;
	uint64_t b = 2;
	int r = parse(text, key, &a);

	assert(r == 0 || r == -ENODATA);
	assert(parse(text, key, &b) == r);
	assert(r == 0 ? a == b : a == 1 && b == 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = { "", "MemFree:", "usage_usec ",
		"some avg10=", "rbytes=" };
	_cleanup_free_ char *text = strndup((const char *)data, size);

	if (!text)
		return 0;
	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		check(procfile_uint, text, keys[i]);
		check(procfile_centi, text, keys[i]);
		if (keys[i][0] != '\0')
			check(procfile_sum, text, keys[i]);
	}
	return 0;
}
