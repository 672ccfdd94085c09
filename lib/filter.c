/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "lib/clean/clean.h"
#include "lib/filter.h"
#include "lib/redact/redact.h"

struct filter {
	struct redact *redact; /* owned */
	struct clean *clean;   /* owned; behind redact, may be NULL */
	filter_write_fn write;
	void *userdata; /* borrowed: the caller's, passed to write */
};

static int
on_cleaned(const void *data, size_t len, void *userdata)
{
	struct filter *f = userdata;

	return f->write(data, len, f->userdata);
}

static int
on_redacted(const void *data, size_t len, void *userdata)
{
	struct filter *f = userdata;

	return f->clean ? clean_write(f->clean, data, len) : f->write(data, len, f->userdata);
}

int
filter_new(const struct filter_options *options, struct filter **ret)
{
	_cleanup_(filter_freep) struct filter *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = redact_new(on_redacted, f, &f->redact);
	if (r < 0)
		return r;
	if (options->own)
		redact_set_own(f->redact, options->own);
	if (options->clean) {
		r = clean_new(options->clean, on_cleaned, f, &f->clean);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(f);
	return 0;
}

void
filter_free(struct filter *f)
{
	if (!f)
		return;
	redact_free(f->redact);
	clean_free(f->clean);
	free(f);
}

void
filter_set_output(struct filter *f, filter_write_fn fn, void *userdata)
{
	f->write = fn;
	f->userdata = userdata;
}

int
filter_write(struct filter *f, const void *data, size_t len)
{
	return redact_write(f->redact, data, len);
}

int
filter_finish(struct filter *f)
{
	int r = redact_finish(f->redact);
	int cleaned = f->clean ? clean_finish(f->clean) : 0;

	return r < 0 ? r : cleaned;
}

int
filter_finish_record(struct filter *f)
{
	int r = redact_finish_record(f->redact);
	int cleaned = f->clean ? clean_finish(f->clean) : 0;

	return r < 0 ? r : cleaned;
}

struct redact *
filter_redact(struct filter *f)
{
	return f->redact;
}

struct clean *
filter_clean(struct filter *f)
{
	return f->clean;
}
