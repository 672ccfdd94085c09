/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/registry.h"
#include "lib/fault.h"
#include "lib/log.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

/* Two declared collectors; one has the name of a built-in one. */
static void
declare(const struct tmpdir *t)
{
	static const char one[] = "[Collector]\nDescription=One\nProfiles=crash\n"
				  "[Journal]\nUnit=x\n[Files]\nCopy=/etc/hostname\n";
	static const char host[] = "[Collector]\nDescription=Not the real one\n"
				   "[Files]\nCopy=/etc/hostname\n";

	assert(io_write_file_atomic(t->fd, "one.conf", one, strlen(one), 0644) == 0);
	assert(io_write_file_atomic(t->fd, "host.conf", host, strlen(host), 0644) == 0);
	tmpdir_put(t, "kube.conf", "");
}

static size_t
find(const struct collector_list *list, const char *name)
{
	for (size_t i = 0; i < list->n_items; i++)
		if (streq(list->items[i]->name, name))
			return i;
	return SIZE_MAX;
}

static bool
is_sorted(const struct collector_list *list)
{
	for (size_t i = 1; i < list->n_items; i++)
		if (list->items[i - 1]->priority > list->items[i]->priority)
			return false;
	return true;
}

static void
test_profile(char *const *dirs)
{
	struct registry_options options = { .dirs = dirs, .profile = PROFILE_CRASH };
	struct collector_list list = { 0 };
	struct fault f;

	ok_int(registry_load(&options, &list, &f), 0, "all of a profile");
	ok(find(&list, "one") != SIZE_MAX && find(&list, "journal") != SIZE_MAX,
	    "declared and built-in ones");
	ok(is_sorted(&list), "by priority");
	ok(find(&list, "host") != SIZE_MAX && !list.items[find(&list, "host")]->free,
	    "a built-in one cannot be replaced");
	ok_int(find(&list, "flash"), 0, "the flash comes first");
	collector_list_done(&list);

	options.profile = PROFILE_FLASH;
	ok_int(registry_load(&options, &list, &f), 0, "another profile");
	ok(find(&list, "one") == SIZE_MAX, "leaves out what is not in it");
	collector_list_done(&list);
}

static void
test_only(char *const *dirs)
{
	char *names[] = { (char *)"one", (char *)"flash", NULL };
	char *wrong[] = { (char *)"one", (char *)"two", NULL };
	struct registry_options options = {
		.dirs = dirs,
		.profile = PROFILE_FLASH,
		.only = names,
	};
	struct collector_list list = { 0 };
	struct fault f;

	ok_int(registry_load(&options, &list, &f), 0, "by name");
	ok(list.n_items == 2 && find(&list, "one") != SIZE_MAX, "whatever the profile is");
	collector_list_done(&list);

	options.only = wrong;
	ok_int(registry_load(&options, &list, &f), -ENOENT, "a name that does not exist");
	ok(strstr(f.text, "'two'"), "is named");
	ok_int(list.n_items, 1, "the others are there");
	collector_list_done(&list);
}

static void
test_masked(char *const *dirs)
{
	char *names[] = { (char *)"kube", NULL };
	struct registry_options options = { .dirs = dirs, .all = true };
	struct collector_list list = { 0 };
	struct fault f;

	ok_int(registry_load(&options, &list, &f), 0, "all that there are");
	ok(find(&list, "one") != SIZE_MAX && find(&list, "journal") != SIZE_MAX,
	    "whatever the profile is");
	ok(find(&list, "kube") == SIZE_MAX, "a built-in one can be masked");
	ok(strv_length(list.masked) == 1 && text_has_suffix(list.masked[0], "/kube.conf"),
	    "which is remembered");
	ok_int(list.n_problems, 2, "so are mistakes");
	ok_str(list.problems[0].collector, "one", "with the collector");
	ok_int(list.problems[0].line, 5, "and the line");
	ok(strstr(list.problems[1].text, "built-in"), "a name that is taken is one, too");
	collector_list_done(&list);

	options = (struct registry_options){ .dirs = dirs, .only = names };
	ok_int(registry_load(&options, &list, &f), -ENOENT, "a masked one by name");
	ok(strstr(f.text, "masked by") && strstr(f.text, "/kube.conf"), "it is said (%s)",
	    f.text);
	collector_list_done(&list);
}

int
main(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	char *dirs[] = { t.path, NULL };

	log_set_sink(LOG_SINK_NONE);
	declare(&t);
	test_profile(dirs);
	test_only(dirs);
	test_masked(dirs);
	return tap_done();
}
