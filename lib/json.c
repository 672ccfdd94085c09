/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"

/* cJSON keeps numbers as doubles: integers beyond 2^53 would silently change. */
#define JSON_INTEGER_MAX      UINT64_C(9007199254740992)
/* cJSON 1.7 prints 15 digits when that is the same number up to DBL_EPSILON, which it takes to
 * be so from here on although the last digit differs. */
#define CJSON_PRINT_EXACT_MAX (UINT64_C(1) << 52)

static bool
is_too_deep(const char *data, size_t size)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < size; i++) {
		char c = data[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

int
json_parse(const char *data, size_t size, cJSON **ret, struct fault *reterr)
{
	_cleanup_json_ cJSON *value = NULL;
	const char *end = NULL;

	if (is_too_deep(data, size))
		return fault_set(
		    reterr, -EINVAL, "JSON is nested more than %u levels", JSON_DEPTH_MAX);
	value = cJSON_ParseWithLengthOpts(data, size, &end, false);
	if (!value)
		return fault_set(reterr, -EINVAL, "no valid JSON at byte %zu",
		    end ? (size_t)(end - data) : 0);
	while (end < data + size && strchr(" \t\r\n", *end) && *end != '\0')
		end++;
	if (end != data + size)
		return fault_set(reterr, -EINVAL, "more data behind the JSON value at byte %zu",
		    (size_t)(end - data));
	*ret = TAKE_PTR(value);
	return 0;
}

static const cJSON *
find(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return !item || cJSON_IsNull(item) ? NULL : item;
}

int
json_get_string(const cJSON *object, const char *name, const char **ret)
{
	const cJSON *item = find(object, name);

	if (!item)
		return 0;
	if (!cJSON_IsString(item))
		return -EINVAL;
	*ret = item->valuestring;
	return 1;
}

/* Reads a whole number from MIN to MAX. Returns as the getters. */
static int
get_integer(const cJSON *object, const char *name, double min, double max, double *ret)
{
	const cJSON *item = find(object, name);
	double v;

	if (!item)
		return 0;
	if (!cJSON_IsNumber(item))
		return -EINVAL;
	v = item->valuedouble;
	if (!(v >= min && v <= max) || v != floor(v))
		return -EINVAL;
	*ret = v;
	return 1;
}

int
json_get_uint(const cJSON *object, const char *name, uint64_t *ret)
{
	double v;
	int r;

	r = get_integer(object, name, 0, (double)JSON_INTEGER_MAX, &v);
	if (r > 0)
		*ret = (uint64_t)v;
	return r;
}

int
json_get_int(const cJSON *object, const char *name, int *ret)
{
	double v;
	int r;

	r = get_integer(object, name, INT_MIN, INT_MAX, &v);
	if (r > 0)
		*ret = (int)v;
	return r;
}

int
json_get_bool(const cJSON *object, const char *name, bool *ret)
{
	const cJSON *item = find(object, name);

	if (!item)
		return 0;
	if (!cJSON_IsBool(item))
		return -EINVAL;
	*ret = cJSON_IsTrue(item);
	return 1;
}

int
json_get_text(const cJSON *object, const char *name, char *buf, size_t size)
{
	const char *s;
	int r;

	r = json_get_string(object, name, &s);
	if (r <= 0)
		return r;
	if (strlen(s) >= size)
		return -EINVAL;
	text_copy(buf, size, s);
	return 1;
}

int
json_get_strv(const cJSON *object, const char *name, char ***ret)
{
	_cleanup_(strv_freep) char **l = NULL;
	const cJSON *array = find(object, name);
	const cJSON *item;
	int r;

	if (!array)
		return 0;
	if (!cJSON_IsArray(array))
		return -EINVAL;
	cJSON_ArrayForEach (item, array) {
		if (!cJSON_IsString(item))
			return -EINVAL;
		r = strv_append(&l, item->valuestring);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(l);
	return 1;
}

int
json_add_strv(cJSON *object, const char *name, char *const *l)
{
	if (!l)
		return 0;
	return json_add_item(
	    object, name, cJSON_CreateStringArray((const char *const *)l, (int)strv_length(l)));
}

int
json_add_item(cJSON *object, const char *name, cJSON *item)
{
	if (!item)
		return -ENOMEM;
	if (!cJSON_AddItemToObject(object, name, item)) {
		cJSON_Delete(item);
		return -ENOMEM;
	}
	return 0;
}

int
json_add_text(cJSON *object, const char *name, const char *value)
{
	if (is_empty(value))
		return 0;
	return json_add_item(object, name, cJSON_CreateString(value));
}

int
json_add_uint(cJSON *object, const char *name, uint64_t value)
{
	char text[24];

	if (value < CJSON_PRINT_EXACT_MAX)
		return json_add_item(object, name, cJSON_CreateNumber((double)value));
	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	return json_add_item(object, name, cJSON_CreateRaw(text));
}

int
json_add_int(cJSON *object, const char *name, int value)
{
	return json_add_item(object, name, cJSON_CreateNumber(value));
}

int
json_add_bool(cJSON *object, const char *name, bool value)
{
	return json_add_item(object, name, cJSON_CreateBool(value));
}

/* The integer that cJSON wrote with an exponent at TEXT, LENGTH characters; 0 when it is no
 * such number. */
static double
integer_with_exponent(const char *text, size_t length)
{
	double value;

	if (!memchr(text, 'e', length))
		return 0;
	value = strtod(text, NULL);
	return fabs(value) < (double)JSON_INTEGER_MAX && trunc(value) == value ? value : 0;
}

/* cJSON writes an integer from 10^15 on with an exponent when it ends in 0, as a tenth of all
 * times in microseconds do. Those are good numbers, but not what readers take for an integer.
 * Consumes TEXT. */
static char *
write_integers_out(char *text)
{
	/* Longer by less than this each: 16 digits and a sign instead of 1e+15. */
	enum { GROWTH = 16 };
	bool in_string = false;
	size_t n_exponents = 0;
	char *out, *end;

	for (const char *p = text; *p; p++)
		n_exponents += *p == 'e';
	if (n_exponents == 0)
		return text;
	out = end = malloc(strlen(text) + n_exponents * GROWTH + 1);
	for (const char *p = text; out && *p;) {
		size_t length = in_string ? 0 : strspn(p, "0123456789+-.eE");
		double value = integer_with_exponent(p, length);

		/* The `e` of true and false is no number, and stays what it is. */
		if (value != 0) {
			end += sprintf(end, "%.0f", value);
			p += length;
			continue;
		}
		if (in_string && *p == '\\')
			*end++ = *p++;
		else if (*p == '"')
			in_string = !in_string;
		for (length += length == 0; length > 0; length--)
			*end++ = *p++;
	}
	if (out)
		*end = '\0';
	cJSON_free(text);
	return out;
}

char *
json_print(const cJSON *value, bool pretty)
{
	char *text = pretty ? cJSON_Print(value) : cJSON_PrintUnformatted(value);

	return text ? write_integers_out(text) : NULL;
}
