/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/trigger.h"
#include "lib/clock.h"
#include "lib/text.h"

/* FNV-1a, 64 bits: not against an enemy, only to give equal problems equal names.
 * http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_OFFSET_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME	 UINT64_C(0x100000001b3)

enum trigger
trigger_classify(const struct unit_event *event)
{
	/* An end that was noticed after the fact: nobody knows how far the run had come. */
	if (event->result[0] == '\0')
		return TRIGGER_UNIT_FAILED;
	if (!event->was_ready)
		return TRIGGER_UNIT_STARTUP;
	if (streq(event->result, "success"))
		return TRIGGER_UNIT_EXITED;
	return TRIGGER_UNIT_FAILED;
}

bool
trigger_is_failure(const struct unit_event *event)
{
	return event->result[0] != '\0' && !streq(event->result, "success");
}

enum profile
trigger_profile(enum trigger trigger)
{
	switch (trigger) {
	case TRIGGER_UNIT_STARTUP:
		return PROFILE_STARTUP;
	case TRIGGER_UNIT_FAILED:
	case TRIGGER_UNIT_EXITED:
	case TRIGGER_NEIGHBOUR:
	case TRIGGER_CRASH_LOOP:
		return PROFILE_CRASH;
	case TRIGGER_CERTIFICATE:
		return PROFILE_CERT;
	case TRIGGER_LIVENESS:
		/* It is as if it had not come up: what is it waiting for? */
		return PROFILE_STARTUP;
	case TRIGGER_PRESSURE:
		return PROFILE_PRESSURE;
	case TRIGGER_REQUEST:
	case _TRIGGER_COUNT:
		break;
	}
	return PROFILE_FULL;
}

static uint64_t
hash_text(uint64_t hash, const char *s)
{
	/* The NUL is hashed too, so that "ab","c" and "a","bc" differ. */
	for (size_t i = 0; i <= strlen(s); i++)
		hash = (hash ^ (unsigned char)s[i]) * FNV_PRIME;
	return hash;
}

void
trigger_key(enum trigger trigger, const struct unit_event *event, char key[REPORT_KEY_BYTES])
{
	uint64_t hash = FNV_OFFSET_BASIS;
	char exit[32];

	(void)snprintf(
	    exit, sizeof(exit), "%d/%d", event->exec_main_code, event->exec_main_status);
	hash = hash_text(hash, trigger_to_string(trigger));
	hash = hash_text(hash, event->unit);
	hash = hash_text(hash, event->result);
	if (trigger != TRIGGER_NEIGHBOUR) {
		hash = hash_text(hash, exit);
		hash = hash_text(hash, event->was_ready ? "ready" : "starting");
	}
	(void)snprintf(key, REPORT_KEY_BYTES, "%016" PRIx64, hash);
}

void
trigger_loop_key(const char *dominant, char key[REPORT_KEY_BYTES])
{
	uint64_t hash = FNV_OFFSET_BASIS;

	hash = hash_text(hash, trigger_to_string(TRIGGER_CRASH_LOOP));
	hash = hash_text(hash, dominant);
	(void)snprintf(key, REPORT_KEY_BYTES, "%016" PRIx64, hash);
}

void
trigger_finding_key(const struct finding *finding, char key[REPORT_KEY_BYTES])
{
	uint64_t hash = FNV_OFFSET_BASIS;

	hash = hash_text(hash, trigger_to_string(finding->trigger));
	hash = hash_text(hash, finding->subject);
	if (finding->trigger == TRIGGER_CERTIFICATE) {
		hash = hash_text(hash, finding->problem);
		hash = hash_text(hash, finding->detail);
	}
	(void)snprintf(key, REPORT_KEY_BYTES, "%016" PRIx64, hash);
}

uint64_t
trigger_pause_usec(enum trigger trigger)
{
	if (trigger == TRIGGER_NEIGHBOUR)
		return 30 * USEC_PER_MINUTE;
	return trigger == TRIGGER_CRASH_LOOP ? 6 * USEC_PER_HOUR : 0;
}

uint64_t
trigger_finding_pause_usec(const struct finding *finding)
{
	switch (finding->trigger) {
	case TRIGGER_CERTIFICATE:
		return streq(finding->problem, FINDING_EXPIRING) ||
			streq(finding->problem, FINDING_REPLACED) ||
			streq(finding->problem, FINDING_CLOCK)
		    ? USEC_PER_DAY
		    : USEC_PER_HOUR;
	case TRIGGER_LIVENESS:
		return USEC_PER_HOUR;
	case TRIGGER_PRESSURE:
		return 6 * USEC_PER_HOUR;
	case TRIGGER_REQUEST:
	case TRIGGER_UNIT_FAILED:
	case TRIGGER_UNIT_EXITED:
	case TRIGGER_UNIT_STARTUP:
	case TRIGGER_NEIGHBOUR:
	case TRIGGER_CRASH_LOOP:
	case _TRIGGER_COUNT:
		break;
	}
	return 0;
}

static void
describe_exit(const struct unit_event *event, char *buf, size_t size)
{
	const char *name;

	switch (event->exec_main_code) {
	case CLD_EXITED:
		(void)snprintf(buf, size, "exited with status %d", event->exec_main_status);
		break;
	case CLD_KILLED:
	case CLD_DUMPED:
		name = sigabbrev_np(event->exec_main_status);
		if (name)
			(void)snprintf(buf, size, "was killed by SIG%s%s", name,
			    event->exec_main_code == CLD_DUMPED ? " and dumped core" : "");
		else
			(void)snprintf(
			    buf, size, "was killed by signal %d", event->exec_main_status);
		break;
	default:
		text_copy(buf, size, "ended");
		break;
	}
}

void
trigger_describe(const struct unit_event *event, char reason[REASON_BYTES])
{
	char exit[64];

	if (event->result[0] == '\0') {
		(void)snprintf(reason, REASON_BYTES, "%.100s ended while nobody was watching",
		    event->unit);
		return;
	}
	describe_exit(event, exit, sizeof(exit));
	(void)snprintf(reason, REASON_BYTES, "%.100s %s%s%s%s%s", event->unit, exit,
	    event->was_ready ? "" : " before it was ready",
	    streq(event->result, "timeout") ? " (time limit)" : "",
	    streq(event->result, "success") ? ", nobody had asked for it" : "",
	    event->is_final ? "; systemd gave up restarting it" : "");
}

void
trigger_describe_loop(const struct unit_event *event, uint64_t count, char reason[REASON_BYTES])
{
	char end[REASON_BYTES];

	trigger_describe(event, end);
	(void)snprintf(
	    reason, REASON_BYTES, "%.200s; end %" PRIu64 " of a crash loop", end, count);
}
