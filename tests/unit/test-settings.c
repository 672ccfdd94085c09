/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/settings.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

static void
check_bad(struct settings *s, const char *section, const char *key, const char *value,
    const char *complaint)
{
	struct fault f = { 0 };
	uint64_t before = s->max_reports;

	ok(settings_set(s, section, key, value, &f) < 0, "[%s] %s=%s is refused", section, key,
	    value);
	ok(strstr(f.text, complaint) != NULL, "and why: %s", f.text);
	ok_int(s->max_reports, before, "the old value stays");
}

static void
test_neighbours(void)
{
	_cleanup_(settings_freep) struct settings *s = NULL;
	_cleanup_(strv_freep) char **all = NULL;
	_cleanup_(strv_freep) char **few = NULL;

	assert(settings_new(&s) == 0);
	ok(settings_is_neighbour(s, "crio.service") &&
		settings_is_neighbour(s, "microshift-etcd.scope") &&
		!settings_is_neighbour(s, "microshift.service"),
	    "default neighbours");
	ok(settings_set(s, "Watch", "Units", "microshift.service crio.service", NULL) == 0 &&
		!settings_is_neighbour(s, "crio.service"),
	    "one of the units is no neighbour");
	ok(settings_watched(s, &all) == 0 && strv_length(all) == 7 &&
		streq(all[0], "microshift.service") && streq(all[1], "crio.service") &&
		streq(all[2], "openvswitch.service"),
	    "both are watched, each unit once, MicroShift first");
	ok(settings_set(s, "Watch", "Neighbours", "", NULL) == 0 && !s->neighbours &&
		settings_watched(s, &few) == 0 && strv_length(few) == 2 &&
		!settings_is_neighbour(s, "openvswitch.service"),
	    "there may be none");
}

static void
test_set(void)
{
	_cleanup_(settings_freep) struct settings *s = NULL;
	struct fault f;

	ok_int(settings_new(&s), 0, "the defaults are within their own bounds");
	ok(s->units && streq(s->units[0], "microshift.service") && !s->units[1],
	    "default unit");
	ok_int(s->cool_down_usec, 10 * USEC_PER_MINUTE, "default span");
	ok_int(s->max_use_bytes, 256 << 20, "default size");

	ok(settings_set(s, "Watch", "Units", "microshift.service crio.service", &f) == 0 &&
		strv_length(s->units) == 2,
	    "two units");
	ok(settings_set(s, "Watch", "Units", "a@b.service", &f) == 0 &&
		strv_length(s->units) == 1,
	    "a later assignment replaces");
	ok(settings_set(s, "Capture", "Compression", "xz", &f) == 0 &&
		s->compression == COMPRESSION_XZ,
	    "compression");
	ok(settings_set(s, "Spool", "MaxUse", "infinity", &f) == 0,
	    "infinity where it is allowed");

	ok(strv_length(s->namespaces) == 2 && !s->add_namespaces && s->failing_pods,
	    "default namespaces");
	ok(settings_set(s, "Kube", "AddNamespaces", "shop-* /^db/", &f) == 0 &&
		strv_length(s->add_namespaces) == 2,
	    "patterns");
	ok(settings_set(s, "Kube", "AddNamespaces", "", &f) == 0 && !s->add_namespaces,
	    "an empty list of patterns");
	ok(settings_set(s, "Kube", "FailingPods", "no", &f) == 0 && !s->failing_pods,
	    "a switch");

	check_bad(s, "Kube", "Namespaces", "/(/", "regular expression");
	check_bad(s, "Kube", "Namespaces", "a/b", "neither");
	check_bad(s, "Kube", "FailingPods", "perhaps", "not yes or no");
	check_bad(s, "Watch", "Units", "", "names no unit");
	check_bad(s, "Watch", "Units", "micro/shift.service", "not a unit name");
	check_bad(s, "Watch", "Units", "microshift", "not a unit name");
	check_bad(s, "Watch", "Units",
	    "a.a b.b c.c d.d e.e f.f g.g h.h i.i j.j k.k l.l m.m n.n o.o p.p q.q",
	    "more than 16");
	check_bad(s, "Watch", "Neighbours", "crio.service x.timer", "not a unit name");
	check_bad(s, "Watch", "Neighbours",
	    "a.a b.b c.c d.d e.e f.f g.g h.h i.i j.j k.k l.l m.m n.n o.o p.p q.q",
	    "more than 16");
	check_bad(s, "Spool", "MaxReports", "0", "outside 1 to 10000");
	check_bad(s, "Spool", "MaxReports", "10001", "outside");
	check_bad(s, "Spool", "MaxReports", "many", "not a number");
	check_bad(s, "Spool", "MaxUse", "12Q", "not a size");
	check_bad(s, "Limits", "CoolDownSec", "2d", "outside");
	check_bad(s, "Limits", "CoolDownSec", "soon", "not a time span");
	check_bad(s, "Capture", "DefaultProfile", "huge", "not a profile");
	check_bad(s, "Capture", "Compression", "rar", "not zstd, xz or gzip");
	check_bad(s, "Spool", "MaxReport", "1", "unknown key MaxReport=");
	check_bad(s, "Spol", "MaxReports", "1", "unknown section [Spol]");
}

