/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Addresses of hexadecimal digits: MAC, EUI-64, InfiniBand, IPv6, and addresses as the kernel
 * prints them in /proc/net.
 *
 *	0a:58:0a:2a:00:09  0A-58-0A-2A-00-09  0a58.0a2a.0009  fe80::858:aff:fe2a:9
 *	::ffff:10.42.0.9  [fd01::9]:6443  09002A0A:1F90  fe8000000000000008580afffe2a0009 02 40
 *
 * Times, fingerprints of certificates and names of C++ are no addresses. */

#include "lib/clean/span.h"

/* Asked at the first colon of a row of hexadecimal digits and colons. Sets *RET_JUDGED to its
 * end. Returns true when *RET is to be replaced. */
bool colon_match(
    const struct finder *f, struct view *v, size_t at, size_t *ret_judged, struct span *ret);

/* A MAC address with dashes, asked at its first dash; as Cisco prints it, at its first dot. */
bool mac_match_dashes(const struct finder *f, struct view *v, size_t at, struct span *ret);
bool mac_match_dots(const struct finder *f, struct view *v, size_t at, struct span *ret);

/* A word of 8 or 32 digits of the tables in /proc/net, asked at its first byte. */
bool table_match_ipv4(const struct finder *f, struct view *v, size_t at, struct span *ret);
bool table_match_ipv6(const struct finder *f, struct view *v, size_t at, struct span *ret);
