/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/runtrack.h"
#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/text.h"
#include "tests/lib/signals.h"

#define UNIT "microshift.service"
#define BOOT "0123456789abcdef0123456789abcdef"

/* What came out, one event a line: "ended c5b6 signal 2/9 nr=0 ready". */
struct transcript {
	struct runtrack rt;
	struct unit_snapshot snapshot;
	char text[8192];
};

static void
note(struct transcript *t, const struct run_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct unit_event *e = &events[i].event;
		size_t used = strlen(t->text);

		ok(streq(e->unit, UNIT) && streq(e->boot_id, BOOT), "unit and boot are told");
		ok(e->is_final == (events[i].type == RUN_FINAL), "is_final goes with final");
		if (events[i].type == RUN_STARTED || events[i].type == RUN_READY)
			(void)snprintf(t->text + used, sizeof(t->text) - used, "%s %.4s%s\n",
			    run_event_type_to_string(events[i].type), e->invocation_id,
			    events[i].is_missed ? " missed" : "");
		else
			(void)snprintf(t->text + used, sizeof(t->text) - used,
			    "%s %.4s %s %d/%d nr=%" PRIu64 "%s%s%s\n",
			    run_event_type_to_string(events[i].type),
			    e->invocation_id[0] ? e->invocation_id : "?",
			    e->result[0] ? e->result : "?", e->exec_main_code,
			    e->exec_main_status, e->n_restarts, e->was_ready ? " ready" : "",
			    events[i].is_requested ? " requested" : "",
			    events[i].is_missed ? " missed" : "");
	}
}

static void
feed(struct transcript *t)
{
	struct run_event events[RUNTRACK_EVENTS_MAX];

	note(t, events, runtrack_feed(&t->rt, &t->snapshot, events));
}

static void
settle(struct transcript *t)
{
	struct run_event events[RUNTRACK_EVENTS_MAX];

	note(t, events, runtrack_settle(&t->rt, events));
}

/* Recordings. */

static const cJSON *
property(const cJSON *signal, const char *name)
{
	const cJSON *properties = cJSON_GetObjectItemCaseSensitive(signal, "properties");
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(properties, name);

	assert(value);
	return cJSON_GetArrayItem(value, 1);
}

static uint64_t
number(const cJSON *signal, const char *name)
{
	return (uint64_t)property(signal, name)->valuedouble;
}

#define COPY_TEXT(member, name)                                                                \
 text_copy(s->member, sizeof(s->member), property(signal, name)->valuestring)

static void
read_service(const cJSON *signal, struct unit_snapshot *s)
{
	COPY_TEXT(result, "Result");
	s->main_pid = number(signal, "MainPID");
	s->exec_main_pid = number(signal, "ExecMainPID");
	s->exec_main_code = (int)number(signal, "ExecMainCode");
	s->exec_main_status = (int)number(signal, "ExecMainStatus");
	s->n_restarts = number(signal, "NRestarts");
	s->exec_main_start_usec = number(signal, "ExecMainStartTimestamp");
	s->exec_main_exit_usec = number(signal, "ExecMainExitTimestamp");
	s->exec_main_start_monotonic_usec = number(signal, "ExecMainStartTimestampMonotonic");
	s->exec_main_exit_monotonic_usec = number(signal, "ExecMainExitTimestampMonotonic");
}

static void
read_unit(const cJSON *signal, struct unit_snapshot *s)
{
	const cJSON *id = property(signal, "InvocationID");

	COPY_TEXT(active_state, "ActiveState");
	COPY_TEXT(sub_state, "SubState");
	s->job_id = (uint32_t)cJSON_GetArrayItem(property(signal, "Job"), 0)->valuedouble;
	s->inactive_exit_monotonic_usec = number(signal, "InactiveExitTimestampMonotonic");
	s->active_enter_monotonic_usec = number(signal, "ActiveEnterTimestampMonotonic");
	s->state_change_monotonic_usec = number(signal, "StateChangeTimestampMonotonic");
	for (int i = 0; i < cJSON_GetArraySize(id); i++)
		(void)snprintf(s->invocation_id + 2 * i, 3, "%02x",
		    (unsigned)cJSON_GetArrayItem(id, i)->valueint);
}

