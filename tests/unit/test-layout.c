/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/sink/layout.h"
#include "lib/cleanup.h"

#define WORDS(...) ((char *const[]){ __VA_ARGS__, NULL })

static void
check_command(char *const *argv, const char *want)
{
	char path[LAYOUT_PATH_BYTES] = "";

	ok_int(layout_command_path("p", argv, path), 0, "a name for '%s'", argv[0]);
	ok_str(path, want, "as sos names it");
}

static void
test_commands(void)
{
	char word[600];
	char path[LAYOUT_PATH_BYTES] = "untouched";

	check_command(WORDS((char *)"journalctl", (char *)"--no-pager", (char *)"--unit",
			  (char *)"microshift"),
	    "sos_commands/p/journalctl_--no-pager_--unit_microshift");
	check_command(WORDS((char *)"/usr/bin/systemctl", (char *)"status",
			  (char *)"microshift-etcd.scope"),
	    "sos_commands/p/systemctl_status_microshift-etcd.scope");
	check_command(WORDS((char *)"microshift", (char *)"version"),
	    "sos_commands/p/microshift_version");
	check_command(WORDS((char *)"/sbin/ip", (char *)"-o", (char *)"addr"),
	    "sos_commands/p/ip_-o_addr");
	check_command(WORDS((char *)"ovs-appctl", (char *)"-t",
			  (char *)"/var/run/ovn/ovn-controller.*.ctl", (char *)"ct-zone-list"),
	    "sos_commands/p/ovs-appctl_-t_.var.run.ovn.ovn-controller._.ctl_ct-zone-list");
	check_command(WORDS((char *)"ls", (char *)"-alZRs", (char *)"/var/log"),
	    "sos_commands/p/ls_-alZRs_.var.log");
	check_command(WORDS((char *)"sh", (char *)"-c", (char *)"a && b | 'c' ..", (char *)"_"),
	    "sos_commands/p/sh_-c_a_b_c");
	check_command(WORDS((char *)"/opt/x/bin/tool"), "sos_commands/p/opt.x.bin.tool");

	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ok_int(layout_command_path("p", WORDS(word), path), 0, "a long command");
	ok_int(strlen(path), strlen("sos_commands/p/") + LAYOUT_NAME_MAX, "is cut");
	ok(layout_path_is_valid(path), "and is a valid path");
	ok_int(layout_command_path("p", WORDS((char *)"..", (char *)"/"), path), -EINVAL,
	    "nothing left of the name");
	ok_int(layout_command_path("p", (char *const[]){ NULL }, path), -EINVAL, "no words");
	ok_int(
	    layout_command_path("../p", WORDS((char *)"ip"), path), -EINVAL, "a bad collector");

	ok_int(layout_collector_path("units", "system.slice/x y", path), 0, "a free name");
	ok_str(path, "sos_commands/units/system.slice.x_y", "is mangled as well");
}

static void
test_files(void)
{
	static const struct {
		const char *host;
		const char *want; /* NULL: refused */
	} cases[] = {
		{ "/etc/microshift/config.yaml", "etc/microshift/config.yaml" },
		{ "//proc///pressure/./cpu/", "proc/pressure/cpu" },
		{ "/etc/with space/ümläut", "etc/with space/ümläut" },
		{ "/etc/new\nline\x7f", "etc/new_line_" },
		{ "/etc/bad\xff\xc3/latin1\xe9", "etc/bad__/latin1_" },
		{ "/etc/..", NULL },
		{ "/../etc", NULL },
		{ "/etc/a..b/...", "etc/a..b/..." },
		{ "etc/passwd", NULL },
		{ "/", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		char path[LAYOUT_PATH_BYTES] = "";
		int r = layout_file_path(cases[i].host, path);

		if (cases[i].want)
			ok_str(path, cases[i].want, "file %zu", i);
		else
			ok(r < 0 && path[0] == '\0', "file %zu is refused", i);
	}
}

static void
test_valid(void)
{
	static const char *const bad[] = { "", "/a", "a/", "a//b", ".", "..", "a/../b", "./a",
		"a/.", "a\nb", "\xff", "a\xc0\xaf", "\xed\xa0\x80" };
	static const char *const good[] = { "a", "a/b", "...", "..a", "a b", "\xe2\x82\xac" };
	char deep[LAYOUT_PATH_BYTES + 1];
	char wide[300];

	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ok(!layout_path_is_valid(bad[i]), "bad path %zu", i);
	for (size_t i = 0; i < ELEMENTSOF(good); i++)
		ok(layout_path_is_valid(good[i]), "good path %zu", i);
	for (size_t i = 0; i < sizeof(deep) - 1; i++)
		deep[i] = i % 2 ? '/' : 'a';
	deep[sizeof(deep) - 1] = '\0';
	deep[LAYOUT_PATH_BYTES - 1] = 'b';
	ok(!layout_path_is_valid(deep), "too long");
	memset(wide, 'a', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';
	ok(!layout_path_is_valid(wide), "a component is too long");
}

static void
test_links(void)
{
	ok(layout_link_is_valid("sos_reports/manifest.json", "../manifest.json"), "up and in");
	ok(layout_link_is_valid("date", "sos_commands/date/date"), "down");
	ok(layout_link_is_valid("a/b", "../c/../d"), "up and down again");
	ok(!layout_link_is_valid("date", "../etc/passwd"), "out of the top directory");
	ok(!layout_link_is_valid("a/b", "../../x"), "out of it from below");
	ok(!layout_link_is_valid("a/b", "../c/../../../x"), "out of it on the way");
	ok(!layout_link_is_valid("a", "/etc/passwd"), "absolute");
	ok(!layout_link_is_valid("a", ""), "empty");
	ok(!layout_link_is_valid("../a", "b"), "bad name");
	ok(!layout_link_is_valid("a", "b\nc"), "bad target");
}

int
main(void)
{
	test_commands();
	test_files();
	test_valid();
	test_links();
	return tap_done();
}
