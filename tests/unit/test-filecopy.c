/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture/collectors/filecopy.h"
#include "capture/collectors/listing.h"
#include "capture/forbidden.h"
#include "capture/pathglob.h"
#include "tests/lib/lab.h"

static int
copy(struct lab *lab, const char *copy_patterns, const char *forbid_patterns,
    uint64_t max_files, uint64_t max_file_bytes)
{
	_cleanup_(strv_freep) char **copy_list = NULL;
	_cleanup_(strv_freep) char **forbid_list = NULL;
	struct filecopy_spec spec = {
		.plugin = "demo",
		.max_files = max_files,
		.max_file_bytes = max_file_bytes,
	};

	assert(strv_split(copy_patterns, " ", &copy_list) == 0);
	assert(strv_split(forbid_patterns, " ", &forbid_list) == 0);
	spec.copy = copy_list;
	spec.forbid = forbid_list;
	return filecopy_run(&lab->ctx, &spec, &lab->ctx.record->fault);
}

static void
test_plain(void)
{
	_cleanup_lab_ struct lab lab;
	struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1234567 } };

	lab_open(&lab);
	lab_put(&lab, "etc/demo/a.conf", "alpha\n");
	lab_put(&lab, "etc/demo/d/b.conf", "beta\n");
	lab_put(&lab, "etc/demo/empty", "");
	assert(utimensat(lab.root.fd, "etc/demo/a.conf", times, 0) == 0);
	ok_int(copy(&lab, "/etc/demo /etc/demo/a.conf /etc/none", "", 10, 1000), 0, "a tree");
	lab_close(&lab);
	ok_str(lab_text(&lab, "etc/demo/a.conf"), "alpha\n", "a file, at its own path");
	ok_int(lab_find(&lab, "etc/demo/a.conf")->mtime, 1234567, "with its time");
	ok_str(lab_text(&lab, "etc/demo/d/b.conf"), "beta\n", "one below");
	ok_str(lab_text(&lab, "etc/demo/empty"), "", "an empty one");
	ok(!lab_find(&lab, "etc/demo/a.conf.1"), "what two patterns match comes once");
	ok(!lab.ctx.record->notes, "nothing to note");
}