static void
on_signal(const cJSON *signal, void *userdata)
{
	struct transcript *t = userdata;
	const char *interface = signal_interface(signal);

	if (!interface)
		return;
	if (streq(interface, "Service")) {
		read_service(signal, &t->snapshot);
		return;
	}
	read_unit(signal, &t->snapshot);
	feed(t);
}

/* Finds the invocation that the recording begins with. */
static void
on_signal_find(const cJSON *signal, void *userdata)
{
	struct transcript *t = userdata;

	if (t->snapshot.invocation_id[0] == '\0' && signal_interface(signal) &&
	    streq(signal_interface(signal), "Unit"))
		read_unit(signal, &t->snapshot);
}

/* BEFORE is the state of the unit before the recording: `active` or `failed` with the
 * invocation that the recording begins with, or `inactive` without any. */
static void
check_recording(const char *name, const char *before, const char *want)
{
	struct transcript t = { 0 };

	runtrack_init(&t.rt, UNIT, BOOT);
	if (!streq(before, "inactive"))
		signals_for_each(name, on_signal_find, &t);
	t.snapshot.job_id = 0;
	t.snapshot.inactive_exit_monotonic_usec = 0;
	t.snapshot.exec_main_exit_usec = streq(before, "active") ? 0 : 1;
	t.snapshot.resync = true;
	text_copy(t.snapshot.result, sizeof(t.snapshot.result), "success");
	text_copy(t.snapshot.active_state, sizeof(t.snapshot.active_state), before);
	text_copy(t.snapshot.sub_state, sizeof(t.snapshot.sub_state),
	    streq(before, "active")	  ? "running"
		: streq(before, "failed") ? "failed"
					  : "dead");
	feed(&t);
	ok_str(t.text, "", "%s: nothing is told about what was before", name);

	t.snapshot = (struct unit_snapshot){ 0 };
	signals_for_each(name, on_signal, &t);
	ok_str(t.text, want, "%s", name);
}

/* The same on both systemds, where the runs A and B have these invocations. */
static void
check_both(const char *name, const char *before, const char *a252, const char *b252,
    const char *a257, const char *b257, const char *want)
{
	const char *const folders[] = { "systemd252-standin", "systemd257" };
	const char *const a[] = { a252, a257 };
	const char *const b[] = { b252, b257 };

	for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
		char file[128];
		char text[1024] = "";

		(void)snprintf(file, sizeof(file), "%s/%s.jsonl", folders[i], name);
		for (const char *c = want; *c; c++) {
			size_t used = strlen(text);
			bool is_run = c > want && c[-1] == ' ' && (*c == 'A' || *c == 'B');

			(void)snprintf(text + used, sizeof(text) - used, "%.*s", is_run ? 4 : 1,
			    !is_run	    ? c
				: *c == 'A' ? a[i]
					    : b[i]);
		}
		check_recording(file, before, text);
	}
}

