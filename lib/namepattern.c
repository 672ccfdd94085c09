/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/fault.h"
#include "lib/namepattern.h"
#include "lib/text.h"

static bool
is_regex(const char *pattern)
{
	size_t n = strlen(pattern);

	return n >= 2 && pattern[0] == '/' && pattern[n - 1] == '/';
}

/* What costs regcomp(3) and regexec(3) more than the length of the pattern and the name. */
static bool
is_costly(const char *regex)
{
	for (; *regex; regex++) {
		if (*regex == '{')
			return true;
		if (*regex == '\\' && regex[1] != '\0' && strchr("123456789", *++regex))
			return true;
	}
	return false;
}

/* Compiles /…/. Returns 0 or -EINVAL; then *re is not to be freed. */
static int
compile(const char *pattern, regex_t *re, struct fault *reterr)
{
	char text[NAME_PATTERN_MAX_BYTES];
	char reason[128];
	int r;

	text_copy(text, sizeof(text), pattern + 1);
	text[strlen(text) - 1] = '\0';
	if (is_costly(text))
		return fault_set(reterr, -EINVAL,
		    "'%s': repetition counts and back-references are not possible", pattern);
	r = regcomp(re, text, REG_EXTENDED | REG_NOSUB);
	if (r == 0)
		return 0;
	(void)regerror(r, re, reason, sizeof(reason));
	return fault_set(reterr, -EINVAL, "'%s' is no regular expression: %s", pattern, reason);
}

int
name_pattern_check(const char *pattern, struct fault *reterr)
{
	regex_t re;
	int r;

	if (is_empty(pattern) || strlen(pattern) >= NAME_PATTERN_MAX_BYTES)
		return fault_set(reterr, -EINVAL, "a pattern has 1 to %u characters",
		    NAME_PATTERN_MAX_BYTES - 1);
	if (is_regex(pattern)) {
		r = compile(pattern, &re, reterr);
		if (r >= 0)
			regfree(&re);
		return r;
	}
	if (strchr(pattern, '/'))
		return fault_set(reterr, -EINVAL,
		    "'%s' is neither a name nor a regular expression between slashes", pattern);
	return 0;
}

static bool
matches(const char *pattern, const char *name)
{
	regex_t re;
	bool result;

	if (strlen(pattern) >= NAME_PATTERN_MAX_BYTES)
		return false;
	if (!is_regex(pattern))
		return fnmatch(pattern, name, 0) == 0;
	if (compile(pattern, &re, NULL) < 0)
		return false;
	result = regexec(&re, name, 0, NULL, 0) == 0;
	regfree(&re);
	return result;
}

bool
name_patterns_match(char *const *patterns, const char *name)
{
	for (; patterns && *patterns; patterns++)
		if (matches(*patterns, name))
			return true;
	return false;
}
