/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <unistd.h>

#include "capture/collectors/builtin.h"
#include "lib/log.h"
#include "tests/lib/lab.h"

/* The collector that TEXT declares. */
static void
declare(struct lab *lab, const char *text, struct collector_list *list)
{
	_cleanup_free_ char *dir = text_format("%s/collect.d", lab->out.path);
	char *dirs[] = { dir, NULL };
	struct fault f;

	assert(dir);
	assert(io_mkdir_p(lab->out.fd, "collect.d", 0755) == 0);
	tmpdir_put(&lab->out, "collect.d/demo.conf", text);
	assert(declared_load(dirs, list, &f) == 0);
	assert(list->n_items == 1);
}

static enum outcome
run(struct lab *lab, const struct collector_list *list)
{
	return list->items[0]->run(list->items[0], &lab->ctx, &lab->ctx.record->fault);
}

static const struct manifest_command *
command(const struct lab *lab, const char *words)
{
	for (size_t i = 0; i < lab->ctx.record->n_commands; i++)
		if (streq(lab->ctx.record->commands[i].command, words))
			return &lab->ctx.record->commands[i];
	return NULL;
}

static void
test_everything(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;
	const struct collector *c;

	lab_open(&lab);
	lab_put(&lab, "etc/demo/a.conf", "alpha\n");
	lab_put(&lab, "etc/demo/no/b.conf", "beta\n");
	declare(&lab,
	    "[Collector]\nDescription=A demo\nPlugin=other\nPriority=33\nTimeoutSec=7\n"
	    "MaxSize=5M\nProfiles=full\n"
	    "[Files]\nCopy=/etc/demo\nForbid=/etc/demo/no\nList=/etc/demo\n"
	    "[Journal]\nUnits=demo.service\n"
	    "[Commands]\nRun=echo hello world\nRun=sh -c 'exit 3'\nRun=no-such-program -x\n"
	    "[Command merged]\nExec=sh -c 'echo out; echo err >&2'\n"
	    "[Command out-only]\nExec=sh -c 'echo out; echo err >&2'\nStderr=discard\n"
	    "[Command crash-only]\nExec=echo crash\nProfiles=crash\n",
	    &list);
	c = list.items[0];
	ok_str(c->name, "demo", "name");
	ok_str(c->description, "A demo", "description");
	ok_int(c->priority, 33, "priority");
	ok_int(c->wall_usec, 7 * USEC_PER_SEC, "timeout");
	ok_int(c->max_bytes, 5 << 20, "size");
	ok_int(c->profiles, PROFILE_BIT(PROFILE_FULL), "profiles");
	ok(c->applies(c, &lab.ctx, NULL), "applies without a condition");
	ok_int(run(&lab, &list), OUTCOME_OK, "runs");
	lab_close(&lab);
	ok_str(lab_text(&lab, "etc/demo/a.conf"), "alpha\n", "a file");
	ok(!lab_find(&lab, "etc/demo/no/b.conf"), "not the forbidden one");
	ok(lab_find(&lab, "sos_commands/other/find_.etc.demo_-ls"), "a listing");
	ok(lab_find(&lab, "sos_commands/other/journalctl_--no-pager_--unit_demo"), "a journal");
	ok_str(lab_text(&lab, "sos_commands/other/echo_hello_world"), "hello world\n",
	    "a command, in the directory of the plugin");
	ok(lab_find(&lab, "sos_commands/other/sh_-c_exit_3"), "one that fails is stored");
	ok_int(command(&lab, "sh -c exit 3")->exit_status, 3, "with its status");
	ok(!lab_find(&lab, "sos_commands/other/no-such-program_-x"), "one that is missing");
	ok(command(&lab, "no-such-program -x") && command(&lab, "no-such-program -x")->error,
	    "is recorded with the reason");
	ok_str(lab_text(&lab, "sos_commands/other/merged"), "out\nerr\n", "Stderr=merge");
	ok_str(lab_text(&lab, "sos_commands/other/out-only"), "out\n", "Stderr=discard");
	ok(!lab_find(&lab, "sos_commands/other/crash-only"), "not those of another profile");
}