static void
test_recordings(void)
{
	check_recording("systemd252/sigkill.jsonl", "active",
	    "ended c5b6 signal 2/9 nr=0 ready\n"
	    "started f429\n"
	    "ready f429\n");
	check_recording("systemd252/etcd-killed-exit0.jsonl", "active",
	    "ended f429 success 1/0 nr=1 ready\n"
	    "started 14b2\n"
	    "ready 14b2\n");
	check_recording("systemd252/sigterm-self.jsonl", "active",
	    "ended 14b2 exit-code 1/1 nr=2 ready\n"
	    "started b929\n"
	    "ready b929\n");
	check_recording("systemd252/systemctl-restart.jsonl", "active",
	    "ended b929 success 1/0 nr=3 ready requested\n"
	    "started e585\n"
	    "ready e585\n");
	/* A stop that ends in `failed` is still a stop. */
	check_recording("systemd252/systemctl-stop.jsonl", "active",
	    "ended e585 exit-code 1/1 nr=0 ready requested\n");
	check_recording("systemd252/clean-start.jsonl", "inactive",
	    "started 859d\n"
	    "ready 859d\n");
	check_recording("systemd252/bad-config-start-limit.jsonl", "failed",
	    "started 769c\n"
	    "ended 769c exit-code 1/1 nr=0\n"
	    "started 0dfa\n"
	    "ended 0dfa exit-code 1/1 nr=1\n"
	    "started d1bb\n"
	    "ended d1bb exit-code 1/1 nr=2\n"
	    "started d61b\n"
	    "ended d61b exit-code 1/1 nr=3\n"
	    "started ece1\n"
	    "ended ece1 exit-code 1/1 nr=4\n"
	    "final ece1 exit-code 1/1 nr=5\n");
	check_recording("systemd257/sigkill.jsonl", "active",
	    "ended 91c0 signal 2/9 nr=1 ready\n"
	    "started 994c\n"
	    "ended 994c signal 2/9 nr=2\n"
	    "started f3d7\n"
	    "ready f3d7\n");
	check_recording("systemd257/sigsegv.jsonl", "active",
	    "ended 731d signal 2/11 nr=0 ready\n"
	    "started 91c0\n"
	    "ready 91c0\n");
	check_recording("systemd257/stop.jsonl", "active",
	    "ended 9164 success 2/15 nr=0 ready requested\n");
	check_both("crash-in-reload", "active", "af7f", "7913", "0c1e", "d39a",
	    "ended A signal 2/9 nr=0 ready\nstarted B\nready B\n");
	check_both("daemon-reload-in-restart", "active", "69e6", "442a", "7e6b", "be26",
	    "ended A signal 2/9 nr=0 ready\nstarted B\nready B\n");
	check_both("restart-in-restart", "active", "64de", "2197", "c513", "dff5",
	    "ended A signal 2/9 nr=0 ready\nstarted B\nready B\n");
	check_both("restart-while-starting", "inactive", "7e3e", "926e", "821b", "fb82",
	    "started A\nended A success 2/15 nr=0 requested\nstarted B\nready B\n");
	check_both("stop-while-starting", "inactive", "b9aa", "", "bfe0", "",
	    "started A\nended A success 2/15 nr=0 requested\n");
	check_both("stop-timeout", "active", "bd54", "", "2f46", "",
	    "ended A timeout 2/9 nr=0 ready requested\n");
	check_recording("systemd252-standin/reload.jsonl", "active", "");
	check_recording("systemd252-standin/stop-in-restart.jsonl", "active",
	    "ended 9db8 signal 2/9 nr=0 ready\n");
	check_recording("systemd252-standin/start-timeout.jsonl", "inactive",
	    "started 794e\n"
	    "ended 794e timeout 2/15 nr=0\n"
	    "started 56da\n");
	check_recording("systemd257/exit0-after-ready.jsonl", "active",
	    "ended 062d success 1/0 nr=0 ready\n"
	    "started d6ac\n"
	    "ready d6ac\n");
	check_recording("systemd257/restart-mode-direct.jsonl", "active",
	    "ended 7a24 signal 2/9 nr=0 ready\n"
	    "started d5c1\n"
	    "ready d5c1\n");
	check_recording("systemd257/start-limit.jsonl", "inactive",
	    "started 12e1\n"
	    "ended 12e1 exit-code 1/1 nr=0\n"
	    "started 0170\n"
	    "ended 0170 exit-code 1/1 nr=1\n"
	    "started 14ec\n"
	    "ended 14ec exit-code 1/1 nr=2\n"
	    "started f185\n"
	    "ended f185 exit-code 1/1 nr=3\n"
	    "started 5c45\n"
	    "ended 5c45 exit-code 1/1 nr=4\n"
	    "final 5c45 exit-code 1/1 nr=5\n");
	check_recording("systemd252-standin/exit0-before-ready.jsonl", "inactive",
	    "started 7f04\n"
	    "ended 7f04 protocol 1/0 nr=0\n");
	check_recording("systemd257/exit0-before-ready.jsonl", "inactive",
	    "started eea2\n"
	    "ended eea2 protocol 1/0 nr=0\n"
	    "ended ec6b resources 0/0 nr=1\n");
	check_recording("systemd252-standin/restart-no.jsonl", "active",
	    "ended 7492 signal 2/9 nr=0 ready\n");
	/* It killed itself, and another process of it keeps the unit busy. */
	check_recording("systemd257/exit0.jsonl", "active", "");
	check_recording("systemd257/restart.jsonl", "active", "");
}

/* Sequences by hand: "ACTIVE/SUB inv=A job=7 result=exit-code nr=1 pid=5 …". What is not named
 * stays as it was in the snapshot before; `read` marks a full read. "settle" lets 300 ms pass.
 */

