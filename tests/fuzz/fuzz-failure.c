/* SPDX-License-Identifier: Apache-2.0 */

/* The inbox file: never crash, parse(print(x)) == x, and what was accepted is safe to use in
 * paths and log lines. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/failure.h"
#include "lib/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *again = NULL;
	struct failure_notice a;
	struct failure_notice b;
	char name[FAILURE_NAME_BYTES];
	struct fault f;
	int code;
	int status;

	if (failure_notice_parse((const char *)data, size, &a, &f) < 0)
		return 0;
	text = failure_notice_print(&a);
	assert(text);
	assert(failure_notice_parse(text, strlen(text), &b, &f) == 0);
	again = failure_notice_print(&b);
	assert(again && strcmp(text, again) == 0);
	assert(unit_name_is_valid(a.unit) && !strpbrk(a.unit, "/\n\033 "));
	failure_notice_name(&a, name);
	assert(strlen(name) == FAILURE_NAME_BYTES - 1 && !strchr(name, '/'));
	failure_notice_exec_main(&a, &code, &status);
	return 0;
}
