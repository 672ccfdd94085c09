/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Both filters in a row: secrets out (lib/redact), then identities replaced (lib/clean), if
 * that is wanted. One is costly to make and is used for one text after the other. */

#include <stddef.h>

#include "lib/cleanup.h"

struct clean;
struct clean_rules;
struct filter;
struct redact;
struct redact_own;

struct filter_options {
	const struct clean_rules *clean; /* borrowed until filter_free(); NULL = secrets only */
	const struct redact_own *own;	 /* borrowed, too; NULL = the built-in rules */
};

/* Takes filtered text. Returns 0 or a negative errno, which ends the text. */
typedef int (*filter_write_fn)(const void *data, size_t len, void *userdata);

/* The caller owns *ret (filter_free()). Returns 0 or -ENOMEM. */
int filter_new(const struct filter_options *options, struct filter **ret);
void filter_free(struct filter *f);
DEFINE_CLEANUP(struct filter *, filter_free);

/* The next text goes to FN. */
void filter_set_output(struct filter *f, filter_write_fn fn, void *userdata);

/* As redact_write() and redact_finish(). */
int filter_write(struct filter *f, const void *data, size_t len);
int filter_finish(struct filter *f);

/* Ends a record, see redact_finish_record(); names do not go over its end. */
int filter_finish_record(struct filter *f);

/* The two, for what else can be set and asked; filter_clean() is NULL without it. Borrowed. */
struct redact *filter_redact(struct filter *f);
struct clean *filter_clean(struct filter *f);
