/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/program.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"

#define CAPTURE_PROGRAM BINDIR "/microshift-support-capture"

extern char **environ;

void
program_add(struct program_args *args, const char *option, const char *value)
{
	if (args->n == 0)
		args->words[args->n++] = CAPTURE_PROGRAM;
	assert(args->n + 3 <= PROGRAM_ARGS_MAX);
	args->words[args->n++] = option;
	if (value)
		args->words[args->n++] = value;
}

static int
cannot_run(int r)
{
	return complain(PROTO_EXIT_ERROR, "cannot run " CAPTURE_PROGRAM ": %s", strerror(-r));
}

int
program_exec(const struct program_args *args)
{
	(void)fflush(stdout);
	(void)execv(CAPTURE_PROGRAM, (char **)args->words);
	return cannot_run(-errno);
}

/* Runs it with standard output into FD. Returns its wait status or negative errno. */
static int
run_into(const struct program_args *args, int fd)
{
	posix_spawn_file_actions_t files;
	int status = 0;
	pid_t pid;
	int r;

	r = -posix_spawn_file_actions_init(&files);
	if (r < 0)
		return r;
	r = -posix_spawn_file_actions_adddup2(&files, fd, STDOUT_FILENO);
	if (r == 0)
		r = -posix_spawn(
		    &pid, CAPTURE_PROGRAM, &files, NULL, (char **)args->words, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status;
}

int
program_read(const struct program_args *args, cJSON **ret)
{
	_cleanup_close_ int fd = memfd_create("inventory", MFD_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct fault fault = { 0 };
	char path[64];
	size_t size;
	int r;

	if (fd < 0)
		return cannot_run(-errno);
	r = run_into(args, fd);
	if (r < 0)
		return cannot_run(r);
	if (!WIFEXITED(r))
		return complain(
		    PROTO_EXIT_ERROR, CAPTURE_PROGRAM " was killed by signal %d", WTERMSIG(r));
	if (WEXITSTATUS(r) != 0)
		return WEXITSTATUS(r);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = io_read_file(AT_FDCWD, path, PROGRAM_OUTPUT_MAX_BYTES, &text, &size);
	if (r >= 0)
		r = json_parse(text, size, ret, &fault);
	if (r < 0)
		return complain(PROTO_EXIT_ERROR,
		    CAPTURE_PROGRAM " printed no JSON: %s; is it of another version?",
		    fault.code < 0 ? fault_text(&fault) : strerror(-r));
	return PROTO_EXIT_OK;
}
