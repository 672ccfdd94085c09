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

#define SECRET_BYTES 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *data; /* owned */
	size_t len;
	size_t size;
};

static void
text_done(struct text *t)
{
	free(t->data);
}

static int
text_add(const void *data, size_t len, void *userdata)
{
	struct text *t = userdata;

	if (t->len + len > t->size) {
		t->size = 2 * (t->len + len);
		t->data = realloc(t->data, t->size);
		assert(t->data);
	}
	if (len > 0)
		memcpy(t->data + t->len, data, len);
	t->len += len;
	return 0;
}

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Filters IN in pieces of up to MAX bytes. */
static struct text
filter(const struct text *in, size_t max, uint64_t state)
{
	_cleanup_(redact_freep) struct redact *r = NULL;
	struct text out = { 0 };

	assert(redact_new(text_add, &out, &r) == 0);
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
must_be_same(const char *what, const struct text *a, const struct text *b)
{
	if (a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0))
		return;
	(void)fprintf(stderr, "%s:\n--- one\n%.*s\n--- other\n%.*s\n", what, (int)a->len,
	    a->data, (int)b->len, b->data);
	abort();
}

static void
check(const struct text *in, uint64_t state)
{
	_cleanup_(text_done) struct text whole = filter(in, in->len + 1, 1);
	_cleanup_(text_done) struct text pieces = filter(in, 1 + state % 64, state);
	_cleanup_(text_done) struct text twice = filter(&whole, whole.len + 1, 1);

	must_be_same("pieces", &whole, &pieces);
	must_be_same("twice", &whole, &twice);
}

/* Puts a secret made from STATE between the halves of IN, in one of the ways secrets stand. */
static void
check_planted(const struct text *in, uint64_t state)
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
	_cleanup_(text_done) struct text text = { 0 };
	_cleanup_(text_done) struct text out = { 0 };
	const char *const *frame = frames[state % ELEMENTSOF(frames)];
	char secret[SECRET_BYTES];

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = letters[next_random(&state) % (sizeof(letters) - 1)];
	(void)text_add(in->data, in->len / 2, &text);
	(void)text_add(frame[0], strlen(frame[0]), &text);
	(void)text_add(secret, sizeof(secret), &text);
	(void)text_add(frame[1], strlen(frame[1]), &text);
	(void)text_add(in->data + in->len / 2, in->len - in->len / 2, &text);
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
	_cleanup_(text_done) struct text in = { 0 };
	uint64_t state = UINT64_C(14695981039346656037);

	(void)text_add(data, size, &in);
	for (size_t i = 0; i < size; i++)
		state = (state ^ data[i]) * UINT64_C(1099511628211);
	check(&in, state | 1);
	if (size > 0)
		check_planted(&in, state | 1);
	return 0;
}
