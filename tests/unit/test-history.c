/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/collectors/builtin.h"
#include "lib/json.h"
#include "lib/log.h"
#include "tests/lib/lab.h"

#define CSV                                                                                    \
 "time,boot,load_1min,mem_free_kib,microshift.service_state\n"                                 \
 "2026-11-23T13:07:52Z,12345678,0.05,,activating\n"                                            \
 "2026-11-23T13:08:02Z,00c0ffee,12.50,7,active\n"

static void
open_with(struct lab *lab, const char *csv)
{
	lab_open(lab);
	lab->request.flash = cJSON_CreateObject();
	assert(json_add_text(lab->request.flash, FLASH_HISTORY_MEMBER, csv) == 0);
}

static enum outcome
run(struct lab *lab)
{
	enum outcome outcome;

	assert(history_collector.applies(&history_collector, &lab->ctx, NULL));
	outcome = history_collector.run(&history_collector, &lab->ctx, &lab->ctx.record->fault);
	lab_close(lab);
	return outcome;
}

static void
test_history(void)
{
	_cleanup_lab_ struct lab lab;

	open_with(&lab, CSV);
	ok_int(run(&lab), OUTCOME_OK, "a history");
	ok_str(lab_text(&lab, "sos_commands/microshift-support/history.csv"), CSV, "as CSV");
	ok_str(lab_text(&lab, "sos_commands/microshift-support/history.json"),
	    "{\"samples\": [\n"
	    "{\"time\":\"2026-11-23T13:07:52Z\",\"boot\":\"12345678\",\"load_1min\":0.05,"
	    "\"microshift.service_state\":\"activating\"},\n"
	    "{\"time\":\"2026-11-23T13:08:02Z\",\"boot\":\"00c0ffee\",\"load_1min\":12.5,"
	    "\"mem_free_kib\":7,\"microshift.service_state\":\"active\"}\n]}\n",
	    "and as JSON, without what is absent");
}

static void
test_damaged(void)
{
	_cleanup_lab_ struct lab lab;

	open_with(&lab, "time,boot\n1,2\n1,2,3\n1,2\n");
	ok_int(run(&lab), OUTCOME_PARTIAL, "a cell without a column");
	ok_str(fault_text(&lab.ctx.record->fault), "the history is damaged", "is said");
	ok_str(lab_text(&lab, "sos_commands/microshift-support/history.json"),
	    "{\"samples\": [\n{\"time\":1,\"boot\":\"2\"}\n]}\n", "what came before is there");
}

static void
test_none(void)
{
	_cleanup_lab_ struct lab lab;
	struct fault fault = { 0 };

	lab_open(&lab);
	ok(!history_collector.applies(&history_collector, &lab.ctx, &fault), "no flash");
	lab.request.flash = cJSON_CreateObject();
	ok(!history_collector.applies(&history_collector, &lab.ctx, &fault), "no history");
	ok(strstr(fault_text(&fault), "Enabled=no"), "and why: %s", fault_text(&fault));
}

int
main(void)
{
	log_set_sink(LOG_SINK_NONE);
	test_history();
	test_damaged();
	test_none();
	return tap_done();
}
