/* SPDX-License-Identifier: Apache-2.0 */

/* Output of a container runtime: never crash; what comes out does not depend on how it came in,
 * filtering twice is filtering once, and a value of a variable is not in it. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/envfilter.h"
#include "lib/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is in the input is a document or a part of one; this is behind it. */
static const char planted[] = "\n{\"env\":[\"A=Pl4nted\"],\"envs\":[{\"key\":\"B\",\"value\":"
			      "\"Pl4nted\"}]}";

static int
on_text(const void *data, size_t size, void *userdata)
{
	assert(size > 0);
	assert(fwrite(data, 1, size, userdata) == size);
	return 0;
}

static char *
filter(const char *data, size_t size, size_t step, size_t *ret_size)
{
	struct envfilter f;
	char *out = NULL;
	FILE *file = open_memstream(&out, ret_size);

	assert(file);
	envfilter_init(&f, on_text, file);
	for (size_t i = 0; i < size; i += step)
		assert(envfilter_feed(&f, data + i, size - i < step ? size - i : step) == 0);
	assert(fclose(file) == 0);
	return out;
}

static void
check(const char *data, size_t size)
{
	size_t n, pieces_n, twice_n;
	_cleanup_free_ char *out = filter(data, size, size + 1, &n);
	_cleanup_free_ char *pieces = filter(data, size, 1, &pieces_n);
	_cleanup_free_ char *twice = filter(out, n, 5, &twice_n);

	assert(n == pieces_n && memcmp(out, pieces, n) == 0);
	assert(n == twice_n && memcmp(out, twice, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *out = NULL;
	size_t n;

	check((const char *)data, size);
	out = filter(planted, sizeof(planted) - 1, 1 + size % 7, &n);
	assert(!memmem(out, n, "Pl4nted", 7));
	return 0;
}
