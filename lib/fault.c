/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/fault.h"

int
fault_set(struct fault *reterr, int code, const char *format, ...)
{
	va_list ap;

	if (!reterr)
		return code;

	reterr->code = code;
	errno = -code;
	va_start(ap, format);
	(void)vsnprintf(reterr->text, sizeof(reterr->text), format, ap);
	va_end(ap);
	return code;
}

void
fault_wrap(struct fault *reterr, const char *format, ...)
{
	char context[FAULT_TEXT_MAX_BYTES];
	char old[FAULT_TEXT_MAX_BYTES];
	va_list ap;
	size_t used;

	if (!reterr)
		return;

	(void)snprintf(old, sizeof(old), "%s", fault_text(reterr));
	va_start(ap, format);
	(void)vsnprintf(context, sizeof(context), format, ap);
	va_end(ap);

	(void)snprintf(reterr->text, sizeof(reterr->text), "%s", context);
	used = strlen(reterr->text);
	(void)snprintf(reterr->text + used, sizeof(reterr->text) - used, ": %s", old);
}

const char *
fault_text(const struct fault *f)
{
	if (f->text[0] != '\0')
		return f->text;
	return strerror(-f->code);
}
