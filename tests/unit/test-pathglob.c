/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include "capture/pathglob.h"
#include "capture/rootdir.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

static void
test_valid(void)
{
	static const char *const good[] = { "/etc", "/etc/**", "/a*b?c[d]/e", "/**/x" };
	static const char *const bad[] = { "", "etc", "/etc/", "//etc", "/etc//x", "/etc/../x",
		"/./x", "/*a*b*c*d*e*f*g", "~/x" };

	for (size_t i = 0; i < ELEMENTSOF(good); i++)
		ok(pathglob_is_valid(good[i]), "'%s' is valid", good[i]);
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ok(!pathglob_is_valid(bad[i]), "'%s' is not valid", bad[i]);
	ok(!pathglob_is_valid("/"), "'/' alone is not valid: nobody wants the whole machine");
}

static void
test_match(void)
{
	static const struct {
		const char *pattern, *path;
		bool want;
	} cases[] = {
		{ "/etc/hosts", "/etc/hosts", true },
		{ "/etc/hosts", "/etc/hosts2", false },
		{ "/etc", "/etc/a/b", true },
		{ "/etc/a/b", "/etc/a", false },
		{ "/etc/*.key", "/etc/x.key", true },
		{ "/etc/*.key", "/etc/.key", true },
		{ "/etc/*.key", "/etc/d/x.key", false },
		{ "/etc/**/*.key", "/etc/x.key", true },
		{ "/etc/**/*.key", "/etc/d/e/x.key", true },
		{ "/etc/**/*.key", "/etc/d/e/x.crt", false },
		{ "/etc/**/d", "/etc/d/x", true },
		{ "/**/kubeconfig", "/a/b/kubeconfig", true },
		{ "/**/b/**/d", "/a/b/c/b/x/d", true },
		{ "/**/b/**/d", "/a/c/x/d", false },
		{ "/a/?", "/a/b", true },
		{ "/a/?", "/a/bb", false },
		{ "/a/[!x]y", "/a/by", true },
		{ "/a/[!x]y", "/a/xy", false },
		{ "/a/\\*", "/a/*", true },
		{ "/a/\\*", "/a/b", false },
		{ "/var/lib/microshift/certs/**", "/var/lib/microshift/certs/x/ca.key", true },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		ok_int(pathglob_match(cases[i].pattern, cases[i].path), cases[i].want,
		    "'%s' against '%s'", cases[i].pattern, cases[i].path);
}

struct found {
	char text[2048];
	const char *forbidden; /* directory that may not be entered */
	int stop_after;	       /* entries, 0 = never */
};

static int
on_entry(const struct pathglob_entry *entry, void *userdata)
{
	static const char letters[] = "fdlo";
	struct found *found = userdata;
	size_t n = strlen(found->text);
	struct stat st;

	assert(fstatat(entry->dir_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	(void)snprintf(found->text + n, sizeof(found->text) - n, "%s%c:%s", n ? " " : "",
	    letters[entry->type], entry->path);
	return found->stop_after > 0 && --found->stop_after == 0 ? 7 : 0;
}

static bool
may_enter(const char *path, void *userdata)
{
	struct found *found = userdata;

	return !found->forbidden || !streq(path, found->forbidden);
}

static int
walk(int root_fd, const char *pattern, bool with_directories, struct found *found)
{
	struct pathglob_walk w = {
		.root_fd = root_fd,
		.on_entry = on_entry,
		.may_enter = may_enter,
		.with_directories = with_directories,
		.userdata = found,
	};

	found->text[0] = '\0';
	return pathglob_walk(&w, pattern);
}

static void
check_walk(int root_fd, const char *pattern, const char *want)
{
	struct found found = { 0 };

	ok_int(walk(root_fd, pattern, false, &found), 0, "walk '%s'", pattern);
	ok_str(found.text, want, "'%s' finds these", pattern);
}

static void
test_walk(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int root_fd = rootdir_open(t.path);
	struct found found = { 0 };

	assert(io_mkdir_p(t.fd, "etc/ms/conf.d/deep", 0755) == 0);
	assert(io_mkdir_p(t.fd, "etc/other", 0755) == 0);
	tmpdir_put(&t, "etc/ms/config.yaml", "x");
	tmpdir_put(&t, "etc/ms/tls.key", "x");
	tmpdir_put(&t, "etc/ms/conf.d/10.yaml", "x");
	tmpdir_put(&t, "etc/ms/conf.d/deep/20.yaml", "x");
	tmpdir_put(&t, "etc/other/secret", "x");
	assert(symlinkat("/etc/other", t.fd, "etc/ms/out") == 0);
	assert(symlinkat("/etc/ms", t.fd, "etc/link") == 0);
	assert(symlinkat("/", t.fd, "etc/ms/conf.d/loop") == 0);
	assert(mkfifoat(t.fd, "etc/ms/fifo", 0600) == 0);

	check_walk(root_fd, "/etc/ms/config.yaml", "f:/etc/ms/config.yaml");
	check_walk(root_fd, "/etc/ms",
	    "f:/etc/ms/conf.d/10.yaml f:/etc/ms/conf.d/deep/20.yaml l:/etc/ms/conf.d/loop "
	    "f:/etc/ms/config.yaml o:/etc/ms/fifo l:/etc/ms/out f:/etc/ms/tls.key");
	check_walk(root_fd, "/etc/ms/*.key", "f:/etc/ms/tls.key");
	check_walk(root_fd, "/etc/**/*0.yaml",
	    "f:/etc/ms/conf.d/10.yaml f:/etc/ms/conf.d/deep/20.yaml");
	check_walk(root_fd, "/etc/ms/conf.d/**",
	    "f:/etc/ms/conf.d/10.yaml f:/etc/ms/conf.d/deep/20.yaml l:/etc/ms/conf.d/loop");
	/* A link that the pattern spells out is followed, inside the root. */
	check_walk(root_fd, "/etc/link/*.key", "f:/etc/link/tls.key");
	check_walk(root_fd, "/etc/link", "l:/etc/link");
	check_walk(root_fd, "/etc/none/*", "");
	check_walk(root_fd, "/none", "");
	check_walk(root_fd, "/etc/ms/config.yaml/x", "");
	/* So is one that a wildcard matches on the way, but not by "any depth". */
	check_walk(root_fd, "/etc/*/tls.key", "f:/etc/link/tls.key f:/etc/ms/tls.key");
	check_walk(root_fd, "/etc/**/tls.key", "f:/etc/ms/tls.key");
	check_walk(root_fd, "/etc/ms/conf.d/*",
	    "f:/etc/ms/conf.d/10.yaml "
	    "f:/etc/ms/conf.d/deep/20.yaml l:/etc/ms/conf.d/loop");

	assert(walk(root_fd, "/etc/ms/conf.d", true, &found) == 0);
	ok_str(found.text,
	    "d:/etc/ms/conf.d f:/etc/ms/conf.d/10.yaml d:/etc/ms/conf.d/deep "
	    "f:/etc/ms/conf.d/deep/20.yaml l:/etc/ms/conf.d/loop",
	    "directories come before what is in them");

	found = (struct found){ .forbidden = "/etc/ms/conf.d" };
	assert(walk(root_fd, "/etc/ms/**/*.yaml", false, &found) == 0);
	ok_str(found.text, "f:/etc/ms/config.yaml", "a directory that may not be entered");

	found = (struct found){ .stop_after = 2 };
	ok_int(walk(root_fd, "/etc/ms", false, &found), 7, "the callback ends the walk");
	ok_str(found.text, "f:/etc/ms/conf.d/10.yaml f:/etc/ms/conf.d/deep/20.yaml",
	    "and nothing comes after that");
}

static void
test_depth(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_close_ int root_fd = rootdir_open(t.path);
	char path[256] = "a";
	struct found found = { 0 };
	struct pathglob_walk w = {
		.root_fd = root_fd,
		.on_entry = on_entry,
		.userdata = &found,
	};

	for (unsigned i = 0; i < PATHGLOB_DEPTH_MAX + 5; i++)
		strcat(path, "/a");
	assert(io_mkdir_p(t.fd, path, 0755) == 0);
	strcat(path, "/x");
	tmpdir_put(&t, path, "x");
	ok_int(pathglob_walk(&w, "/a"), 0, "a very deep tree");
	ok_str(found.text, "", "is not followed to its end");
	ok(w.is_truncated, "and that is told");
}

int
main(void)
{
	test_valid();
	test_match();
	test_walk();
	test_depth();
	return tap_done();
}