static void
test_for_each(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	declare(&lab,
	    "[Command look]\nForEach=printf '%s\\n' one two/x -o three\nMaxItems=3\n"
	    "Exec=sh -c 'test {} != two/x && echo {}'\nDirectory=things\n"
	    "[Command none]\nForEach=no-such-program\nExec=echo {}\n"
	    "[Command slow]\nForEach=echo a b\nTimeoutSec=200ms\nExec=sleep 7{}\n"
	    "[Command plain]\nExec=echo {}\n",
	    &list);
	ok_int(run(&lab, &list), OUTCOME_OK, "runs: %s", fault_text(&lab.ctx.record->fault));
	lab_close(&lab);
	ok_str(lab_text(&lab, "sos_commands/demo/things/look_one"), "one\n",
	    "a file for each, in its directory");
	ok_str(lab_text(&lab, "sos_commands/demo/things/look_two.x"), "",
	    "one that fails has what it said");
	ok_int(command(&lab, "sh -c test two/x != two/x && echo two/x")->exit_status, 1,
	    "its status is recorded");
	ok_str(lab_text(&lab, "sos_commands/demo/things/look_three"), "three\n",
	    "and it does not cost the others");
	ok(lab_has_note(&lab, "none: Cannot run 'no-such-program'"),
	    "a list that is missing is noted");
	ok_str(lab_text(&lab, "sos_commands/demo/plain"), "{}\n",
	    "{} means nothing without ForEach=");
}

static void
test_for_each_that_fails(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	declare(&lab,
	    "[Command broken]\nForEach=sh -c 'echo a; exit 4'\nExec=echo {}\n"
	    "[Command hung]\nForEach=seq 1 5\nExec=sleep 7{}\nTimeoutSec=100ms\n"
	    "[Commands]\nRun=echo after\n",
	    &list);
	ok_int(run(&lab, &list), OUTCOME_PARTIAL, "something is missing");
	lab_close(&lab);
	ok_str(fault_text(&lab.ctx.record->fault), "'sh' failed with exit status 4",
	    "the first of it is told");
	ok(!lab_find(&lab, "sos_commands/demo/broken_a"),
	    "no item is taken from a failed list");
	ok(command(&lab, "sleep 72") && !command(&lab, "sleep 73"),
	    "after two that hang, the others are left out");
	ok_str(
	    lab_text(&lab, "sos_commands/demo/echo_after"), "after\n", "other commands go on");
}

static void
test_environment(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	declare(&lab,
	    "[Command hidden]\nExec=echo '{\"env\":[\"A=b\"]}'\nRedact=environment\n"
	    "[Command shown]\nExec=echo '{\"env\":[\"A=b\"]}'\n",
	    &list);
	ok_int(run(&lab, &list), OUTCOME_OK, "runs");
	ok_int(bundle_redactions(lab.bundle), 1, "a value is counted");
	lab_close(&lab);
	ok_str(lab_text(&lab, "sos_commands/demo/hidden"),
	    "{\"env\":[\"A=[REDACTED:secret]\"]}\n", "Redact=environment");
	ok_str(lab_text(&lab, "sos_commands/demo/shown"), "{\"env\":[\"A=b\"]}\n",
	    "a harmless name elsewhere");
}

static void
test_condition(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;
	struct fault f = { 0 };

	lab_open(&lab);
	declare(&lab, "[Condition]\nPathExists=/usr/bin/demo\n", &list);
	ok(!list.items[0]->applies(list.items[0], &lab.ctx, &f), "does not apply");
	ok_str(fault_text(&f), "nothing of its [Condition] is here, such as /usr/bin/demo",
	    "and says why");
	lab_put(&lab, "usr/bin/demo", "");
	ok(list.items[0]->applies(list.items[0], &lab.ctx, &f), "applies when it is there");
}

static void
test_slow_command(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;
	uint64_t start = clock_monotonic_usec();

	lab_open(&lab);
	declare(&lab,
	    "[Commands]\nTimeoutSec=200ms\nRun=sleep 71\nRun=sleep 72\nRun=sleep 73\n"
	    "Run=echo after\n",
	    &list);
	ok_int(run(&lab, &list), OUTCOME_PARTIAL, "a command that hangs");
	lab_close(&lab);
	ok(clock_monotonic_usec() - start < 10 * USEC_PER_SEC, "is ended");
	ok(command(&lab, "sleep 71")->timed_out, "and recorded as such");
	ok(strstr(fault_text(&lab.ctx.record->fault), "'sleep'"), "the fault names it (%s)",
	    fault_text(&lab.ctx.record->fault));
	ok(command(&lab, "sleep 72") && !command(&lab, "sleep 73"),
	    "after two of them the program is left alone");
	ok(lab_has_note(&lab, "sleep_73: not run, 'sleep' hung before"), "which is noted");
	ok_str(lab_text(&lab, "sos_commands/demo/echo_after"), "after\n", "others go on");
}

