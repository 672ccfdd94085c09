/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <unistd.h>

#include "capture/collectdef.h"
#include "capture/collector.h"
#include "lib/clock.h"
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
	const char *base = strrchr(file, '/');

	(void)snprintf(c->text + n, sizeof(c->text) - n, "%s:%u: %s\n", base ? base + 1 : file,
	    line, text);
}

static struct collectdef *
parse(const char *text, struct complaints *c)
{
	struct collectdef *def = NULL;
	int r;

	c->text[0] = '\0';
	r = collectdef_parse("demo", "demo.conf", text, strlen(text), on_problem, c, &def);
	assert(r >= 0);
	return def;
}

static const char *
joined(char *const *list)
{
	static char buf[4][1024];
	static unsigned next;
	char *out = buf[next++ % 4];

	out[0] = '\0';
	for (; list && *list; list++) {
		if (*out)
			strcat(out, "|");
		strcat(out, *list);
	}
	return out;
}

static void
test_defaults(void)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	struct complaints c;

	def = parse("[Collector]\n", &c);
	ok_str(c.text, "", "an empty definition has no mistakes");
	ok_str(def->name, "demo", "the name is that of the file");
	ok_str(def->plugin, "demo", "and of the directory");
	ok_int(def->priority, PRIORITY_NORMAL, "priority");
	ok_int(def->profiles, PROFILE_MASK_ALL & ~PROFILE_BIT(PROFILE_FLASH),
	    "all profiles but flash");
	ok_int(def->max_files, COLLECTDEF_MAX_FILES, "files");
	ok_int(def->max_file_bytes, COLLECTDEF_MAX_FILE_BYTES, "size of a file");
	ok_int(def->timeout_usec, 0, "no timeout of its own");
	ok_int(def->n_commands, 0, "no commands");
}

static void
test_keys(void)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	struct complaints c;

	def = parse("[Collector]\n"
		    "Description=A demo\n"
		    "Profiles=flash crash\n"
		    "Priority=7\n"
		    "TimeoutSec=1min 30s\n"
		    "MaxSize=3M\n"
		    "Plugin=other\n"
		    "[Condition]\n"
		    "PathExists=/usr/bin/demo !/run/no\n"
		    "UnitExists=demo.service\n"
		    "Package=demo demo-extra\n"
		    "Container=demo-*\n"
		    "[Files]\n"
		    "Copy=/etc/demo \"/var/log/with space/*.log\"\n"
		    "Copy=/etc/more\n"
		    "Forbid=/etc/demo/**/*.key\n"
		    "List=/var/lib/demo\n"
		    "MaxFileSize=64K\n"
		    "MaxFiles=10\n"
		    "[Journal]\n"
		    "Units=demo.service demo@1.service\n"
		    "[Units]\n"
		    "Show=demo.service\n"
		    "[Commands]\n"
		    "Run=/usr/bin/demo --all 'two words'\n"
		    "Run=demo status\n"
		    "TimeoutSec=5\n"
		    "MaxSize=1M\n"
		    "Stderr=discard\n"
		    "[Command demo.json]\n"
		    "Exec=demo -o json\n"
		    "TimeoutSec=2s\n"
		    "MaxSize=2M\n"
		    "Profiles=full\n"
		    "Stderr=merge\n",
	    &c);
	ok_str(c.text, "", "no mistakes");
	ok_str(def->description, "A demo", "Description=");
	ok_int(def->profiles, PROFILE_BIT(PROFILE_FLASH) | PROFILE_BIT(PROFILE_CRASH),
	    "Profiles=");
	ok_int(def->priority, 7, "Priority=");
	ok_int(def->timeout_usec, 90 * USEC_PER_SEC, "TimeoutSec=");
	ok_int(def->max_bytes, 3 << 20, "MaxSize=");
	ok_str(def->plugin, "other", "Plugin=");
	ok_str(joined(def->conditions.path_exists), "/usr/bin/demo|!/run/no", "PathExists=");
	ok_str(joined(def->conditions.unit_exists), "demo.service", "UnitExists=");
	ok_str(joined(def->conditions.package), "demo|demo-extra", "Package=");
	ok_str(joined(def->conditions.container), "demo-*", "Container=");
	ok_str(joined(def->copy), "/etc/demo|/var/log/with space/*.log|/etc/more", "Copy=");
	ok_str(joined(def->forbid), "/etc/demo/**/*.key", "Forbid=");
	ok_str(joined(def->list), "/var/lib/demo", "List=");
	ok_int(def->max_file_bytes, 64 << 10, "MaxFileSize=");
	ok_int(def->max_files, 10, "MaxFiles=");
	ok_str(joined(def->journal_units), "demo.service|demo@1.service", "Units=");
	ok_str(joined(def->show_units), "demo.service", "Show=");
	ok_int(def->command_timeout_usec, 5 * USEC_PER_SEC, "[Commands] TimeoutSec=");
	ok_int(def->command_max_bytes, 1 << 20, "[Commands] MaxSize=");
	ok_int(def->drop_stderr, 1, "[Commands] Stderr=");
	if (!ok_int(def->n_commands, 3, "three commands"))
		return;
	ok_str(def->commands[0].name, "demo_--all_two_words", "Run= is named as sos does");
	ok_str(joined(def->commands[0].argv), "/usr/bin/demo|--all|two words", "its words");
	ok_int(def->commands[0].drop_stderr, -1, "it has no Stderr= of its own");
	ok_str(def->commands[1].name, "demo_status", "second Run=");
	ok_str(def->commands[2].name, "demo.json", "[Command NAME]");
	ok_str(joined(def->commands[2].argv), "demo|-o|json", "Exec=");
	ok_int(def->commands[2].timeout_usec, 2 * USEC_PER_SEC, "its TimeoutSec=");
	ok_int(def->commands[2].max_bytes, 2 << 20, "its MaxSize=");
	ok_int(def->commands[2].profiles, PROFILE_BIT(PROFILE_FULL), "its Profiles=");
	ok_int(def->commands[2].drop_stderr, 0, "its Stderr=");
}

