/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/interrupt.h"

void
interrupt_hold(struct interrupt *i)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, &i->saved);
}

void
interrupt_release(struct interrupt *i)
{
	(void)sigprocmask(SIG_SETMASK, &i->saved, NULL);
}

bool
interrupt_is_pending(void)
{
	sigset_t set;

	if (sigpending(&set) < 0)
		return false;
	return sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1 ||
	    sigismember(&set, SIGHUP) == 1;
}
