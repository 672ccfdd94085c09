/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "capture/collector.h"
#include "capture/notes.h"

/* Room for two paths of ordinary length; a longer note is cut. */
#define NOTE_MAX_BYTES 1024u

int
notes_add(struct collector_context *ctx, const char *format, ...)
{
	char text[NOTE_MAX_BYTES];
	va_list ap;

	if (!ctx->record)
		return 0;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return manifest_add_note(ctx->record, text);
}
