/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lib/clock.h"
#include "lib/failure.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"

#define NOTICE_VERSION 1u
#define ID128_CHARS    (ID128_BYTES - 1u)

static bool
is_id128_or_empty(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return s[n] == '\0' && (n == 0 || n == ID128_CHARS);
}

/* A word of systemd: it goes into log lines and tables, so no control characters or spaces. */
static bool
is_word_or_empty(const char *s)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("-+_", *s))
			return false;
	return true;
}

cJSON *
failure_notice_to_json(const struct failure_notice *notice)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_text(object, "unit", notice->unit) < 0 ||
	    json_add_text(object, "invocation_id", notice->invocation_id) < 0 ||
	    json_add_text(object, "result", notice->result) < 0 ||
	    json_add_text(object, "exit_code", notice->exit_code) < 0 ||
	    json_add_text(object, "exit_status", notice->exit_status) < 0 ||
	    json_add_text(object, "boot_id", notice->boot_id) < 0 ||
	    json_add_uint(object, "boottime_usec", notice->boottime_usec) < 0 ||
	    json_add_uint(object, "realtime_usec", notice->realtime_usec) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* One text member: copied into BUF[SIZE] and accepted by IS_VALID. */
static int
get_checked(const cJSON *object, const char *name, char *buf, size_t size,
    bool (*is_valid)(const char *), struct fault *reterr)
{
	if (json_get_text(object, name, buf, size) < 0 || !is_valid(buf))
		return fault_set(reterr, -EINVAL, "member '%s' is invalid", name);
	return 0;
}

static int
get_times(const cJSON *object, struct failure_notice *notice, struct fault *reterr)
{
	if (json_get_uint(object, "boottime_usec", &notice->boottime_usec) < 0)
		return fault_set(reterr, -EINVAL, "member 'boottime_usec' is invalid");
	if (json_get_uint(object, "realtime_usec", &notice->realtime_usec) < 0)
		return fault_set(reterr, -EINVAL, "member 'realtime_usec' is invalid");
	return 0;
}

int
failure_notice_from_json(const cJSON *object, struct failure_notice *ret, struct fault *reterr)
{
	struct failure_notice n = { 0 };
	int r;

	if (!cJSON_IsObject(object))
		return fault_set(reterr, -EINVAL, "not a JSON object");
	r = get_checked(object, "unit", n.unit, sizeof(n.unit), unit_name_is_valid, reterr);
	if (r < 0)
		return r;
	r = get_checked(object, "invocation_id", n.invocation_id, sizeof(n.invocation_id),
	    is_id128_or_empty, reterr);
	if (r < 0)
		return r;
	r = get_checked(object, "result", n.result, sizeof(n.result), is_word_or_empty, reterr);
	if (r < 0)
		return r;
	r = get_checked(
	    object, "exit_code", n.exit_code, sizeof(n.exit_code), is_word_or_empty, reterr);
	if (r < 0)
		return r;
	r = get_checked(object, "exit_status", n.exit_status, sizeof(n.exit_status),
	    is_word_or_empty, reterr);
	if (r < 0)
		return r;
	r = get_checked(
	    object, "boot_id", n.boot_id, sizeof(n.boot_id), is_id128_or_empty, reterr);
	if (r < 0)
		return r;
	r = get_times(object, &n, reterr);
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}

char *
failure_notice_print(const struct failure_notice *notice)
{
	_cleanup_json_ cJSON *object = failure_notice_to_json(notice);

	if (!object || json_add_uint(object, "version", NOTICE_VERSION) < 0)
		return NULL;
	return json_print(object, false);
}

int
failure_notice_parse(
    const char *data, size_t size, struct failure_notice *ret, struct fault *reterr)
{
	_cleanup_json_ cJSON *object = NULL;
	uint64_t version = 0;
	int r;

	if (size > FAILURE_MAX_BYTES)
		return fault_set(reterr, -EINVAL, "larger than %u bytes", FAILURE_MAX_BYTES);
	r = json_parse(data, size, &object, reterr);
	if (r < 0)
		return r;
	if (json_get_uint(object, "version", &version) < 0 || version == 0)
		return fault_set(reterr, -EINVAL, "member 'version' is missing or invalid");
	if (version > NOTICE_VERSION)
		return fault_set(reterr, -EINVAL,
		    "version %" PRIu64 " is newer than this program knows (%u)", version,
		    NOTICE_VERSION);
	return failure_notice_from_json(object, ret, reterr);
}

void
failure_notice_name(const struct failure_notice *notice, char name[FAILURE_NAME_BYTES])
{
	uint64_t random[2];

	if (notice->invocation_id[0] != '\0') {
		(void)snprintf(name, FAILURE_NAME_BYTES, "%s.json", notice->invocation_id);
		return;
	}
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
		random[0] = clock_realtime_usec();
		random[1] = clock_boottime_usec();
	}
	(void)snprintf(name, FAILURE_NAME_BYTES, "%016" PRIx64 "%016" PRIx64 ".json", random[0],
	    random[1]);
}

static int
signal_from_name(const char *name)
{
	for (int sig = 1; sig < NSIG; sig++) {
		const char *abbreviation = sigabbrev_np(sig);

		if (abbreviation && streq(abbreviation, name))
			return sig;
	}
	return 0;
}

void
failure_notice_exec_main(const struct failure_notice *notice, int *ret_code, int *ret_status)
{
	uint64_t status;

	*ret_code = 0;
	*ret_status = 0;
	if (streq(notice->exit_code, "exited"))
		*ret_code = CLD_EXITED;
	else if (streq(notice->exit_code, "killed"))
		*ret_code = CLD_KILLED;
	else if (streq(notice->exit_code, "dumped"))
		*ret_code = CLD_DUMPED;
	else
		return;
	if (text_parse_uint(notice->exit_status, &status) >= 0)
		*ret_status = status <= UINT8_MAX ? (int)status : 0;
	else if (*ret_code != CLD_EXITED)
		*ret_status = signal_from_name(notice->exit_status);
}
