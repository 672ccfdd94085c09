/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/collectors/hostfacts.h"
#include "capture/rootdir.h"
#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/text.h"

/* Files in /proc that are read here are a few KiB; /proc/modules is the largest. */
#define PROC_FILE_MAX_BYTES (1024u * 1024u)

int
hostfacts_add(struct collector_context *ctx, const char *plugin, const char *name,
    const char *text, const char *link)
{
	char path[LAYOUT_PATH_BYTES];
	int r;

	r = layout_collector_path(plugin, name, path);
	if (r < 0)
		return r;
	r = bundle_add(ctx->bundle, path, text, strlen(text), NULL);
	if (r >= 0 && link)
		(void)bundle_add_symlink(ctx->bundle, link, bundle_last_path(ctx->bundle));
	return r;
}

static char *
read_file(struct collector_context *ctx, const char *path)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	char *text;

	if (root_fd < 0 || io_read_file(root_fd, path, PROC_FILE_MAX_BYTES, &text, NULL) < 0)
		return NULL;
	return text;
}

static int
add_uname(struct collector_context *ctx)
{
	_cleanup_free_ char *all = NULL;
	_cleanup_free_ char *host = NULL;
	struct utsname u;
	int r;

	if (uname(&u) < 0)
		return 0;
	all = text_format("%s %s %s %s %s GNU/Linux\n", u.sysname, u.nodename, u.release,
	    u.version, u.machine);
	host = text_format("%s\n", u.nodename);
	if (!all || !host)
		return -ENOMEM;
	r = hostfacts_add(ctx, "kernel", "uname -a", all, "uname");
	return r < 0 ? r : hostfacts_add(ctx, "host", "hostname", host, "hostname");
}

/* `date`: tools take the time zone of the journal's lines from it. */
static int
add_date(struct collector_context *ctx)
{
	time_t now = (time_t)(clock_realtime_usec() / USEC_PER_SEC);
	char text[64];
	struct tm tm;
	int r = 0;

	if (localtime_r(&now, &tm) &&
	    strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Z %Y\n", &tm) > 0)
		r = hostfacts_add(ctx, "date", "date", text, "date");
	if (r >= 0 && gmtime_r(&now, &tm) &&
	    strftime(text, sizeof(text), "%a %b %e %H:%M:%S UTC %Y\n", &tm) > 0)
		r = hostfacts_add(ctx, "date", "date --utc", text, NULL);
	return r;
}

/* " 14:27:52 up 3 days,  2:05,  load average: 0.15, 0.08, 0.07". */
static int
add_uptime(struct collector_context *ctx)
{
	_cleanup_free_ char *uptime = read_file(ctx, "proc/uptime");
	_cleanup_free_ char *load = read_file(ctx, "proc/loadavg");
	_cleanup_free_ char *text = NULL;
	time_t now = (time_t)(clock_realtime_usec() / USEC_PER_SEC);
	char l1[16], l5[16], l15[16], stamp[16] = "", days[32] = "";
	unsigned long up;
	struct tm tm;

	if (!uptime || !load || sscanf(load, "%15s %15s %15s", l1, l5, l15) != 3)
		return 0;
	up = strtoul(uptime, NULL, 10) / 60;
	if (localtime_r(&now, &tm))
		(void)strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	if (up >= 24 * 60)
		(void)snprintf(days, sizeof(days), "%lu day%s, ", up / (24 * 60),
		    up >= 2 * 24 * 60 ? "s" : "");
	up %= 24 * 60;
	text = text_format(" %s up %s%2lu:%02lu,  load average: %s, %s, %s\n", stamp, days,
	    up / 60, up % 60, l1, l5, l15);
	return text ? hostfacts_add(ctx, "host", "uptime", text, "uptime") : -ENOMEM;
}

static uint64_t
meminfo(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtoull(line + strlen(key), NULL, 10) : 0;
}

/* `free`, KiB. */
static int
add_free(struct collector_context *ctx)
{
	_cleanup_free_ char *m = read_file(ctx, "proc/meminfo");
	_cleanup_free_ char *text = NULL;
	uint64_t total, available, swap_total, swap_free;

	if (!m)
		return 0;
	total = meminfo(m, "MemTotal:");
	available = meminfo(m, "MemAvailable:");
	swap_total = meminfo(m, "SwapTotal:");
	swap_free = meminfo(m, "SwapFree:");
	text = text_format("%7s %12s %11s %11s %11s %11s %11s\n"
			   "Mem:    %12" PRIu64 " %11" PRIu64 " %11" PRIu64 " %11" PRIu64
			   " %11" PRIu64 " %11" PRIu64 "\n"
			   "Swap:   %12" PRIu64 " %11" PRIu64 " %11" PRIu64 "\n",
	    "", "total", "used", "free", "shared", "buff/cache", "available", total,
	    total - available, meminfo(m, "MemFree:"), meminfo(m, "Shmem:"),
	    meminfo(m, "Buffers:") + meminfo(m, "\nCached:") + meminfo(m, "SReclaimable:"),
	    available, swap_total, swap_total - swap_free, swap_free);
	return text ? hostfacts_add(ctx, "memory", "free", text, "free") : -ENOMEM;
}

/* `lsmod`: "Module  Size  Used by" from "name size refs users, state address". */
static int
add_lsmod(struct collector_context *ctx)
{
	_cleanup_free_ char *modules = read_file(ctx, "proc/modules");
	_cleanup_free_ char *text = NULL;
	char *rest = modules, *line;
	size_t size = 0;
	FILE *f;

	if (!modules)
		return 0;
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	(void)fprintf(f, "%-19s %8s  %s\n", "Module", "Size", "Used by");
	while ((line = strsep(&rest, "\n"))) {
		char name[65], bytes[21], refs[12], users[512];
		size_t n;

		if (sscanf(line, "%64s %20s %11s %511s", name, bytes, refs, users) != 4)
			continue;
		n = strlen(users);
		if (n > 0 && users[n - 1] == ',')
			users[n - 1] = '\0';
		(void)fprintf(
		    f, "%-19s %8s  %s %s\n", name, bytes, refs, streq(users, "-") ? "" : users);
	}
	if (fclose(f) != 0)
		return -ENOMEM;
	return hostfacts_add(ctx, "kernel", "lsmod", text, "lsmod");
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	static int (*const facts[])(struct collector_context *) = { add_date, add_uname,
		add_uptime, add_free, hostfs_add, hostnet_add, hostps_add, add_lsmod,
		hostsysctl_add };
	int result = 0;

	(void)c;
	for (size_t i = 0; i < ELEMENTSOF(facts); i++) {
		int r;

		if (collector_must_stop(ctx)) {
			fault_set(reterr, -ETIME, "the time for this was over");
			return OUTCOME_TIMED_OUT;
		}
		r = facts[i](ctx);
		if (r < 0 && result == 0)
			result = r;
	}
	if (result == 0)
		return OUTCOME_OK;
	fault_set(reterr, result, "not everything could be stored: %m");
	return OUTCOME_PARTIAL;
}

const struct collector host_collector = {
	.name = "host",
	.description = "Time, load, memory, file systems, addresses and processes",
	.profiles = PROFILE_MASK_ALL & ~PROFILE_BIT(PROFILE_FLASH),
	.priority = PRIORITY_FIRST,
	.run = run,
};
