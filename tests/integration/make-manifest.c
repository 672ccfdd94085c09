/* SPDX-License-Identifier: Apache-2.0 */

/* Prints a manifest.json with one collector of each outcome, for tests of its readers. */

#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "lib/manifest.h"
#include "lib/text.h"

static int
print(const void *data, size_t size, void *userdata)
{
	(void)userdata;
	return fwrite(data, 1, size, stdout) == size ? 0 : -EIO;
}

int
main(void)
{
	static const struct {
		const char *name;
		enum outcome outcome;
		int code;
		const char *text;
	} collectors[] = {
		{ "journal", OUTCOME_OK, 0, "" },
		{ "kube", OUTCOME_FAILED, -ECONNREFUSED, "connection refused" },
		{ "lvm", OUTCOME_TIMED_OUT, -ETIMEDOUT, "its 30s were over" },
		{ "host", OUTCOME_SKIPPED, 0, "does not apply" },
	};
	char *argv[] = { (char *)"vgs", NULL };
	struct manifest m = {
		.id = "20261123T142752Z-0007-e585a599",
		.program_version = "0.1.0",
		.hostname = "edge",
		.compression = "xz",
		.status = REPORT_PARTIAL,
		.profile = PROFILE_CRASH,
		.trigger = TRIGGER_UNIT_FAILED,
		.source = SOURCE_WATCHER,
		.end_reason = "the capture was killed",
		.start_usec = 1000000,
		.end_usec = 2000000,
	};
	struct manifest_collector *c;
	struct manifest_command *command;

	for (size_t i = 0; i < ELEMENTSOF(collectors); i++) {
		assert(manifest_add_collector(&m, collectors[i].name, NULL, &c) == 0);
		c->outcome = collectors[i].outcome;
		c->start_usec = 1000000;
		if (collectors[i].code < 0)
			(void)fault_set(
			    &c->fault, collectors[i].code, "%s", collectors[i].text);
	}
	c = m.collectors[0];
	assert(manifest_add_file(c, "sos_commands/logs/journal", 1000, true, 0) == 0);
	c = m.collectors[2];
	assert(manifest_add_command(c, argv, &command) == 0);
	command->timed_out = true;
	assert(manifest_write(&m, print, NULL) == 0);
	manifest_done(&m);
	return 0;
}
