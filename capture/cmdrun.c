/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/cmdrun.h"
#include "capture/stop.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/text.h"

#define COMMAND_PATH	      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* As much as a pipe holds. */
#define READ_BYTES	      (64u * 1024u)
/* How often a command is looked at where pidfd_open() does not exist (Linux before 5.3, or
 * valgrind). */
#define ASK_MSEC	      20u
/* Above our own score (see main.c): out of memory should cost the command, not the report. */
#define COMMAND_OOM_SCORE_ADJ "900"
/* How often children are looked for after a command: killing one gives us those it had. */
#define STRAYS_ROUNDS	      8u
/* Between two looks: a killed process is gone within this on any machine that works. */
#define STRAYS_ROUND_MSEC     5
/* The numbers of some 8,000 children. A fork bomb that has more is left to TasksMax= of the
 * unit. */
#define STRAYS_MAX_BYTES      (64u * 1024u)

/* A run goes through these states in this order, but may skip any. */
enum state {
	RUNNING,
	TERMINATED, /* SIGTERM was sent; SIGKILL follows at until_usec */
	KILLED,	    /* SIGKILL was sent; given up at until_usec */
	EXITED,	    /* the command is a zombie; its pipe is read to the end, or until_usec */
};

struct run {
	const struct cmdrun_spec *spec; /* borrowed */
	struct cmdrun_result *result;	/* borrowed */
	pid_t pid;			/* also its process group; stays ours until reap() */
	int pid_fd;			/* owned */
	int out_fd;			/* owned; -EBADF after the end of output */
	enum state state;
	uint64_t until_usec; /* monotonic: when the next step is taken */
	bool stop_seen;
	int error; /* of the output function */
	char *buf; /* owned, READ_BYTES */
};

static void
run_done(struct run *run)
{
	run->pid_fd = close_fd(run->pid_fd);
	run->out_fd = close_fd(run->out_fd);
	free(run->buf);
}

/* Finds the program in COMMAND_PATH. Returns 0, -ENOENT or -EACCES. */
static int
find_program(const char *name, char *buf, size_t size)
{
	const char *p = COMMAND_PATH;
	int r = -ENOENT;

	if (strchr(name, '/')) {
		text_copy(buf, size, name);
		return access(name, X_OK) < 0 ? -errno : 0;
	}
	while (*p) {
		int n = (int)strcspn(p, ":");

		(void)snprintf(buf, size, "%.*s/%s", n, p, name);
		if (access(buf, X_OK) >= 0)
			return 0;
		if (errno == EACCES)
			r = -EACCES;
		p += n + (p[n] == ':');
	}
	return r;
}

static int
prepare_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawnattr_setflags(attributes,
		    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return -r;
}

static int
prepare_files(posix_spawn_file_actions_t *files, int out_fd, bool drop_stderr)
{
	int r;

	r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, out_fd, STDOUT_FILENO);
	if (r == 0 && drop_stderr)
		r = posix_spawn_file_actions_addopen(
		    files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	else if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, out_fd, STDERR_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addchdir_np(files, "/");
	/* Ours are closed anyway; these are what the shell that started us left open. */
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return -r;
}

static int
spawn(const char *program, const struct cmdrun_spec *spec, int out_fd, pid_t *ret_pid)
{
	/* No pager, no colours, no language: the output is for machines and other people. */
	static char *const environment[] = {
		(char *)"PATH=" COMMAND_PATH,
		(char *)"LC_ALL=C.UTF-8",
		(char *)"HOME=/root",
		(char *)"TERM=dumb",
		(char *)"PAGER=cat",
		(char *)"SYSTEMD_PAGER=cat",
		NULL,
	};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int r;

	r = posix_spawnattr_init(&attributes);
	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_init(&files);
	if (r != 0) {
		(void)posix_spawnattr_destroy(&attributes);
		return -r;
	}
	r = prepare_attributes(&attributes);
	if (r == 0)
		r = prepare_files(&files, out_fd, spec->drop_stderr);
	if (r == 0)
		r = -posix_spawn(
		    ret_pid, program, &files, &attributes, spec->argv, environment);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attributes);
	return r;
}

/* Our limit of memory (see capture.c) is ours: a command has needs of its own. It inherits what
 * is in force when it is made. */
