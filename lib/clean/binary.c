/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/clean/binary.h"

/* One control character in so many bytes may be in a log that a terminal wrote. */
#define CONTROL_EVERY_BYTES 200u
/* One byte of four may be NUL: lists of words that short do not exist. */
#define NUL_EVERY_BYTES	    4u

/* What no text has: all below the blank but white space and what terminals are sent. The low
 * half of a count is of these, the high half of NULs, so that one addition counts both. */
#define CONTROL 1u
#define NUL	(1u << 16)

static const uint32_t weights[256] = {
	[0] = NUL,
	[1 ... 7] = CONTROL,
	['\r' + 1 ... '\033' - 1] = CONTROL,
	['\033' + 1 ... ' ' - 1] = CONTROL,
	[0x7f] = CONTROL,
};

void
text_count_add(struct text_count *t, const void *data, size_t len)
{
	const uint8_t *p = data;

	t->bytes += len;
	while (len > 0) {
		/* No more than what fits half a count. */
		size_t n = len < UINT16_MAX ? len : UINT16_MAX;
		uint32_t count = 0;

		for (size_t i = 0; i < n; i++)
			count += weights[p[i]];
		t->controls += count & UINT16_MAX;
		t->nuls += count >> 16;
		p += n;
		len -= n;
	}
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