static void
set_word(struct unit_snapshot *s, const char *word)
{
	const char *value = strchr(word, '=');
	uint64_t n = value ? strtoull(value + 1, NULL, 10) : 0;

	if (text_has_prefix(word, "inv="))
		text_copy(s->invocation_id, sizeof(s->invocation_id), value + 1);
	else if (text_has_prefix(word, "result="))
		text_copy(s->result, sizeof(s->result), value + 1);
	else if (text_has_prefix(word, "job="))
		s->job_id = (uint32_t)n;
	else if (text_has_prefix(word, "nr="))
		s->n_restarts = n;
	else if (text_has_prefix(word, "pid="))
		s->main_pid = n;
	else if (text_has_prefix(word, "code="))
		s->exec_main_code = (int)n;
	else if (text_has_prefix(word, "status="))
		s->exec_main_status = (int)n;
	else if (text_has_prefix(word, "start="))
		s->exec_main_start_usec = s->exec_main_start_monotonic_usec = n;
	else if (text_has_prefix(word, "exit="))
		s->exec_main_exit_usec = s->exec_main_exit_monotonic_usec = n;
	else if (text_has_prefix(word, "left-inactive="))
		s->inactive_exit_monotonic_usec = n;
	else if (text_has_prefix(word, "became-active="))
		s->active_enter_monotonic_usec = n;
	else if (streq(word, "never-restarts"))
		s->never_restarts = true;
	else if (streq(word, "read"))
		s->resync = true;
	else
		assert(false);
}

static void
feed_line(struct transcript *t, char *line)
{
	char *save = NULL;
	char *state = strtok_r(line, " ", &save);
	char *slash;

	if (streq(state, "settle")) {
		settle(t);
		return;
	}
	slash = strchr(state, '/');
	assert(slash);
	*slash = '\0';
	t->snapshot.resync = false;
	text_copy(t->snapshot.active_state, sizeof(t->snapshot.active_state), state);
	text_copy(t->snapshot.sub_state, sizeof(t->snapshot.sub_state), slash + 1);
	for (char *word; (word = strtok_r(NULL, " ", &save));)
		set_word(&t->snapshot, word);
	feed(t);
}

static void
feed_script(struct transcript *t, const char *script)
{
	_cleanup_free_ char *copy = strdup(script);
	char *save = NULL;

	assert(copy);
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		feed_line(t, line);
}

static void
check(const char *name, const char *script, const char *want)
{
	struct transcript t = { 0 };

	runtrack_init(&t.rt, UNIT, BOOT);
	feed_script(&t, script);
	ok_str(t.text, want, "%s", name);
}

/* A run A that is up, seen from its start on. */
#define UP_A                                                                                   \
 "inactive/dead read result=success\n"                                                         \
 "inactive/dead inv=A job=1 pid=10 start=100\n"                                                \
 "activating/start left-inactive=101\n"                                                        \
 "active/running became-active=110\n"                                                          \
 "active/running job=0\n"
#define TOLD_A "started A\nready A\n"

