/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cmdrun.h"
#include "capture/collector.h"
#include "capture/collectors/foreach.h"
#include "capture/notes.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/text.h"

#define ITEM_CHARACTERS                                                                        \
 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                        \
 "0123456789._:/@%+=,-"

/* What the command has printed so far. */
struct output {
	char *data; /* owned, [FOREACH_OUTPUT_MAX_BYTES] */
	size_t size;
};

/* The first word of LINE as an item; empty when it is none. */
static void
read_item(const char *line, size_t length, char item[FOREACH_ITEM_BYTES])
{
	size_t n = 0;

	item[0] = '\0';
	while (length > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		length--;
	}
	while (n < length && line[n] != ' ' && line[n] != '\t' && line[n] != '\r')
		n++;
	if (n == 0 || n >= FOREACH_ITEM_BYTES || line[0] == '-')
		return;
	memcpy(item, line, n);
	item[n] = '\0';
	if (strspn(item, ITEM_CHARACTERS) != n)
		item[0] = '\0';
}

int
foreach_parse(
    const char *data, size_t size, uint64_t max_items, char ***ret, size_t *ret_left_out)
{
	_cleanup_(strv_freep) char **items = NULL;
	size_t left_out = 0;
	size_t n = 0;

	for (size_t start = 0; start < size;) {
		const char *end = memchr(data + start, '\n', size - start);
		size_t length = end ? (size_t)(end - data) - start : size - start;
		char item[FOREACH_ITEM_BYTES];
		int r;

		read_item(data + start, length, item);
		start += length + 1;
		if (item[0] == '\0' || strv_contains(items, item))
			continue;
		if (n >= max_items) {
			left_out++;
			continue;
		}
		r = strv_append(&items, item);
		if (r < 0)
			return r;
		n++;
	}
	*ret = TAKE_PTR(items);
	*ret_left_out = left_out;
	return 0;
}

static int
on_output(const void *data, size_t size, void *userdata)
{
	struct output *o = userdata;

	/* Beyond it, cmdrun() ends the command. */
	if (size > FOREACH_OUTPUT_MAX_BYTES - o->size)
		size = FOREACH_OUTPUT_MAX_BYTES - o->size;
	memcpy(o->data + o->size, data, size);
	o->size += size;
	return 0;
}

static int
check_end(const char *program, const struct cmdrun_result *result, struct fault *reterr)
{
	if (result->timed_out || result->stopped || result->abandoned)
		return fault_set(reterr, -ETIME, "'%s' had to be ended", program);
	/* What it said until then are items all the same. */
	if (result->too_long)
		return 0;
	if (result->signal > 0)
		return fault_set(
		    reterr, -EIO, "'%s' was killed by signal %d", program, result->signal);
	if (result->exit_status != 0)
		return fault_set(reterr, -EIO, "'%s' failed with exit status %d", program,
		    result->exit_status);
	return 0;
}

int
foreach_list(struct collector_context *ctx, char *const *argv, uint64_t wall_usec,
    uint64_t max_items, char ***ret, struct fault *reterr)
{
	_cleanup_free_ char *buf = malloc(FOREACH_OUTPUT_MAX_BYTES);
	struct output output = { .data = buf };
	struct cmdrun_spec spec = {
		.argv = argv,
		.deadline_usec = clock_monotonic_usec() +
		    (wall_usec > 0 ? wall_usec : COMMAND_DEFAULT_WALL_USEC),
		.max_read_bytes = FOREACH_OUTPUT_MAX_BYTES,
		.drop_stderr = true,
		.output = on_output,
		.userdata = &output,
	};
	struct cmdrun_result result;
	size_t left_out;
	int r;

	if (!buf)
		return fault_set(reterr, -ENOMEM, "%m");
	if (spec.deadline_usec > ctx->deadline_usec)
		spec.deadline_usec = ctx->deadline_usec;
	r = cmdrun(&spec, &result, reterr);
	if (r >= 0)
		r = check_end(argv[0], &result, reterr);
	if (r < 0)
		return r;
	r = foreach_parse(output.data, output.size, max_items, ret, &left_out);
	if (r < 0)
		return fault_set(reterr, r, "%m");
	if (left_out > 0)
		(void)notes_add(ctx, "'%s' lists %zu more than MaxItems=; they are left out",
		    argv[0], left_out);
	return 0;
}

/* WORD with ITEM in its places; NULL when out of memory. */
static char *
expand_word(const char *word, const char *item)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	const char *place;

	if (!f)
		return NULL;
	for (; (place = strstr(word, FOREACH_PLACE)); word = place + strlen(FOREACH_PLACE))
		(void)fprintf(f, "%.*s%s", (int)(place - word), word, item);
	(void)fputs(word, f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

int
foreach_expand(char *const *argv, const char *item, char ***ret)
{
	_cleanup_(strv_freep) char **list = NULL;

	for (; *argv; argv++) {
		_cleanup_free_ char *word = expand_word(*argv, item);
		int r = word ? strv_append(&list, word) : -ENOMEM;

		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(list);
	return 0;
}
