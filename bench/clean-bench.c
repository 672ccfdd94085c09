/* SPDX-License-Identifier: Apache-2.0 */

/* Speed of the filters on one core: `clean-bench FILE...`, for what bench/clean prints. The
 * files are read into memory first; CPU time counts, so a busy machine does not matter much.
 * Prints a line "NAME MB/s" for secrets alone and for secrets and identities. */

#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/clean/clean.h"
#include "lib/io.h"
#include "lib/redact/redact.h"
#include "lib/text.h"

/* What a collector hands over at once. */
#define PIECE_BYTES    65536u
/* The best round counts: the others were disturbed. */
#define ROUNDS	       3u
#define FILE_MAX_BYTES (1024u * 1024u * 1024u)

int main(int argc, char **argv);

struct pipeline {
	struct redact *redact; /* owned */
	struct clean *clean;   /* owned, NULL for secrets alone */
	uint64_t written;
};

static int
on_cleaned(const void *data, size_t len, void *userdata)
{
	(void)data;
	((struct pipeline *)userdata)->written += len;
	return 0;
}

static int
on_redacted(const void *data, size_t len, void *userdata)
{
	struct pipeline *p = userdata;

	return p->clean ? clean_write(p->clean, data, len) : on_cleaned(data, len, p);
}

static double
cpu_seconds(void)
{
	struct timespec t;

	assert(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
filter(struct pipeline *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i += PIECE_BYTES)
		assert(redact_write(p->redact, text + i,
			   len - i < PIECE_BYTES ? len - i : PIECE_BYTES) == 0);
	assert(redact_finish(p->redact) == 0);
	if (p->clean)
		assert(clean_finish(p->clean) == 0);
}

static double
measure(const struct clean_rules *rules, char **texts, const size_t *sizes, size_t n)
{
	struct pipeline p = { 0 };
	double best = 0;

	assert(redact_new(on_redacted, &p, &p.redact) == 0);
	if (rules)
		assert(clean_new(rules, on_cleaned, &p, &p.clean) == 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = cpu_seconds();
		size_t bytes = 0;
		double speed;

		for (size_t i = 0; i < n; i++) {
			filter(&p, texts[i], sizes[i]);
			bytes += sizes[i];
		}
		speed = (double)bytes / 1e6 / (cpu_seconds() - start);
		if (speed > best)
			best = speed;
	}
	redact_free(p.redact);
	clean_free(p.clean);
	return best;
}

int
main(int argc, char **argv)
{
	static const struct prf_key key = { "bench" };
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	size_t n = (size_t)argc - 1;
	char **texts = calloc(n + 1, sizeof(*texts));
	size_t *sizes = calloc(n + 1, sizeof(*sizes));

	assert(texts && sizes && clean_rules_new(&key, &rules) == 0);
	(void)clean_rules_add(rules, ALIAS_HOST, "edge1");
	(void)clean_rules_add(rules, ALIAS_DOMAIN, "plant3.acme.example");
	(void)clean_rules_add(rules, ALIAS_KEYWORD, "bluebird");
	(void)clean_rules_add(rules, ALIAS_USER, "jdoe");
	for (size_t i = 0; i < n; i++)
		assert(io_read_file(
			   AT_FDCWD, argv[i + 1], FILE_MAX_BYTES, &texts[i], &sizes[i]) == 0);
	(void)printf("redact %.0f\n", measure(NULL, texts, sizes, n));
	(void)printf("redact+clean %.0f\n", measure(rules, texts, sizes, n));
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
	free(sizes);
	return 0;
}
