/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What stands for what: aliases of addresses and names under a key.
 *
 * Every alias is taken from values that no real address or name can have: IPv4 from
 * 240.0.0.0/4, which nobody may use (RFC 1112), IPv6 from blocks that IANA has not given out
 * (RFC 4291, section 2.4, "all others are reserved"), MAC from group addresses with a first
 * octet of 6f, names from PREFIX-xxxxxxxx. So an alias is seen to be one, is never taken for
 * the address of somebody else, and has itself as alias: cleaning twice is cleaning once.
 *
 * Addresses keep their relations, as Crypto-PAn (Xu, Fan, Ammar, Moon, 2002) has it: two that
 * share their first n bits have aliases that share their first n bits. Beyond that, within each
 * octet (IPv6: each group of 16 bits) a run of zeros from its start stays zeros, for IPv4 a run
 * of ones too. That way a network stays a network, 10.42.0.0 and 10.42.0.0/16 have one alias,
 * ".1" stays ".1", a broadcast address stays one, and "::" stands where it stood. It costs
 * some of the hiding: of an octet its order of magnitude is seen. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/clean/prf.h"

/* "domain-" and eight letters, the longest, and a NUL. */
#define ALIAS_NAME_BYTES 16u
#define MAC_BYTES	 6u
#define EUI64_BYTES	 8u
#define IPV6_BYTES	 16u

enum alias_kind {
	ALIAS_HOST,
	ALIAS_DOMAIN,
	ALIAS_USER,
	ALIAS_KEYWORD,
	_ALIAS_KIND_COUNT,
};

/* The alias of ADDRESS, in host byte order. Itself when it says nothing about anybody:
 * 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 (link-local), 224.0.0.0/4 (multicast), 240.0.0.0/4
 * (aliases, network masks, broadcast).
 *
 *	10.0.0.0/8	-> 250.0.0.0/8		172.16.0.0/12	-> 251.16.0.0/12
 *	192.168.0.0/16	-> 252.168.0.0/16	100.64.0.0/10	-> 253.64.0.0/10
 *	any other	-> 240.0.0.0/5, the first octet hidden as well
 */
uint32_t alias_ipv4(const struct prf_key *key, uint32_t address);

/* True for private and carrier-grade NAT addresses: 10/8, 172.16/12, 192.168/16, 100.64/10. */
bool ipv4_is_private(uint32_t address);

/* True if ADDRESS may be that of a host. */
bool ipv4_has_alias(uint32_t address);

/* The same for IPv6, in place. 2000::/3 becomes 4000::/3, fc00::/7 becomes f800::/7, fe80::/9
 * becomes fe00::/9; in ::ffff:0:0/96 and 64:ff9b::/96 the IPv4 address is replaced, in
 * ff02::1:ff00:0/104 the part of the host. Everything else is kept. */
void alias_ipv6(const struct prf_key *key, uint8_t address[IPV6_BYTES]);

/* The same for a MAC address (LEN 6) or EUI-64 (LEN 8). Kept are multicast, broadcast, zero;
 * but not 33:33:ff:*, which holds a part of an address. */
void alias_mac(const struct prf_key *key, uint8_t *octets, size_t len);

/* The alias of the word NAME[LEN], in which upper and lower case are the same. */
void alias_name(const struct prf_key *key, enum alias_kind kind, const uint8_t *name,
    size_t len, char buf[ALIAS_NAME_BYTES]);

/* Length of the alias at TEXT[LEN] if one stands there, else 0. */
size_t alias_name_length(const uint8_t *text, size_t len);
