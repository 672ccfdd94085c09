/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the OnFailure= hook knows about a failed unit: the MONITOR_* variables of
 * systemd.exec(5) and the moment the hook ran. It travels as the parameters of the Failed
 * method, or as a file in the inbox when the daemon cannot be reached.
 *
 * It is a hint, not a fact: systemd fills MONITOR_* from the live unit when the hook is
 * spawned, and with RestartSec=100ms that may already be the next run. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/report.h"
#include "lib/unitname.h"

struct fault;
typedef struct cJSON cJSON;

/* Largest inbox file that is accepted; a real one has about 400 bytes. */
#define FAILURE_MAX_BYTES  4096u
/* "exited", "killed", "dumped", and room for a later word. */
#define EXIT_CODE_BYTES	   16u
/* An exit status as a number, or a signal's name without SIG ("RTMIN+13" is the longest). */
#define EXIT_STATUS_BYTES  16u
/* INVOCATION-ID.json, or 32 random hex digits instead of the ID. */
#define FAILURE_NAME_BYTES (ID128_BYTES + 5u)

struct failure_notice {
	char unit[UNIT_NAME_BYTES];
	char invocation_id[ID128_BYTES];     /* MONITOR_INVOCATION_ID, "" unknown */
	char result[STATE_NAME_BYTES];	     /* MONITOR_SERVICE_RESULT, "" unknown */
	char exit_code[EXIT_CODE_BYTES];     /* MONITOR_EXIT_CODE, "" unknown */
	char exit_status[EXIT_STATUS_BYTES]; /* MONITOR_EXIT_STATUS, "" unknown */
	char boot_id[ID128_BYTES];	     /* of the hook, "" unknown */
	uint64_t boottime_usec;		     /* CLOCK_BOOTTIME when the hook started */
	uint64_t realtime_usec;		     /* wall clock when the hook started */
};

/* The parameters of Failed: a new object that the caller owns, NULL when out of memory. */
cJSON *failure_notice_to_json(const struct failure_notice *notice);

/* Reads and checks such an object. Returns 0, or -EINVAL with the member in *reterr. Members it
 * does not know are ignored. On failure *ret is untouched. */
int failure_notice_from_json(
    const cJSON *object, struct failure_notice *ret, struct fault *reterr);

/* The text of an inbox file: the same members and a version. The caller frees it; NULL when out
 * of memory. */
char *failure_notice_print(const struct failure_notice *notice);

/* Reads an inbox file. Returns as failure_notice_from_json(), or -ENOMEM; a newer version is
 * -EINVAL. */
int failure_notice_parse(
    const char *data, size_t size, struct failure_notice *ret, struct fault *reterr);

/* Name of the inbox file of NOTICE. The same run gives the same name, so that a hook that runs
 * twice for it leaves one file. */
void failure_notice_name(const struct failure_notice *notice, char name[FAILURE_NAME_BYTES]);

/* Translates the exit code and status to what D-Bus calls ExecMainCode (CLD_EXITED …) and
 * ExecMainStatus (exit status or signal number). Both are 0 when they are unknown. */
void failure_notice_exec_main(
    const struct failure_notice *notice, int *ret_code, int *ret_status);
