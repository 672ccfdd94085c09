/* SPDX-License-Identifier: Apache-2.0 */

/* The filter of identities on any bytes: the output does not depend on how the input is cut,
 * and an identity planted in the middle is not in the output. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clean/clean.h"
#include "lib/cleanup.h"
#include "tests/lib/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Filters IN in pieces of up to MAX bytes. */
static struct sink
filter(const struct clean_rules *rules, const struct sink *in, size_t max, uint64_t state)
{
	_cleanup_(clean_freep) struct clean *c = NULL;
	struct sink out = { 0 };

	assert(clean_new(rules, sink_write, &out, &c) == 0);
	for (size_t i = 0; i < in->len;) {
		size_t n = 1 + next_random(&state) % max;

		if (n > in->len - i)
			n = in->len - i;
		assert(clean_write(c, in->data + i, n) == 0);
		i += n;
	}
	assert(clean_finish(c) == 0);
	return out;
}

static void
check(const struct clean_rules *rules, const struct sink *in, uint64_t state)
{
	_cleanup_(sink_done) struct sink whole = filter(rules, in, in->len + 1, 1);
	_cleanup_(sink_done) struct sink pieces = filter(rules, in, 1 + state % 64, state);

	assert(whole.len == pieces.len);
	assert(whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
}

/* Puts an identity between the halves of IN. Two blanks: no field of a table ends so. */
static void
check_planted(const struct clean_rules *rules, const struct sink *in, uint64_t state)
{
	static const char *const identities[] = { "10.42.199.77", "52.1.199.77", "10-42-199-77",
		"fd01:7::1234:9", "2001:db8:77::1", "0a:58:0a:2a:c7:4d", "0A-58-0A-2A-C7-4D",
		"edge1", "edge7.plant3.acme.example", "plant3_acme_example", "jdoe", "Bluebird",
		"https://vault.othercompany.test/" };
	const char *identity = identities[state % ELEMENTSOF(identities)];
	_cleanup_(sink_done) struct sink text = { 0 };
	_cleanup_(sink_done) struct sink out = { 0 };

	(void)sink_write(in->data, in->len / 2, &text);
	(void)sink_write("\n  ", 3, &text);
	(void)sink_write(identity, strlen(identity), &text);
	(void)sink_write("  \n", 3, &text);
	(void)sink_write(in->data + in->len / 2, in->len - in->len / 2, &text);
	out = filter(rules, &text, 4096, state);
	/* The input may hold it in another place where it is a part of something else. */
	if (in->len == 0 || !memmem(in->data, in->len, identity, 4))
		assert(!memmem(out.data, out.len, identity, strlen(identity)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct prf_key key = { "fuzz" };
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	_cleanup_(sink_done) struct sink in = { 0 };
	uint64_t state = UINT64_C(14695981039346656037);

	assert(clean_rules_new(&key, &rules) == 0);
	assert(clean_rules_add(rules, ALIAS_HOST, "edge1") == 1);
	assert(clean_rules_add(rules, ALIAS_DOMAIN, "plant3.acme.example") == 1);
	assert(clean_rules_add(rules, ALIAS_USER, "jdoe") == 1);
	assert(clean_rules_add(rules, ALIAS_KEYWORD, "bluebird") == 1);
	(void)sink_write(data, size, &in);
	for (size_t i = 0; i < size; i++)
		state = (state ^ data[i]) * UINT64_C(1099511628211);
	check(rules, &in, state | 1);
	check_planted(rules, &in, state | 1);
	return 0;
}
