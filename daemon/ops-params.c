/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ops-params.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/namepattern.h"
#include "lib/text.h"

enum param_type {
	PARAM_TEXT,
	PARAM_UINT,
	PARAM_BOOL,
	PARAM_TEXTS,
	PARAM_OBJECTS,
};

struct param {
	const char *name;
	enum param_type type;
	bool required;
};

static bool
has_type(const cJSON *value, enum param_type type)
{
	const cJSON *item;

	switch (type) {
	case PARAM_TEXT:
		return cJSON_IsString(value);
	case PARAM_UINT:
		return cJSON_IsNumber(value);
	case PARAM_BOOL:
		return cJSON_IsBool(value);
	case PARAM_TEXTS:
		cJSON_ArrayForEach (item, value)
			if (!cJSON_IsString(item))
				return false;
		return cJSON_IsArray(value);
	case PARAM_OBJECTS:
		cJSON_ArrayForEach (item, value)
			if (!cJSON_IsObject(item))
				return false;
		return cJSON_IsArray(value);
	}
	return false;
}

/* The name of a parameter that is missing, unknown or of the wrong type; NULL when all are
 * well. null is the same as missing. */
static const char *
find_bad_parameter(const cJSON *parameters, const struct param *table, size_t n)
{
	const cJSON *item;
	size_t i;

	cJSON_ArrayForEach (item, parameters) {
		for (i = 0; i < n && !streq(table[i].name, item->string); i++)
			;
		if (i == n)
			return item->string;
		if (!cJSON_IsNull(item) && !has_type(item, table[i].type))
			return item->string;
	}
	for (i = 0; i < n; i++) {
		item = cJSON_GetObjectItemCaseSensitive(parameters, table[i].name);
		if (table[i].required && (!item || cJSON_IsNull(item)))
			return table[i].name;
	}
	return NULL;
}

/* One line for people: no control characters. */
static bool
is_line(const char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			return false;
	return true;
}

/* A non-empty word of letters, digits, `-`, `_` and `.`, shorter than SIZE. */
static bool
is_word(const char *s, size_t size)
{
	size_t n;

	for (n = 0; s[n]; n++)
		if (!isalnum((unsigned char)s[n]) && !strchr("-_.", s[n]))
			return false;
	return n > 0 && n < size;
}

/* The parameters of the cluster; as ops_read_collect(). */
static const char *
read_namespaces(const cJSON *parameters, struct collect_args *args)
{
	struct fault fault;

	if (json_get_strv(parameters, "namespaces", &args->namespaces) < 0 ||
	    strv_length(args->namespaces) > PROTO_NAMESPACES_MAX_COUNT)
		return "namespaces";
	for (char **pattern = args->namespaces; pattern && *pattern; pattern++)
		if (name_pattern_check(*pattern, &fault) < 0)
			return "namespaces";
	(void)json_get_bool(parameters, "only_namespaces", &args->only_namespaces);
	return args->only_namespaces && !args->namespaces ? "only_namespaces" : NULL;
}

const char *
ops_read_collect(const cJSON *parameters, struct collect_args *args)
{
	static const struct param table[] = {
		{ "profile", PARAM_TEXT, false },
		{ "reason", PARAM_TEXT, false },
		{ "only", PARAM_TEXTS, false },
		{ "namespaces", PARAM_TEXTS, false },
		{ "only_namespaces", PARAM_BOOL, false },
		{ "clean", PARAM_BOOL, false },
		{ "token", PARAM_TEXT, false },
	};
	const char *bad = find_bad_parameter(parameters, table, ELEMENTSOF(table));
	const char *text;

	if (bad)
		return bad;
	if (json_get_string(parameters, "profile", &text) > 0) {
		if (profile_from_string(text, &args->profile) < 0)
			return "profile";
		args->has_profile = true;
	}
	if (json_get_text(parameters, "reason", args->reason, sizeof(args->reason)) < 0 ||
	    !is_line(args->reason))
		return "reason";
	if (json_get_text(parameters, "token", args->token, sizeof(args->token)) < 0 ||
	    (args->token[0] != '\0' && !is_word(args->token, sizeof(args->token))))
		return "token";
	if (json_get_strv(parameters, "only", &args->only) < 0 ||
	    strv_length(args->only) > PROTO_ONLY_MAX_COUNT)
		return "only";
	for (char **name = args->only; name && *name; name++)
		if (!is_word(*name, COLLECTOR_NAME_BYTES))
			return "only";
	(void)json_get_bool(parameters, "clean", &args->clean);
	return read_namespaces(parameters, args);
}

const char *
ops_read_list(const cJSON *parameters, struct list_args *args)
{
	static const struct param table[] = {
		{ "trigger", PARAM_TEXT, false },
		{ "key", PARAM_TEXT, false },
		{ "unit", PARAM_TEXT, false },
		{ "since_usec", PARAM_UINT, false },
		{ "until_usec", PARAM_UINT, false },
		{ "offset", PARAM_UINT, false },
		{ "limit", PARAM_UINT, false },
		{ "reverse", PARAM_BOOL, false },
	};
	const char *bad = find_bad_parameter(parameters, table, ELEMENTSOF(table));
	const char *text;

	*args = (struct list_args){ .until_usec = UINT64_MAX, .limit = PROTO_LIST_MAX };
	if (bad)
		return bad;
	if (json_get_string(parameters, "trigger", &text) > 0) {
		if (trigger_from_string(text, &args->trigger) < 0)
			return "trigger";
		args->has_trigger = true;
	}
	if (json_get_text(parameters, "key", args->key, sizeof(args->key)) < 0)
		return "key";
	if (json_get_text(parameters, "unit", args->unit, sizeof(args->unit)) < 0)
		return "unit";
	if (json_get_uint(parameters, "since_usec", &args->since_usec) < 0)
		return "since_usec";
	if (json_get_uint(parameters, "until_usec", &args->until_usec) < 0)
		return "until_usec";
	if (json_get_uint(parameters, "offset", &args->offset) < 0)
		return "offset";
	if (json_get_uint(parameters, "limit", &args->limit) < 0 || args->limit == 0 ||
	    args->limit > PROTO_LIST_MAX)
		return "limit";
	(void)json_get_bool(parameters, "reverse", &args->reverse);
	return NULL;
}

