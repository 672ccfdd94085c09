/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* IPv4 addresses in text, and what only looks like them.
 *
 *	10.42.0.9  10.42.0.9:8080  10.42.0.0/16  a.10.42.0.9  9.0.42.10.in-addr.arpa
 *	10.42.0.9.8080 (tcpdump)  ip-10-42-0-9.ec2.internal  10_42_0_9
 *
 * Four numbers with dots between are also versions. What is in a private network is an address
 * unless it is called a version; what is not is one unless it stands where versions do: behind
 * "v", "version", the name of a product, before "-1.el9". */

#include "lib/clean/span.h"

/* Asked at a digit before the first dot of a row of digits and dots. Sets *RET_JUDGED to the
 * end of the row. Returns true when *RET is to be replaced. */
bool ipv4_match(
    const struct finder *f, struct view *v, size_t at, size_t *ret_judged, struct span *ret);

/* The same for SEPARATOR, '-' or '_', between the numbers. */
bool ipv4_match_joined(const struct finder *f, struct view *v, size_t at, int separator,
    size_t *ret_judged, struct span *ret);

/* Reads a dotted quad at I. Returns its length, 0 if there is none. */
size_t ipv4_parse(struct view *v, size_t i, uint32_t *ret);

/* Reads "/LENGTH" at I, at most MAX. Returns its length in bytes, 0 if there is none. */
size_t prefix_length_parse(struct view *v, size_t i, unsigned max, unsigned *ret);
