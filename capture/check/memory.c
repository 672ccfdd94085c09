/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "capture/check/check.h"
#include "capture/check/memory.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/settings.h"
#include "lib/text.h"

/* Two lines of some 60 bytes. */
#define PRESSURE_MAX_BYTES 4096u

int
memory_parse_full(const char *text, unsigned *ret_hundredths)
{
	const char *line = text_has_prefix(text, "full ") ? text : strstr(text, "\nfull ");
	unsigned percent, hundredths;
	int end = 0;

	/* "full avg10=0.00 avg60=1.25 avg300=0.31 total=12345" */
	if (!line ||
	    sscanf(line, " full avg10=%*u.%*u avg60=%3u.%2u avg300=%n", &percent, &hundredths,
		&end) != 2 ||
	    end == 0 || percent > 100 || hundredths > 99)
		return -EINVAL;
	*ret_hundredths = percent * 100 + hundredths;
	return 0;
}

void
check_memory(const struct check_options *o, struct check *c)
{
	struct finding f = {
		.trigger = TRIGGER_PRESSURE,
		.subject = "memory",
		.problem = "stalled",
	};
	_cleanup_free_ char *path = text_format("%s/proc/pressure/memory", o->root);
	_cleanup_free_ char *text = NULL;
	unsigned hundredths;
	int r;

	r = path ? io_read_file(AT_FDCWD, path, PRESSURE_MAX_BYTES, &text, NULL) : -ENOMEM;
	if (r >= 0)
		r = memory_parse_full(text, &hundredths);
	if (r < 0)
		check_note(
		    c, "memory: the kernel does not tell its pressure (%s)", strerror(-r));
	else if (hundredths > o->settings->max_memory_pressure * 100)
		check_add(c, &f,
		    "Memory is short: in the last minute all processes waited for it in "
		    "%u.%02u %% of the time",
		    hundredths / 100, hundredths % 100);
}