const char *
ops_read_failed(const cJSON *parameters, struct failure_notice *ret)
{
	static const struct param table[] = {
		{ "unit", PARAM_TEXT, true },
		{ "invocation_id", PARAM_TEXT, false },
		{ "result", PARAM_TEXT, false },
		{ "exit_code", PARAM_TEXT, false },
		{ "exit_status", PARAM_TEXT, false },
		{ "boot_id", PARAM_TEXT, false },
		{ "boottime_usec", PARAM_UINT, false },
		{ "realtime_usec", PARAM_UINT, false },
	};
	const char *bad = find_bad_parameter(parameters, table, ELEMENTSOF(table));
	struct fault fault = { 0 };
	char quoted[32];

	if (bad)
		return bad;
	if (failure_notice_from_json(parameters, ret, &fault) == 0)
		return NULL;
	/* The fault has the name in quotes. */
	for (size_t i = 0; i < ELEMENTSOF(table); i++) {
		(void)snprintf(quoted, sizeof(quoted), "'%s'", table[i].name);
		if (strstr(fault.text, quoted))
			return table[i].name;
	}
	return "unit";
}

/* Only what a check can find: it must not tell of the end of a run, or of a request. */
static bool
is_of_check(const struct finding *f)
{
	switch (f->trigger) {
	case TRIGGER_CERTIFICATE:
	case TRIGGER_LIVENESS:
	case TRIGGER_PRESSURE:
		return is_line(f->subject) && is_word(f->problem, sizeof(f->problem)) &&
		    is_line(f->detail) && is_line(f->message);
	case TRIGGER_REQUEST:
	case TRIGGER_UNIT_FAILED:
	case TRIGGER_UNIT_EXITED:
	case TRIGGER_UNIT_STARTUP:
	case TRIGGER_NEIGHBOUR:
	case TRIGGER_CRASH_LOOP:
	case _TRIGGER_COUNT:
		break;
	}
	return false;
}

const char *
ops_read_checked(const cJSON *parameters, struct finding *ret, size_t *ret_n_findings)
{
	static const struct param table[] = { { "findings", PARAM_OBJECTS, true } };
	const char *bad = find_bad_parameter(parameters, table, ELEMENTSOF(table));
	const cJSON *item;
	size_t n = 0;

	if (bad)
		return bad;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(parameters, "findings")) {
		if (n == FINDINGS_MAX || finding_from_json(item, &ret[n], NULL) < 0 ||
		    !is_of_check(&ret[n]))
			return "findings";
		n++;
	}
	*ret_n_findings = n;
	return NULL;
}

const char *
ops_read_progress(
    const cJSON *parameters, char id[REPORT_ID_BYTES], struct capture_progress *progress)
{
	static const struct param table[] = {
		{ "id", PARAM_TEXT, true },
		{ "collector", PARAM_TEXT, false },
		{ "done", PARAM_UINT, true },
		{ "total", PARAM_UINT, true },
		{ "bytes", PARAM_UINT, true },
	};
	const char *bad = find_bad_parameter(parameters, table, ELEMENTSOF(table));

	if (bad)
		return bad;
	if (json_get_text(parameters, "id", id, REPORT_ID_BYTES) < 0 || !report_id_is_valid(id))
		return "id";
	if (json_get_text(parameters, "collector", progress->collector,
		sizeof(progress->collector)) < 0 ||
	    !is_line(progress->collector))
		return "collector";
	if (json_get_uint(parameters, "done", &progress->done) < 0)
		return "done";
	if (json_get_uint(parameters, "total", &progress->total) < 0)
		return "total";
	return json_get_uint(parameters, "bytes", &progress->bytes) < 0 ? "bytes" : NULL;
}

static const char *
read_id(const cJSON *parameters, const char **ret_id)
{
	const char *id = NULL;

	if (json_get_string(parameters, "id", &id) <= 0 ||
	    (!streq(id, ID_LATEST) && !report_id_is_prefix(id)))
		return "id";
	*ret_id = id;
	return NULL;
}

const char *
ops_read_id(const cJSON *parameters, const char **ret_id)
{
	static const struct param table[] = { { "id", PARAM_TEXT, true } };
	const char *bad = find_bad_parameter(parameters, table, ELEMENTSOF(table));

	return bad ? bad : read_id(parameters, ret_id);
}

const char *
ops_read_open(const cJSON *parameters, const char **ret_id, bool *ret_fetch)
{
	static const struct param table[] = {
		{ "id", PARAM_TEXT, true },
		{ "fetch", PARAM_BOOL, false },
	};
	const char *bad = find_bad_parameter(parameters, table, ELEMENTSOF(table));

	*ret_fetch = false;
	(void)json_get_bool(parameters, "fetch", ret_fetch);
	return bad ? bad : read_id(parameters, ret_id);
}

const char *
ops_read_nothing(const cJSON *parameters)
{
	return find_bad_parameter(parameters, NULL, 0);
}
