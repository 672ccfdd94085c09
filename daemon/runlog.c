/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "daemon/runlog.h"
#include "lib/failure.h"
#include "lib/json.h"
#include "lib/text.h"

struct runlog {
	struct run runs[RUNLOG_MAX]; /* a ring */
	size_t next;
	size_t n_runs;
};

int
runlog_new(struct runlog **ret)
{
	struct runlog *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*ret = l;
	return 0;
}

void
runlog_free(struct runlog *l)
{
	free(l);
}

/* The I-th newest run, or NULL. */
static struct run *
nth_newest(struct runlog *l, size_t i)
{
	if (i >= l->n_runs)
		return NULL;
	return &l->runs[(l->next + RUNLOG_MAX - 1 - i) % RUNLOG_MAX];
}

static struct run *
find(struct runlog *l, const char *boot_id, const char *unit, const char *invocation_id)
{
	struct run *run;

	if (is_empty(invocation_id))
		return NULL;
	for (size_t i = 0; (run = nth_newest(l, i)); i++)
		if (streq(run->invocation_id, invocation_id) && streq(run->unit, unit) &&
		    streq(run->boot_id, boot_id))
			return run;
	return NULL;
}

static struct run *
append(struct runlog *l)
{
	struct run *run = &l->runs[l->next];

	l->next = (l->next + 1) % RUNLOG_MAX;
	if (l->n_runs < RUNLOG_MAX)
		l->n_runs++;
	*run = (struct run){ 0 };
	return run;
}

bool
runlog_add(
    struct runlog *l, const struct unit_event *event, bool planned, uint64_t boottime_usec)
{
	struct run *run;

	if (find(l, event->boot_id, event->unit, event->invocation_id))
		return false;
	run = append(l);
	text_copy(run->boot_id, sizeof(run->boot_id), event->boot_id);
	text_copy(run->unit, sizeof(run->unit), event->unit);
	text_copy(run->invocation_id, sizeof(run->invocation_id), event->invocation_id);
	run->ended_boottime_usec = boottime_usec;
	run->planned = planned;
	return true;
}

/* The newest ended run of the unit that no hook has told of yet. */
static struct run *
find_stale(struct runlog *l, const struct failure_notice *notice)
{
	struct run *run;

	for (size_t i = 0; (run = nth_newest(l, i)); i++)
		if (!run->hooked && streq(run->unit, notice->unit) &&
		    streq(run->boot_id, notice->boot_id))
			return run;
	return NULL;
}

bool
runlog_match_notice(
    struct runlog *l, const struct failure_notice *notice, const char *current_invocation_id)
{
	struct run *run = find(l, notice->boot_id, notice->unit, notice->invocation_id);

	if (!run &&
	    (streq(notice->result, "success") ||
		(!is_empty(notice->invocation_id) &&
		    streq(notice->invocation_id, current_invocation_id))))
		run = find_stale(l, notice);
	if (!run)
		return false;
	run->hooked = true;
	return true;
}

static int
add_run(cJSON *array, const struct run *run)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "boot_id", run->boot_id) < 0 ||
	    json_add_text(object, "unit", run->unit) < 0 ||
	    json_add_text(object, "invocation_id", run->invocation_id) < 0 ||
	    json_add_uint(object, "ended_boottime_usec", run->ended_boottime_usec) < 0 ||
	    json_add_bool(object, "planned", run->planned) < 0 ||
	    json_add_bool(object, "hooked", run->hooked) < 0)
		return -ENOMEM;
	return cJSON_AddItemToArray(array, TAKE_PTR(object)) ? 0 : -ENOMEM;
}

cJSON *
runlog_to_json(const struct runlog *l)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();

	if (!array)
		return NULL;
	/* Oldest first, the order in which they are added again. */
	for (size_t i = l->n_runs; i > 0; i--)
		if (add_run(array, nth_newest((struct runlog *)l, i - 1)) < 0)
			return NULL;
	return TAKE_PTR(array);
}

void
runlog_from_json(struct runlog *l, const cJSON *array)
{
	const cJSON *object;

	cJSON_ArrayForEach (object, array) {
		struct run run = { 0 };

		if (json_get_text(object, "boot_id", run.boot_id, sizeof(run.boot_id)) < 0 ||
		    json_get_text(object, "unit", run.unit, sizeof(run.unit)) <= 0 ||
		    json_get_text(object, "invocation_id", run.invocation_id,
			sizeof(run.invocation_id)) < 0 ||
		    json_get_uint(object, "ended_boottime_usec", &run.ended_boottime_usec) <
			0 ||
		    json_get_bool(object, "planned", &run.planned) < 0 ||
		    json_get_bool(object, "hooked", &run.hooked) < 0)
			continue;
		*append(l) = run;
	}
}
