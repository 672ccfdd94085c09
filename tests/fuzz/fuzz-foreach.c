/* SPDX-License-Identifier: Apache-2.0 */

/* The list of a ForEach= command: never crash; every item can stand in a command line. */

#undef NDEBUG
#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "capture/collectors/foreach.h"
#include "lib/cleanup.h"
#include "lib/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(strv_freep) char **items = NULL;
	size_t left_out;

	assert(foreach_parse((const char *)data, size, 8, &items, &left_out) == 0);
	assert(strv_length(items) <= 8);
	for (char **item = items; item && *item; item++) {
		size_t n = strlen(*item);

		assert(n > 0 && n < FOREACH_ITEM_BYTES && (*item)[0] != '-');
		for (size_t i = 0; i < n; i++)
			assert(isgraph((unsigned char)(*item)[i]));
	}
	return 0;
}
