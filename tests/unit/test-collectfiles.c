/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <unistd.h>

#include "capture/collectfiles.h"
#include "capture/collector.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

/* What was complained about, one line each. */
struct complaints {
	char text[8192];
};

static void
on_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	struct complaints *c = userdata;
	size_t n = strlen(c->text);
	const char *slash = strrchr(file, '/');

	/* The directory of drop-ins ends in one. */
	(void)snprintf(c->text + n, sizeof(c->text) - n, "%s:%u: %s\n",
	    slash && slash[1] ? slash + 1 : file, line, text);
}

/* The words of LIST with "|" between them, without the directory T. */
static const char *
joined(char *const *list, const struct tmpdir *t)
{
	static char text[2048];

	text[0] = '\0';
	for (char *const *word = list; word && *word; word++) {
		size_t n = strlen(text);
		size_t skip = text_has_prefix(*word, t->path) ? strlen(t->path) + 1 : 0;

		(void)snprintf(
		    text + n, sizeof(text) - n, "%s%s", n > 0 ? "|" : "", *word + skip);
	}
	return text;
}

static const struct collectdef *
find(const struct collectfiles *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (streq(list->items[i]->name, name))
			return list->items[i];
	return NULL;
}

static void
test_directories(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(collectfiles_done) struct collectfiles list = { 0 };
	_cleanup_free_ char *vendor = text_format("%s/vendor", t.path);
	_cleanup_free_ char *admin = text_format("%s/admin", t.path);
	_cleanup_free_ char *run = text_format("%s/run", t.path);
	char *dirs[] = { vendor, admin, run, NULL };
	struct complaints c = { 0 };
	const struct collectdef *def;
	char *nothing;

	assert(io_mkdir_p(t.fd, "vendor/a.conf.d", 0755) == 0);
	assert(io_mkdir_p(t.fd, "admin/a.conf.d", 0755) == 0);
	assert(io_mkdir_p(t.fd, "run/a.conf.d", 0755) == 0);
	tmpdir_put(&t, "vendor/a.conf", "[Collector]\nDescription=vendor\n[Files]\nCopy=/a\n");
	tmpdir_put(&t, "vendor/a.conf.d/50.conf", "[Files]\nCopy=/vendor50\n");
	tmpdir_put(&t, "vendor/a.conf.d/60.conf", "[Files]\nCopy=/never\n");
	tmpdir_put(&t, "admin/a.conf.d/60.conf", "[Files]\nCopy=/admin60\n");
	tmpdir_put(&t, "run/a.conf.d/10.conf", "[Files]\nCopy=/run10\n[Collector]\nOops=1\n");
	tmpdir_put(&t, "vendor/b.conf", "[Collector]\nDescription=vendor\n[Files]\nCopy=/b\n");
	tmpdir_put(&t, "admin/b.conf", "[Collector]\nDescription=admin\n");
	tmpdir_put(&t, "vendor/c.conf", "[Collector]\n");
	assert(symlinkat("/dev/null", t.fd, "admin/c.conf") == 0);
	tmpdir_put(&t, "vendor/d.conf", "[Collector]\n");
	tmpdir_put(&t, "run/d.conf", "");
	tmpdir_put(&t, "admin/e.conf", "[Collector]\nPriority=x\nDescription=e\n");
	tmpdir_put(&t, "admin/bad name.conf", "[Collector]\n");
	tmpdir_put(&t, "admin/notes.txt", "[Collector]\n");
	assert(io_mkdir_p(t.fd, "admin/nothing.conf.d", 0755) == 0);
	assert(io_mkdir_p(t.fd, "admin/c.conf.d", 0755) == 0);

	ok_int(collectfiles_load(dirs, on_problem, &c, &list), 4, "four mistakes in all");
	nothing = strstr(c.text, t.path);
	ok(nothing && strstr(nothing, "admin/nothing.conf.d/:0: there is no file that this"),
	    "drop-ins for nothing");
	if (nothing)
		*nothing = '\0';
	ok_str(c.text,
	    "10.conf:4: unknown key Oops= in [Collector]; ignored\n"
	    "bad name.conf:0: its name cannot be that of a collector; ignored\n"
	    "e.conf:2: Priority=: 'x' is no number from 0 to 100\n",
	    "they are told with file and line");
	ok_int(list.n, 3, "three collectors");
	def = find(&list, "a");
	ok(def && streq(joined(def->copy, &t), "/a|/run10|/vendor50|/admin60"),
	    "drop-ins come in the order of their names, a stronger one of the same name "
	    "replaces");
	ok_str(joined(def->drop_ins, &t),
	    "run/a.conf.d/10.conf|vendor/a.conf.d/50.conf|admin/a.conf.d/60.conf",
	    "they are remembered");
	def = find(&list, "b");
	ok_str(joined(def->overrides, &t), "vendor/b.conf", "what is overridden, too");
	ok(def && streq(def->description, "admin") && !def->copy,
	    "a file of the same name replaces the vendor's");
	ok(!find(&list, "c"), "a link to /dev/null masks");
	ok(!find(&list, "d"), "an empty file masks");
	ok_str(joined(list.masked, &t), "admin/c.conf|run/d.conf", "the masks are remembered");
	def = find(&list, "e");
	ok(def && streq(def->description, "e") && def->priority == PRIORITY_NORMAL,
	    "a bad value leaves the default and the rest");
}

