/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/failpoint.h"

#ifdef FAULT_INJECTION
/* The signal that ends a program which comes to the point "here"; 0 when none does. */
static int
dies_by(const char *spec)
{
	int status;
	pid_t pid = fork();

	assert(pid >= 0);
	if (pid == 0) {
		(void)setenv("SUPPORTD_FAILPOINT", spec, 1);
		(void)failpoint("here");
		_exit(0);
	}
	assert(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
test_points(void)
{
	static const char *const bad[] = { "here", "here=", "here=dye", "here=die@",
		"here=die@0", "here=die@x", "here=EVERYTHING", "here=die@70000" };

	ok_int(failpoint("here"), 0, "without the variable nothing happens");
	(void)setenv("SUPPORTD_FAILPOINT", "here=ENOSPC@2", 1);
	ok_int(failpoint("there"), 0, "nor at another point");
	ok_int(failpoint("here"), 0, "nor before its time");
	ok_int(failpoint("here"), -ENOSPC, "then it fails");
	ok_int(failpoint("here"), 0, "once");
	(void)unsetenv("SUPPORTD_FAILPOINT");
	ok_int(dies_by("there=die"), 0, "who comes to another point lives");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok_int(dies_by(bad[i]), SIGABRT, "'%s' is refused", bad[i]);
}
#else
static void
test_points(void)
{
	(void)setenv("SUPPORTD_FAILPOINT", "here=die", 1);
	ok_int(failpoint("here"), 0, "a build without fault injection has no points");
}
#endif

int
main(void)
{
	test_points();
	return tap_done();
}
