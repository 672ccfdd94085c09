/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/clean/ipv4.h"
#include "lib/cleanup.h"

#define OCTETS_COUNT	   4u
/* A row of more numbers than this is no address whatever comes behind. */
#define ROW_NUMBERS_MAX	   64u
/* How far left of a version the word that says so may begin. */
#define VERSION_LOOK_BYTES 24u
/* Networks shorter than this are halves and quarters of the Internet, as VPNs route them. */
#define NETWORK_BITS_MIN   8u

/* A row of numbers with one separator between. */
struct row {
	size_t start;
	size_t end;   /* of the row */
	size_t after; /* behind the first four */
	unsigned n;
	uint32_t first[OCTETS_COUNT];
	bool is_valid; /* the first four are octets */
};

/* Reads a number of up to three digits and no leading zero at *I. */
static bool
read_octet(struct view *v, size_t *i, uint32_t *ret)
{
	size_t start = *i;
	uint32_t value = 0;

	while (is_digit(view_at(v, *i)) && *i - start < 4)
		value = value * 10 + (uint32_t)(view_at(v, (*i)++) - '0');
	*ret = value;
	return *i > start && *i - start <= 3 && value <= 255 &&
	    (*i - start == 1 || v->data[start] != '0');
}

static size_t
skip_digits(struct view *v, size_t i)
{
	while (is_digit(view_at(v, i)))
		i++;
	return i;
}

/* The row that begins at START. */
static struct row
read_row(struct view *v, size_t start, int separator)
{
	struct row row = { .start = start, .end = start, .is_valid = true };

	for (size_t i = start; row.n < ROW_NUMBERS_MAX; i++) {
		uint32_t number;
		bool octet = read_octet(v, &i, &number);

		if (row.n < OCTETS_COUNT) {
			row.is_valid = row.is_valid && octet;
			row.first[row.n] = number;
			row.after = i;
		}
		row.n++;
		row.end = skip_digits(v, i);
		i = row.end;
		if (view_at(v, i) != separator || !is_digit(view_at(v, i + 1)))
			break;
	}
	return row;
}

static uint32_t
row_address(const struct row *row)
{
	return row->first[0] << 24 | row->first[1] << 16 | row->first[2] << 8 | row->first[3];
}

static bool
is_known(const struct finder *f, uint32_t address)
{
	for (size_t i = 0; i < f->n_known_ipv4; i++)
		if (f->known_ipv4[i] == address)
			return true;
	return false;
}

size_t
ipv4_parse(struct view *v, size_t i, uint32_t *ret)
{
	struct row row = read_row(v, i, '.');

	if (row.n != OCTETS_COUNT || !row.is_valid)
		return 0;
	*ret = row_address(&row);
	return row.end - i;
}

size_t
prefix_length_parse(struct view *v, size_t i, unsigned max, unsigned *ret)
{
	unsigned bits = 0;
	size_t n = 1;

	if (view_at(v, i) != '/')
		return 0;
	while (is_digit(view_at(v, i + n)) && n < 5)
		bits = bits * 10 + (unsigned)(view_at(v, i + n++) - '0');
	if (n == 1 || n == 5 || bits > max || is_alnum(view_at(v, i + n)))
		return 0;
	*ret = bits;
	return n;
}

/* The first byte of the digits around AT. */
static size_t
digits_start(const struct view *v, size_t at)
{
	while (is_digit(view_before(v, at)))
		at--;
	return at;
}

/* Words before a version, spelled in lower case. */
static bool
is_version_word(const uint8_t *word, size_t len)
{
	static const char *const words[] = { "build", "driver", "firmware", "kernel",
		"microshift", "ocp", "okd", "openshift", "rel", "release", "revision", "tag",
		"ver", "version", "versions" };

	for (size_t i = 0; i < ELEMENTSOF(words); i++) {
		size_t n = 0;

		if (strlen(words[i]) != len)
			continue;
		while (n < len && to_lower(word[n]) == words[i][n])
			n++;
		if (n == len)
			return true;
	}
	return false;
}

/* True if a word before I says that a version follows: "Version: 4.20.1.3", "ocp-4.20.1.3". */
static bool
is_called_version(const struct view *v, size_t i)
{
	size_t low = i - v->low > VERSION_LOOK_BYTES ? i - VERSION_LOOK_BYTES : v->low;
	size_t end;
	size_t start;

	if (to_lower(view_before(v, i)) == 'v' && !is_alnum(view_before(v, i - 1)))
		return true;
	while (i > low && strchr(" \t:=\"'\\(-_/~", v->data[i - 1]) && v->data[i - 1])
		i--;
	for (end = start = i; start > low && is_alnum(v->data[start - 1]); start--)
		;
	return is_version_word(v->data + start, end - start);
}

/* What only packages and libraries have behind a version. */
static bool
has_package_tail(struct view *v, size_t i)
{
	static const char *const tails[] = { ".el", ".fc", ".tar", ".tgz", ".rpm", ".deb",
		".zip", ".x86_64", ".aarch64", ".noarch", ".so" };
	int c = view_at(v, i);
	uint32_t ignored;

	for (size_t k = 0; k < ELEMENTSOF(tails); k++)
		if (view_has(v, i, tails[k]))
			return true;
	if (c == '+' || c == '~')
		return is_alnum(view_at(v, i + 1));
	/* "-1.el9", "-rc2"; but "198.51.100.3-198.51.100.9" is a range. */
	return c == '-' &&
	    ((is_digit(view_at(v, i + 1)) && ipv4_parse(v, i + 1, &ignored) == 0) ||
		view_has(v, i, "-rc") || view_has(v, i, "-beta"));
}