static void
test_ends(void)
{
	check("RHEL 9.9: failed-before-auto-restart, but a dead flash as well",
	    UP_A
	    "failed/failed-before-auto-restart result=exit-code code=1 status=2 pid=0 exit=200\n"
	    "activating/auto-restart left-inactive=201\n"
	    "activating/auto-restart nr=1 job=2\n"
	    "inactive/dead inv=B result=success code=0 status=0 exit=0 start=300 pid=11\n"
	    "activating/start\n",
	    TOLD_A "ended A exit-code 1/2 nr=0 ready\nstarted B\n");
	check("exit 0 on 257",
	    UP_A "inactive/dead-before-auto-restart code=1 pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\n"
		 "activating/auto-restart-queued nr=1 job=2\n"
		 "activating/auto-restart-queued inv=B exit=0 code=0 start=300 pid=11\n"
		 "activating/start\n"
		 "active/running\n",
	    TOLD_A "ended A success 1/0 nr=0 ready\nstarted B\nready B\n");
	check("RestartMode=direct never passes failed",
	    UP_A
	    "activating/auto-restart result=signal code=2 status=9 pid=0 exit=200\n"
	    "activating/auto-restart-queued nr=1 job=2\n"
	    "activating/auto-restart-queued inv=B result=success code=0 status=0 exit=0 pid=11\n"
	    "activating/start\n",
	    TOLD_A "ended A signal 2/9 nr=0 ready\nstarted B\n");
	check("a run that could not even be spawned",
	    UP_A "failed/failed result=signal pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\n"
		 "activating/auto-restart nr=1 job=2\n"
		 "inactive/dead inv=B result=success exit=0 start=0\n"
		 "failed/failed result=resources\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\nended B resources 0/0 nr=1\n");
	check("READY never came: timeout",
	    "inactive/dead read\n"
	    "inactive/dead inv=A job=1 pid=10 start=100 result=success\n"
	    "activating/start left-inactive=101\n"
	    "deactivating/stop-sigterm result=timeout\n"
	    "deactivating/stop-sigkill\n"
	    "failed/failed pid=0 code=2 status=9 exit=200\n"
	    "failed/failed job=0\n"
	    "activating/auto-restart\n",
	    "started A\nended A timeout 2/9 nr=0\n");
	check("exit 0 before READY: protocol",
	    "inactive/dead read\n"
	    "inactive/dead inv=A job=1 pid=10 start=100 result=success\n"
	    "activating/start\n"
	    "deactivating/stop-sigterm result=protocol pid=0 code=1 exit=120\n"
	    "failed/failed\n"
	    "activating/auto-restart job=0\n",
	    "started A\nended A protocol 1/0 nr=0\n");
	check("dead, but another of its processes lives: told when all is over, as what it was",
	    UP_A "deactivating/stop-sigterm code=2 status=15 pid=0 exit=200\n"
		 "deactivating/stop-sigterm job=9\n"
		 "inactive/dead\n",
	    TOLD_A "ended A success 2/15 nr=0 ready\n");
	check("crash while it reloads",
	    UP_A "active/running job=5\n"
		 "reloading/reload\n"
		 "failed/failed result=signal pid=0 exit=200\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\n");
	check("crash after a reload",
	    UP_A "active/running job=5\n"
		 "reloading/reload\n"
		 "active/running job=0\n"
		 "failed/failed result=signal pid=0 exit=200\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\n");
	check("crash, and a start by hand before PID 1 had told of it",
	    UP_A "failed/failed job=7 result=exit-code pid=0 exit=200\n"
		 "failed/failed inv=B result=success exit=0 pid=11\n"
		 "activating/start\n",
	    TOLD_A "ended A exit-code 0/0 nr=0 ready\nstarted B\n");
	check("the process says STOPPING=1 and ends",
	    UP_A "deactivating/stop-sigterm\n"
		 "inactive/dead pid=0 code=1 exit=200\n",
	    TOLD_A "ended A success 1/0 nr=0 ready\n");
}

static void
test_requested(void)
{
	check("stop",
	    UP_A "active/running job=5\n"
		 "deactivating/stop-sigterm\n"
		 "inactive/dead pid=0 code=1 exit=200\n"
		 "inactive/dead job=0\nsettle\n",
	    TOLD_A "ended A success 1/0 nr=0 ready requested\n");
	check("stop at shutdown: the job was not told on its own",
	    UP_A "deactivating/stop-sigterm job=5\n"
		 "inactive/dead pid=0 exit=200\n",
	    TOLD_A "ended A success 0/0 nr=0 ready requested\n");
	check("stop that times out: planned, unclean",
	    UP_A "active/running job=5\n"
		 "deactivating/stop-sigterm\n"
		 "deactivating/stop-sigkill result=timeout\n"
		 "failed/failed pid=0 code=2 status=9 exit=200\n"
		 "failed/failed job=0\nsettle\n",
	    TOLD_A "ended A timeout 2/9 nr=0 ready requested\n");
	check("stop while it starts",
	    "inactive/dead read\n"
	    "inactive/dead inv=A job=1 pid=10 start=100 result=success\n"
	    "activating/start\n"
	    "activating/start job=2\n"
	    "deactivating/stop-sigterm\n"
	    "inactive/dead pid=0 code=2 status=15 exit=130\n"
	    "inactive/dead job=0\n",
	    "started A\nended A success 2/15 nr=0 requested\n");
	check("restart while it starts: merged into the start job",
	    "inactive/dead read\n"
	    "inactive/dead inv=A job=1 pid=10 start=100 result=success\n"
	    "activating/start\n"
	    "deactivating/stop-sigterm\n"
	    "inactive/dead pid=0 code=2 status=15 exit=130\n"
	    "inactive/dead inv=B pid=11 exit=0\n"
	    "activating/start\n",
	    "started A\nended A success 2/15 nr=0 requested\nstarted B\n");
	check("stop while it waits for the restart",
	    UP_A "failed/failed result=signal pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\n"
		 "activating/auto-restart job=6\n"
		 "inactive/dead\n"
		 "inactive/dead job=0\nsettle\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\n");
	check("reset-failed",
	    UP_A "active/running job=5\n"
		 "deactivating/stop-sigterm\n"
		 "failed/failed result=exit-code pid=0 exit=200\n"
		 "failed/failed job=0\n"
		 "inactive/dead result=success nr=0\n",
	    TOLD_A "ended A exit-code 0/0 nr=0 ready requested\n");
	check("a job that is cancelled asked for nothing in the end",
	    UP_A "active/running job=5\n"
		 "active/running job=0\n"
		 "failed/failed result=signal pid=0 exit=200\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\n");
	check("a oneshot that did its work",
	    "inactive/dead read\n"
	    "inactive/dead inv=A job=1 pid=10 start=100 result=success\n"
	    "activating/start\n"
	    "inactive/dead pid=0 code=1 exit=120\n"
	    "inactive/dead job=0\n",
	    "started A\nended A success 1/0 nr=0 requested\n");
	check("a oneshot that failed",
	    "inactive/dead read\n"
	    "inactive/dead inv=A job=1 pid=10 start=100 result=success\n"
	    "activating/start\n"
	    "failed/failed result=exit-code pid=0 code=1 status=1 exit=120\n"
	    "failed/failed job=0\nsettle\n",
	    "started A\nended A exit-code 1/1 nr=0\nfinal A exit-code 1/1 nr=0\n");
	check("ExecCondition= said no",
	    "inactive/dead read\n"
	    "inactive/dead inv=A job=1 result=success\n"
	    "activating/condition\n"
	    "inactive/dead result=exec-condition\n",
	    "started A\nended A exec-condition 0/0 nr=0 requested\n");
	check("a condition that is not met: nothing runs",
	    "inactive/dead read result=success\n"
	    "inactive/dead job=1\n"
	    "inactive/dead job=0\n",
	    "");
}

