/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "capture/check/check.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* One line: texts of servers and libraries are in it. */
static void
make_line(char *s)
{
	for (; *s; s++)
		if (iscntrl((unsigned char)*s))
			*s = ' ';
}

void
check_add(struct check *c, const struct finding *f, const char *format, ...)
{
	struct finding *added;
	va_list ap;

	if (c->n_findings == FINDINGS_MAX) {
		c->n_left_out++;
		return;
	}
	added = &c->findings[c->n_findings++];
	*added = *f;
	va_start(ap, format);
	(void)vsnprintf(added->message, sizeof(added->message), format, ap);
	va_end(ap);
	make_line(added->message);
}

void
check_note(struct check *c, const char *format, ...)
{
	char text[REASON_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	make_line(text);
	(void)strv_append(&c->notes, text);
}

void
check_run(const struct check_options *options, struct check *ret)
{
	*ret = (struct check){ 0 };
	check_certificates(options, ret);
	check_endpoints(options, ret);
	check_space(options, ret);
	check_memory(options, ret);
}

void
check_done(struct check *c)
{
	strv_free(c->notes);
	*c = (struct check){ 0 };
}
