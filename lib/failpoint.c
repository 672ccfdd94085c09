/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lib/failpoint.h"
#include "lib/log.h"
#include "lib/text.h"

#define LOG_DOMAIN "failpoint"
#define VARIABLE   "SUPPORTD_FAILPOINT"

/* Linux has none above, see <asm-generic/errno.h>. */
#define ERRNO_MAX      133
#define SPEC_MAX_BYTES 128u

struct spec {
	char text[SPEC_MAX_BYTES];
	const char *name;
	int error; /* 0 is to die */
	unsigned nth;
};

static int
errno_from_string(const char *name)
{
	for (int e = 1; e <= ERRNO_MAX; e++) {
		const char *known = strerrorname_np(e);

		if (known && streq(known, name))
			return e;
	}
	return 0;
}

/* A test that asks for what there is not would pass and show nothing. */
static _Noreturn void
refuse(const char *text)
{
	log_error(VARIABLE "='%s' is not NAME=ACTION[@N], see lib/failpoint.h", text);
	abort();
}

static void
parse(const char *text, struct spec *ret)
{
	uint64_t nth = 1;
	char *action;
	char *at;

	if (strlen(text) >= sizeof(ret->text))
		refuse(text);
	text_copy(ret->text, sizeof(ret->text), text);
	ret->name = ret->text;
	action = strchr(ret->text, '=');
	if (!action)
		refuse(text);
	*action++ = '\0';
	at = strchr(action, '@');
	if (at)
		*at++ = '\0';
	if (at && (text_parse_uint(at, &nth) < 0 || nth == 0 || nth > UINT16_MAX))
		refuse(text);
	ret->nth = (unsigned)nth;
	ret->error = errno_from_string(action);
	if (ret->error == 0 && !streq(action, "die"))
		refuse(text);
}

int
failpoint(const char *name)
{
	/* How often the point was passed: of this build only, which nobody installs. */
	static unsigned n_passed;
	const char *text = getenv(VARIABLE);
	struct spec spec;

	if (!text || text[0] == '\0')
		return 0;
	parse(text, &spec);
	if (!streq(spec.name, name) || ++n_passed != spec.nth)
		return 0;
	log_notice("At '%s' as " VARIABLE " asks for", text);
	if (spec.error == 0)
		(void)raise(SIGKILL);
	return -spec.error;
}
