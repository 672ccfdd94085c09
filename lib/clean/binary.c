/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/clean/binary.h"

/* One control character in so many bytes may be in a log that a terminal wrote. */
#define CONTROL_EVERY_BYTES 200u
/* One byte of four may be NUL: lists of words that short do not exist. */
#define NUL_EVERY_BYTES	    4u

/* Characters that text has: white space, and what terminals are sent. */
static bool
is_control(uint8_t c)
{
	return (c < ' ' && !(c >= '\b' && c <= '\r') && c != '\033' && c != '\0') || c == 0x7f;
}

void
text_count_add(struct text_count *t, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		t->controls += is_control(p[i]);
		t->nuls += p[i] == '\0';
	}
	t->bytes += len;
}

bool
text_count_is_binary(const struct text_count *t)
{
	return t->controls > t->bytes / CONTROL_EVERY_BYTES + 1 ||
	    t->nuls > t->bytes / NUL_EVERY_BYTES + 1;
}

bool
text_is_binary(const void *data, size_t len)
{
	struct text_count t = { 0 };

	text_count_add(&t, data, len);
	return text_count_is_binary(&t);
}
