/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"

static int
parse(const char *text, cJSON **ret, struct fault *f)
{
	return json_parse(text, strlen(text), ret, f);
}

static void
test_parse(void)
{
	_cleanup_json_ cJSON *value = NULL;
	char deep[2 * JSON_DEPTH_MAX + 8];
	struct fault f;

	ok_int(parse("  {\"a\":1} \n", &value, &f), 0, "an object with white space around");
	cJSON_Delete(TAKE_PTR(value));
	ok_int(parse("{\"a\":}", &value, &f), -EINVAL, "broken");
	ok(strstr(f.text, "at byte 5") != NULL, "the fault names the byte: %s", f.text);
	ok_int(parse("{} {}", &value, &f), -EINVAL, "two values");
	ok_int(json_parse("{}\0", 3, &value, &f), -EINVAL, "a NUL behind the value");
	ok_int(parse("", &value, &f), -EINVAL, "empty");

	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	deep[2 * JSON_DEPTH_MAX] = '\0';
	ok_int(parse(deep, &value, &f), 0, "JSON_DEPTH_MAX levels are read");
	cJSON_Delete(TAKE_PTR(value));
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	deep[2 * JSON_DEPTH_MAX + 2] = '\0';
	ok_int(parse(deep, &value, &f), -EINVAL, "one more is refused");
	ok_int(parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", &value, &f), 0,
	    "brackets in a string do not count");
}

static void
test_get(void)
{
	_cleanup_json_ cJSON *o = NULL;
	_cleanup_(strv_freep) char **l = NULL;
	const char *s = NULL;
	char buf[4];
	uint64_t u = 7;
	bool b = false;
	int i = 0;

	assert(
	    parse(
		"{\"s\":\"abc\",\"long\":\"abcd\",\"n\":42,\"neg\":-1,\"frac\":1.5,\"big\":1e300,"
		"\"t\":true,\"null\":null,\"l\":[\"x\",\"y\"],\"mixed\":[\"x\",1]}",
		&o, NULL) == 0);
	ok(json_get_string(o, "s", &s) == 1 && streq(s, "abc"), "string");
	ok_int(json_get_string(o, "n", &s), -EINVAL, "a number is no string");
	ok(json_get_uint(o, "n", &u) == 1 && u == 42, "uint");
	u = 7;
	ok(json_get_uint(o, "missing", &u) == 0 && u == 7, "missing leaves the value alone");
	ok(json_get_uint(o, "null", &u) == 0 && u == 7, "null counts as missing");
	ok_int(json_get_uint(o, "neg", &u), -EINVAL, "negative");
	ok_int(json_get_uint(o, "frac", &u), -EINVAL, "fraction");
	ok_int(json_get_uint(o, "big", &u), -EINVAL, "beyond 2^53");
	ok(json_get_int(o, "neg", &i) == 1 && i == -1, "int");
	ok_int(json_get_int(o, "big", &i), -EINVAL, "int out of range");
	ok(json_get_bool(o, "t", &b) == 1 && b, "bool");
	ok(json_get_text(o, "s", buf, sizeof(buf)) == 1 && streq(buf, "abc"), "text that fits");
	ok_int(json_get_text(o, "long", buf, sizeof(buf)), -EINVAL, "text that does not");
	ok(json_get_strv(o, "l", &l) == 1 && strv_length(l) == 2, "array of strings");
	ok_int(json_get_strv(o, "mixed", &l), -EINVAL, "array with a number");
}

static void
test_add(void)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	char *l[] = { (char *)"a", (char *)"b", NULL };

	ok(json_add_text(o, "s", "v") == 0 && json_add_text(o, "none", "") == 0 &&
		json_add_uint(o, "n", UINT64_C(9007199254740992)) == 0 &&
		json_add_int(o, "i", -3) == 0 && json_add_bool(o, "b", true) == 0 &&
		json_add_strv(o, "l", l) == 0 && json_add_strv(o, "none", NULL) == 0,
	    "adders");
	ok_int(json_add_item(o, "x", NULL), -ENOMEM, "a NULL item is out of memory");
	text = json_print(o, false);
	ok_str(text,
	    "{\"s\":\"v\",\"n\":9007199254740992,\"i\":-3,\"b\":true,\"l\":[\"a\",\"b\"]}",
	    "printed");
}

/* A tenth of all times in microseconds end in 0, and cJSON then writes 1.79544896805963e+15. */
static void
test_print_integers(void)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *compact = NULL;
	_cleanup_free_ char *pretty = NULL;

	assert(json_add_uint(o, "usec", UINT64_C(1795448968059630)) == 0);
	assert(json_add_uint(o, "round", UINT64_C(1000000000000000)) == 0);
	assert(json_add_text(o, "1e+15", "\\\"1e+15, true") == 0);
	assert(json_add_bool(o, "no", false) == 0);
	assert(json_add_item(o, "tiny", cJSON_CreateNumber(1e-7)) == 0);
	assert(json_add_item(o, "huge", cJSON_CreateNumber(-1e+200)) == 0);
	compact = json_print(o, false);
	ok_str(compact,
	    "{\"usec\":1795448968059630,\"round\":1000000000000000,"
	    "\"1e+15\":\"\\\\\\\"1e+15, true\",\"no\":false,\"tiny\":1e-07,\"huge\":-1e+200}",
	    "integers are written out");
	pretty = json_print(o, true);
	ok(pretty && strstr(pretty, "1795448968059630"), "indented too");
}

int
main(void)
{
	test_print_integers();
	test_parse();
	test_get();
	test_add();
	return tap_done();
}
