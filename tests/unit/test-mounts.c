/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "capture/mounts.h"
#include "lib/cleanup.h"
#include "lib/text.h"

static const char table[] =
    "22 1 8:1 / / rw,relatime shared:1 - xfs /dev/mapper/rhel-root rw,seclabel\n"
    "23 22 0:5 / /proc rw - proc proc rw\n"
    "24 22 0:6 / /mnt/nfs\\040share rw,noatime master:3 propagate_from:2 - nfs4 srv:/a\\134b "
    "rw,vers=4.2\n"
    "25 24 8:2 / /mnt/nfs\\040share/disk rw - ext4 /dev/sdb1 rw\n"
    "26 22 0:7 / /net ro - autofs systemd-1 rw\n"
    "27 22 0:8 / /fuse rw - fuse.sshfs u@h:/ rw\n"
    "28 22 0:9 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n"
    "broken line\n"
    "29 22 0:9 /\n"
    "30 22 0:9 / /x rw - ext4\n"
    "31 22 8:3 / /over rw - ext4 /dev/sdc rw\n"
    "32 22 0:9 / /over rw - cifs //srv/x rw\n";

static void
test_parse(void)
{
	_cleanup_(mounts_done) struct mounts m = { 0 };

	ok_int(mounts_parse(table, &m), 0, "a table");
	if (!ok_int(m.n, 9, "lines that are understood"))
		return;
	ok_str(m.items[0].point, "/", "mount point");
	ok_str(m.items[0].type, "xfs", "type");
	ok_str(m.items[0].source, "/dev/mapper/rhel-root", "source");
	ok_str(m.items[0].options, "rw,relatime,seclabel", "options");
	ok_str(m.items[1].options, "rw", "options that say the same twice");
	ok_str(m.items[2].point, "/mnt/nfs share", "a blank in a name");
	ok_str(m.items[2].source, "srv:/a\\b", "a backslash in a name");
	ok_int(mounts_parse("", &(struct mounts){ 0 }), 0, "an empty table");
}

static bool
is_writable(const char *options)
{
	_cleanup_(mounts_done) struct mounts m = { 0 };
	_cleanup_free_ char *line = text_format("1 0 0:1 / / %s", options);

	assert(line && mounts_parse(line, &m) == 0 && m.n == 1);
	return mount_is_writable(mounts_find(&m, "/etc"));
}

static void
test_find(void)
{
	_cleanup_(mounts_done) struct mounts m = { 0 };

	ok(!mounts_find(&m, "/"), "without mounts nothing is found");
	assert(mounts_parse(table, &m) == 0);
	ok_str(mounts_find(&m, "/var/log")->type, "xfs", "the mount of a path");
	ok(is_writable("rw,noatime - xfs /dev/sda1 rw,seclabel"), "it can be written");
	ok(is_writable("ro,noatime - xfs /dev/sda1 rw"), "also when only this mount cannot");
	ok(!is_writable("ro - erofs composefs ro,seclabel"), "an image cannot");
	ok(!is_writable("rw - ext4 /dev/sda1 ro,errors=remount-ro"), "nor what has an error");
}

static void
test_remote(void)
{
	_cleanup_(mounts_done) struct mounts m = { 0 };
	_cleanup_(mounts_done) struct mounts root = { 0 };

	assert(mounts_parse(table, &m) == 0);
	ok(!mounts_is_remote(&m, "/etc/hosts"), "the root");
	ok(mounts_is_remote(&m, "/mnt/nfs share"), "a mount point");
	ok(mounts_is_remote(&m, "/mnt/nfs share/a/b"), "a file below it");
	ok(!mounts_is_remote(&m, "/mnt/nfs share2"), "a name that only begins alike");
	ok(!mounts_is_remote(&m, "/mnt/nfs share/disk/x"), "a local one inside a remote one");
	ok(mounts_is_remote(&m, "/net/host"), "an automount");
	ok(mounts_is_remote(&m, "/fuse/x"), "a FUSE file system");
	ok(!mounts_is_remote(&m, "/proc/meminfo"), "lxcfs");
	ok(mounts_is_remote(&m, "/over/x"), "the mount on top counts");
	assert(mounts_parse("1 0 0:1 / / rw - nfs4 srv:/root rw\n", &root) == 0);
	ok(!mounts_is_remote(&root, "/etc/hosts"), "a remote root is all there is");
}

int
main(void)
{
	test_parse();
	test_find();
	test_remote();
	return tap_done();
}
