/* SPDX-License-Identifier: Apache-2.0 */

/* The scan of the minute before, which may be damaged: never crash; what is accepted is written
 * back and read again as the same. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "capture/certs/certscan.h"
#include "lib/fault.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(certscan_freep) struct certscan *s = NULL;
	_cleanup_(certscan_freep) struct certscan *again = NULL;
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_json_ cJSON *same = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *same_text = NULL;
	struct fault fault = { 0 };
	int r = certscan_parse((const char *)data, size, &s, &fault);

	if (r < 0) {
		assert(!s && fault.code == r && fault.text[0]);
		return 0;
	}
	json = certscan_to_json(s);
	text = json ? json_print(json, false) : NULL;
	assert(text);
	assert(certscan_parse(text, strlen(text), &again, &fault) == 0);
	same = certscan_to_json(again);
	same_text = same ? json_print(same, false) : NULL;
	assert(same_text && strcmp(text, same_text) == 0);
	return 0;
}
