/* SPDX-License-Identifier: Apache-2.0 */

/* The three record formats: never crash, and parse(print(x)) == x for what was accepted. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/fault.h"
#include "lib/json.h"
#include "lib/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_report(const char *data, size_t size)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *text = NULL;
	struct report a;
	struct report b;
	struct fault f;

	if (report_parse(data, size, &a, &f) < 0)
		return;
	json = report_to_json(&a);
	assert(json);
	text = json_print(json, false);
	assert(text);
	assert(report_parse(text, strlen(text), &b, &f) == 0);
	assert(strcmp(a.id, b.id) == 0 && a.created_usec == b.created_usec);
	assert(strcmp(a.reason, b.reason) == 0 && a.capture.size_bytes == b.capture.size_bytes);
}

static void
check_request(const char *data, size_t size)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *text = NULL;
	struct request a;
	struct request b;
	struct fault f;

	if (request_parse(data, size, &a, &f) < 0)
		return;
	json = request_to_json(&a);
	assert(json);
	text = json_print(json, true);
	assert(text);
	assert(request_parse(text, strlen(text), &b, &f) == 0);
	assert(strcmp(a.id, b.id) == 0 && a.profile == b.profile && a.attempts == b.attempts);
	request_done(&a);
	request_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_meta meta;
	struct fault f;

	check_report((const char *)data, size);
	check_request((const char *)data, size);
	if (capture_meta_parse((const char *)data, size, &meta, &f) == 0)
		assert(!strchr(meta.archive, '/'));
	return 0;
}
