/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "lib/json.h"
#include "lib/manifest.h"
#include "lib/text.h"

#define ID "20261123T142752Z-0007-e585a599"

static int
on_text(const void *data, size_t size, void *userdata)
{
	return fwrite(data, 1, size, userdata) == size ? 0 : -EIO;
}

static int
on_text_refuse(const void *data, size_t size, void *userdata)
{
	int *left = userdata;

	(void)data;
	(void)size;
	return (*left)-- > 0 ? 0 : -ENOSPC;
}

static char *
print(const struct manifest *m)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert(f);
	assert(manifest_write(m, on_text, f) == 0);
	assert(fclose(f) == 0);
	return text;
}

static void
fill(struct manifest *m)
{
	char *const argv[] = { (char *)"ip", (char *)"-o", (char *)"addr", NULL };
	char *const odd[] = { (char *)"sh", (char *)"-c", (char *)"a \"b\"\n", NULL };
	struct manifest_collector *c;
	struct manifest_command *command;

	*m = (struct manifest){
		.id = ID,
		.program_version = "0.1.0",
		.hostname = "edge-7",
		.compression = "zstd",
		.status = REPORT_PARTIAL,
		.profile = PROFILE_CRASH,
		.trigger = TRIGGER_UNIT_FAILED,
		.source = SOURCE_HOOK,
		.reason = "microshift.service: exit-code 255",
		.event = { .unit = "microshift.service", .result = "exit-code" },
		.end_reason = "time was over",
		.start_usec = UINT64_C(1795353016807447),
		.end_usec = UINT64_C(1795353019807448),
		.raw_bytes = 123456789,
		.redactions = 5,
		.peak_memory_bytes = 30000000,
	};
	m->cmdline = strdup("microshift-support-capture --id " ID);
	assert(manifest_add_collector(m, "journal", "Journal of the units", &c) == 0);
	c->start_usec = UINT64_C(1795353016900000);
	c->duration_usec = 250000;
	c->limit_usec = 30000000;
	assert(manifest_add_file(c, "sos_commands/logs/a", 100, true, 5) == 0);
	assert(manifest_add_file(c, "sos_commands/logs/b", 0, false, 0) == 0);
	assert(manifest_add_missing(c, "sos_commands/logs/c") == 0);
	assert(manifest_add_note(c, "journald dropped 7 \"messages\"") == 0);
	assert(manifest_add_note(c, "/etc/fifo: not read") == 0);

	assert(manifest_add_collector(m, "networking", NULL, &c) == 0);
	c->outcome = OUTCOME_TIMED_OUT;
	(void)fault_set(&c->fault, -ETIMEDOUT, "stopped after 3s");
	assert(manifest_add_command(c, argv, &command) == 0);
	command->exit_status = 0;
	command->path = strdup("sos_commands/networking/ip_-o_addr");
	command->start_usec = UINT64_C(1795353016900001);
	command->duration_usec = 1234;
	assert(manifest_add_command(c, odd, &command) == 0);
	command->signal = 9;
	command->timed_out = command->truncated = command->abandoned = true;
	command->error = strdup("Cannot run");

	assert(manifest_add_collector(m, "crio", NULL, &c) == 0);
	c->outcome = OUTCOME_SKIPPED;
	(void)fault_set(&c->fault, -ENOENT, "unit crio is not installed");
}

static void
test_round_trip(void)
{
	_cleanup_(manifest_done) struct manifest m = { 0 };
	_cleanup_(manifest_done) struct manifest back = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *again = NULL;
	const struct manifest_collector *c;
	struct fault f = { 0 };

	fill(&m);
	text = print(&m);
	if (!ok_int(manifest_parse(text, strlen(text), &back, &f), 0, "reads back"))
		printf("# %s\n# %s\n", f.text, text);
	again = print(&back);
	ok_str(again, text, "and prints the same");
	ok_str(back.event.result, "exit-code", "the event");
	ok_int(back.n_collectors, 3, "all collectors, in order");
	ok_str(back.collectors[0]->name, "journal", "the first one");
	ok_str(back.collectors[0]->description, "Journal of the units", "its description");
	ok_int(back.collectors[0]->n_files, 3, "its files");
	ok(back.collectors[0]->files[0].truncated && back.collectors[0]->files[2].missing,
	    "flags of files");
	ok_int(strv_length(back.collectors[0]->notes), 2, "its notes");
	ok_str(back.collectors[0]->notes[0], "journald dropped 7 \"messages\"", "a note");
	c = back.collectors[1];
	ok(c->outcome == OUTCOME_TIMED_OUT && c->fault.code == -ETIMEDOUT, "outcome");
	ok_str(c->fault.text, "stopped after 3s", "fault");
	ok_str(c->commands[0].command, "ip -o addr", "command");
	ok_int(c->commands[0].exit_status, 0, "its exit status");
	ok(c->commands[1].exit_status == -1 && c->commands[1].signal == 9, "a killed command");
	ok(c->commands[1].abandoned && c->commands[1].timed_out, "flags of commands");
}

