/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "capture/stop.h"
#include "lib/cleanup.h"
#include "lib/clock.h"

/* Signal handlers have no argument, so this is the one state of the process that is global. */
static volatile sig_atomic_t stop_flag;
static volatile sig_atomic_t late_flag;
static int stop_pipe[2] = { -EBADF, -EBADF };

void
stop_request(void)
{
	int saved_errno = errno;

	stop_flag = 1;
	/* Nothing reads the pipe: once readable it stays so. Full is fine, too. */
	if (stop_pipe[1] >= 0 && write(stop_pipe[1], "", 1) < 0)
		errno = saved_errno;
	errno = saved_errno;
}

static void
on_signal(int signal_number)
{
	(void)signal_number;
	stop_request();
}

static void
on_alarm(int signal_number)
{
	late_flag = 1;
	/* The next one kills. */
	(void)signal(signal_number, SIG_DFL);
	stop_request();
}

static struct timeval
to_timeval(uint64_t usec)
{
	return (struct timeval){
		.tv_sec = (time_t)(usec / USEC_PER_SEC),
		.tv_usec = (suseconds_t)(usec % USEC_PER_SEC),
	};
}

void
stop_watch(uint64_t first_usec, uint64_t second_usec)
{
	/* No SA_RESTART, as below. */
	struct sigaction action = { .sa_handler = first_usec > 0 ? on_alarm : SIG_DFL };
	struct itimerval timer = {
		.it_value = to_timeval(first_usec),
		.it_interval = to_timeval(second_usec),
	};

	(void)sigemptyset(&action.sa_mask);
	/* Disarmed before the handler goes, and armed after it came. */
	if (first_usec == 0)
		(void)setitimer(ITIMER_REAL, &timer, NULL);
	(void)sigaction(SIGALRM, &action, NULL);
	if (first_usec > 0)
		(void)setitimer(ITIMER_REAL, &timer, NULL);
}

bool
stop_is_late(void)
{
	return late_flag != 0;
}

int
stop_install(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	if (stop_pipe[0] < 0 && pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	(void)sigemptyset(&action.sa_mask);
	/* No SA_RESTART: a blocking read ends, so that its caller looks at the flag. */
	if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0)
		return -errno;
	return 0;
}

bool
stop_is_requested(void)
{
	return stop_flag != 0;
}

int
stop_fd(void)
{
	return stop_pipe[0];
}

void
stop_done(void)
{
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	stop_watch(0, 0);
	stop_pipe[0] = close_fd(stop_pipe[0]);
	stop_pipe[1] = close_fd(stop_pipe[1]);
	stop_flag = 0;
	late_flag = 0;
}
