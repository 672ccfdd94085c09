/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "lib/text.h"
#include "lib/unitname.h"

bool
unit_name_is_valid(const char *s)
{
	const char *type = strrchr(s, '.');
	size_t n;

	if (!type || type == s || type[1] == '\0' || s[0] == '@')
		return false;
	for (n = 0; s[n]; n++)
		if (!isalnum((unsigned char)s[n]) && !strchr(":-_.\\@", s[n]))
			return false;
	return n < UNIT_NAME_BYTES;
}

bool
unit_name_has_runs(const char *s)
{
	return text_has_suffix(s, ".service") || text_has_suffix(s, ".scope");
}