static void
test_special_files(void)
{
	_cleanup_lab_ struct lab lab;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	lab_open(&lab);
	lab_put(&lab, "etc/demo/a.conf", "alpha\n");
	assert(mkfifoat(lab.root.fd, "etc/demo/fifo", 0600) == 0);
	(void)snprintf(
	    address.sun_path, sizeof(address.sun_path), "%s/etc/demo/sock", lab.root.path);
	assert(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	if (mknodat(lab.root.fd, "etc/demo/zero", S_IFCHR | 0600, makedev(1, 5)) < 0)
		tap_skip("no permission to make a device");
	else
		ok(true, "a device that never ends");
	ok_int(copy(&lab, "/etc/demo /etc/demo/fifo", "", 10, 1000), 0,
	    "FIFO, socket, device do not hang");
	lab_close(&lab);
	ok_str(lab_text(&lab, "etc/demo/a.conf"), "alpha\n", "the file is there");
	ok(!lab_find(&lab, "etc/demo/fifo") && !lab_find(&lab, "etc/demo/sock") &&
		!lab_find(&lab, "etc/demo/zero"),
	    "they are not");
	ok(lab_has_note(&lab, "/etc/demo/fifo: FIFO, socket or device, not read"), "but noted");
}

static void
test_links(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	lab_put(&lab, "etc/demo/a.conf", "alpha\n");
	lab_put(&lab, "usr/lib/demo/real.conf", "real\n");
	lab_put(&lab, "usr/lib/demo/secret.key", "secret\n");
	lab_put(&lab, "srv/data/x", "x\n");
	assert(symlinkat("a.conf", lab.root.fd, "etc/demo/inside") == 0);
	assert(symlinkat("/usr/lib/demo/real.conf", lab.root.fd, "etc/demo/absolute") == 0);
	assert(
	    symlinkat("../../usr/lib/demo/real.conf", lab.root.fd, "etc/demo/relative") == 0);
	assert(symlinkat("absolute", lab.root.fd, "etc/demo/chain") == 0);
	assert(symlinkat("nowhere", lab.root.fd, "etc/demo/dangling") == 0);
	assert(symlinkat("../../../../../../etc/nowhere", lab.root.fd, "etc/demo/up") == 0);
	assert(symlinkat("loop", lab.root.fd, "etc/demo/loop") == 0);
	assert(symlinkat("/srv/data", lab.root.fd, "etc/demo/directory") == 0);
	assert(symlinkat("/usr/lib/demo/secret.key", lab.root.fd, "etc/demo/innocent") == 0);
	assert(symlinkat("/usr/lib/demo", lab.root.fd, "etc/way") == 0);
	ok_int(copy(&lab, "/etc/demo /etc/way/*", "", 100, 1000), 0, "links");
	lab_close(&lab);
	ok_str(lab_find(&lab, "etc/demo/inside")->link, "a.conf", "a link to a neighbour");
	ok_str(lab_find(&lab, "etc/demo/absolute")->link, "../../usr/lib/demo/real.conf",
	    "an absolute link becomes relative");
	ok_str(lab_find(&lab, "etc/demo/relative")->link, "../../usr/lib/demo/real.conf",
	    "a relative one stays");
	ok_str(lab_find(&lab, "etc/demo/chain")->link, "../../usr/lib/demo/real.conf",
	    "a chain leads to its end");
	ok_str(lab_text(&lab, "usr/lib/demo/real.conf"), "real\n",
	    "what they lead to is copied, once");
	ok(!lab_find(&lab, "usr/lib/demo/real.conf.1"), "only once");
	ok_str(lab_find(&lab, "etc/demo/dangling")->link, "nowhere", "a dangling link stays");
	ok_str(lab_find(&lab, "etc/demo/up")->link, "../nowhere", "none leads out");
	ok_str(lab_find(&lab, "etc/demo/loop")->link, "loop", "a loop does no harm");
	ok_str(lab_find(&lab, "etc/demo/directory")->link, "../../srv/data",
	    "a link to a directory");
	ok(!lab_find(&lab, "srv/data/x"), "which is not entered");
	ok(!lab_find(&lab, "usr/lib/demo/secret.key"), "a link opens no forbidden file");
	ok(!lab_find(&lab, "etc/way/secret.key"), "nor does a path through a link");
	ok_str(lab_text(&lab, "etc/way/real.conf"), "real\n", "which else can be used");
}

static void
test_forbidden(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	lab_put(&lab, "etc/demo/a.conf", "alpha\n");
	lab_put(&lab, "etc/demo/tls/server.key", "secret\n");
	lab_put(&lab, "etc/demo/mine/x", "secret\n");
	lab_put(&lab, "etc/crio/openshift-pull-secret", "secret\n");
	lab_put(&lab, "var/lib/microshift/certs/ca/ca.key", "secret\n");
	lab_put(&lab, "var/lib/microshift/certs/ca/ca.crt", "secret\n");
	lab_put(&lab, "var/lib/microshift/resources/kubeadmin/kubeconfig", "secret\n");
	lab_put(&lab, "var/lib/microshift/version", "{}\n");
	lab_put(&lab, "var/lib/microshift-backups/x_1/certs/ca.key", "secret\n");
	lab_put(&lab, "var/lib/microshift-backups/x_1/etcd/member/db", "secret\n");
	lab_put(&lab, "var/lib/microshift-backups/x_1/version", "{}\n");
	assert(symlinkat("/var/lib/microshift/certs", lab.root.fd, "etc/demo/certs") == 0);
	assert(linkat(lab.root.fd, "etc/demo/mine/x", lab.root.fd, "etc/demo/y", 0) == 0);
	ok_int(copy(&lab,
		   "/etc/demo /etc/demo/certs/*/* /etc/crio /var/lib/microshift "
		   "/var/lib/microshift-backups /var/lib/microshift/certs/ca/ca.key",
		   "/etc/demo/mine /etc/demo/y", 100, 1000),
	    0, "a tree with secrets");
	lab_close(&lab);
	for (size_t i = 0; i < lab.archive.n_entries; i++)
		ok(!lab.archive.entries[i].data ||
			!strstr(lab.archive.entries[i].data, "secret"),
		    "no secret in %s", lab.archive.entries[i].path);
	ok_str(lab_text(&lab, "etc/demo/a.conf"), "alpha\n", "the rest is there");
	ok_str(lab_text(&lab, "var/lib/microshift/version"), "{}\n", "version");
	ok_str(lab_text(&lab, "var/lib/microshift-backups/x_1/version"), "{}\n",
	    "version of a backup");
	ok(lab_has_note(&lab, "/etc/demo/tls/server.key: forbidden, not read") &&
		lab_has_note(&lab, "/etc/demo/mine: forbidden, not read") &&
		lab_has_note(&lab, "/var/lib/microshift/certs: forbidden, not read") &&
		lab_has_note(&lab, "/etc/crio/openshift-pull-secret: forbidden"),
	    "what was left out is noted");
	if (!lab_has_note(&lab, "/etc/demo/certs/ca/ca.crt: leads to") &&
	    !lab_has_note(&lab, "/etc/demo/certs/ca/ca.key: forbidden"))
		lab_print(&lab);
	for (const char *const *p = forbidden_patterns; *p; p++)
		ok(pathglob_is_valid(*p), "'%s' is a valid pattern", *p);
}

static void
put_large(struct lab *lab, const char *path, off_t size, const char *end)
{
	_cleanup_close_ int fd = -EBADF;

	lab_put(lab, path, "first line\n");
	fd = openat(lab->root.fd, path, O_WRONLY | O_CLOEXEC);
	assert(fd >= 0 && ftruncate(fd, size) == 0);
	assert(pwrite(fd, end, strlen(end), size - (off_t)strlen(end)) == (ssize_t)strlen(end));
}

static void
test_large(void)
{
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *text = malloc(40001);
	const struct read_entry *e;

	assert(text);
	lab_open(&lab);
	memset(text, 'x', 40000);
	for (size_t i = 79; i < 40000; i += 80)
		text[i] = '\n';
	memcpy(text, "OLDEST", 6);
	memcpy(text + 39980, "NEWEST", 6);
	text[40000] = '\0';
	lab_put(&lab, "var/log/demo/big.log", text);
	lab_put(&lab, "var/log/demo/small.log", "small\n");
	/* 300 MB that take no room: must neither be read whole nor stored. */
	put_large(&lab, "var/log/demo/sparse.log", 300000000, "last line\n");
	ok_int(copy(&lab, "/var/log/demo", "", 100, 10000), 1, "a binary is left out");
	lab_close(&lab);
	e = lab_find(&lab, "sos_strings/demo/var.log.demo.big.log.tailed");
	if (!ok(e != NULL, "a large file is where sos puts it")) {
		lab_print(&lab);
		return;
	}
	ok(e->size < 11000 && e->size > 5000, "its end only (%zu)", e->size);
	ok(strstr(e->data, "NEWEST") && !strstr(e->data, "OLDEST"), "the newest lines");
	ok_str(lab_find(&lab, "var/log/demo/big.log")->link,
	    "../../../sos_strings/demo/var.log.demo.big.log.tailed", "its own path is a link");
	ok_str(lab_text(&lab, "var/log/demo/small.log"), "small\n", "a small one is whole");
	ok(!lab_find(&lab, "var/log/demo/sparse.log"), "the sparse one is not there");
	ok(lab_has_note(&lab, "sparse.log: binary and larger"), "and that is noted");
}

static void
test_max_files(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	lab_put(&lab, "etc/demo/a", "a");
	lab_put(&lab, "etc/demo/b", "b");
	lab_put(&lab, "etc/demo/c", "c");
	lab_put(&lab, "etc/demo2/d", "d");
	ok_int(copy(&lab, "/etc/demo /etc/demo2", "", 2, 1000), 1, "more files than allowed");
	lab_close(&lab);
	ok(lab_find(&lab, "etc/demo/b") && !lab_find(&lab, "etc/demo/c") &&
		!lab_find(&lab, "etc/demo2/d"),
	    "the first ones are there");
	ok(lab_has_note(&lab, "/etc/demo/c: this and what follows: more than MaxFiles="),
	    "noted");
	ok(strstr(lab.ctx.record->fault.text, "/etc/demo/c: "), "and the reason");
}

static void
test_proc(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	lab.ctx.root = "";
	ok_int(copy(&lab,
		   "/proc/meminfo /proc/self/status /proc/self/mem /proc/sys/kernel/ostype "
		   "/proc/sys/vm/drop_caches /proc/kmsg /proc/self/fd /proc/999999999/status",
		   "", 100, 100000),
	    0, "files of /proc, readable or not");
	lab_close(&lab);
	ok(lab_text(&lab, "proc/meminfo") &&
		strstr(lab_text(&lab, "proc/meminfo"), "MemTotal:"),
	    "meminfo");
	ok_str(lab_text(&lab, "proc/sys/kernel/ostype"), "Linux\n", "a sysctl");
	ok(!lab_find(&lab, "proc/sys/vm/drop_caches"), "one that can only be written");
	ok(!lab_find(&lab, "proc/self/mem") && !lab_find(&lab, "proc/kmsg"), "memory");
}

static void
test_remote(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	lab_put(&lab, "proc/self/mountinfo",
	    "1 0 8:1 / / rw - xfs /dev/sda1 rw\n"
	    "2 1 0:1 / /mnt/nfs rw - nfs4 server:/export rw\n"
	    "3 1 0:2 / /mnt/nfs/local rw - ext4 /dev/sdb rw\n");
	lab_put(&lab, "mnt/nfs/x", "x");
	lab_put(&lab, "mnt/nfs/local/y", "y");
	lab_put(&lab, "mnt/z", "z");
	assert(symlinkat("/mnt/nfs/x", lab.root.fd, "mnt/link") == 0);
	ok_int(copy(&lab, "/mnt /mnt/nfs/x", "", 100, 100), 0, "a tree with a network mount");
	lab_close(&lab);
	ok(lab_find(&lab, "mnt/z") && !lab_find(&lab, "mnt/nfs/x"), "is not entered");
	ok_str(lab_find(&lab, "mnt/link")->link, "nfs/x", "a link to it is only stored");
	ok(lab_has_note(&lab, "/mnt/nfs: on a network or FUSE file system, not read"), "noted");
}

static void
test_budget(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	lab_put(&lab, "etc/demo/a", "0123456789\n0123456789\n");
	lab_put(&lab, "etc/demo/b", "0123456789\n0123456789\n");
	bundle_set_scope(lab.bundle, lab.ctx.record, 30, USEC_INFINITY);
	ok_int(copy(&lab, "/etc/demo", "", 10, 1000), -EDQUOT, "no room ends the copying");
	lab.ctx.deadline_usec = 1;
	ok_int(copy(&lab, "/etc/demo", "", 10, 1000), -ETIME, "so does the deadline");
}

static void
test_listing(void)
{
	_cleanup_lab_ struct lab lab;
	const char *text;

	lab_open(&lab);
	lab_put(&lab, "var/lib/microshift/certs/ca/ca.key", "secret\n");
	lab_put(&lab, "var/lib/microshift/odd\nname", "x");
	assert(fchmodat(lab.root.fd, "var/lib/microshift/certs/ca/ca.key", 0600, 0) == 0);
	assert(symlinkat("certs", lab.root.fd, "var/lib/microshift/link") == 0);
	ok_int(listing_add(&lab.ctx, "demo", "/var/lib/microshift", 100), 0, "a listing");
	ok_int(listing_add(&lab.ctx, "demo", "/none", 100), 0, "of nothing");
	ok_int(listing_add(&lab.ctx, "demo", "/var/lib/*", 2), 1, "that is too long");
	lab_close(&lab);
	text = lab_text(&lab, "sos_commands/demo/find_.var.lib.microshift_-ls");
	if (!ok(text != NULL, "is named like a command")) {
		lab_print(&lab);
		return;
	}
	ok(strstr(text, "drwx") && strstr(text, " /var/lib/microshift\n"), "the directory");
	ok(strstr(text, " -rw-------   1 ") &&
		strstr(text, " /var/lib/microshift/certs/ca/ca.key\n"),
	    "names, modes and sizes of secrets too");
	ok(!strstr(text, "secret"), "but not what is in them");
	ok(strstr(text, " /var/lib/microshift/link -> certs\n"), "a link with its target");
	ok(strstr(text, " /var/lib/microshift/odd?name\n"), "a name in one line");
	ok(!lab_find(&lab, "sos_commands/demo/find_.none_-ls"), "nothing for nothing");
	text = lab_text(&lab, "sos_commands/demo/find_.var.lib._-ls");
	ok(text && strstr(text, "and more"), "a long one says so");
}

int
main(void)
{
	test_plain();
	test_special_files();
	test_links();
	test_forbidden();
	test_large();
	test_max_files();
	test_proc();
	test_remote();
	test_budget();
	test_listing();
	return tap_done();
}
