/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include "capture/collectors/builtin.h"
#include "tests/lib/lab.h"

static const char *
line_with(const char *text, const char *word)
{
	static char buf[512];
	const char *found = text ? strstr(text, word) : NULL;

	if (!found)
		return NULL;
	while (found > text && found[-1] != '\n')
		found--;
	(void)snprintf(buf, sizeof(buf), "%.*s", (int)strcspn(found, "\n"), found);
	return buf;
}

/* A machine made of files: every output is known. */
static void
test_made_up(void)
{
	_cleanup_lab_ struct lab lab;
	const char *text;

	lab_open(&lab);
	lab_put(&lab, "proc/uptime", "270305.12 1.00\n");
	lab_put(&lab, "proc/loadavg", "0.15 0.08 0.07 1/345 6789\n");
	lab_put(&lab, "proc/meminfo",
	    "MemTotal:        2000000 kB\nMemFree:          100000 kB\n"
	    "MemAvailable:     500000 kB\nBuffers:           10000 kB\n"
	    "Cached:           300000 kB\nSwapCached:            5 kB\n"
	    "SwapTotal:        400000 kB\nSwapFree:         300000 kB\n"
	    "Shmem:             20000 kB\nSReclaimable:      40000 kB\n");
	lab_put(&lab, "proc/modules",
	    "overlay 163840 12 - Live 0x0000000000000000\n"
	    "nf_nat 57344 2 nft_chain_nat,xt_nat, Live 0x0\n");
	lab_put(&lab, "proc/1/mountinfo",
	    "1 0 8:1 / / rw - xfs /dev/sda1 rw\n"
	    "2 1 0:1 / /gone rw - ext4 /dev/sdb rw\n"
	    "3 1 0:1 / /mnt/nfs rw - nfs4 server:/export rw\n"
	    "4 1 0:1 / /auto rw - autofs systemd-1 rw\n");
	lab_put(&lab, "mnt/nfs/file", "x");
	lab_put(&lab, "proc/net/route",
	    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
	    "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
	    "eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n");
	lab_put(&lab, "proc/stat", "cpu 1 2 3\nbtime 1000\n");
	lab_put(&lab, "proc/42/stat",
	    "42 (odd) name) S 1 42 42 0 -1 4194560 1 0 0 0 6000 500 0 0 20 5 3 0 777 1 1\n");
	lab_put(&lab, "proc/42/status",
	    "Name:\todd\nUid:\t998\t998\t998\t998\nThreads:\t3\nVmSize:\t  5000 kB\n"
	    "VmRSS:\t  1234 kB\n");
	lab_put(&lab, "proc/42/cmdline", "etcd");
	lab_put(&lab, "proc/7/stat",
	    "7 (kthreadd) I 2 0 0 0 -1 2129984 0 0 0 0 0 1 0 0 0 -20 1 0 9 0 0\n");
	lab_put(&lab, "proc/7/status", "Name:\tkthreadd\nUid:\t0\t0\t0\t0\nThreads:\t1\n");
	lab_put(&lab, "proc/7/cmdline", "");

	lab_put(&lab, "proc/sys/net/ipv4/conf/eth0.5/rp_filter", "1\n");
	lab_put(&lab, "proc/sys/net/ipv6/conf/all/stable_secret", "2001::1\n");
	lab_put(&lab, "proc/sys/kernel/many", "a\nb\n");

	ok_int(host_collector.run(&host_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "the collector");
	lab_close(&lab);

	ok_str(lab_text(&lab, "sos_commands/kernel/sysctl_-a"),
	    "kernel.many = a\nkernel.many = b\nnet.ipv4.conf.eth0/5.rp_filter = 1\n", "sysctl");
	text = lab_text(&lab, "sos_commands/host/uptime");
	ok(text && strstr(text, " up 3 days,  3:05,  load average: 0.15, 0.08, 0.07\n"),
	    "uptime");
	text = lab_text(&lab, "sos_commands/memory/free");
	ok_str(line_with(text, "Mem:"),
	    "Mem:         2000000     1500000      100000       20000      350000      500000",
	    "free");
	ok_str(
	    line_with(text, "Swap:"), "Swap:         400000      100000      300000", "swap");
	text = lab_text(&lab, "sos_commands/kernel/lsmod");
	ok_str(line_with(text, "nf_nat"),
	    "nf_nat                 57344  2 nft_chain_nat,xt_nat", "lsmod");
	text = lab_text(&lab, "sos_commands/filesys/df_-al_-x_autofs");
	ok(text && strstr(text, "/dev/sda1"), "df");
	ok(line_with(text, "server:/export") &&
		strstr(line_with(text, "server:/export"), " - "),
	    "a server is not asked");
	ok(line_with(text, "/gone") && strstr(line_with(text, "/gone"), " - "),
	    "a mount point that cannot be reached");
	ok(!line_with(text, "/auto"), "no automounts");
	ok(lab_text(&lab, "sos_commands/filesys/df_-ali_-x_autofs"), "inodes");
	text = lab_text(&lab, "sos_commands/filesys/mount_-l");
	ok_str(line_with(text, "nfs4"), "server:/export on /mnt/nfs type nfs4 (rw)", "mount");
	text = lab_text(&lab, "sos_commands/networking/route_-n");
	ok_str(line_with(text, "UG"),
	    "0.0.0.0         10.0.0.1        0.0.0.0         UG    100    eth0", "a route");
	ok_str(line_with(text, "255.255"),
	    "10.0.0.0        0.0.0.0         255.255.255.0   U     100    eth0", "another");
	text = lab_text(&lab, "ps");
	ok(lab_find(&lab, "ps") && *lab_find(&lab, "ps")->link, "ps is a link at the top");
	text = lab_text(&lab, lab_find(&lab, "ps")->link);
	ok_str(line_with(text, "etcd"),
	    "998           42       1  0.0  0.1     5000     1234 ?        SNl  Jan01      1:05 "
	    "etcd",
	    "a process with an odd name");
	ok(line_with(text, "[kthreadd]"), "a kernel thread");
	ok(strstr(text, "etcd") < strstr(text, "[kthreadd]"), "the largest first");
}

/* This machine: nothing is known but the form. */
static void
test_real(void)
{
	static const char *const links[] = { "date", "df", "free", "hostname", "ip_addr",
		"mount", "ps", "uname", "uptime" };
	_cleanup_lab_ struct lab lab;
	const char *text;
	struct statvfs st;

	lab_open(&lab);
	lab.ctx.root = "";
	ok_int(host_collector.run(&host_collector, &lab.ctx, &lab.ctx.record->fault),
	    OUTCOME_OK, "the collector");
	lab_close(&lab);
	for (size_t i = 0; i < ELEMENTSOF(links); i++) {
		const struct read_entry *e = lab_find(&lab, links[i]);

		ok(e && *lab_text(&lab, e->link), "'%s' leads to a file", links[i]);
	}
	text = lab_text(&lab, "sos_commands/filesys/df_-al_-x_autofs");
	assert(statvfs("/", &st) == 0);
	ok(text && strstr(text, " /\n"), "the root is in df");
	text = lab_text(&lab, "sos_commands/networking/ip_-o_addr");
	ok(text && strstr(text, "127.0.0.1/8 scope host lo"), "so is lo in the addresses");
}

int
main(void)
{
	setenv("TZ", "UTC", 1);
	test_made_up();
	test_real();
	return tap_done();
}
