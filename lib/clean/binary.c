/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

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

bool
text_is_binary(const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t controls = 0;
	size_t nuls = 0;

	for (size_t i = 0; i < len; i++) {
		controls += is_control(p[i]);
		nuls += p[i] == '\0';
	}
	return controls > len / CONTROL_EVERY_BYTES + 1 || nuls > len / NUL_EVERY_BYTES + 1;
}
