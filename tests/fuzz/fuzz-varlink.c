/* SPDX-License-Identifier: Apache-2.0 */

/* The Varlink codec. The first byte is the size of the slices. Whatever the slices are, the
 * same messages come out; what was accepted as a call can be printed and is accepted again. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/fault.h"
#include "lib/json.h"
#include "lib/varlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small, so that inputs of a useful size reach it. */
#define CAP_BYTES 4096u

static void
check_call(const char *message, size_t size)
{
	_cleanup_(varlink_call_done) struct varlink_call a = { 0 };
	_cleanup_(varlink_call_done) struct varlink_call b = { 0 };
	_cleanup_free_ char *text = NULL;
	cJSON *parameters = NULL;
	size_t text_size;
	struct fault f;

	if (varlink_call_parse(message, size, &a, &f) < 0)
		return;
	if (a.parameters) {
		parameters = cJSON_Duplicate(a.parameters, true);
		assert(parameters);
	}
	assert(varlink_call_build(a.method, parameters,
		   (a.more ? VARLINK_MORE : 0) | (a.oneway ? VARLINK_ONEWAY : 0), &text,
		   &text_size) == 0);
	assert(strlen(text) + 1 == text_size);
	assert(varlink_call_parse(text, text_size - 1, &b, &f) == 0);
	assert(strcmp(a.method, b.method) == 0 && a.more == b.more && a.oneway == b.oneway);
}

static void
check_reply(const char *message, size_t size)
{
	_cleanup_(varlink_reply_done) struct varlink_reply reply = { 0 };
	struct fault f;

	if (varlink_reply_parse(message, size, &reply, &f) == 0)
		assert(!reply.error || varlink_qualified_name_is_valid(reply.error));
}

/* A hash of all messages and of how the stream ended (FNV-1a). */
static uint64_t
decode(const char *data, size_t size, size_t step, bool check)
{
	struct varlink_decoder d = VARLINK_DECODER_INIT(CAP_BYTES);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	const char *message;
	size_t length;
	int r = 0;

	for (size_t at = 0; at < size && r >= 0; at += step) {
		r = varlink_decoder_feed(&d, data + at, size - at < step ? size - at : step);
		assert(r == 0);
		while ((r = varlink_decoder_next(&d, &message, &length)) > 0) {
			assert(length <= CAP_BYTES && strlen(message) == length);
			for (size_t i = 0; i <= length; i++)
				hash = (hash ^ (uint8_t)message[i]) * UINT64_C(0x100000001b3);
			if (check) {
				check_call(message, length);
				check_reply(message, length);
			}
		}
	}
	varlink_decoder_done(&d);
	return hash ^ (r < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *stream = (const char *)data + 1;

	if (size < 2)
		return 0;
	assert(decode(stream, size - 1, CAP_BYTES, true) ==
	    decode(stream, size - 1, 1u + data[0], false));
	return 0;
}
