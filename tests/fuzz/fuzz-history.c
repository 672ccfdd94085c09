/* SPDX-License-Identifier: Apache-2.0 */

/* The history of a request: never crash, and what is written is JSON, also at a mistake. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "capture/collectors/history.h"
#include "lib/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *csv = strndup((const char *)data, size);
	_cleanup_free_ char *json = NULL;
	_cleanup_json_ cJSON *parsed = NULL;
	size_t json_size;
	FILE *f;
	int r;

	if (!csv)
		return 0;
	f = open_memstream(&json, &json_size);
	assert(f);
	r = history_print_json(csv, f);
	assert(fclose(f) == 0);
	assert(r == 0 || r == -EBADMSG);
	/* Text that is no UTF-8 is refused by the parser; the sink stores any bytes. */
	r = json_parse(json, json_size, &parsed, NULL);
	assert(r == 0 || r == -EINVAL);
	return 0;
}
