/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/cmdrun.h"
#include "capture/collector.h"
#include "capture/envfilter.h"
#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "capture/stop.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/text.h"

/* A command that prints more than this will not stop by itself. The filter takes well below a
 * second of a core for it. */
#define COMMAND_READ_MAX_BYTES (256u * 1024u * 1024u)

bool
collector_must_stop(const struct collector_context *ctx)
{
	return stop_is_requested() || clock_monotonic_usec() >= ctx->deadline_usec;
}

static int
on_output(const void *data, size_t size, void *userdata)
{
	return bundle_member_write(userdata, data, size);
}

static int
on_json(const void *data, size_t size, void *userdata)
{
	return envfilter_feed(userdata, data, size);
}

/* Says for people how the command ended, or leaves BUF empty when all is well. */
static void
describe_end(const struct cmdrun_result *result, char *buf, size_t size)
{
	char span[32];

	buf[0] = '\0';
	(void)clock_format_span(result->duration_usec, span, sizeof(span));
	if (result->abandoned)
		(void)snprintf(buf, size, "could not be killed, left behind after %s", span);
	else if (result->timed_out)
		(void)snprintf(buf, size, "ended by us after %s, its time was over", span);
	else if (result->stopped)
		(void)snprintf(
		    buf, size, "ended by us after %s, the capture has to stop", span);
	else if (result->too_long)
		(void)snprintf(buf, size, "ended by us after %s, it printed too much", span);
	else if (result->signal > 0)
		(void)snprintf(buf, size, "killed by signal %d (%s)", result->signal,
		    strsignal(result->signal));
	else if (result->exit_status != 0)
		(void)snprintf(buf, size, "exit status %d", result->exit_status);
}

static bool
was_ended_by_us(const struct cmdrun_result *result)
{
	return result->abandoned || result->timed_out || result->stopped || result->too_long;
}

/* Runs the command into the member. Returns as cmdrun(). */
static int
run_into(struct bundle_member *m, const struct collector_context *ctx,
    const struct collector_command *command, struct cmdrun_result *ret, struct fault *reterr)
{
	uint64_t wall = command->wall_usec > 0 ? command->wall_usec : COMMAND_DEFAULT_WALL_USEC;
	struct cmdrun_spec spec = {
		.argv = command->argv,
		.deadline_usec = clock_monotonic_usec() + wall,
		.end_usec = ctx->end_usec,
		.max_read_bytes = COMMAND_READ_MAX_BYTES,
		.drop_stderr = command->drop_stderr,
		.output = command->hide_environment ? on_json : on_output,
	};
	struct envfilter filter;
	char end[128];
	char *note;
	int r;

	if (spec.deadline_usec > ctx->deadline_usec)
		spec.deadline_usec = ctx->deadline_usec;
	envfilter_init(&filter, on_output, m);
	spec.userdata = command->hide_environment ? (void *)&filter : m;
	r = cmdrun(&spec, ret, reterr);
	bundle_member_count_redactions(m, envfilter_count(&filter));
	if (r < 0 || !was_ended_by_us(ret))
		return r;
	describe_end(ret, end, sizeof(end));
	note = text_format("\n[microshift-support: %s]\n", end);
	if (note)
		(void)bundle_member_write(m, note, strlen(note));
	free(note);
	return 0;
}

/* Records what happened. Running out of memory for it must not fail the collector. */
static void
record_command(struct manifest_collector *record, const struct collector_command *command,
    const struct cmdrun_result *result, const char *path, bool truncated, const char *error)
{
	struct manifest_command *c;

	if (!record || manifest_add_command(record, command->argv, &c) < 0)
		return;
	c->exit_status = result->exit_status;
	c->signal = result->signal;
	c->timed_out = result->timed_out;
	c->abandoned = result->abandoned;
	c->truncated = truncated;
	c->start_usec = result->start_usec;
	c->duration_usec = result->duration_usec;
	if (!is_empty(path))
		c->path = strdup(path);
	if (!is_empty(error))
		c->error = strdup(error);
}

static int
begin_output(const struct collector *c, const struct collector_context *ctx,
    const struct collector_command *command, struct bundle_member **ret, struct fault *reterr)
{
	struct bundle_member_options options = {
		.max_bytes =
		    command->max_bytes > 0 ? command->max_bytes : COMMAND_DEFAULT_MAX_BYTES,
		.keep = BUNDLE_KEEP_TAIL,
	};
	char path[LAYOUT_PATH_BYTES];
	int r;

	if (command->path) {
		text_copy(path, sizeof(path), command->path);
	} else {
		r = layout_command_path(c->name, command->argv, path);
		if (r < 0)
			return fault_set(reterr, r, "No file name for '%s'", command->argv[0]);
	}
	r = bundle_member_begin(ctx->bundle, path, &options, ret);
	if (r < 0)
		return fault_set(reterr, r, "No room for '%s': %m", path);
	return 0;
}

int
collector_run_command(const struct collector *c, struct collector_context *ctx,
    const struct collector_command *command, struct fault *reterr)
{
	_cleanup_(bundle_member_abortp) struct bundle_member *m = NULL;
	const char *name = command->argv[0];
	struct cmdrun_result result;
	struct fault fault;
	char end[128];
	bool truncated;
	int r;

	r = begin_output(c, ctx, command, &m, reterr);
	if (r < 0)
		return r;
	r = run_into(m, ctx, command, &result, &fault);
	if (r < 0) {
		record_command(ctx->record, command, &result, NULL, false, fault.text);
		return fault_set(reterr, r, "%s", fault.text);
	}
	r = bundle_member_end(TAKE_PTR(m));
	truncated = r != 0 || was_ended_by_us(&result);
	record_command(
	    ctx->record, command, &result, bundle_last_path(ctx->bundle), truncated, NULL);
	if (r < 0)
		return fault_set(reterr, r, "Cannot store the output of '%s': %m", name);
	describe_end(&result, end, sizeof(end));
	if (end[0] != '\0')
		(void)fault_set(reterr, -EIO, "'%s': %s", name, end);
	else if (r > 0)
		(void)fault_set(reterr, -EFBIG, "'%s': output cut at its beginning", name);
	return end[0] != '\0' || r > 0 ? 1 : 0;
}

int
collector_list_add(struct collector_list *list, const struct collector *c)
{
	const struct collector **items;

	items = reallocarray(list->items, list->n_items + 1, sizeof(const struct collector *));
	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->n_items++] = c;
	return 0;
}

void
collector_list_done(struct collector_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		if (list->items[i]->free)
			list->items[i]->free(list->items[i]);
	free(list->items);
	for (size_t i = 0; i < list->n_problems; i++) {
		free(list->problems[i].collector);
		free(list->problems[i].file);
		free(list->problems[i].text);
	}
	free(list->problems);
	strv_free(list->masked);
	*list = (struct collector_list){ 0 };
}

char *
collector_problem_format(const struct collector_problem *p)
{
	return p->line > 0 ? text_format("%s:%u: %s", p->file, p->line, p->text)
			   : text_format("%s: %s", p->file, p->text);
}