static void
test_final(void)
{
	check("start limit on 257: the same invocation fails for good",
	    UP_A "failed/failed-before-auto-restart result=exit-code pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\n"
		 "activating/auto-restart-queued nr=1 job=2\n"
		 "failed/failed\n"
		 "failed/failed job=0\nsettle\n",
	    TOLD_A "ended A exit-code 0/0 nr=0 ready\nfinal A exit-code 0/0 nr=1 ready\n");
	check("Restart=no: `failed` that lasts",
	    UP_A "failed/failed result=signal pid=0 exit=200\nsettle\nsettle\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\nfinal A signal 0/0 nr=0 ready\n");
	check("`failed` that does not last",
	    UP_A "failed/failed result=signal pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\nsettle\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\n");
	check("crashed, and stopped while other processes of it ended",
	    UP_A "deactivating/stop-sigterm result=signal pid=0 exit=200\n"
		 "deactivating/stop-sigterm job=9\n"
		 "failed/failed\n"
		 "failed/failed job=0\nsettle\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\n");
	check("a start that is refused after stops by hand",
	    UP_A "active/running job=5\n"
		 "deactivating/stop-sigterm\n"
		 "inactive/dead pid=0 exit=200\n"
		 "inactive/dead job=0\n"
		 "failed/failed job=6 result=start-limit-hit\n"
		 "failed/failed job=0\n",
	    TOLD_A "ended A success 0/0 nr=0 ready requested\n"
		   "final A start-limit-hit 0/0 nr=0 ready\n");
	check("a start by hand that is refused again tells nothing new",
	    UP_A "failed/failed result=exit-code pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\n"
		 "inactive/dead job=2 nr=1\n"
		 "failed/failed\n"
		 "failed/failed job=0\n"
		 "failed/failed job=3\n"
		 "failed/failed job=0\nsettle\n",
	    TOLD_A "ended A exit-code 0/0 nr=0 ready\nfinal A exit-code 0/0 nr=1 ready\n");
}