static void
test_resets(void)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	struct complaints c;

	def = parse("[Files]\nCopy=/a /b\nCopy=\nCopy=/c\nCopy=/c\n"
		    "[Commands]\nRun=one\nRun=two\nRun=\nRun=three\n"
		    "[Command kept]\nExec=kept\n[Command gone]\nExec=gone\nExec=\n"
		    "[Commands]\nRun=\nRun=four\n",
	    &c);
	ok_str(c.text, "", "no mistakes");
	ok_str(joined(def->copy), "/c", "an empty value empties the list; no duplicates");
	if (!ok_int(def->n_commands, 2, "commands that are left"))
		return;
	ok_str(def->commands[0].name, "kept", "Run= empties only what Run= added");
	ok_str(def->commands[1].name, "four", "and what follows counts again");
}

static void
test_all_profiles(void)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	struct complaints c;

	def = parse("[Collector]\nProfiles=all\n", &c);
	ok_int(def->profiles, PROFILE_MASK_ALL, "Profiles=all");
	collectdef_freep(&def);
	def = parse("[Collector]\nProfiles=none\n", &c);
	ok_str(c.text, "", "no mistake");
	ok_int(def->profiles, 0, "Profiles=none: only when it is named");
}

static void
test_for_each(void)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	struct complaints c;

	def = parse("[Command a]\nForEach=list --all\nExec=show {}\nDirectory=things\n"
		    "MaxItems=9\nRedact=environment\n"
		    "[Command b]\nForEach=list\nForEach=\nExec=show\nRedact=environment\n"
		    "Redact=default\n",
	    &c);
	ok_str(c.text, "", "no mistakes");
	if (!ok_int(def->n_commands, 2, "both are there"))
		return;
	ok_str(joined(def->commands[0].for_each), "list|--all", "ForEach=");
	ok_int(def->commands[0].max_items, 9, "MaxItems=");
	ok_str(def->commands[0].directory, "things", "Directory=");
	ok_int(def->commands[0].hide_environment, 1, "Redact=environment");
	ok_int(strv_length(def->commands[1].for_each), 0, "an empty ForEach= takes it back");
	ok_int(def->commands[1].max_items, COLLECTDEF_MAX_ITEMS, "default of MaxItems=");
	ok_int(def->commands[1].hide_environment, 0, "Redact=default");
}

static void
check_mistake(const char *text, const char *want)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	_cleanup_free_ char *whole = text_format("%s\n[Journal]\nUnits=after.service\n", text);
	_cleanup_free_ char *line = text_format("demo.conf:%s\n", want);
	struct complaints c;

	assert(whole && line);
	def = parse(whole, &c);
	ok_str(c.text, line, "mistake: %s", want);
	ok_str(joined(def->journal_units), "after.service", "the rest still counts");
}

