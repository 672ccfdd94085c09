/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "daemon/procfile.h"
#include "daemon/sampler.h"
#include "lib/cleanup.h"
#include "lib/clock.h"

/* /proc/meminfo has 1.5 KiB; io.stat has some 100 bytes for each disk. What is longer is left
 * out rather than read in part. */
#define FILE_BYTES 8192u
#define PATH_BYTES 128u

#define UNKNOWN UINT64_MAX

/* Where systemd, CRI-O and the kubelet put them unless they are told otherwise. */
static const char *const cgroups[_SAMPLE_CGROUP_COUNT] = {
	[SAMPLE_CGROUP_MICROSHIFT] = "system.slice/microshift.service",
	[SAMPLE_CGROUP_ETCD] = "system.slice/microshift-etcd.scope",
	[SAMPLE_CGROUP_CRIO] = "system.slice/crio.service",
	[SAMPLE_CGROUP_KUBEPODS] = "kubepods.slice",
};

static const struct {
	enum sample_value value;
	const char *path;
} disks[] = {
	{ SAMPLE_DISK_MICROSHIFT, "var/lib/microshift" },
	{ SAMPLE_DISK_LOG, "var/log" },
	{ SAMPLE_DISK_ROOT, "." },
};

void
sampler_init(struct sampler *s, int root_fd, int state_dir_fd)
{
	sd_id128_t boot;

	*s = (struct sampler){ .root_fd = root_fd, .state_dir_fd = state_dir_fd };
	if (sd_id128_get_boot(&boot) >= 0)
		s->boot = (uint32_t)boot.bytes[0] << 24 | (uint32_t)boot.bytes[1] << 16 |
		    (uint32_t)boot.bytes[2] << 8 | boot.bytes[3];
}

/* Reads a file that is made as it is read: one read(2) gives all of it. */
static int
read_file(const struct sampler *s, const char *path, char buf[FILE_BYTES])
{
	_cleanup_close_ int fd = openat(s->root_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, FILE_BYTES);
	if (n < 0)
		return -errno;
	if (n == FILE_BYTES)
		return -EFBIG;
	buf[n] = '\0';
	return 0;
}

/* FULL may be SOME: of the CPU, `full` means nothing for a whole machine (accounting/psi.rst).
 */
static void
take_pressure(const struct sampler *s, const char *path, enum sample_value some,
    enum sample_value full, struct sample *ret)
{
	char buf[FILE_BYTES];
	uint64_t value;

	if (read_file(s, path, buf) < 0)
		return;
	if (procfile_centi(buf, "some avg10=", &value) >= 0)
		sample_set(ret, some, value);
	if (full != some && procfile_centi(buf, "full avg10=", &value) >= 0)
		sample_set(ret, full, value);
}

static void
take_memory(const struct sampler *s, struct sample *ret)
{
	static const struct {
		enum sample_value value;
		const char *key;
	} wanted[] = {
		{ SAMPLE_MEM_AVAILABLE, "MemAvailable:" },
		{ SAMPLE_MEM_FREE, "MemFree:" },
		{ SAMPLE_MEM_DIRTY, "Dirty:" },
		{ SAMPLE_MEM_SLAB, "Slab:" },
		{ SAMPLE_SWAP_FREE, "SwapFree:" },
	};
	char buf[FILE_BYTES];
	uint64_t kib;

	if (read_file(s, "proc/meminfo", buf) < 0)
		return;
	for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
		if (procfile_uint(buf, wanted[i].key, &kib) >= 0)
			sample_set(ret, wanted[i].value, kib);
}

static void
take_load(const struct sampler *s, struct sample *ret)
{
	char buf[FILE_BYTES];
	uint64_t load;

	if (read_file(s, "proc/loadavg", buf) >= 0 && procfile_centi(buf, "", &load) >= 0)
		sample_set(ret, SAMPLE_LOAD, load);
}

static void
take_disk(int fd, enum sample_value value, struct sample *ret)
{
	struct statvfs vfs;

	if (fd >= 0 && fstatvfs(fd, &vfs) >= 0)
		sample_set(ret, value, (uint64_t)vfs.f_bavail * vfs.f_frsize / 1024);
}

static void
take_disks(const struct sampler *s, struct sample *ret)
{
	take_disk(s->state_dir_fd, SAMPLE_DISK_SPOOL, ret);
	for (size_t i = 0; i < ELEMENTSOF(disks); i++) {
		_cleanup_close_ int fd =
		    openat(s->root_fd, disks[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		take_disk(fd, disks[i].value, ret);
	}
}

/* Reads FILE of a cgroup; CONTROLLER is the hierarchy of cgroup v1, "" in v2. */
static int
read_cgroup(const struct sampler *s, enum sample_cgroup cgroup, const char *controller,
    const char *file, char buf[FILE_BYTES])
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s%s%s/%s", controller,
	    controller[0] ? "/" : "", cgroups[cgroup], file);
	return read_file(s, path, buf);
}