/* Full reads: at start, after daemon-reload, after the bus or PID 1 came back. */
static void
test_reads(void)
{
	check("first look: running", "active/running read inv=A pid=10 start=100\n", "");
	check("first look: starting, then a crash",
	    "activating/start read inv=A job=1 pid=10 start=100 result=success\n"
	    "failed/failed result=exit-code pid=0 exit=120\n",
	    "ended A exit-code 0/0 nr=0\n");
	check("first look: starting, then ready",
	    "activating/start read inv=A job=1 pid=10 start=100 result=success\n"
	    "active/running became-active=110\n",
	    "ready A\n");
	check("first look: being stopped",
	    "deactivating/stop-sigterm read inv=A job=4 start=100 became-active=110 result=success\n"
	    "inactive/dead exit=120\n",
	    "ended A success 0/0 nr=0 ready requested\n");
	check("first look: ending by itself",
	    "deactivating/stop-sigterm read inv=A start=100 became-active=110 exit=115 result=success\n"
	    "inactive/dead\n",
	    "ended A success 0/0 nr=0 ready\n");
	check("first look: waiting for a restart",
	    "activating/auto-restart read inv=A result=exit-code start=100 exit=120 left-inactive=121\n",
	    "ended A exit-code 0/0 nr=0 missed\n");
	check("first look: failed at the start limit",
	    "failed/failed read inv=A result=exit-code nr=5 start=100 exit=120 left-inactive=121\n"
	    "failed/failed read\n",
	    "ended A exit-code 0/0 nr=5 missed\nfinal A exit-code 0/0 nr=5 missed\n");
	check("first look: failed when it was stopped, after restarts",
	    "failed/failed read inv=A result=exit-code nr=3 start=100 exit=120 left-inactive=101\n",
	    "");
	check("first look: failed, and is never restarted",
	    "failed/failed read inv=A result=signal start=100 exit=120 left-inactive=101 never-restarts\n",
	    "ended A signal 0/0 nr=0 missed\nfinal A signal 0/0 nr=0 missed\n");
	check("first look: stopped",
	    "inactive/dead read inv=A result=success start=100 exit=120 left-inactive=101\n",
	    "");
	check("not installed, installed, started, removed",
	    "inactive/dead read result=success\n"
	    "inactive/dead read\n"
	    "inactive/dead inv=A job=1 pid=10 start=100\n"
	    "activating/start\n"
	    "active/running\n"
	    "active/running job=0\n"
	    "active/running job=2\n"
	    "deactivating/stop-sigterm\n"
	    "inactive/dead pid=0 exit=200\n"
	    "inactive/dead read inv= result=success job=0\n",
	    TOLD_A "ended A success 0/0 nr=0 ready requested\n");
	check("nothing happened", UP_A "active/running read\nactive/running read\n", TOLD_A);
	check("daemon-reload within the 100 ms",
	    UP_A
	    "activating/auto-restart read result=exit-code pid=0 exit=200 left-inactive=201\n"
	    "inactive/dead inv=B job=2 nr=1 result=success exit=0 pid=11\n"
	    "activating/start\n",
	    TOLD_A "ended A exit-code 0/0 nr=0 ready missed\nstarted B\n");
	check("daemon-reload, and the first that is told again is the flash of the next run",
	    UP_A "inactive/dead inv=B job=2 nr=1 result=success pid=11\n"
		 "activating/start\n",
	    TOLD_A "ended A ? 0/0 nr=0 ready missed\nstarted B\n");
	check("ended and restarted meanwhile",
	    UP_A "active/running read inv=B nr=1 pid=11 start=300 became-active=310\n",
	    TOLD_A "ended A ? 0/0 nr=0 ready missed\nstarted B missed\nready B missed\n");
	check("restarted by hand meanwhile",
	    "active/running read inv=A nr=3 pid=10 start=100\n"
	    "active/running read inv=B nr=0 pid=11 start=300\n",
	    "ended A ? 0/0 nr=3 ready requested missed\nstarted B missed\nready B missed\n");
	check("restarted by hand, then crashed, meanwhile",
	    "active/running read inv=A nr=3 pid=10 start=100\n"
	    "active/running read inv=B nr=1 pid=11 start=300\n",
	    "ended A ? 0/0 nr=3 ready missed\nstarted B missed\nready B missed\n");
	check("was being stopped when the bus went, and runs again",
	    UP_A "active/running job=5\n"
		 "active/running read inv=B job=0 nr=0 pid=11 start=300\n",
	    TOLD_A
	    "ended A ? 0/0 nr=0 ready requested missed\nstarted B missed\nready B missed\n");
	check("stopped meanwhile", UP_A "inactive/dead read pid=0 exit=200\n",
	    TOLD_A "ended A success 0/0 nr=0 ready requested missed\n");
	check("stopped meanwhile, uncleanly",
	    UP_A "failed/failed read result=exit-code pid=0 exit=200\nsettle\n",
	    TOLD_A "ended A exit-code 0/0 nr=0 ready requested missed\n");
	check("failed to the start limit meanwhile",
	    UP_A "failed/failed read inv=E nr=5 result=exit-code pid=0 start=300 exit=320 "
		 "left-inactive=321\n",
	    TOLD_A "ended A ? 0/0 nr=0 ready missed\n"
		   "ended E exit-code 0/0 nr=5 missed\nfinal E exit-code 0/0 nr=5 missed\n");
	check("crashed, and stopped before it was restarted, meanwhile",
	    UP_A "inactive/dead read result=success pid=0 exit=200 left-inactive=201\n",
	    TOLD_A "ended A success 0/0 nr=0 ready missed\n");
	check("stopped and unloaded meanwhile",
	    UP_A "inactive/dead read inv= pid=0 start=0 became-active=0 left-inactive=0\n",
	    TOLD_A "ended A ? 0/0 nr=0 ready requested missed\n");
	check("ended once more, unseen",
	    UP_A "failed/failed result=signal pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\n"
		 "active/running read inv=C nr=3 pid=12 exit=0 result=success\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\nended ? ? 0/0 nr=3 missed\n"
		   "started C missed\nready C missed\n");
	check("the one restart that was due",
	    UP_A "failed/failed result=signal pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\n"
		 "active/running read inv=B nr=1 pid=11 exit=0 result=success\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\nstarted B missed\nready B missed\n");
	check("the start limit was seen only afterwards",
	    UP_A "failed/failed result=signal pid=0 exit=200\n"
		 "activating/auto-restart left-inactive=201\n"
		 "failed/failed read nr=1\n",
	    TOLD_A "ended A signal 0/0 nr=0 ready\nfinal A signal 0/0 nr=1 ready missed\n");
}

