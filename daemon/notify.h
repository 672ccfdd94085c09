/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the service manager is told about us (sd_notify(3)). All are no-ops without it. */

#include "lib/cleanup.h"

struct loop;
struct notify_watchdog;

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* The line in `systemctl status`. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Pings the watchdog from the loop, at half its time. *ret is NULL, and nothing wakes up, when
 * WatchdogSec= is not set. Returns 0 or negative errno. */
int notify_watchdog_start(struct loop *loop, struct notify_watchdog **ret);
void notify_watchdog_stop(struct notify_watchdog *watchdog);
DEFINE_CLEANUP(struct notify_watchdog *, notify_watchdog_stop);
