/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <systemd/sd-daemon.h>

#include "daemon/loop.h"
#include "daemon/notify.h"
#include "lib/clock.h"

/* `systemctl status` shows one line. */
#define NOTIFY_STATUS_BYTES 256u

struct notify_watchdog {
	struct loop_timer *timer; /* owned */
	uint64_t interval_usec;
};

void
notify_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

void
notify_reloading(void)
{
	/* The time is for Type=notify-reload (systemd 253); others ignore it. */
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_usec());
}

void
notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void
notify_status(const char *format, ...)
{
	char text[NOTIFY_STATUS_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)sd_notifyf(0, "STATUS=%s", text);
}

static void
on_interval(void *userdata)
{
	struct notify_watchdog *watchdog = userdata;

	(void)sd_notify(0, "WATCHDOG=1");
	(void)loop_timer_arm(watchdog->timer, watchdog->interval_usec);
}

int
notify_watchdog_start(struct loop *loop, struct notify_watchdog **ret)
{
	_cleanup_(notify_watchdog_stopp) struct notify_watchdog *watchdog = NULL;
	uint64_t limit_usec = 0;
	int r;

	r = sd_watchdog_enabled(0, &limit_usec);
	if (r < 0)
		return r;
	if (r == 0 || limit_usec == 0) {
		*ret = NULL;
		return 0;
	}
	watchdog = calloc(1, sizeof(*watchdog));
	if (!watchdog)
		return -ENOMEM;
	watchdog->interval_usec = limit_usec / 2;
	/* The last to get its turn: a loop that no longer gets round to it is stuck. */
	r = loop_timer_new(loop, LOOP_PRIORITY_IDLE, on_interval, watchdog, &watchdog->timer);
	if (r < 0)
		return r;
	r = loop_timer_arm(watchdog->timer, watchdog->interval_usec);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(watchdog);
	return 0;
}

void
notify_watchdog_stop(struct notify_watchdog *watchdog)
{
	if (!watchdog)
		return;
	loop_timer_free(watchdog->timer);
	free(watchdog);
}
