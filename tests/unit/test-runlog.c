/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/runlog.h"
#include "lib/failure.h"
#include "lib/json.h"
#include "lib/text.h"

#define UNIT "microshift.service"
#define BOOT "0123456789abcdef0123456789abcdef"

static struct unit_event
end_of(const char *invocation)
{
	struct unit_event ev = { .unit = UNIT, .boot_id = BOOT };

	text_copy(ev.invocation_id, sizeof(ev.invocation_id), invocation);
	return ev;
}

static struct failure_notice
notice_of(const char *invocation, const char *result)
{
	struct failure_notice n = { .unit = UNIT, .boot_id = BOOT };

	text_copy(n.invocation_id, sizeof(n.invocation_id), invocation);
	text_copy(n.result, sizeof(n.result), result);
	return n;
}

static bool
add(struct runlog *l, const char *invocation)
{
	struct unit_event ev = end_of(invocation);

	return runlog_add(l, &ev, false, 1);
}

static bool
match(struct runlog *l, const char *invocation, const char *result, const char *current)
{
	struct failure_notice n = notice_of(invocation, result);

	return runlog_match_notice(l, &n, current);
}

static void
test_identity(void)
{
	_cleanup_(runlog_freep) struct runlog *l = NULL;
	struct unit_event ev;

	assert(runlog_new(&l) == 0);
	ok(add(l, "a"), "an end is new");
	ok(!add(l, "a"), "told again it is known");
	ok(add(l, "b"), "another run is new");
	ev = end_of("a");
	text_copy(ev.unit, sizeof(ev.unit), "crio.service");
	ok(runlog_add(l, &ev, false, 1), "the same ID of another unit is new");
	ev = end_of("a");
	ev.boot_id[0] = 'f';
	ok(runlog_add(l, &ev, false, 1), "and of another boot");
	ok(add(l, "") && add(l, ""), "without an ID each counts");
}

static void
test_hook(void)
{
	_cleanup_(runlog_freep) struct runlog *l = NULL;

	assert(runlog_new(&l) == 0);
	ok(!match(l, "a", "exit-code", ""), "a notice of an unknown run");
	(void)add(l, "a");
	ok(match(l, "a", "exit-code", ""), "a notice of a known run");
	ok(match(l, "a", "exit-code", ""), "and again");

	(void)add(l, "b");
	ok(match(l, "c", "success", "c"), "MONITOR_* of the next run: it is the ended one");
	ok(!match(l, "c", "success", "c"), "which has its notice now");

	(void)add(l, "c");
	ok(match(l, "d", "exit-code", "d"), "so it is when the ID is that of the current run");
	ok(!match(l, "e", "exit-code", "d"),
	    "a run that is neither ended nor current is unknown");
}

static void
test_ring(void)
{
	_cleanup_(runlog_freep) struct runlog *l = NULL;
	_cleanup_(runlog_freep) struct runlog *back = NULL;
	_cleanup_json_ cJSON *json = NULL;
	char id[8];

	assert(runlog_new(&l) == 0 && runlog_new(&back) == 0);
	for (unsigned i = 0; i < RUNLOG_MAX + 1; i++) {
		(void)snprintf(id, sizeof(id), "%u", i);
		(void)add(l, id);
	}
	ok(!add(l, "2"), "RUNLOG_MAX runs are remembered");
	json = runlog_to_json(l);
	runlog_from_json(back, json);
	ok(!add(back, "32") && !add(back, "1"), "also when read back");
	ok(add(back, "0"), "the oldest is forgotten");
	ok(add(back, "1"), "one after the other");
	ok(match(back, "x", "success", "x"), "the newest without a hook is matched");
}

int
main(void)
{
	test_identity();
	test_hook();
	test_ring();
	return tap_done();
}
