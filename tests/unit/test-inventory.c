/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <unistd.h>

#include "capture/inventory.h"
#include "capture/registry.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/report.h"
#include "lib/settings.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

/* A machine with directories of definitions. */
struct machine {
	struct tmpdir root;
	struct tmpdir conf;
	struct settings *settings;
	char *vendor;
	char *admin;
};

static void
machine_done(struct machine *m)
{
	settings_free(m->settings);
	free(m->vendor);
	free(m->admin);
	tmpdir_remove(&m->root);
	tmpdir_remove(&m->conf);
}

static struct machine
machine_make(void)
{
	struct machine m = { .root = tmpdir_make(), .conf = tmpdir_make() };

	assert(settings_new(&m.settings) == 0);
	m.vendor = text_format("%s/vendor", m.conf.path);
	m.admin = text_format("%s/admin", m.conf.path);
	assert(m.vendor && m.admin);
	assert(io_mkdir_p(m.conf.fd, "vendor", 0755) == 0);
	assert(io_mkdir_p(m.conf.fd, "admin/plain.conf.d", 0755) == 0);
	assert(io_mkdir_p(m.root.fd, "etc", 0755) == 0);
	tmpdir_put(&m.root, "etc/demo", "");
	tmpdir_put(&m.conf, "vendor/plain.conf",
	    "[Collector]\nDescription=Plain\nPriority=15\nTimeoutSec=2min\nMaxSize=1M\n"
	    "[Condition]\nPathExists=/etc/demo\n"
	    "[Files]\nCopy=/etc/demo\nForbid=/etc/secret\nList=/var/lib/demo\n"
	    "[Journal]\nUnits=demo.service\n[Units]\nShow=demo.service\n"
	    "[Commands]\nRun=demo status 'two words'\n"
	    "[Command each]\nExec=demo show {}\nForEach=demo list\nProfiles=cert\n"
	    "[Command later]\nExec=demo dump\nProfiles=full\nTimeoutSec=90s\nMaxSize=2K\n");
	tmpdir_put(&m.conf, "admin/plain.conf.d/50.conf", "[Collector]\nColour=red\n");
	tmpdir_put(&m.conf, "vendor/absent.conf", "[Condition]\nUnitExists=absent.service\n");
	tmpdir_put(&m.conf, "vendor/twice.conf", "[Collector]\nDescription=Vendor's\n");
	tmpdir_put(&m.conf, "admin/twice.conf", "[Collector]\nDescription=Mine\n");
	tmpdir_put(&m.conf, "vendor/gone.conf", "[Collector]\n");
	tmpdir_put(&m.conf, "admin/gone.conf", "");
	return m;
}

static cJSON *
look(const struct machine *m, bool is_plan, enum profile profile)
{
	char *dirs[] = { m->vendor, m->admin, NULL };
	struct registry_options which = { .dirs = dirs, .profile = profile, .all = !is_plan };
	_cleanup_(collector_list_done) struct collector_list list = { 0 };
	struct request request = { .profile = profile };
	struct inventory_options options = {
		.collectors = &list,
		.request = &request,
		.settings = m->settings,
		.root = m->root.path,
		.is_plan = is_plan,
	};
	struct fault f;
	cJSON *inventory;

	assert(registry_load(&which, &list, &f) == 0);
	inventory = inventory_to_json(&options);
	assert(inventory);
	return inventory;
}

static const cJSON *
find(const cJSON *inventory, const char *name)
{
	const cJSON *c;
	const char *text;

	cJSON_ArrayForEach (c, cJSON_GetObjectItemCaseSensitive(inventory, "collectors"))
		if (json_get_string(c, "name", &text) == 1 && streq(text, name))
			return c;
	return NULL;
}

/* The member NAME of OBJECT as JSON, valid until the next call. */
static const char *
text_of(const cJSON *object, const char *name)
{
	static char *text;

	free(text);
	text = json_print(cJSON_GetObjectItemCaseSensitive(object, name), false);
	return text ? text : "";
}

