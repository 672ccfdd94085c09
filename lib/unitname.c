/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

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
