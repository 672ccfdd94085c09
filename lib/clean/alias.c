/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/clean/alias.h"
#include "lib/cleanup.h"
#include "lib/redact/view.h"

/* Of an alias of a name: 34 bits, so that of 1,000 names two share one with a chance of 3e-5.
 */
#define LETTERS_COUNT  8u
/* Longest name that is told apart whole: that of a domain, RFC 1035. */
#define NAME_MAX_BYTES 253u

/* First octets of MAC aliases: a group address, which no interface may have, locally
 * administered, in use by nobody ("ob"). */
static const uint8_t mac_mark[2] = { 0x6f, 0x62 };

/* What an input of the function is about, so that no two kinds share results. */
enum domain {
	ABOUT_IPV4,
	ABOUT_IPV4_FIRST,
	ABOUT_IPV6,
	ABOUT_MAC,
	ABOUT_NAME,
};

static const struct prefix {
	const char *text;
	size_t len;
} prefixes[_ALIAS_KIND_COUNT] = {
	[ALIAS_HOST] = { "host-", 5 },
	[ALIAS_DOMAIN] = { "domain-", 7 },
	[ALIAS_USER] = { "user-", 5 },
	[ALIAS_KEYWORD] = { "word-", 5 },
};

static bool
in_ipv4(uint32_t address, uint32_t network, unsigned bits)
{
	return (address ^ network) >> (32 - bits) == 0;
}

bool
ipv4_is_private(uint32_t a)
{
	return in_ipv4(a, 0x0a000000, 8) || in_ipv4(a, 0xac100000, 12) ||
	    in_ipv4(a, 0xc0a80000, 16) || in_ipv4(a, 0x64400000, 10);
}

bool
ipv4_has_alias(uint32_t a)
{
	return !in_ipv4(a, 0, 8) && !in_ipv4(a, 0x7f000000, 8) && !in_ipv4(a, 0xa9fe0000, 16) &&
	    !in_ipv4(a, 0xe0000000, 3);
}

/* Replaces GROUP, of BITS bits, by its alias below what stands before it. The tree of all its
 * values is turned around at some of its forks, decided by RANDOM; never at one to which
 * zeros alone lead, nor, with ONES, ones alone. */
static uint32_t
turn(uint32_t group, unsigned bits, uint64_t random, bool ones)
{
	uint32_t alias = 0;
	uint32_t before = 0;

	for (unsigned i = 0; i < bits; i++) {
		uint32_t bit = group >> (bits - 1 - i) & 1;
		bool straight = before == 0 || (ones && before == (UINT32_C(1) << i) - 1);
		/* A fork has one number of its own, mixed with RANDOM for its direction. */
		uint64_t fork =
		    ((UINT64_C(1) << i | before) + random) * UINT64_C(0x9e3779b97f4a7c15);

		fork = (fork ^ fork >> 32) * UINT64_C(0xd6e8feb86659fd93);
		alias = alias << 1 | (straight ? bit : bit ^ (uint32_t)(fork >> 63));
		before = before << 1 | bit;
	}
	return alias;
}

static uint64_t
below(const struct prf_key *key, enum domain about, const uint8_t *before, size_t len)
{
	uint8_t input[1 + IPV6_BYTES];

	input[0] = (uint8_t)about;
	memcpy(input + 1, before, len);
	return prf(key, input, 1 + len);
}

/* The first octet, and of 192.168 the second, say which kind of network it is. */
static uint32_t
alias_first(const struct prf_key *key, uint32_t a)
{
	uint8_t first = (uint8_t)(a >> 24);

	if (in_ipv4(a, 0x0a000000, 8))
		return 250;
	if (in_ipv4(a, 0xac100000, 12))
		return 251;
	if (in_ipv4(a, 0xc0a80000, 16))
		return 252;
	if (in_ipv4(a, 0x64400000, 10))
		return 253;
	return 240 + (below(key, ABOUT_IPV4_FIRST, &first, 1) & 7);
}

uint32_t
alias_ipv4(const struct prf_key *key, uint32_t a)
{
	const uint8_t octets[4] = { (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8),
		(uint8_t)a };
	uint32_t alias;

	if (!ipv4_has_alias(a))
		return a;
	alias = alias_first(key, a);
	for (size_t i = 1; i < 4; i++) {
		uint32_t octet = octets[i];

		if (i > 1 || alias != 252)
			octet = turn(octet, 8, below(key, ABOUT_IPV4, octets, i), true);
		alias = alias << 8 | octet;
	}
	return alias;
}

static uint32_t
read_ipv4(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void
write_ipv4(uint8_t *p, uint32_t address)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(address >> (24 - 8 * i));
}