static void
count_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	(void)file;
	(void)text;
	*(unsigned *)userdata = line;
}

static void
test_files(void)
{
	static const char good[] = "[Spool]\nMaxReports=3\n";
	static const char bad[] = "[Spool]\nMaxReports=3\nMaxAge=never\nMaxManualReports=4\n";
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_free_ char *path = text_format("%s/s.conf", tmp.path);
	_cleanup_(settings_freep) struct settings *a = NULL;
	_cleanup_(settings_freep) struct settings *b = NULL;
	_cleanup_(settings_freep) struct settings *c = NULL;
	_cleanup_free_ char *dump = NULL;
	_cleanup_free_ char *again = NULL;
	unsigned line = 0;
	size_t n;
	FILE *f;

	assert(io_write_file_atomic(tmp.fd, "s.conf", good, strlen(good), 0644) == 0);
	ok(settings_load(path, count_problem, &line, &a) == 0 && a->max_reports == 3,
	    "a good file");
	assert(io_write_file_atomic(tmp.fd, "s.conf", bad, strlen(bad), 0644) == 0);
	ok_int(settings_load(path, count_problem, &line, &b), 1, "a file with one mistake");
	ok_int(line, 3, "its line is named");
	ok(b->max_manual_reports == 4 && b->max_age_usec == 30 * USEC_PER_DAY,
	    "the rest counts, the mistake leaves the default");

	f = open_memstream(&dump, &n);
	settings_dump(a, false, f);
	(void)fclose(f);
	assert(io_write_file_atomic(tmp.fd, "s.conf", dump, n, 0644) == 0);
	ok_int(settings_load(path, NULL, NULL, &c), 0, "a dump is a valid file");
	f = open_memstream(&again, &n);
	settings_dump(c, false, f);
	(void)fclose(f);
	ok_str(again, dump, "and reads back the same");
}

/* The shipped file shows every key with its default, commented out; it cannot drift from the
 * table. */
static void
test_shipped_file(void)
{
	const char *srcdir = getenv("top_srcdir");
	_cleanup_free_ char *path = text_format("%s/conf/supportd.conf", srcdir ? srcdir : ".");
	_cleanup_(settings_freep) struct settings *s = NULL;
	_cleanup_free_ char *shipped = NULL;
	_cleanup_free_ char *dump = NULL;
	const char *body;
	size_t n;
	FILE *f;

	assert(settings_new(&s) == 0);
	f = open_memstream(&dump, &n);
	settings_dump(s, true, f);
	(void)fclose(f);
	ok_int(
	    io_read_file(AT_FDCWD, path, CONF_FILE_MAX_BYTES, &shipped, NULL), 0, "%s", path);
	body = shipped ? strstr(shipped, "[Watch]") : NULL;
	ok_str(body, dump, "conf/supportd.conf equals the table of settings.c");
}

int
main(void)
{
	test_neighbours();
	test_set();
	test_files();
	test_shipped_file();
	return tap_done();
}
