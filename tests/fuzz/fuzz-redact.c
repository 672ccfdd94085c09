/* SPDX-License-Identifier: Apache-2.0 */

/* The text filter on any bytes: the output does not depend on how the input is cut, filtering
 * twice is filtering once, and a secret planted in the middle is never in the output. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/redact/redact.h"
#include "tests/lib/sink.h"

#define SECRET_BYTES 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Filters IN in pieces of up to MAX bytes. */
static struct sink
filter(const struct sink *in, size_t max, uint64_t state)
{
	_cleanup_(redact_freep) struct redact *r = NULL;
	struct sink out = { 0 };

	assert(redact_new(sink_write, &out, &r) == 0);
	for (size_t i = 0; i < in->len;) {
		size_t n = 1 + next_random(&state) % max;

		if (n > in->len - i)
			n = in->len - i;
		assert(redact_write(r, in->data + i, n) == 0);
		i += n;
	}
	assert(redact_finish(r) == 0);
	return out;
}

static void
must_be_same(const char *what, const struct sink *a, const struct sink *b)
{
	if (a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0))
		return;
	(void)fprintf(stderr, "%s:\n--- one\n%.*s\n--- other\n%.*s\n", what, (int)a->len,
	    a->data, (int)b->len, b->data);
	abort();
}

static void
check(const struct sink *in, uint64_t state)
{
	_cleanup_(sink_done) struct sink whole = filter(in, in->len + 1, 1);
	_cleanup_(sink_done) struct sink pieces = filter(in, 1 + state % 64, state);
	_cleanup_(sink_done) struct sink twice = filter(&whole, whole.len + 1, 1);

	must_be_same("pieces", &whole, &pieces);
	must_be_same("twice", &whole, &twice);
}

/* Puts a secret made from STATE between the halves of IN, in one of the ways secrets stand. */
static void
check_planted(const struct sink *in, uint64_t state)
{
	static const char *const frames[][2] = {
		{ "\npassword=", "\n" },
		{ "\n x password: ", " y\n" },
		{ "\n\"client_secret\": \"", "\",\n" },
		{ "\n{\\\"token\\\":\\\"", "\\\",\n" },
		{ "\nAuthorization: Bearer ", "\n" },
		{ "\nhttps://user:", "@host/\n" },
		{ "\n\"name\":\"DB_PASSWORD\",\"value\":\"", "\"\n" },
		{ "\nkey: |\n  -----BEGIN PRIVATE KEY-----\n  ",
		    "\n  -----END PRIVATE KEY-----\n" },
		{ "\n<password>", "</password>\n" },
		{ "\npassword: |\n  ", "\nnext: 1\n" },
		{ "\nLS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0t", "\n" },
		{ "\neyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", "\n" },
	};
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	_cleanup_(sink_done) struct sink text = { 0 };
	_cleanup_(sink_done) struct sink out = { 0 };
	const char *const *frame = frames[state % ELEMENTSOF(frames)];
	char secret[SECRET_BYTES];

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = letters[next_random(&state) % (sizeof(letters) - 1)];
	(void)sink_write(in->data, in->len / 2, &text);
	(void)sink_write(frame[0], strlen(frame[0]), &text);
	(void)sink_write(secret, sizeof(secret), &text);
	(void)sink_write(frame[1], strlen(frame[1]), &text);
	(void)sink_write(in->data + in->len / 2, in->len - in->len / 2, &text);
	out = filter(&text, 4096, state);
	/* A part of it would be as bad. */
	if (out.len > 0 && memmem(out.data, out.len, secret, sizeof(secret) / 4)) {
		(void)fprintf(stderr, "%.*s\n", (int)out.len, out.data);
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(sink_done) struct sink in = { 0 };
	uint64_t state = UINT64_C(14695981039346656037);

	(void)sink_write(data, size, &in);
	for (size_t i = 0; i < size; i++)
		state = (state ^ data[i]) * UINT64_C(1099511628211);
	check(&in, state | 1);
	if (size > 0)
		check_planted(&in, state | 1);
	return 0;
}