static void
alias_groups(const struct prf_key *key, uint8_t address[IPV6_BYTES], const uint8_t *real)
{
	for (size_t i = 0; i < IPV6_BYTES; i += 2) {
		uint32_t group = (uint32_t)real[i] << 8 | real[i + 1];

		group = turn(group, 16, below(key, ABOUT_IPV6, real, i), false);
		address[i] = (uint8_t)(group >> 8);
		address[i + 1] = (uint8_t)group;
	}
}

/* Replaces the first BITS bits, at most 16, of ADDRESS by those of FIRST. */
static void
set_first(uint8_t *address, uint16_t first, unsigned bits)
{
	uint16_t mask = (uint16_t)(0xffff << (16 - bits));
	uint16_t group = (uint16_t)(address[0] << 8 | address[1]);

	group = (uint16_t)((group & ~mask) | (first & mask));
	address[0] = (uint8_t)(group >> 8);
	address[1] = (uint8_t)group;
}

/* True if the last bytes of ADDRESS are an IPv4 address. */
static bool
has_ipv4(const uint8_t *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };

	return memcmp(address, mapped, 12) == 0 || memcmp(address, nat64, 12) == 0;
}

void
alias_ipv6(const struct prf_key *key, uint8_t address[IPV6_BYTES])
{
	static const uint8_t solicited[13] = { 0xff, 2, [11] = 1, [12] = 0xff };
	uint8_t real[IPV6_BYTES];

	memcpy(real, address, IPV6_BYTES);
	if (has_ipv4(real)) {
		write_ipv4(address + 12, alias_ipv4(key, read_ipv4(real + 12)));
	} else if (real[0] >> 5 == 1) { /* 2000::/3 */
		alias_groups(key, address, real);
		set_first(address, 0x4000, 3);
	} else if (real[0] >> 1 == 0x7e) { /* fc00::/7 */
		bool local = real[0] & 1;

		alias_groups(key, address, real);
		set_first(address, local ? 0xf900 : 0xf800, 8);
	} else if (real[0] == 0xfe && real[1] & 0x80) { /* fe80::/9 */
		uint16_t first = (uint16_t)(0xfe00 | (real[1] & 0x7f));

		alias_groups(key, address, real);
		set_first(address, first, 16);
	} else if (memcmp(real, solicited, sizeof(solicited)) == 0) {
		/* ff02::1:fe00:0/104 is nothing, so it can stand for it. */
		uint64_t random = below(key, ABOUT_IPV6, real, IPV6_BYTES);

		address[12] = 0xfe;
		for (size_t i = 13; i < IPV6_BYTES; i++, random >>= 8)
			address[i] = (uint8_t)random;
	}
}

void
alias_mac(const struct prf_key *key, uint8_t *octets, size_t len)
{
	static const uint8_t zero[EUI64_BYTES] = { 0 };
	static const uint8_t solicited[3] = { 0x33, 0x33, 0xff };
	uint64_t random;

	if (memcmp(octets, zero, len) == 0)
		return;
	if ((octets[0] & 1) && memcmp(octets, solicited, sizeof(solicited)) != 0)
		return;
	random = below(key, ABOUT_MAC, octets, len);
	memcpy(octets, mac_mark, sizeof(mac_mark));
	for (size_t i = sizeof(mac_mark); i < len; i++, random >>= 8)
		octets[i] = (uint8_t)random;
}

void
alias_name(const struct prf_key *key, enum alias_kind kind, const uint8_t *name, size_t len,
    char buf[ALIAS_NAME_BYTES])
{
	/* No vowels, no digits: nothing that reads as a word or a number. */
	static const char letters[] = "bcdfghjkmnpqrstvwxz";
	uint8_t input[1 + NAME_MAX_BYTES] = { ABOUT_NAME };
	char *p = buf + prefixes[kind].len;
	uint64_t random;

	if (len > NAME_MAX_BYTES)
		len = NAME_MAX_BYTES;
	for (size_t i = 0; i < len; i++)
		input[1 + i] = (uint8_t)to_lower(name[i]);
	random = prf(key, input, 1 + len);
	memcpy(buf, prefixes[kind].text, prefixes[kind].len);
	for (size_t i = 0; i < LETTERS_COUNT; i++, random >>= 8)
		*p++ = letters[(random & 0xff) % (sizeof(letters) - 1)];
	*p = '\0';
}

static bool
is_letter(int c)
{
	return is_lower(c) && !strchr("aeiouyl", c);
}

size_t
alias_name_length(const uint8_t *text, size_t len)
{
	for (size_t k = 0; k < ELEMENTSOF(prefixes); k++) {
		size_t n = prefixes[k].len + LETTERS_COUNT;
		size_t i = prefixes[k].len;

		if (len < n || memcmp(text, prefixes[k].text, prefixes[k].len) != 0)
			continue;
		while (i < n && is_letter(text[i]))
			i++;
		if (i == n && (len == n || !is_alnum(text[n])))
			return n;
	}
	return 0;
}
