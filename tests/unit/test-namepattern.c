/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "lib/fault.h"
#include "lib/namepattern.h"

static bool
match(const char *pattern, const char *name)
{
	char text[512];
	char *const list[] = { text, NULL };

	(void)snprintf(text, sizeof(text), "%s", pattern);
	return name_patterns_match(list, name);
}

static void
test_match(void)
{
	char a[] = "kube-*", b[] = "openshift-*";
	char *const two[] = { a, b, NULL };

	ok(match("kube-*", "kube-system"), "a glob");
	ok(!match("kube-*", "my-kube-system"), "matches the whole name");
	ok(!match("kube-*", "kube"), "and all of the glob");
	ok(match("shop", "shop") && !match("shop", "shops"), "a plain name is itself only");
	ok(match("shop-[ab]", "shop-b") && !match("shop-[ab]", "shop-c"), "a set");
	ok(match("/shop/", "my-shop-2"), "an expression matches anywhere");
	ok(match("/^shop-(a|b)$/", "shop-b") && !match("/^shop-(a|b)$/", "shop-bc"),
	    "unless it is anchored");
	ok(!match("/(/", "("), "what is no expression matches nothing");
	ok(name_patterns_match(two, "openshift-dns") && !name_patterns_match(two, "default"),
	    "one of several");
	ok(!name_patterns_match(NULL, "x"), "no patterns, no match");
}

static void
test_check(void)
{
	struct fault f;
	char text[NAME_PATTERN_MAX_BYTES + 1];

	ok_int(name_pattern_check("kube-*", &f), 0, "a glob is valid");
	ok_int(name_pattern_check("/^a+$/", &f), 0, "an expression is valid");
	ok(name_pattern_check("/a(/", &f) < 0 && strstr(f.text, "regular expression"),
	    "refused: %s", f.text);
	ok(name_pattern_check("/((a{1,255}){1,255}){1,255}/", &f) < 0 &&
		strstr(f.text, "repetition counts"),
	    "refused: %s", f.text);
	ok(name_pattern_check("/(a*)*\\1/", &f) < 0, "refused: %s", f.text);
	ok_int(name_pattern_check("/a\\.1/", &f), 0, "an escaped dot is none");
	ok(!match("/(a)\\1/", "aa"), "and does not match");
	ok(name_pattern_check("a/b", &f) < 0, "refused: %s", f.text);
	ok(name_pattern_check("/", &f) < 0, "refused: %s", f.text);
	ok(name_pattern_check("", &f) < 0, "refused: %s", f.text);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ok(name_pattern_check(text, &f) < 0, "refused: %s", f.text);
	ok(!match(text, text), "and does not match");
}

int
main(void)
{
	test_match();
	test_check();
	return tap_done();
}
