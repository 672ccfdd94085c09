/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/clean/colon.h"
#include "lib/clean/ipv4.h"

#define GROUPS_COUNT	  8u /* of an IPv6 address */
#define MAC_DOT_GROUPS	  3u
/* The longest row that is one address: InfiniBand, 20 octets. */
#define ROW_BYTES_MAX	  64u
#define INFINIBAND_OCTETS 20u
/* Of /proc/net/tcp: the port behind the address. */
#define PORT_DIGITS	  4u
/* Two addresses and the type of the packet, as netfilter logs a header. */
#define HEADER_OCTETS	  14u

static int
hex_value(int c)
{
	if (is_digit(c))
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_hex(int c)
{
	return hex_value(c) >= 0;
}

/* Number of hexadecimal digits at I, at most MAX. */
static size_t
hex_run(struct view *v, size_t i, size_t max)
{
	size_t n = 0;

	while (n < max && is_hex(view_at(v, i + n)))
		n++;
	return n;
}

/* Reads N octets of two digits each from I on, STEP bytes apart. */
static void
read_octets(const struct view *v, size_t i, size_t step, uint8_t *ret, size_t n)
{
	for (size_t k = 0; k < n; k++, i += step)
		ret[k] = (uint8_t)(hex_value(v->data[i]) << 4 | hex_value(v->data[i + 1]));
}

enum letter_case {
	CASE_LOWER,
	CASE_UPPER,
	CASE_NONE, /* no letters */
	CASE_MIXED,
};

static enum letter_case
case_of(const uint8_t *text, size_t len)
{
	bool upper = false;
	bool lower = false;

	for (size_t i = 0; i < len; i++) {
		upper = upper || is_upper(text[i]);
		lower = lower || is_lower(text[i]);
	}
	if (upper && lower)
		return CASE_MIXED;
	return upper ? CASE_UPPER : lower ? CASE_LOWER : CASE_NONE;
}

/* Writes OCTETS over the digits of RET, as its text. */
static void
write_octets(
    const struct view *v, struct span *ret, const uint8_t *octets, size_t n, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	const uint8_t *text = v->data + ret->start;
	size_t digit = 0;

	ret->len = ret->end - ret->start;
	for (size_t i = 0; i < ret->len; i++) {
		ret->text[i] = (char)text[i];
		if (!is_hex(text[i]) || digit >= 2 * n)
			continue;
		ret->text[i] = digits[octets[digit / 2] >> (digit % 2 == 0 ? 4 : 0) & 0xf];
		digit++;
	}
}

/* Number of groups of two digits from I on, with SEPARATOR between. */
static size_t
count_octets(struct view *v, size_t i, int separator)
{
	size_t n = 0;

	while (
	    n <= INFINIBAND_OCTETS && hex_run(v, i, 3) == 2 && !is_alnum(view_at(v, i + 2))) {
		n++;
		if (view_at(v, i + 2) != separator)
			break;
		i += 3;
	}
	return n;
}

/* An InfiniBand address is 4 bytes of queue, 8 of subnet, 8 of port; a fingerprint of a
 * certificate has as many. */
static bool
is_infiniband(const uint8_t *octets)
{
	static const uint8_t subnet[] = { 0xfe, 0x80, 0, 0, 0, 0, 0, 0 };

	return memcmp(octets + 4, subnet, sizeof(subnet)) == 0;
}

static bool
alias_octets(const struct prf_key *key, uint8_t *octets, size_t n)
{
	uint8_t before[INFINIBAND_OCTETS];

	memcpy(before, octets, n);
	if (n == MAC_BYTES || n == EUI64_BYTES) {
		alias_mac(key, octets, n);
	} else if (n == HEADER_OCTETS) {
		alias_mac(key, octets, MAC_BYTES);
		alias_mac(key, octets + MAC_BYTES, MAC_BYTES);
	} else if (n == INFINIBAND_OCTETS && is_infiniband(octets)) {
		alias_mac(key, octets + 12, EUI64_BYTES);
	}
	return memcmp(before, octets, n) != 0;
}

/* True if N groups of two digits are an address of hardware, whatever it has for an alias. */
static bool
is_hardware(const uint8_t *octets, size_t n)
{
	return n == MAC_BYTES || n == EUI64_BYTES || n == HEADER_OCTETS ||
	    (n == INFINIBAND_OCTETS && is_infiniband(octets));
}

/* Returns true if a MAC address or the like stands at START; *RET has no text if it stays. */
static bool
match_mac(const struct finder *f, struct view *v, size_t start, int separator, struct span *ret)
{
	uint8_t octets[INFINIBAND_OCTETS + 1];
	size_t n = count_octets(v, start, separator);

	if (n < MAC_BYTES)
		return false;
	read_octets(v, start, 3, octets, n);
	if (!is_hardware(octets, n))
		return false;
	span_begin(ret, CLEAN_MAC, start, start + 3 * n - 1);
	if (alias_octets(f->key, octets, n))
		write_octets(v, ret, octets, n,
		    case_of(v->data + start, ret->end - start) == CASE_UPPER);
	return true;
}

/* An IPv6 address while it is read. */
struct groups {
	uint16_t value[GROUPS_COUNT];
	size_t n;
	size_t gap; /* "::" stood before this group; GROUPS_COUNT + 1 = nowhere */
	size_t end;
};

/* The IPv4 address that may stand at the end. */
static bool
read_tail(struct view *v, size_t i, struct groups *g)
{
	uint32_t address;
	size_t n;

	if (g->n > GROUPS_COUNT - 2 || (g->n == 0 && g->gap != 0))
		return false;
	n = ipv4_parse(v, i, &address);
	if (n == 0)
		return false;
	g->value[g->n++] = (uint16_t)(address >> 16);
	g->value[g->n++] = (uint16_t)address;
	g->end = i + n;
	return true;
}

/* Reads one group at I. Returns its digits; 0 if none stands there, or more than a group. */
static size_t
read_group(struct view *v, size_t i, struct groups *g)
{
	size_t n = hex_run(v, i, 5);

	if (n == 0 || n == 5 || is_alnum(view_at(v, i + n)))
		return 0;
	g->value[g->n] = 0;
	for (size_t k = 0; k < n; k++)
		g->value[g->n] = (uint16_t)(g->value[g->n] << 4 | hex_value(v->data[i + k]));
	g->n++;
	g->end = i + n;
	return n;
}

/* Reads as much from I on as is an address. */
static bool
read_groups(struct view *v, size_t i, struct groups *g)
{
	*g = (struct groups){ .gap = GROUPS_COUNT + 1, .end = i };
	while (g->n < GROUPS_COUNT) {
		if (view_at(v, i) == ':' && view_at(v, i + 1) == ':' && g->gap > GROUPS_COUNT) {
			g->gap = g->n;
			g->end = i += 2;
		} else if (g->n > 0) {
			if (view_at(v, i) != ':' || !is_hex(view_at(v, i + 1)))
				break;
			i++;
		}
		if (read_tail(v, i, g) || read_group(v, i, g) == 0)
			break;
		i = g->end;
	}
	return g->n == GROUPS_COUNT || g->gap < GROUPS_COUNT;
}

static void
groups_to_address(const struct groups *g, uint8_t ret[IPV6_BYTES])
{
	memset(ret, 0, IPV6_BYTES);
	for (size_t i = 0; i < g->n; i++) {
		size_t at = i < g->gap ? i : i + GROUPS_COUNT - g->n;

		ret[2 * at] = (uint8_t)(g->value[i] >> 8);
		ret[2 * at + 1] = (uint8_t)g->value[i];
	}
}

static void
mask_host(uint8_t address[IPV6_BYTES], unsigned bits)
{
	for (unsigned i = 0; i<IPV6_BYTES; i++, bits = bits> 8 ? bits - 8 : 0)
		if (bits < 8)
			address[i] &= (uint8_t)(0xff00 >> bits);
}

/* True if all bits behind the first BITS are zero. */
static bool
is_network(const uint8_t address[IPV6_BYTES], unsigned bits)
{
	uint8_t masked[IPV6_BYTES];

	memcpy(masked, address, IPV6_BYTES);
	mask_host(masked, bits);
	return memcmp(masked, address, IPV6_BYTES) == 0;
}

static bool
match_ipv6(const struct finder *f, struct view *v, size_t start, struct span *ret)
{
	uint8_t address[IPV6_BYTES];
	uint8_t real[IPV6_BYTES];
	char text[INET6_ADDRSTRLEN];
	struct groups g;
	unsigned bits;

	if (!read_groups(v, start, &g) || is_alnum(view_at(v, g.end)))
		return false;
	groups_to_address(&g, real);
	memcpy(address, real, IPV6_BYTES);
	alias_ipv6(f->key, address);
	if (prefix_length_parse(v, g.end, 128, &bits) > 0 && is_network(real, bits))
		mask_host(address, bits);
	span_begin(ret, CLEAN_IPV6, start, g.end);
	if (memcmp(address, real, IPV6_BYTES) == 0)
		return true;
	(void)inet_ntop(AF_INET6, address, text, sizeof(text));
	ret->len = strlen(text);
	memcpy(ret->text, text, ret->len + 1);
	return true;
}

/* The kernel prints words of 32 bits in upper case. */
static bool
is_word_of_table(const struct view *v, size_t start, size_t len)
{
	enum letter_case letters = case_of(v->data + start, len);

	return letters == CASE_UPPER || letters == CASE_NONE;
}

/* "09002A0A:1F90 " of /proc/net/tcp, where START is that of the row. */
static bool
match_socket(const struct finder *f, struct view *v, size_t start, size_t at, struct span *ret)
{
	size_t n = at - start;

	if ((n != 8 && n != 32) || hex_run(v, at + 1, PORT_DIGITS + 1) != PORT_DIGITS ||
	    view_before(v, start) != ' ' || view_at(v, at + 1 + PORT_DIGITS) != ' ' ||
	    !is_word_of_table(v, start, n))
		return false;
	return n == 8 ? table_match_ipv4(f, v, start, ret) : table_match_ipv6(f, v, start, ret);
}

/* The start of a row of hexadecimal digits and colons around AT, and its end. */
static size_t
row_start(const struct view *v, size_t at)
{
	while (view_before(v, at) == ':' || is_hex(view_before(v, at)))
		at--;
	return at;
}

static size_t
row_end(struct view *v, size_t at)
{
	while (view_at(v, at) == ':' || is_hex(view_at(v, at)))
		at++;
	return at;
}

/* True if a word may begin at I of the row that begins at START. */
static bool
can_start(const struct view *v, size_t start, size_t i)
{
	if (i > start)
		return v->data[i - 1] == ':' && (i < start + 2 || v->data[i - 2] != ':');
	/* The rest of an IPv4 address is no beginning. */
	if (view_before(v, i) == '.' && is_hex(view_before(v, i - 1)))
		return false;
	return view_is_word_start(v, i) || view_before(v, i) == '_' || view_before(v, i) == '-';
}

bool
colon_match(
    const struct finder *f, struct view *v, size_t at, size_t *ret_judged, struct span *ret)
{
	size_t start = row_start(v, at);
	size_t end = row_end(v, at);
	size_t colons = 0;
	bool gap = false;

	*ret_judged = end;
	for (size_t i = start; i < end; i++) {
		colons += v->data[i] == ':';
		gap = gap || (i > start && v->data[i] == ':' && v->data[i - 1] == ':');
	}
	if (colons == 1)
		return match_socket(f, v, start, at, ret) && ret->len > 0;
	if (!gap && colons < MAC_BYTES - 1)
		return false;
	if (end - start > ROW_BYTES_MAX)
		return false;
	for (size_t i = start, octets = start; i < end; i++) {
		if (!can_start(v, start, i))
			continue;
		if ((i >= octets && match_mac(f, v, i, ':', ret)) || match_ipv6(f, v, i, ret)) {
			if (ret->end > end)
				*ret_judged = ret->end;
			return ret->len > 0;
		}
		/* No six out of seven. */
		if (i >= octets)
			octets = i + 3 * count_octets(v, i, ':') + 1;
	}
	return false;
}

/* True if two digits and a dash stand before I: a row that is longer than an address. */
static bool
follows_octet(const struct view *v, size_t i)
{
	return view_before(v, i) == '-' && is_hex(view_before(v, i - 1)) &&
	    is_hex(view_before(v, i - 2)) && !is_alnum(view_before(v, i - 3));
}

bool
mac_match_dashes(const struct finder *f, struct view *v, size_t at, struct span *ret)
{
	size_t start = at - 2;
	bool letter = false;

	if (span_is_glued(v, start) || follows_octet(v, start) ||
	    !match_mac(f, v, start, '-', ret))
		return false;
	/* Six numbers of two digits are a date and a time. */
	for (size_t i = ret->start; i < ret->end; i++)
		letter = letter || (is_hex(v->data[i]) && !is_digit(v->data[i]));
	return letter && ret->len > 0 && ret->end - ret->start == 3 * MAC_BYTES - 1;
}

bool
mac_match_dots(const struct finder *f, struct view *v, size_t at, struct span *ret)
{
	uint8_t octets[MAC_BYTES];
	size_t start = at - 4;
	size_t digits = 0;
	size_t len = 5 * MAC_DOT_GROUPS - 1;

	for (size_t i = 0; i < MAC_DOT_GROUPS; i++) {
		if (hex_run(v, start + 5 * i, 5) != 4 ||
		    (i + 1 < MAC_DOT_GROUPS && view_at(v, start + 5 * i + 4) != '.'))
			return false;
		read_octets(v, start + 5 * i, 2, octets + 2 * i, 2);
	}
	for (size_t i = 0; i < len; i++)
		digits += is_digit(v->data[start + i]);
	if (digits == 0 || digits == 2 * MAC_BYTES || span_is_glued(v, start) ||
	    view_before(v, start) == '.' || is_alnum(view_at(v, start + len)) ||
	    !alias_octets(f->key, octets, MAC_BYTES))
		return false;
	span_begin(ret, CLEAN_MAC, start, start + len);
	write_octets(v, ret, octets, MAC_BYTES, case_of(v->data + start, len) == CASE_UPPER);
	return true;
}

/* The kernel prints words of 32 bits as they lie in memory: on little-endian machines, which
 * all of ours are, the first octet comes last. */
bool
table_match_ipv4(const struct finder *f, struct view *v, size_t at, struct span *ret)
{
	uint8_t o[4];
	uint32_t alias;

	if (hex_run(v, at, 9) != 8 || !is_word_of_table(v, at, 8))
		return false;
	read_octets(v, at, 2, o, 4);
	alias = alias_ipv4(
	    f->key, (uint32_t)o[3] << 24 | (uint32_t)o[2] << 16 | (uint32_t)o[1] << 8 | o[0]);
	for (size_t i = 0; i < 4; i++, alias >>= 8)
		o[i] = (uint8_t)alias;
	span_begin(ret, CLEAN_IPV4, at, at + 8);
	write_octets(v, ret, o, 4, true);
	return memcmp(ret->text, v->data + at, 8) != 0;
}

/* In upper case words of 32 bits as above, in lower case the address as it is. */
bool
table_match_ipv6(const struct finder *f, struct view *v, size_t at, struct span *ret)
{
	uint8_t address[IPV6_BYTES];
	uint8_t octets[IPV6_BYTES];
	bool swapped = view_at(v, at + 32) == ':';

	if (hex_run(v, at, 33) != 32)
		return false;
	if (!swapped && view_at(v, at + 32) != ' ')
		return false;
	if (!swapped && !(hex_run(v, at + 33, 3) == 2 && view_at(v, at + 35) == ' ') &&
	    !(hex_run(v, at + 33, 9) == 8 && view_at(v, at + 41) == ' '))
		return false;
	read_octets(v, at, 2, octets, IPV6_BYTES);
	for (size_t i = 0; i < IPV6_BYTES; i++)
		address[i] = octets[swapped ? i ^ 3 : i];
	alias_ipv6(f->key, address);
	for (size_t i = 0; i < IPV6_BYTES; i++)
		octets[i] = address[swapped ? i ^ 3 : i];
	span_begin(ret, CLEAN_IPV6, at, at + 32);
	write_octets(v, ret, octets, IPV6_BYTES, swapped);
	return memcmp(ret->text, v->data + at, 32) != 0;
}
