/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "capture/collector.h"
#include "capture/collectors/hostfacts.h"
#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/text.h"

/* Processes that are looked at and command lines that are shown. */
#define PROCESSES_MAX	  20000u
#define COMMAND_BYTES	  512u
#define PROC_FILE_BYTES	  (16u * 1024u)
/* A command line may have 2 MiB; one that long is shown by its name. */
#define CMDLINE_MAX_BYTES (64u * 1024u)

struct process {
	unsigned pid, ppid, uid, threads;
	char state;
	char name[64];
	uint64_t rss_kib, vsz_kib, ticks, start_ticks;
	int nice;
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

int
hostps_add(struct collector_context *ctx)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	_cleanup_close_ int proc_fd = -EBADF;
	_cleanup_free_ struct process *list = NULL;
	_cleanup_free_ char *text = NULL;
	uint64_t ticks_per_sec = (uint64_t)sysconf(_SC_CLK_TCK);
	size_t n, size = 0;
	FILE *f;

	if (root_fd >= 0)
		proc_fd = rootdir_openat(root_fd, "/proc", O_RDONLY | O_DIRECTORY);
	list = calloc(PROCESSES_MAX, sizeof(*list));
	f = open_memstream(&text, &size);
	if (!f || !list) {
		if (f)
			(void)fclose(f);
		return -ENOMEM;
	}
	n = proc_fd >= 0 ? read_all(ctx, proc_fd, list) : 0;
	qsort(list, n, sizeof(*list), compare_rss);
	(void)fprintf(f, "%5s %7s %7s %10s %10s %1s %3s %4s %9s %s\n", "UID", "PID", "PPID",
	    "VSZ", "RSS", "S", "NI", "NLWP", "TIME", "COMMAND");
	for (size_t i = 0; i < n; i++) {
		uint64_t seconds = ticks_per_sec ? list[i].ticks / ticks_per_sec : 0;
		char command[COMMAND_BYTES];

		read_command(proc_fd, &list[i], command);
		(void)fprintf(f,
		    "%5u %7u %7u %10" PRIu64 " %10" PRIu64 " %c %3d %4u %6" PRIu64 ":%02u %s\n",
		    list[i].uid, list[i].pid, list[i].ppid, list[i].vsz_kib, list[i].rss_kib,
		    list[i].state, list[i].nice, list[i].threads, seconds / 60,
		    (unsigned)(seconds % 60), command);
	}
	if (fclose(f) != 0)
		return -ENOMEM;
	return n > 0
	    ? hostfacts_add(ctx, "process",
		  "ps -eo uid,pid,ppid,vsz,rss,s,ni,nlwp,time,args --sort -rss", text, "ps")
	    : 0;
}
