/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A dbus-daemon of our own that stands in for the system bus. */

#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "tests/lib/tmpdir.h"

struct private_bus {
	struct tmpdir dir;
	pid_t pid;
};

static inline bool
private_bus_is_possible(void)
{
	return system("command -v dbus-daemon >/dev/null") == 0;
}

/* Returns when it listens: it prints its address then. */
static inline void
private_bus_start(struct private_bus *bus)
{
	_cleanup_close_ int reader = -EBADF;
	char config[128];
	char c;
	int fds[2];

	(void)snprintf(config, sizeof(config), "--config-file=%s/bus.conf", bus->dir.path);
	assert(pipe(fds) == 0);
	reader = fds[0];
	bus->pid = fork();
	assert(bus->pid >= 0);
	if (bus->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		(void)execlp(
		    "dbus-daemon", "dbus-daemon", config, "--nofork", "--print-address", NULL);
		_exit(127);
	}
	(void)close_fd(fds[1]);
	assert(read(reader, &c, 1) == 1);
}

static inline void
private_bus_stop(struct private_bus *bus)
{
	if (bus->pid <= 0)
		return;
	(void)kill(bus->pid, SIGKILL);
	(void)waitpid(bus->pid, NULL, 0);
	bus->pid = 0;
}

static inline void
private_bus_init(struct private_bus *bus)
{
	char address[128];
	char config[1024];

	*bus = (struct private_bus){ .dir = tmpdir_make() };
	(void)snprintf(address, sizeof(address), "unix:path=%s/bus", bus->dir.path);
	(void)snprintf(config, sizeof(config),
	    "<busconfig><type>session</type><listen>%s</listen><auth>EXTERNAL</auth>"
	    "<policy context='default'><allow user='*'/><allow own='*'/>"
	    "<allow send_destination='*'/><allow receive_sender='*'/>"
	    "<allow send_type='signal'/></policy></busconfig>",
	    address);
	tmpdir_put(&bus->dir, "bus.conf", config);
	assert(setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1) == 0);
}

static inline void
private_bus_done(struct private_bus *bus)
{
	private_bus_stop(bus);
	tmpdir_remove(&bus->dir);
}