static void
test_deadline(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	declare(&lab, "[Commands]\nRun=sleep 75\nRun=echo after\n", &list);
	lab.ctx.deadline_usec = clock_monotonic_usec() + 300 * USEC_PER_MSEC;
	ok_int(run(&lab, &list), OUTCOME_TIMED_OUT, "the collector's time is over");
	lab_close(&lab);
	ok(!lab_find(&lab, "sos_commands/demo/echo_after"), "nothing more is started");
}

static void
test_budget(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	declare(&lab,
	    "[Commands]\nRun=seq 100000\nRun=echo after\n"
	    "[Command cut]\nExec=seq 1000\nMaxSize=1K\n",
	    &list);
	bundle_set_scope(lab.bundle, lab.ctx.record, 50000, USEC_INFINITY);
	ok_int(run(&lab, &list), OUTCOME_PARTIAL, "output beyond the budget");
	lab_close(&lab);
	ok(lab_text(&lab, "sos_commands/demo/seq_100000"), "what fits is there");
}

static void
test_cut_output(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_lab_ struct lab lab;
	const char *text;

	lab_open(&lab);
	declare(&lab, "[Command cut]\nExec=seq 1000\nMaxSize=1K\n", &list);
	ok_int(run(&lab, &list), OUTCOME_PARTIAL, "output beyond MaxSize=");
	lab_close(&lab);
	text = lab_text(&lab, "sos_commands/demo/cut");
	ok(text && strstr(text, "\n1000\n") && !strstr(text, "\n1\n"), "keeps its end");
}

static void
test_builtin_name(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	char *dirs[] = { t.path, NULL };
	struct fault f;

	tmpdir_put(&t, "journal.conf", "[Collector]\n");
	tmpdir_put(&t, "mine.conf", "[Collector]\n");
	ok_int(declared_load(dirs, &list, &f), 0, "a definition with the name of a built-in");
	ok_int(list.n_items, 1, "is left out");
}

/* The definitions that we ship have no mistakes. */
static void
test_shipped(void)
{
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	const char *srcdir = getenv("top_srcdir");
	_cleanup_free_ char *dir = text_format("%s/conf/collect.d", srcdir ? srcdir : ".");
	char *dirs[] = { dir, NULL };
	struct fault f;

	ok_int(declared_load(dirs, &list, &f), 0, "the shipped definitions load");
	ok(list.n_items >= 5, "there are some (%zu)", list.n_items);
	for (size_t i = 0; i < list.n_items; i++)
		ok(*list.items[i]->description, "%s has a description", list.items[i]->name);
}

static void
test_units_without_bus(void)
{
	_cleanup_lab_ struct lab lab;

	if (access("/run/systemd/private", F_OK) == 0) {
		tap_skip("systemd runs here");
		return;
	}
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	lab_open(&lab);
	ok_int(units_collector.run(&units_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_SKIPPED, "no bus, no systemd: skipped");
	ok(strstr(fault_text(&lab.ctx.record->fault), "systemd cannot be asked"), "and why");
}

static void
test_flash(void)
{
	_cleanup_lab_ struct lab lab;
	const char *text;

	lab_open(&lab);
	text_copy(lab.request.id, sizeof(lab.request.id), "20261123T142752Z-0007-e585a599");
	ok_int(flash_collector.run(&flash_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "the request");
	lab_close(&lab);
	text = lab_text(&lab, "sos_commands/microshift-support/flash.json");
	ok(text && strstr(text, "20261123T142752Z-0007-e585a599"), "is in the report");
}

int
main(void)
{
	log_set_sink(LOG_SINK_NONE);
	test_everything();
	test_for_each();
	test_for_each_that_fails();
	test_environment();
	test_condition();
	test_slow_command();
	test_deadline();
	test_budget();
	test_cut_output();
	test_builtin_name();
	test_shipped();
	test_units_without_bus();
	test_flash();
	return tap_done();
}
