/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Base64, read leniently: enough to see what is inside. */

#include <stddef.h>
#include <stdint.h>

/* Decodes TEXT[LEN] into OUT[SIZE]: stops at padding, at a full OUT, and at the first byte that
 * is neither base64 nor white space nor an escape for it ("\n", "\r"). Returns the number of
 * bytes written. */
size_t base64_decode(const uint8_t *text, size_t len, uint8_t *out, size_t size);
