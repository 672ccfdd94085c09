/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/conditions.h"
#include "capture/rootdir.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

static char **
words(const char *text)
{
	char **list = NULL;

	assert(strv_split_quoted(text, &list) == 0);
	return list;
}

struct machine {
	struct tmpdir t;
	struct conditions_context ctx;
};

static void
put(struct machine *m, const char *path, const char *text)
{
	char dir[512];

	text_copy(dir, sizeof(dir), path);
	*strrchr(dir, '/') = '\0';
	assert(io_mkdir_p(m->t.fd, dir, 0755) == 0);
	tmpdir_put(&m->t, path, text);
}

static bool
check(struct machine *m, const char *path, const char *unit, const char *package,
    const char *container, struct fault *fault)
{
	_cleanup_(conditions_done) struct conditions c = {
		.path_exists = words(path),
		.unit_exists = words(unit),
		.package = words(package),
		.container = words(container),
	};

	*fault = (struct fault){ 0 };
	return conditions_hold(&c, &m->ctx, fault);
}

static void
test_paths(struct machine *m)
{
	struct fault f;

	ok(check(m, "", "", "", "", &f), "no condition holds");
	ok(check(m, "/etc/demo.conf", "", "", "", &f), "a file that exists");
	ok(check(m, "/etc", "", "", "", &f), "a directory that exists");
	ok(check(m, "/etc/link", "", "", "", &f), "a link to something that exists");
	ok(!check(m, "/etc/none", "", "", "", &f), "a file that does not");
	ok_str(fault_text(&f), "nothing of its [Condition] is here, such as /etc/none",
	    "the reason");
	ok(check(m, "/etc/*.conf", "", "", "", &f), "a pattern");
	ok(!check(m, "/etc/*.none", "", "", "", &f), "a pattern without a match");
	ok(check(m, "/etc/none /etc/demo.conf", "", "", "", &f), "one of several is enough");
	ok(check(m, "!/etc/none", "", "", "", &f), "only a negation, which holds");
	ok(!check(m, "!/etc/demo.conf", "", "", "", &f), "only a negation, which does not");
	ok_str(fault_text(&f), "PathExists=!/etc/demo.conf does not hold", "the reason");
	ok(!check(m, "/etc/demo.conf !/etc", "", "", "", &f), "a negation vetoes");
	ok(!check(m, "/etc/none !/etc/nope", "", "", "", &f),
	    "a negation alone is not enough when something is asked for");
	ok(!check(m, "/etc/outside", "", "", "", &f), "a link does not lead out of the root");
}

static void
test_units(struct machine *m)
{
	struct fault f;

	ok(check(m, "", "demo.service", "", "", &f), "a unit of the vendor");
	ok(check(m, "", "demo", "", "", &f), "without suffix it is a service");
	ok(check(m, "", "local.timer", "", "", &f), "a unit of the administrator");
	ok(check(m, "", "inst@eth0.service", "", "", &f), "an instance of a template");
	ok(check(m, "", "inst@.service", "", "", &f), "the template");
	ok(!check(m, "", "none@x.service", "", "", &f), "an instance of no template");
	ok(!check(m, "", "masked.service", "", "", &f), "a masked unit");
	ok(!check(m, "", "empty.service", "", "", &f), "an emptied unit");
	ok(!check(m, "", "none.service", "", "", &f), "no unit");
	ok(check(m, "/etc/none", "demo.service", "", "", &f), "kinds are alternatives too");
	ok(!check(m, "/etc/demo.conf", "!demo.service", "", "", &f), "a veto of another kind");
}

static void
test_packages(struct machine *m)
{
	struct fault f;

	ok(check(m, "", "", "openvswitch", "", &f), "an installed package");
	ok(check(m, "", "", "libc6", "", &f), "one with an architecture");
	ok(!check(m, "", "", "openvswitch-ipsec", "", &f), "one that is not");
	ok(!check(m, "", "", "../../etc", "", &f), "no way out of the database");
}

