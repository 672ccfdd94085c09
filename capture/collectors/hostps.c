/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "capture/collector.h"
#include "capture/collectors/hostfacts.h"
#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/text.h"

/* Processes that are looked at and command lines that are shown. */
#define PROCESSES_MAX	  20000u
#define COMMAND_BYTES	  512u
#define PROC_FILE_BYTES	  (16u * 1024u)
/* /proc/stat of a machine with many interrupts. */
#define STAT_MAX_BYTES	  (1024u * 1024u)
/* A command line may have 2 MiB; one that long is shown by its name. */
#define CMDLINE_MAX_BYTES (64u * 1024u)

struct process {
	unsigned pid, ppid, uid, threads;
	char state;
	char name[64];
	uint64_t rss_kib, vsz_kib, ticks, start_ticks;
	int nice;
};

struct machine {
	time_t now, boot;
	uint64_t memory_kib, ticks_per_sec;
};

static uint64_t
status_number(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

/* /proc/PID/stat: the name stands in parentheses and may hold anything, so from the last ')'.
 */
static bool
parse_stat(char *stat, struct process *p)
{
	char *open = strchr(stat, '('), *close = strrchr(stat, ')');
	unsigned long long utime, stime, start;
	long nice;

	if (!open || !close || close < open || close[1] != ' ')
		return false;
	*close = '\0';
	text_copy(p->name, sizeof(p->name), open + 1);
	if (sscanf(close + 2,
		"%c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %ld %*d %*d "
		"%llu",
		&p->state, &p->ppid, &utime, &stime, &nice, &start) != 6)
		return false;
	p->ticks = utime + stime;
	p->start_ticks = start;
	p->nice = (int)nice;
	return true;
}

static char *
read_proc(int proc_fd, unsigned pid, const char *file, size_t max_bytes, size_t *ret_size)
{
	char path[64], *data;

	(void)snprintf(path, sizeof(path), "%u/%s", pid, file);
	return io_read_file(proc_fd, path, max_bytes, &data, ret_size) < 0 ? NULL : data;
}

static bool
read_process(int proc_fd, unsigned pid, struct process *p)
{
	_cleanup_free_ char *stat = read_proc(proc_fd, pid, "stat", PROC_FILE_BYTES, NULL);
	_cleanup_free_ char *status = read_proc(proc_fd, pid, "status", PROC_FILE_BYTES, NULL);

	if (!stat || !status || !parse_stat(stat, p))
		return false;
	p->pid = pid;
	p->uid = (unsigned)status_number(status, "\nUid:");
	p->threads = (unsigned)status_number(status, "\nThreads:");
	p->rss_kib = status_number(status, "\nVmRSS:");
	p->vsz_kib = status_number(status, "\nVmSize:");
	return true;
}

/* The command line with blanks, or "[name]" of what has none. */
static void
read_command(int proc_fd, const struct process *p, char buf[COMMAND_BYTES])
{
	size_t size = 0;
	_cleanup_free_ char *data =
	    read_proc(proc_fd, p->pid, "cmdline", CMDLINE_MAX_BYTES, &size);

	if (!data || size == 0) {
		(void)snprintf(buf, COMMAND_BYTES, "[%s]", p->name);
		return;
	}
	/* The words end with a NUL each. */
	if (data[size - 1] == '\0')
		size--;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)data[i] < ' ' || data[i] == 0x7f)
			data[i] = ' ';
	text_copy(buf, COMMAND_BYTES, data);
}

static int
compare_rss(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	if (x->rss_kib != y->rss_kib)
		return x->rss_kib < y->rss_kib ? 1 : -1;
	return x->pid < y->pid ? -1 : 1;
}

static size_t
read_all(struct collector_context *ctx, int proc_fd, struct process *list)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_close_ int fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n = 0;

	if (fd >= 0)
		dir = fdopendir(fd);
	if (!dir)
		return 0;
	fd = -EBADF;
	for (struct dirent *de = readdir(dir); de && n < PROCESSES_MAX; de = readdir(dir)) {
		uint64_t pid;

		if (text_parse_uint(de->d_name, &pid) < 0)
			continue;
		if (collector_must_stop(ctx))
			break;
		if (read_process(proc_fd, (unsigned)pid, &list[n]))
			n++;
	}
	return n;
}

