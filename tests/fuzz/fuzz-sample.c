/* SPDX-License-Identifier: Apache-2.0 */

/* A line of the saved history: never crash, and what is parsed prints into a line that parses
 * into the same. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "daemon/sample.h"
#include "lib/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *line = strndup((const char *)data, size);

	for (size_t n_units = 0; line && n_units <= SAMPLE_UNITS_MAX; n_units++) {
		_cleanup_free_ char *printed = NULL;
		struct sample s;
		struct sample back;
		size_t printed_size;
		FILE *f;

		if (sample_parse(line, n_units, &s) < 0)
			continue;
		f = open_memstream(&printed, &printed_size);
		assert(f);
		sample_print(&s, n_units, f);
		assert(fclose(f) == 0);
		assert(printed_size < SAMPLE_LINE_MAX_BYTES);
		printed[printed_size - 1] = '\0';
		assert(sample_parse(printed, n_units, &back) == 0);
		assert(memcmp(&s, &back, sizeof(s)) == 0);
	}
	return 0;
}