static void
test_containers(struct machine *m)
{
	struct fault f;

	ok(check(m, "", "", "", "ovnkube-node", &f), "a container of CRI-O");
	ok(check(m, "", "", "", "ovnkube-*", &f), "by pattern");
	ok(check(m, "", "", "", "router", &f), "a container of containerd");
	ok(!check(m, "", "", "", "etcd", &f), "one that does not run");
}

/* As somebody who is not root. */
static void
test_denied(struct machine *m)
{
	struct fault f;

	if (geteuid() == 0 && seteuid(65534) < 0) {
		tap_skip("cannot be anybody else");
		return;
	}
	ok(!check(m, "/etc/closed/demo.conf", "", "", "", &f), "what one may not see");
	ok_int(f.code, -EACCES, "may be there");
	ok_str(fault_text(&f),
	    "nothing of its [Condition] can be seen without root, such as "
	    "/etc/closed/demo.conf",
	    "the reason");
	ok(!check(m, "/etc/closed/*", "", "", "", &f) && f.code == -EACCES, "by pattern");
	ok(!check(m, "/etc/none", "", "", "", &f) && f.code == -ENOENT, "what is not there");
	ok(check(m, "/etc/closed/x /etc/demo.conf", "", "", "", &f), "what one may see");
	(void)seteuid(0);
}

static void
test_rpm(struct machine *m)
{
	struct fault f;

	assert(io_mkdir_p(m->t.fd, "var/lib/rpm", 0755) == 0);
	if (access("/usr/bin/rpm", X_OK) < 0)
		tap_skip("rpm is not installed");
	else
		ok(!check(m, "", "", "no-such-package-here", "", &f), "rpm is asked");
}

int
main(void)
{
	struct machine m = { .t = tmpdir_make() };

	m.ctx.root_fd = rootdir_open(m.t.path);
	m.ctx.deadline_usec = clock_monotonic_usec() + 10 * USEC_PER_SEC;
	put(&m, "etc/demo.conf", "x");
	put(&m, "dev/null", "");
	assert(symlinkat("/etc/demo.conf", m.t.fd, "etc/link") == 0);
	assert(symlinkat("/../../../../../../../../bin/sh", m.t.fd, "etc/outside") == 0);
	put(&m, "usr/lib/systemd/system/demo.service", "[Service]\n");
	put(&m, "usr/lib/systemd/system/inst@.service", "[Service]\n");
	put(&m, "usr/lib/systemd/system/masked.service", "[Service]\n");
	put(&m, "usr/lib/systemd/system/empty.service", "");
	put(&m, "etc/systemd/system/local.timer", "[Timer]\n");
	assert(symlinkat("/dev/null", m.t.fd, "etc/systemd/system/masked.service") == 0);
	put(&m, "var/lib/dpkg/info/openvswitch.list", "/.\n");
	put(&m, "var/lib/dpkg/info/libc6:amd64.list", "/.\n");
	put(&m, "run/containers/storage/overlay-containers/11aa/userdata/config.json",
	    "{\"annotations\":{\"io.kubernetes.container.name\":\"ovnkube-node\"}}");
	put(&m, "run/containers/storage/overlay-containers/22bb/userdata/config.json",
	    "{broken");
	put(&m, "run/containerd/io.containerd.runtime.v2.task/k8s.io/33cc/config.json",
	    "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"router\"}}");

	put(&m, "etc/closed/demo.conf", "x");
	assert(fchmodat(m.t.fd, "etc/closed", 0, 0) == 0);
	assert(fchmod(m.t.fd, 0755) == 0);
	test_paths(&m);
	test_units(&m);
	test_packages(&m);
	test_containers(&m);
	test_denied(&m);
	test_rpm(&m);
	m.ctx.root_fd = close_fd(m.ctx.root_fd);
	assert(fchmodat(m.t.fd, "etc/closed", 0700, 0) == 0);
	tmpdir_remove(&m.t);
	return tap_done();
}