static void
test_list(const struct machine *m)
{
	_cleanup_json_ cJSON *inventory = look(m, false, PROFILE_FLASH);
	const cJSON *c = find(inventory, "plain");
	const cJSON *commands = cJSON_GetObjectItemCaseSensitive(c, "commands");

	ok_str(text_of(c, "description"), "\"Plain\"", "a declared collector");
	ok_str(text_of(c, "applies"), "true", "applies");
	ok(strstr(text_of(c, "file"), "/vendor/plain.conf"), "where it is from");
	ok(strstr(text_of(c, "drop_ins"), "/admin/plain.conf.d/50.conf"), "what changes it");
	ok_str(text_of(c, "wall_usec"), "120000000", "its own limit of time");
	ok_str(text_of(c, "max_bytes"), "1048576", "of size");
	ok_str(text_of(c, "priority"), "15", "priority");
	ok(!strstr(text_of(c, "profiles"), "flash") && strstr(text_of(c, "profiles"), "full"),
	    "profiles");
	ok_str(text_of(c, "copy"), "[\"/etc/demo\"]", "files");
	ok_str(text_of(c, "forbid"), "[\"/etc/secret\"]", "but not these");
	ok_str(text_of(c, "list"), "[\"/var/lib/demo\"]", "listings");
	ok_str(text_of(c, "journal_units"), "[\"demo.service\"]", "journals");
	ok_str(text_of(c, "show_units"), "[\"demo.service\"]", "units");
	ok(strstr(text_of(c, "conditions"), "\"path_exists\":[\"/etc/demo\"]"), "condition");
	ok_int(cJSON_GetArraySize(commands), 3, "all commands");
	ok_str(text_of(cJSON_GetArrayItem(commands, 1), "for_each"), "[\"demo\",\"list\"]",
	    "one that is run for several things");
	ok_str(text_of(cJSON_GetArrayItem(commands, 0), "argv"),
	    "[\"demo\",\"status\",\"two words\"]", "word by word");
	ok_str(text_of(cJSON_GetArrayItem(commands, 2), "wall_usec"), "90000000",
	    "with their limits");
	ok(strstr(text_of(c, "problems"), "\"line\":2,\"text\":\"unknown key Colour="),
	    "mistakes");
	c = find(inventory, "absent");
	ok_str(text_of(c, "applies"), "false", "one that does not apply");
	ok(strstr(text_of(c, "reason"), "absent.service"), "says why");
	c = find(inventory, "twice");
	ok_str(text_of(c, "origin"), "\"replaced\"", "one that is replaced");
	ok(strstr(text_of(c, "overrides"), "/vendor/twice.conf"), "says what");
	c = find(inventory, "flash");
	ok_str(text_of(c, "origin"), "\"built-in\"", "built-in ones");
	ok(!find(inventory, "gone"), "a masked one is not there");
	ok(strstr(text_of(inventory, "masked"), "{\"name\":\"gone\",\"file\":\""), "but told");
	ok_str(
	    text_of(inventory, "privileged"), geteuid() == 0 ? "true" : "false", "who looked");
}

/* What PRINT makes of INVENTORY. */
static char *
print(void (*print_fn)(const cJSON *inventory, FILE *f), const cJSON *inventory)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert(f);
	print_fn(inventory, f);
	assert(fclose(f) == 0);
	return text;
}

static void
test_plan(const struct machine *m)
{
	_cleanup_json_ cJSON *inventory = look(m, true, PROFILE_CERT);
	_cleanup_free_ char *text = print(inventory_print_plan, inventory);
	const cJSON *c = find(inventory, "plain");
	const char *plain;

	ok_int(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(c, "commands")), 2,
	    "commands of the profile only");
	/* 20 s without the two tenths for ending. */
	ok_str(text_of(c, "wall_usec"), "16000000", "within the profile's time");
	ok(strstr(text_of(inventory, "profile"), "\"name\":\"cert\",\"wall_usec\":20000000"),
	    "which is told");
	ok(strstr(text, "profile cert, at most 20.0s, 4.0M compressed, 32.0M of memory"),
	    "also to people");
	plain = strstr(text, "plain ");
	ok(plain && strstr(plain, "16.0s, 1.0M"), "limits");
	ok(plain && strstr(plain, "run      demo status 'two words'   (10.0s, 4.0M)"),
	    "what is run");
	ok(plain && strstr(plain, "run      demo show {}   for each of: demo list   (10.0s"),
	    "what is run for several things");
	ok(plain && strstr(plain, "but not  /etc/secret"), "what is not copied");
	ok(strstr(text, "\nDo not apply here:\n") && strstr(text, "\n    absent "),
	    "what is left out");
	ok(strstr(text, "50.conf:2: unknown key Colour="), "mistakes");
	ok(strstr(text, " 1. flash") && strstr(text, "flash") < strstr(text, "plain "),
	    "the order is that in which they run");
	if (!plain)
		printf("%s", text);
}

static void
test_print_list(const struct machine *m)
{
	_cleanup_json_ cJSON *inventory = look(m, false, PROFILE_FULL);
	_cleanup_free_ char *text = print(inventory_print_list, inventory);

	ok(strstr(text, "\nplain              applies  Plain\n"), "one that applies");
	ok(strstr(text, "\nabsent             -        nothing of"), "one that does not");
	ok(strstr(text, "\ngone               masked   by "), "one that is masked");
}

int
main(void)
{
	_cleanup_(machine_done) struct machine m = machine_make();

	log_set_sink(LOG_SINK_NONE);
	test_list(&m);
	test_plan(&m);
	test_print_list(&m);
	return tap_done();
}
