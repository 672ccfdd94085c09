/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The keyed function that all aliases come from: SipHash-2-4 (Aumasson and Bernstein, 2012), a
 * pseudo-random function made for short inputs. Without the key nothing is learnt from its
 * results, also by who can guess the inputs, as one can all addresses there are. */

#include <stddef.h>
#include <stdint.h>

#define PRF_KEY_BYTES 16u

struct prf_key {
	uint8_t bytes[PRF_KEY_BYTES];
};

/* SipHash-2-4 of DATA[LEN] under KEY. */
uint64_t prf(const struct prf_key *key, const void *data, size_t len);
