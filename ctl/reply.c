/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/reply.h"
#include "lib/json.h"
#include "lib/text.h"

const char *
reply_text(const cJSON *object, const char *name)
{
	const char *s = NULL;

	(void)json_get_string(object, name, &s);
	return s ? s : "";
}

uint64_t
reply_uint(const cJSON *object, const char *name)
{
	uint64_t v = 0;

	(void)json_get_uint(object, name, &v);
	return v;
}

bool
reply_bool(const cJSON *object, const char *name)
{
	bool v = false;

	(void)json_get_bool(object, name, &v);
	return v;
}

const cJSON *
reply_member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *
reply_format_outcomes(const cJSON *report, char buf[OUTCOMES_TEXT_BYTES])
{
	static const struct {
		const char *member;
		const char *word;
	} outcomes[] = {
		{ "collectors_ok", "ok" },
		{ "collectors_partial", "partial" },
		{ "collectors_failed", "failed" },
		{ "collectors_timed_out", "timed out" },
		{ "collectors_skipped", "skipped" },
	};
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ELEMENTSOF(outcomes); i++) {
		uint64_t n = reply_uint(report, outcomes[i].member);
		int r;

		if (n == 0)
			continue;
		r = snprintf(buf + used, OUTCOMES_TEXT_BYTES - used, "%s%" PRIu64 " %s",
		    used > 0 ? ", " : "", n, outcomes[i].word);
		if (r < 0 || (size_t)r >= OUTCOMES_TEXT_BYTES - used)
			break;
		used += (size_t)r;
	}
	return buf;
}

/* " (killed, signal 9)", or "" when it is unknown how the process ended. */
static const char *
format_exit(const cJSON *report, char *buf, size_t size)
{
	const char *code = reply_text(report, "exit_code");
	int status = -1;

	if (is_empty(code))
		buf[0] = '\0';
	else if (json_get_int(report, "exit_status", &status) <= 0)
		(void)snprintf(buf, size, " (%s)", code);
	else if (streq(code, "exited"))
		(void)snprintf(buf, size, " (exited, status %d)", status);
	else if (sigabbrev_np(status))
		(void)snprintf(buf, size, " (%s, SIG%s)", code, sigabbrev_np(status));
	else
		(void)snprintf(buf, size, " (%s, signal %d)", code, status);
	return buf;
}

const char *
reply_format_event(const cJSON *report, char *buf, size_t size)
{
	const char *unit = reply_text(report, "unit");
	const char *result = reply_text(report, "result");
	const char *subject = reply_text(report, "subject");
	char exit[64];

	if (!is_empty(subject)) {
		(void)snprintf(buf, size, "%s: %s", subject, reply_text(report, "problem"));
		return buf;
	}
	if (is_empty(unit)) {
		text_copy(buf, size, "taken on request");
		return buf;
	}
	(void)snprintf(buf, size, "%s ended%s%s%s", unit, is_empty(result) ? "" : ": ", result,
	    format_exit(report, exit, sizeof(exit)));
	return buf;
}
