/* SPDX-License-Identifier: Apache-2.0 */

/* Samples of a tree that stands for "/", with what real machines have in these files. */

#include "tests/lib/tap.h"

#include "daemon/sampler.h"
#include "lib/clock.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

#define MICROSHIFT (SAMPLE_CGROUPS + SAMPLE_CGROUP_MICROSHIFT * _SAMPLE_CGROUP_VALUE_COUNT)
#define KUBEPODS   (SAMPLE_CGROUPS + SAMPLE_CGROUP_KUBEPODS * _SAMPLE_CGROUP_VALUE_COUNT)
#define V2	   "sys/fs/cgroup/system.slice/microshift.service"
#define V1_MEMORY  "sys/fs/cgroup/memory/kubepods.slice"
#define V1_CPU	   "sys/fs/cgroup/cpuacct/kubepods.slice"

static void
put(const struct tmpdir *t, const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = text_format("%s/%s", dir, name);

	assert(path && io_mkdir_p(t->fd, dir, 0755) == 0);
	tmpdir_put(t, path, text);
}

static void
put_proc(const struct tmpdir *t)
{
	put(t, "proc/pressure", "cpu",
	    "some avg10=67.11 avg60=62.65 avg300=29.09 total=120877241\n"
	    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	put(t, "proc/pressure", "memory",
	    "some avg10=0.40 avg60=0.69 avg300=0.48 total=6618725\n"
	    "full avg10=0.05 avg60=0.05 avg300=0.25 total=5187158\n");
	put(t, "proc", "loadavg", "3.55 1.73 0.70 4/130 417\n");
	put(t, "proc", "meminfo",
	    "MemTotal:        8046892 kB\nMemFree:         3303336 kB\n"
	    "MemAvailable:    7321012 kB\nSwapFree:              0 kB\nDirty:        96 kB\n"
	    "Slab:             221176 kB\n");
}

static void
put_counters(const struct tmpdir *t, const char *cpu, const char *io)
{
	put(t, V2, "cpu.stat", cpu);
	put(t, V2, "io.stat", io);
}

static void
test_nothing(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	struct sampler sampler;
	struct sample s;
	size_t present = 0;

	sampler_init(&sampler, root.fd, -EBADF);
	sampler_take(&sampler, &s);
	for (size_t i = 0; i < SAMPLE_VALUE_COUNT; i++)
		present += s.values[i] != SAMPLE_ABSENT;
	ok_int(present, 1, "a machine without files: only its root has a size");
	ok(s.values[SAMPLE_DISK_ROOT] != SAMPLE_ABSENT, "that one");
	ok(s.time_sec > 0 && s.boottime_sec > 0 && s.boot != 0, "time and boot are known");
}

static void
test_files(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	struct sampler sampler;
	struct sample s;

	put_proc(&root);
	put(&root, V2, "memory.current", "104857600\n");
	put(&root, V1_MEMORY, "memory.usage_in_bytes", "2097152\n");
	put(&root, "var/log", "messages", "");
	sampler_init(&sampler, root.fd, root.fd);
	sampler_take(&sampler, &s);
	ok_int(s.values[SAMPLE_PSI_CPU_SOME], 6711, "cpu pressure");
	ok_int(s.values[SAMPLE_PSI_MEMORY_SOME], 40, "memory pressure, some");
	ok_int(s.values[SAMPLE_PSI_MEMORY_FULL], 5, "and full");
	ok_int(s.values[SAMPLE_PSI_IO_FULL], SAMPLE_ABSENT, "a file that is not there");
	ok_int(s.values[SAMPLE_LOAD], 355, "load");
	ok_int(s.values[SAMPLE_MEM_AVAILABLE], 7321012, "memory");
	ok_int(s.values[SAMPLE_SWAP_FREE], 0, "none is 0, not absent");
	ok_int(s.values[SAMPLE_MEM_DIRTY], 96, "dirty pages");
	ok(s.values[SAMPLE_DISK_SPOOL] != SAMPLE_ABSENT &&
		s.values[SAMPLE_DISK_LOG] != SAMPLE_ABSENT,
	    "disks");
	ok_int(
	    s.values[SAMPLE_DISK_MICROSHIFT], SAMPLE_ABSENT, "a directory that is not there");
	ok_int(s.values[MICROSHIFT + SAMPLE_CGROUP_MEMORY], 102400, "memory, cgroup v2");
	ok_int(s.values[KUBEPODS + SAMPLE_CGROUP_MEMORY], 2048, "memory, cgroup v1");
}

static void
test_rates(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	struct sampler sampler;
	struct sample s;

	clock_set_for_test(1000 * USEC_PER_SEC);
	put_counters(&root, "usage_usec 5000000\nuser_usec 1\n", "8:0 rbytes=4096 wbytes=0\n");
	put(&root, V1_CPU, "cpuacct.usage", "1000000000\n");
	sampler_init(&sampler, root.fd, root.fd);
	sampler_take(&sampler, &s);
	ok_int(
	    s.values[MICROSHIFT + SAMPLE_CGROUP_CPU], SAMPLE_ABSENT, "the first has no rate");

	clock_set_for_test(1010 * USEC_PER_SEC);
	put_counters(&root, "usage_usec 10000000\n", "8:0 rbytes=106496 wbytes=0\n");
	put(&root, V1_CPU, "cpuacct.usage", "2000000000\n");
	sampler_take(&sampler, &s);
	ok_int(s.values[MICROSHIFT + SAMPLE_CGROUP_CPU], 5000, "5 s of 10 s is 50 percent");
	ok_int(s.values[KUBEPODS + SAMPLE_CGROUP_CPU], 1000, "cgroup v1 counts nanoseconds");
	ok_int(s.values[MICROSHIFT + SAMPLE_CGROUP_READ], 10, "100 KiB in 10 s");
	ok_int(s.values[MICROSHIFT + SAMPLE_CGROUP_WRITE], 0, "nothing written is 0");

	clock_set_for_test(1020 * USEC_PER_SEC);
	put_counters(&root, "usage_usec 1000000\n", "");
	sampler_take(&sampler, &s);
	ok_int(s.values[MICROSHIFT + SAMPLE_CGROUP_CPU], 1000, "a new cgroup counts from 0");
	ok_int(s.values[MICROSHIFT + SAMPLE_CGROUP_READ], SAMPLE_ABSENT, "no disk is absent");

	put_counters(&root, "usage_usec 2000000\n", "");
	sampler_take(&sampler, &s);
	ok_int(s.values[MICROSHIFT + SAMPLE_CGROUP_CPU], SAMPLE_ABSENT, "no time, no rate");
	clock_set_for_test(USEC_INFINITY);
}

static void
test_garbage(void)
{
	_cleanup_tmpdir_ struct tmpdir root = tmpdir_make();
	struct sampler sampler;
	struct sample s;
	char *large = calloc(1, 10000);

	assert(large);
	(void)memset(large, ' ', 9998);
	(void)memcpy(large, "MemFree: 1 kB\n", 14);
	put(&root, "proc/pressure", "cpu", "some\navg10=1\n\377\376");
	put(&root, "proc", "loadavg", "");
	put(&root, "proc", "meminfo", large);
	put(&root, V2, "memory.current", "max\n");
	put_counters(&root, "usage_usec\n", "8:0 rbytes=x\n");
	assert(io_mkdir_p(root.fd, "proc/pressure/io", 0755) == 0);
	sampler_init(&sampler, root.fd, root.fd);
	sampler_take(&sampler, &s);
	for (size_t i = 0; i < SAMPLE_VALUE_COUNT; i++)
		if (i < SAMPLE_DISK_SPOOL || i > SAMPLE_DISK_ROOT)
			assert(s.values[i] == SAMPLE_ABSENT);
	ok(true, "garbage, a directory, a file that is too long: absent");
	free(large);
}

int
main(void)
{
	test_nothing();
	test_files();
	test_rates();
	test_garbage();
	return tap_done();
}