static void
test_state(void)
{
	_cleanup_json_ cJSON *json = NULL;
	struct transcript before = { 0 };
	struct transcript after = { 0 };
	struct runtrack_state state;

	runtrack_init(&before.rt, UNIT, BOOT);
	feed_script(&before, UP_A);
	json = runtrack_state_to_json(&before.rt.state);
	assert(json);
	ok_int(runtrack_state_from_json(json, &state, NULL), 0, "state is read again");
	ok_int(memcmp(&state, &before.rt.state, sizeof(state)), 0, "and is the same");

	runtrack_init(&after.rt, UNIT, BOOT);
	ok(runtrack_import(&after.rt, &state), "state of this unit and boot is taken");
	feed_script(&after, "active/running read inv=B nr=1 pid=11\n");
	ok_str(after.text,
	    "ended A ? 0/0 nr=0 ready missed\nstarted B missed\nready B missed\n",
	    "the end that the daemon slept through is told");

	after = (struct transcript){ 0 };
	runtrack_init(&after.rt, UNIT, BOOT);
	ok(runtrack_import(&after.rt, &state), "again");
	feed_script(&after, "active/running read inv=A pid=10\n");
	ok_str(after.text, "", "nothing happened meanwhile");

	text_copy(state.boot_id, sizeof(state.boot_id), "ffff");
	runtrack_init(&after.rt, UNIT, BOOT);
	ok(!runtrack_import(&after.rt, &state), "state of another boot is refused");
	runtrack_init(&after.rt, "crio.service", BOOT);
	ok(!runtrack_import(&after.rt, &before.rt.state), "state of another unit is refused");

	cJSON_ReplaceItemInObjectCaseSensitive(json, "phase", cJSON_CreateString("odd"));
	ok_int(runtrack_state_from_json(json, &state, NULL), -EINVAL, "unknown phase");
	cJSON_ReplaceItemInObjectCaseSensitive(json, "phase", cJSON_CreateString("alive"));
	cJSON_ReplaceItemInObjectCaseSensitive(
	    json, "last_job", cJSON_CreateNumber(4294967296.0));
	ok_int(runtrack_state_from_json(json, &state, NULL), -EINVAL, "job out of range");
	cJSON_DeleteItemFromObjectCaseSensitive(json, "unit");
	ok_int(runtrack_state_from_json(json, &state, NULL), -EINVAL, "no unit");
}

int
main(void)
{
	test_recordings();
	test_ends();
	test_requested();
	test_final();
	test_reads();
	test_state();
	return tap_done();
}