static int
spawn_unlimited(const char *program, const struct cmdrun_spec *spec, int out_fd, pid_t *ret_pid)
{
	struct rlimit own;
	struct rlimit lifted;
	int r;

	if (getrlimit(RLIMIT_DATA, &own) < 0)
		return -errno;
	lifted = (struct rlimit){ own.rlim_max, own.rlim_max };
	(void)setrlimit(RLIMIT_DATA, &lifted);
	r = spawn(program, spec, out_fd, ret_pid);
	(void)setrlimit(RLIMIT_DATA, &own);
	return r;
}

static void
raise_oom_score(pid_t pid)
{
	_cleanup_close_ int fd = -EBADF;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* Only a preference: without it the kernel chooses by size alone. */
	if (fd >= 0)
		(void)io_write_all(fd, COMMAND_OOM_SCORE_ADJ, strlen(COMMAND_OOM_SCORE_ADJ));
}

static int
start(struct run *run, struct fault *reterr)
{
	_cleanup_close_ int write_fd = -EBADF;
	const char *name = run->spec->argv[0];
	char program[4096];
	int pipe_fds[2];
	int r;

	r = find_program(name, program, sizeof(program));
	if (r < 0)
		return fault_set(reterr, r, "Cannot run '%s': %m", name);
	run->buf = malloc(READ_BYTES);
	if (!run->buf)
		return fault_set(reterr, -ENOMEM, "Cannot run '%s': %m", name);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return fault_set(reterr, -errno, "Cannot run '%s': %m", name);
	run->out_fd = pipe_fds[0];
	write_fd = pipe_fds[1];
	(void)fcntl(run->out_fd, F_SETFL, O_NONBLOCK);
	r = spawn_unlimited(program, run->spec, write_fd, &run->pid);
	if (r < 0)
		return fault_set(reterr, r, "Cannot run '%s': %m", name);
	raise_oom_score(run->pid);
	run->pid_fd = (int)syscall(SYS_pidfd_open, run->pid, 0);
	if (run->pid_fd >= 0 || errno == ENOSYS)
		return 0;
	r = -errno;
	(void)kill(-run->pid, SIGKILL);
	(void)waitpid(run->pid, NULL, 0);
	return fault_set(reterr, r, "Cannot watch '%s': %m", name);
}

/* The next state takes SPAN_USEC, but not more than one SHARE-th of what is left of the run. */
static void
advance(struct run *run, enum state state, uint64_t span_usec, uint64_t share)
{
	uint64_t now = clock_monotonic_usec();
	uint64_t end = run->spec->end_usec;
	uint64_t left = end == 0 ? USEC_INFINITY : now < end ? (end - now) / share : 0;

	run->state = state;
	run->until_usec = now + (span_usec < left ? span_usec : left);
}

static void
terminate(struct run *run)
{
	if (run->state != RUNNING)
		return;
	(void)kill(-run->pid, SIGTERM);
	/* Half of what is left: SIGKILL has to be given its time, too. */
	advance(run, TERMINATED, run->stop_seen ? CMDRUN_STOP_USEC : CMDRUN_GRACE_USEC, 2);
}

/* The time of the current state is over. Returns true when there is nothing left to wait for.
 */
static bool
on_timeout(struct run *run)
{
	switch (run->state) {
	case RUNNING:
		run->result->timed_out = true;
		terminate(run);
		return false;
	case TERMINATED:
		(void)kill(-run->pid, SIGKILL);
		advance(run, KILLED, CMDRUN_ABANDON_USEC, 1);
		return false;
	case KILLED:
		run->result->abandoned = true;
		return true;
	case EXITED:
		return true;
	}
	return true;
}

static void
on_output(struct run *run)
{
	const struct cmdrun_spec *spec = run->spec;
	ssize_t n;
	int r = 0;

	n = read(run->out_fd, run->buf, READ_BYTES);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		run->out_fd = close_fd(run->out_fd);
		return;
	}
	run->result->bytes += (uint64_t)n;
	if (spec->output)
		r = spec->output(run->buf, (size_t)n, spec->userdata);
	if (r < 0 && r != -EFBIG)
		run->error = r;
	if (r < 0 || (spec->max_read_bytes > 0 && run->result->bytes > spec->max_read_bytes)) {
		run->result->too_long = true;
		/* A writer that is not interested in SIGTERM gets SIGPIPE. */
		run->out_fd = close_fd(run->out_fd);
		terminate(run);
	}
}