/* Seconds since the epoch at which P started; 0 unknown. */
static time_t
start_time(const struct process *p, const struct machine *m)
{
	return m->ticks_per_sec == 0 || m->boot == 0
	    ? 0
	    : m->boot + (time_t)(p->start_ticks / m->ticks_per_sec);
}

/* "14:27" today, "Nov22" before. */
static void
format_start(time_t start, const struct machine *m, char buf[16])
{
	struct tm tm;

	text_copy(buf, 16, "?");
	if (start > 0 && localtime_r(&start, &tm))
		(void)strftime(buf, 16, m->now - start < 24 * 60 * 60 ? "%H:%M" : "%b%d", &tm);
}

static double
cpu_share(const struct process *p, const struct machine *m)
{
	time_t age = m->now - start_time(p, m);

	if (m->ticks_per_sec == 0 || age <= 0)
		return 0;
	return 100.0 * (double)p->ticks / (double)m->ticks_per_sec / (double)age;
}

/* As `ps aux`, with numbers for users: looking up their names may ask a server. */
static void
print_process(FILE *f, int proc_fd, const struct process *p, const struct machine *m)
{
	char command[COMMAND_BYTES], start[16], state[4];
	uint64_t seconds = m->ticks_per_sec ? p->ticks / m->ticks_per_sec : 0;

	read_command(proc_fd, p, command);
	format_start(start_time(p, m), m, start);
	(void)snprintf(state, sizeof(state), "%c%s%s", p->state,
	    p->nice < 0	      ? "<"
		: p->nice > 0 ? "N"
			      : "",
	    p->threads > 1 ? "l" : "");
	(void)fprintf(f,
	    "%-8u %7u %7u %4.1f %4.1f %8" PRIu64 " %8" PRIu64 " %-8s %-4s %5s %6" PRIu64
	    ":%02u %s\n",
	    p->uid, p->pid, p->ppid, cpu_share(p, m),
	    m->memory_kib ? 100.0 * (double)p->rss_kib / (double)m->memory_kib : 0.0,
	    p->vsz_kib, p->rss_kib, "?", state, start, seconds / 60, (unsigned)(seconds % 60),
	    command);
}

static uint64_t
number_in(int proc_fd, const char *path, const char *key)
{
	_cleanup_free_ char *text = NULL;

	if (io_read_file(proc_fd, path, STAT_MAX_BYTES, &text, NULL) < 0)
		return 0;
	return status_number(text, key);
}

static void
read_machine(int proc_fd, struct machine *m)
{
	*m = (struct machine){
		.now = (time_t)(clock_realtime_usec() / USEC_PER_SEC),
		.boot = (time_t)number_in(proc_fd, "stat", "\nbtime"),
		.memory_kib = number_in(proc_fd, "meminfo", "MemTotal:"),
		.ticks_per_sec = (uint64_t)sysconf(_SC_CLK_TCK),
	};
}

int
hostps_add(struct collector_context *ctx)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	_cleanup_close_ int proc_fd = -EBADF;
	_cleanup_free_ struct process *list = NULL;
	_cleanup_free_ char *text = NULL;
	struct machine machine;
	size_t n, size = 0;
	FILE *f;

	if (root_fd >= 0)
		proc_fd = rootdir_openat(root_fd, "/proc", O_RDONLY | O_DIRECTORY);
	if (proc_fd < 0)
		return 0;
	list = calloc(PROCESSES_MAX, sizeof(*list));
	if (!list)
		return -ENOMEM;
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	read_machine(proc_fd, &machine);
	n = read_all(ctx, proc_fd, list);
	qsort(list, n, sizeof(*list), compare_rss);
	(void)fprintf(f, "%-8s %7s %7s %4s %4s %8s %8s %-8s %-4s %5s %9s %s\n", "USER", "PID",
	    "PPID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND");
	for (size_t i = 0; i < n; i++)
		print_process(f, proc_fd, &list[i], &machine);
	if (fclose(f) != 0)
		return -ENOMEM;
	return n > 0 ? hostfacts_add(ctx, "process", "ps aux", text, "ps") : 0;
}