static uint64_t
read_memory(const struct sampler *s, enum sample_cgroup cgroup)
{
	char buf[FILE_BYTES];
	uint64_t bytes;

	if (read_cgroup(s, cgroup, "", "memory.current", buf) < 0 &&
	    read_cgroup(s, cgroup, "memory", "memory.usage_in_bytes", buf) < 0)
		return UNKNOWN;
	return procfile_uint(buf, "", &bytes) < 0 ? UNKNOWN : bytes;
}

static uint64_t
read_cpu(const struct sampler *s, enum sample_cgroup cgroup)
{
	char buf[FILE_BYTES];
	uint64_t used;

	if (read_cgroup(s, cgroup, "", "cpu.stat", buf) >= 0)
		return procfile_uint(buf, "usage_usec ", &used) < 0 ? UNKNOWN : used;
	if (read_cgroup(s, cgroup, "cpuacct", "cpuacct.usage", buf) >= 0 &&
	    procfile_uint(buf, "", &used) >= 0)
		return used / NSEC_PER_USEC;
	return UNKNOWN;
}

static struct sampler_counters
read_counters(const struct sampler *s, enum sample_cgroup cgroup)
{
	struct sampler_counters now = {
		.cpu_usec = read_cpu(s, cgroup),
		.read_bytes = UNKNOWN,
		.write_bytes = UNKNOWN,
	};
	char buf[FILE_BYTES];

	if (read_cgroup(s, cgroup, "", "io.stat", buf) < 0)
		return now;
	(void)procfile_sum(buf, "rbytes=", &now.read_bytes);
	(void)procfile_sum(buf, "wbytes=", &now.write_bytes);
	return now;
}

/* SCALE per microsecond of what was counted since the last sample. */
static void
set_rate(struct sample *ret, size_t value, uint64_t last, uint64_t now, double scale)
{
	uint64_t since;

	if (now == UNKNOWN)
		return;
	/* A cgroup that did not exist, or is another one of the same name, counts from 0. */
	since = last == UNKNOWN || last > now ? now : now - last;
	sample_set(ret, value, (uint64_t)((double)since * scale + 0.5));
}

static void
take_cgroup(
    struct sampler *s, enum sample_cgroup cgroup, uint64_t elapsed_usec, struct sample *ret)
{
	struct sampler_counters now = read_counters(s, cgroup);
	const struct sampler_counters *last = &s->last[cgroup];
	size_t first = SAMPLE_CGROUPS + cgroup * _SAMPLE_CGROUP_VALUE_COUNT;
	uint64_t memory_bytes = read_memory(s, cgroup);

	if (memory_bytes != UNKNOWN)
		sample_set(ret, first + SAMPLE_CGROUP_MEMORY, memory_bytes / 1024);
	if (elapsed_usec > 0) {
		double per_sec = (double)USEC_PER_SEC / (double)elapsed_usec;

		set_rate(ret, first + SAMPLE_CGROUP_CPU, last->cpu_usec, now.cpu_usec,
		    10000.0 / (double)elapsed_usec);
		set_rate(ret, first + SAMPLE_CGROUP_READ, last->read_bytes, now.read_bytes,
		    per_sec / 1024);
		set_rate(ret, first + SAMPLE_CGROUP_WRITE, last->write_bytes, now.write_bytes,
		    per_sec / 1024);
	}
	s->last[cgroup] = now;
}

void
sampler_take(struct sampler *s, struct sample *ret)
{
	uint64_t now_usec = clock_boottime_usec();
	uint64_t elapsed_usec = s->last_usec > 0 ? now_usec - s->last_usec : 0;

	sample_clear(ret);
	ret->time_sec = (uint32_t)(clock_realtime_usec() / USEC_PER_SEC);
	ret->boottime_sec = (uint32_t)(now_usec / USEC_PER_SEC);
	ret->boot = s->boot;
	take_pressure(s, "proc/pressure/cpu", SAMPLE_PSI_CPU_SOME, SAMPLE_PSI_CPU_SOME, ret);
	take_pressure(
	    s, "proc/pressure/memory", SAMPLE_PSI_MEMORY_SOME, SAMPLE_PSI_MEMORY_FULL, ret);
	take_pressure(s, "proc/pressure/io", SAMPLE_PSI_IO_SOME, SAMPLE_PSI_IO_FULL, ret);
	take_load(s, ret);
	take_memory(s, ret);
	take_disks(s, ret);
	for (enum sample_cgroup c = 0; c < _SAMPLE_CGROUP_COUNT; c++)
		take_cgroup(s, c, elapsed_usec, ret);
	s->last_usec = now_usec;
}