/* Where there is no pidfd: asks, and leaves the zombie for reap(). */
static bool
has_exited(const struct run *run)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) >= 0 &&
	    info.si_pid != 0;
}

/* Waits for the next thing to happen and handles it. Returns true when the run is over. */
static bool
step(struct run *run)
{
	struct pollfd fds[] = {
		{ .fd = run->out_fd, .events = POLLIN },
		/* poll() skips negative descriptors. */
		{ .fd = run->state == EXITED ? -1 : run->pid_fd, .events = POLLIN },
		{ .fd = run->stop_seen ? -1 : stop_fd(), .events = POLLIN },
	};
	uint64_t now = clock_monotonic_usec();
	uint64_t wait_msec;

	if (run->state == EXITED && run->out_fd < 0)
		return true;
	if (now >= run->until_usec)
		return on_timeout(run);
	/* One more, so that the wait does not end just before its time. */
	wait_msec = (run->until_usec - now) / USEC_PER_MSEC + 1;
	if (wait_msec > INT32_MAX)
		wait_msec = INT32_MAX;
	if (run->pid_fd < 0 && wait_msec > ASK_MSEC)
		wait_msec = ASK_MSEC;
	if (poll(fds, ELEMENTSOF(fds), (int)wait_msec) < 0)
		return false;
	if (run->pid_fd < 0 && run->state != EXITED && has_exited(run))
		advance(run, EXITED, CMDRUN_LINGER_USEC, 1);
	if (fds[2].revents) {
		run->stop_seen = true;
		if (run->state == RUNNING)
			run->result->stopped = true;
		terminate(run);
	}
	if (fds[1].revents)
		advance(run, EXITED, CMDRUN_LINGER_USEC, 1);
	if (fds[0].revents)
		on_output(run);
	return false;
}

/* Kills and reaps the children that we have now. Returns their number. */
static unsigned
kill_children(void)
{
	_cleanup_free_ char *list = NULL;
	char path[64];
	char *rest;
	unsigned n = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if (io_read_file(AT_FDCWD, path, STRAYS_MAX_BYTES, &list, NULL) < 0)
		return 0;
	for (char *word = strtok_r(list, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		pid_t pid = (pid_t)strtol(word, NULL, 10);

		/* A child's number is not given to anybody else before it is reaped. */
		if (pid <= 1 || kill(pid, SIGKILL) < 0)
			continue;
		(void)waitpid(pid, NULL, WNOHANG);
		n++;
	}
	return n;
}

/* Ends what the command left behind outside of its group. Whoever dies here hands its children
 * on to us; what cannot die, or forks faster, is left. */
static void
kill_strays(void)
{
	int is_subreaper = 0;

	if (prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper) < 0 || !is_subreaper)
		return;
	for (unsigned i = 0; i < STRAYS_ROUNDS && kill_children() > 0; i++)
		(void)poll(NULL, 0, STRAYS_ROUND_MSEC);
}

/* Ends what is left of the group, and only then reaps its leader: until that the number of the
 * group cannot belong to anybody else. */
static void
reap(struct run *run)
{
	siginfo_t info = { 0 };

	(void)kill(-run->pid, SIGKILL);
	if (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return;
	if (info.si_code == CLD_EXITED)
		run->result->exit_status = info.si_status;
	else
		run->result->signal = info.si_status;
}

int
cmdrun(const struct cmdrun_spec *spec, struct cmdrun_result *ret, struct fault *reterr)
{
	_cleanup_(run_done) struct run run = {
		.spec = spec,
		.result = ret,
		.pid_fd = -EBADF,
		.out_fd = -EBADF,
		.until_usec = spec->deadline_usec,
	};
	uint64_t begin_usec = clock_monotonic_usec();
	int r;

	assert(spec->argv && spec->argv[0]);
	*ret = (struct cmdrun_result){
		.exit_status = -1,
		.start_usec = clock_realtime_usec(),
	};
	r = start(&run, reterr);
	if (r < 0)
		return r;
	while (!step(&run))
		;
	reap(&run);
	kill_strays();
	ret->duration_usec = clock_monotonic_usec() - begin_usec;
	if (run.error < 0)
		return fault_set(
		    reterr, run.error, "Cannot store the output of '%s': %m", spec->argv[0]);
	return 0;
}