static void
test_mistakes(void)
{
	check_mistake(
	    "[Collector]\nColour=red", "2: unknown key Colour= in [Collector]; ignored");
	check_mistake(
	    "[Command a]\nRun=x\nExec=y", "2: unknown key Run= in [Command a]; ignored");
	check_mistake("[Command a/b]\nExec=y",
	    "1: 'a/b' cannot be the name of a file: letters, digits, '.', '_', '-'");
	check_mistake("[Command a]\nTimeoutSec=1", "1: [Command a] has no Exec=; ignored");
	check_mistake("[Command a]\nForEach=l\nExec=x",
	    "1: [Command a] has ForEach= but no {} in its Exec=; ignored");
	check_mistake(
	    "[Command a]\nExec=x\nMaxItems=0", "3: MaxItems=: '0' is no number above zero");
	check_mistake("[Command a]\nExec=x\nRedact=all",
	    "3: Redact=: 'all' is neither 'environment' nor 'default'");
	check_mistake("[Command a]\nExec=x\nDirectory=a/b",
	    "3: Directory=: 'a/b' cannot be the name of a directory: letters, digits, '.', "
	    "'_', '-'");
	check_mistake(
	    "[Command a]\nExec=x\nProfiles=none", "3: Profiles=: there is no profile 'none'");
	check_mistake("[Commands]\nRun='x", "2: a quote is not closed");
	check_mistake("[Commands]\nRun=()", "2: no file name can be made of '()'");
	check_mistake("[Collector]\nTimeoutSec=soon",
	    "2: TimeoutSec=: 'soon' is no time span between 1us and 1d, such as 30s or 2min");
	check_mistake("[Collector]\nTimeoutSec=0",
	    "2: TimeoutSec=: '0' is no time span between 1us and 1d, such as 30s or 2min");
	check_mistake("[Collector]\nMaxSize=big",
	    "2: MaxSize=: 'big' is no size above zero, such as 512K or 16M");
	check_mistake(
	    "[Collector]\nPriority=101", "2: Priority=: '101' is no number from 0 to 100");
	check_mistake(
	    "[Collector]\nProfiles=crash crush", "2: Profiles=: there is no profile 'crush'");
	check_mistake("[Collector]\nProfiles=", "2: Profiles=: no profile is named");
	check_mistake("[Collector]\nPlugin=../x",
	    "2: Plugin=: '../x' cannot be the name of a directory: letters, digits, '.', "
	    "'_', '-'");
	check_mistake("[Files]\nCopy=etc/x",
	    "2: Copy=: 'etc/x' is no absolute path or pattern (or has '..', or too many "
	    "wildcards)");
	check_mistake("[Files]\nMaxFiles=0", "2: MaxFiles=: '0' is no number above zero");
	check_mistake("[Condition]\nPathExists=!x",
	    "2: PathExists=: 'x' is no absolute path or pattern (or has '..', or too many "
	    "wildcards)");
	check_mistake("[Condition]\nPackage=--eval", "2: Package=: '--eval' is no name");
	check_mistake("[Units]\nShow=a/b", "2: Show=: 'a/b' is no name of a unit");
	check_mistake(
	    "[Commands]\nStderr=yes", "2: Stderr=: 'yes' is neither 'merge' nor 'discard'");
}

/* What TEXT still copies when a mistake is in it. */
static void
check_copies(const char *text, const char *mistake, const char *want)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	_cleanup_free_ char *whole =
	    text_format("[Files]\nCopy=/a\nForbid=/a/secret\n%s\n[Units]\nShow=u\n", text);
	struct complaints c;

	assert(whole);
	def = parse(whole, &c);
	ok(text_has_prefix(c.text, mistake), "mistake: %s", c.text);
	ok_str(joined(def->copy), want, "what is copied");
	ok(!*want == !!strstr(c.text, "no files are copied"), "which is told");
	ok_str(joined(def->show_units), "u", "the rest still counts");
}

/* A mistake must not undo what somebody wanted to forbid. */
static void
test_forbid(void)
{
	check_copies("Forbid=secrets", "demo.conf:4: Forbid=: 'secrets' is no absolute", "");
	check_copies("Forbids=/b", "demo.conf:4: unknown key Forbids= in [Files]", "");
	check_copies("[File]\nForbid=/b", "demo.conf:4: unknown section [File]", "");
	check_copies("[Files\nForbid=/b", "demo.conf:4: section header lacks its ']'", "");
	check_copies("Forbid /b", "demo.conf:4: neither a section", "");
	check_copies("[Units]\nForbid /b", "demo.conf:5: neither a section", "");
	check_copies("Copy=b", "demo.conf:4: Copy=: 'b' is no absolute", "/a");
	check_copies("MaxFiles=0", "demo.conf:4: MaxFiles=", "/a");
	check_copies("[Units]\nForbid=/b", "demo.conf:5: unknown key Forbid= in [Units]", "/a");
	check_copies("[Command x/y]\nExec=a", "demo.conf:4: 'x/y' cannot", "/a");
}

static void
test_limits(void)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	_cleanup_free_ char *text = NULL;
	struct complaints c;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert(f);
	(void)fprintf(f, "[Commands]\n");
	for (unsigned i = 0; i < COLLECTDEF_COMMANDS_MAX + 1; i++)
		(void)fprintf(f, "Run=c%u\n", i);
	(void)fprintf(f, "[Files]\n");
	for (unsigned i = 0; i < COLLECTDEF_LIST_MAX + 1; i++)
		(void)fprintf(f, "Copy=/c%u\n", i);
	(void)fclose(f);
	def = parse(text, &c);
	ok_str(c.text,
	    "demo.conf:258: more than 256 commands; ignored\n"
	    "demo.conf:772: Copy=: more than 512 entries; line ignored\n",
	    "limits are told");
	ok_int(def->n_commands, COLLECTDEF_COMMANDS_MAX, "commands up to the limit");
	ok_int(strv_length(def->copy), COLLECTDEF_LIST_MAX, "entries up to the limit");
}

int
main(void)
{
	test_defaults();
	test_keys();
	test_resets();
	test_all_profiles();
	test_for_each();
	test_mistakes();
	test_limits();
	test_forbid();
	return tap_done();
}