static void
test_no_directories(void)
{
	_cleanup_(collectfiles_done) struct collectfiles list = { 0 };
	char none[] = "/nonexistent/collect.d";
	char *dirs[] = { none, NULL };

	ok_int(collectfiles_load(dirs, NULL, NULL, &list), 0, "no directory is fine");
	ok_int(list.n, 0, "and gives nothing");
}

static void
test_unreadable(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(collectfiles_done) struct collectfiles list = { 0 };
	_cleanup_free_ char *loop = text_format("%s/loop", t.path);
	struct complaints c = { 0 };
	char *dirs[] = { loop, t.path, NULL };

	assert(symlinkat("loop", t.fd, "loop") == 0);
	tmpdir_put(&t, "a.conf", "[Collector]\n");
	ok_int(collectfiles_load(dirs, on_problem, &c, &list), 1, "a directory that cannot be");
	ok_str(c.text, "loop:0: cannot be read; what is in it is ignored\n", "is told");
	ok(find(&list, "a"), "the others still count");
}

static void
test_too_many(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_(collectfiles_done) struct collectfiles list = { 0 };
	struct complaints c = { 0 };
	char *dirs[] = { t.path, NULL };
	char name[32];

	for (unsigned i = 0; i <= COLLECTFILES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%03u.conf", i);
		tmpdir_put(&t, name, "[Collector]\n");
	}
	ok_int(collectfiles_load(dirs, on_problem, &c, &list), 1, "one file too many");
	ok_str(c.text, "256.conf:0: too many files; ignored\n", "is told");
	ok_int(list.n, COLLECTFILES_MAX, "the others are there");
}

static void
test_names(void)
{
	static const struct {
		const char *path;
		const char *name;
	} cases[] = {
		{ "/etc/x/a.conf", "a" },
		{ "/etc/x/a.conf.d/50-b.conf", "a" },
		{ "/etc/x/a.conf.d/", "a" },
		{ "a.conf", "a" },
		{ "/etc/x.d/a.conf", "a" },
		{ "/etc/x/.conf", "" },
		{ "/etc/x/a b.conf", "" },
		{ "/.conf.d/a.conf", "a" },
		{ "", "" },
	};
	char name[COLLECTDEF_NAME_MAX + 1];

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		collectfiles_name_of(cases[i].path, name);
		ok_str(name, cases[i].name, "the collector of '%s'", cases[i].path);
	}
}

int
main(void)
{
	test_directories();
	test_no_directories();
	test_unreadable();
	test_too_many();
	test_names();
	return tap_done();
}