/* "libfoo.so.1.2.3.4", "Chrome/119.0.0.0" */
static bool
has_product_before(const struct view *v, const struct row *row)
{
	size_t i = row->start;

	if (i - v->low >= 4 && memcmp(v->data + i - 4, ".so.", 4) == 0)
		return true;
	return row->first[2] == 0 && row->first[3] == 0 && view_before(v, i) == '/' &&
	    is_alnum(view_before(v, i - 1));
}

static bool
is_version(struct view *v, const struct row *row)
{
	if (is_called_version(v, row->start))
		return true;
	if (ipv4_is_private(row_address(row)))
		return false;
	return span_is_glued(v, row->start) || is_alnum(view_at(v, row->after)) ||
	    has_package_tail(v, row->after) || has_product_before(v, row);
}

static uint32_t
network_mask(unsigned bits)
{
	return bits == 0 ? 0 : UINT32_MAX << (32 - bits);
}

static void
add_number(struct span *s, unsigned number)
{
	if (number >= 100)
		span_add(s, &(char){ (char)('0' + number / 100) }, 1);
	if (number >= 10)
		span_add(s, &(char){ (char)('0' + number / 10 % 10) }, 1);
	span_add(s, &(char){ (char)('0' + number % 10) }, 1);
}

/* Writes N octets of ADDRESS with SEPARATOR between, from the last to the first if REVERSED. */
static void
write_octets(struct span *s, uint32_t address, unsigned n, int separator, bool reversed)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned shift = 24 - 8 * (reversed ? n - 1 - i : i);

		if (i > 0)
			span_add(s, &(char){ (char)separator }, 1);
		add_number(s, address >> shift & 0xff);
	}
}

static void
replace(const struct finder *f, struct view *v, const struct row *row, int separator,
    struct span *ret)
{
	uint32_t address = row_address(row);
	uint32_t alias = alias_ipv4(f->key, address);
	unsigned bits;

	/* Only octets keep their zeros by themselves. */
	if (separator == '.' && prefix_length_parse(v, row->after, 32, &bits) > 0 &&
	    (address & ~network_mask(bits)) == 0)
		alias &= network_mask(bits);
	span_begin(ret, CLEAN_IPV4, row->start, row->after);
	write_octets(ret, alias, OCTETS_COUNT, separator, false);
}

/* "9.0.42.10.in-addr.arpa", also with fewer numbers. */
static bool
match_reverse(const struct finder *f, const struct row *row, struct span *ret)
{
	uint32_t address = 0;

	if (row->n > OCTETS_COUNT || !row->is_valid)
		return false;
	for (unsigned i = row->n; i > 0; i--)
		address |= row->first[i - 1] << (24 - 8 * (row->n - i));
	if (!ipv4_has_alias(address))
		return false;
	span_begin(ret, CLEAN_IPV4, row->start, row->end);
	write_octets(ret, alias_ipv4(f->key, address), row->n, '.', true);
	return true;
}

static bool
is_short_network(struct view *v, const struct row *row)
{
	unsigned bits;

	return prefix_length_parse(v, row->after, 32, &bits) > 0 && bits < NETWORK_BITS_MIN &&
	    (row_address(row) & ~network_mask(bits)) == 0;
}

bool
ipv4_match(
    const struct finder *f, struct view *v, size_t at, size_t *ret_judged, struct span *ret)
{
	struct row row = read_row(v, digits_start(v, at), '.');
	uint32_t address;

	*ret_judged = row.end;
	if (view_has_fold(v, row.end, ".in-addr.arpa"))
		return match_reverse(f, &row, ret);
	if (row.n < OCTETS_COUNT || !row.is_valid)
		return false;
	address = row_address(&row);
	if (!ipv4_has_alias(address))
		return false;
	if (!is_known(f, address)) {
		/* Five numbers: an address and its port, or the identifier of an object. */
		if (row.n > OCTETS_COUNT && (row.n > 5 || !ipv4_is_private(address)))
			return false;
		if (is_version(v, &row) || is_short_network(v, &row))
			return false;
	}
	replace(f, v, &row, '.', ret);
	return true;
}

/* "ip-52-14-3-9", "ec2-52-14-3-9", and what is the first label of a host name. */
static bool
is_host_label(struct view *v, const struct row *row)
{
	size_t i = row->start;

	if (i - v->low >= 3 && memcmp(v->data + i - 3, "ip-", 3) == 0)
		return true;
	if (i - v->low >= 4 && memcmp(v->data + i - 4, "ec2-", 4) == 0)
		return true;
	return view_at(v, row->end) == '.' && is_lower(view_at(v, row->end + 1)) &&
	    is_lower(view_at(v, row->end + 2)) && !span_is_glued(v, i) &&
	    view_before(v, i) != '-';
}

bool
ipv4_match_joined(const struct finder *f, struct view *v, size_t at, int separator,
    size_t *ret_judged, struct span *ret)
{
	size_t start = digits_start(v, at);
	struct row row;
	uint32_t address;

	/* The first number of "ec2-52-14-3-9" belongs to the word. */
	if (span_is_glued(v, start))
		start = at + 2;
	row = read_row(v, start, separator);
	address = row_address(&row);
	*ret_judged = row.end;
	if (row.n != OCTETS_COUNT || !row.is_valid || !ipv4_has_alias(address) ||
	    span_is_glued(v, row.start) || is_alnum(view_at(v, row.end)))
		return false;
	if (!ipv4_is_private(address) && !is_known(f, address) && !is_host_label(v, &row))
		return false;
	replace(f, v, &row, separator, ret);
	return true;
}