/* What readers of sos manifests look for. */
static void
test_sos_names(void)
{
	_cleanup_(manifest_done) struct manifest m = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ cJSON *root = NULL;
	const cJSON *o;
	struct fault f;

	fill(&m);
	text = print(&m);
	assert(json_parse(text, strlen(text), &root, &f) == 0);
	ok(cJSON_HasObjectItem(root, "version") && cJSON_HasObjectItem(root, "cmdline") &&
		cJSON_HasObjectItem(root, "start_time") &&
		cJSON_HasObjectItem(root, "run_time"),
	    "head");
	o = cJSON_GetObjectItem(root, "components");
	o = cJSON_GetObjectItem(o, "report");
	o = cJSON_GetObjectItem(o, "plugins");
	o = cJSON_GetObjectItem(o, "networking");
	ok(cJSON_IsTrue(cJSON_GetObjectItem(o, "timeout_hit")), "timeout_hit of a plugin");
	o = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "commands"), 0);
	ok_str(cJSON_GetObjectItem(o, "command")->valuestring, "ip", "command");
	ok_str(cJSON_GetObjectItem(o, "exec")->valuestring, "ip -o addr", "exec");
	ok(cJSON_HasObjectItem(o, "return_code") && cJSON_HasObjectItem(o, "filepath") &&
		cJSON_HasObjectItem(o, "truncated"),
	    "members of a command");
}

static void
test_errors(void)
{
	_cleanup_(manifest_done) struct manifest m = { 0 };
	_cleanup_free_ char *text = NULL;
	struct manifest back = { .redactions = 77 };
	struct fault f;
	int left;
	bool all = true;

	fill(&m);
	text = print(&m);
	for (left = 0; left < 20; left++) {
		int n = left;

		all = all && manifest_write(&m, on_text_refuse, &n) == -ENOSPC;
	}
	ok(all, "the writer's error is passed on, wherever it comes");
	all = true;
	for (size_t n = 0; n + 2 < strlen(text); n += 3)
		all = all && manifest_parse(text, n, &back, &f) < 0;
	ok(all, "a cut manifest is refused");
	ok(back.redactions == 77, "and the result untouched");
	ok_int(manifest_parse("{}", 2, &back, &f), -EINVAL, "not one of ours");
	*strstr(text, "\"format\":1") = ' ';
	ok(manifest_parse(text, strlen(text), &back, &f) < 0, "no format");
}

static void
test_limits(void)
{
	_cleanup_(manifest_done) struct manifest m = { 0 };
	struct manifest_collector *c;
	struct manifest_command *command;
	char *const argv[] = { (char *)"x", NULL };
	struct outcome_counts counts;
	int r = 0;

	assert(manifest_add_collector(&m, "a", NULL, &c) == 0);
	for (unsigned i = 0; i < MANIFEST_FILES_MAX + 3; i++)
		assert(manifest_add_file(c, "x", 1, false, 0) == 0);
	ok(c->n_files == MANIFEST_FILES_MAX && c->files_uncounted == 3, "files are limited");
	for (unsigned i = 0; i <= MANIFEST_COMMANDS_MAX; i++)
		r = manifest_add_command(c, argv, &command);
	for (unsigned i = 0; i < MANIFEST_NOTES_MAX + 4; i++)
		assert(manifest_add_note(c, "note") == 0);
	ok(strv_length(c->notes) == MANIFEST_NOTES_MAX && c->notes_uncounted == 4,
	    "notes are limited");
	ok(r == -E2BIG && c->n_commands == MANIFEST_COMMANDS_MAX, "commands are limited");

	for (int i = 0; i < _OUTCOME_COUNT; i++) {
		enum outcome o;

		assert(manifest_add_collector(&m, "b", NULL, &c) == 0);
		c->outcome = (enum outcome)i;
		ok(outcome_from_string(outcome_to_string((enum outcome)i), &o) == 0 &&
			(int)o == i,
		    "name of outcome %d", i);
	}
	manifest_count(&m, &counts);
	ok(counts.ok == 2 && counts.partial == 1 && counts.skipped == 1 && counts.failed == 1 &&
		counts.timed_out == 1,
	    "outcomes are counted");
	ok_int(outcome_from_string("great", &(enum outcome){ 0 }), -EINVAL, "unknown outcome");
}

int
main(void)
{
	test_round_trip();
	test_sos_names();
	test_errors();
	test_limits();
	return tap_done();
}
