/* SPDX-License-Identifier: Apache-2.0 */

/* manifest.json: never crash, and what was accepted is written and read back as the same. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_text(const void *data, size_t size, void *userdata)
{
	return fwrite(data, 1, size, userdata) == size ? 0 : -EIO;
}

static char *
print(const struct manifest *m)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert(f);
	assert(manifest_write(m, on_text, f) == 0);
	assert(fclose(f) == 0);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(manifest_done) struct manifest a = { 0 };
	_cleanup_(manifest_done) struct manifest b = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *again = NULL;
	struct fault f;

	if (manifest_parse((const char *)data, size, &a, &f) < 0) {
		assert(f.code < 0);
		return 0;
	}
	text = print(&a);
	assert(manifest_parse(text, strlen(text), &b, &f) == 0);
	again = print(&b);
	assert(strcmp(text, again) == 0);
	return 0;
}
