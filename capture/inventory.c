/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/collectfiles.h"
#include "capture/collector.h"
#include "capture/inventory.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/paths.h"
#include "lib/profile.h"
#include "lib/report.h"
#include "lib/text.h"

static int
add_strv(cJSON *object, const char *name, char *const *list)
{
	int n = (int)strv_length(list);

	return json_add_item(object, name,
	    n > 0 ? cJSON_CreateStringArray((const char *const *)list, n)
		  : cJSON_CreateArray());
}

static int
add_profiles(cJSON *object, unsigned mask)
{
	_cleanup_json_ cJSON *names = cJSON_CreateArray();

	for (unsigned p = 0; names && p < _PROFILE_COUNT; p++)
		if ((mask & PROFILE_BIT(p)) &&
		    !cJSON_AddItemToArray(
			names, cJSON_CreateString(profile_to_string((enum profile)p))))
			return -ENOMEM;
	return json_add_item(object, "profiles", TAKE_PTR(names));
}

static uint64_t
at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

static int
add_command(cJSON *commands, const struct collectdef *def, const struct collectdef_command *c,
    uint64_t wall_usec)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	uint64_t wall = c->timeout_usec ? c->timeout_usec : def->command_timeout_usec;
	uint64_t bytes = c->max_bytes ? c->max_bytes : def->command_max_bytes;

	if (!o || json_add_text(o, "name", c->name) < 0 || add_strv(o, "argv", c->argv) < 0 ||
	    json_add_uint(o, "wall_usec",
		at_most(wall ? wall : COMMAND_DEFAULT_WALL_USEC, wall_usec)) < 0 ||
	    json_add_uint(o, "max_bytes", bytes ? bytes : COMMAND_DEFAULT_MAX_BYTES) < 0 ||
	    add_profiles(o, c->profiles ? c->profiles : def->profiles) < 0)
		return -ENOMEM;
	if (strv_length(c->for_each) > 0 &&
	    (add_strv(o, "for_each", c->for_each) < 0 ||
		json_add_uint(o, "max_items", c->max_items) < 0))
		return -ENOMEM;
	return cJSON_AddItemToArray(commands, TAKE_PTR(o)) ? 0 : -ENOMEM;
}

static int
add_commands(const struct inventory_options *options, cJSON *object,
    const struct collectdef *def, uint64_t wall_usec)
{
	unsigned profile = PROFILE_BIT(options->request->profile);
	cJSON *commands = cJSON_AddArrayToObject(object, "commands");

	if (!commands)
		return -ENOMEM;
	for (size_t i = 0; i < def->n_commands; i++) {
		const struct collectdef_command *c = &def->commands[i];

		if (options->is_plan && c->profiles != 0 && !(c->profiles & profile))
			continue;
		if (add_command(commands, def, c, wall_usec) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int
add_conditions(cJSON *object, const struct conditions *c)
{
	cJSON *o = cJSON_AddObjectToObject(object, "conditions");

	if (!o || add_strv(o, "path_exists", c->path_exists) < 0 ||
	    add_strv(o, "unit_exists", c->unit_exists) < 0 ||
	    add_strv(o, "package", c->package) < 0 ||
	    add_strv(o, "container", c->container) < 0)
		return -ENOMEM;
	return 0;
}

static const char *
origin_of(const struct collectdef *def)
{
	if (!def)
		return "built-in";
	if (text_has_prefix(def->file, CONF_DIR_VENDOR "/"))
		return "shipped";
	return def->overrides ? "replaced" : "own";
}

/* What the definition of a declared collector says. */
static int
add_definition(const struct inventory_options *options, cJSON *object,
    const struct collectdef *def, uint64_t wall_usec)
{
	if (json_add_text(object, "file", def->file) < 0 ||
	    add_strv(object, "drop_ins", def->drop_ins) < 0 ||
	    add_strv(object, "overrides", def->overrides) < 0 ||
	    json_add_text(object, "plugin", def->plugin) < 0 ||
	    add_conditions(object, &def->conditions) < 0 ||
	    add_strv(object, "copy", def->copy) < 0 ||
	    add_strv(object, "forbid", def->forbid) < 0 ||
	    add_strv(object, "list", def->list) < 0 ||
	    json_add_uint(object, "max_files", def->max_files) < 0 ||
	    json_add_uint(object, "max_file_bytes", def->max_file_bytes) < 0 ||
	    add_strv(object, "journal_units", def->journal_units) < 0 ||
	    add_strv(object, "show_units", def->show_units) < 0)
		return -ENOMEM;
	return add_commands(options, object, def, wall_usec);
}

static int
add_applies(const struct inventory_options *options, cJSON *object,
    const struct collector *collector, bool *rpm_hangs)
{
	uint64_t now = clock_monotonic_usec();
	const struct collector_context ctx = {
		.request = options->request,
		.settings = options->settings,
		.deadline_usec = now + INVENTORY_WALL_USEC,
		.end_usec = now + 2 * INVENTORY_WALL_USEC,
		.rpm_hangs = rpm_hangs,
		.root = options->root,
		.kubeconfig = options->kubeconfig,
	};
	struct fault fault = { 0 };
	bool applies = !collector->applies || collector->applies(collector, &ctx, &fault);

	if (json_add_bool(object, "applies", applies) < 0)
		return -ENOMEM;
	return applies ? 0 : json_add_text(object, "reason", fault_text(&fault));
}

/* The mistakes in the files of the collector NAME; of all when it is NULL. */
static int
add_problems(cJSON *object, const struct collector_list *list, const char *name)
{
	cJSON *problems = cJSON_AddArrayToObject(object, "problems");

	if (!problems)
		return -ENOMEM;
	for (size_t i = 0; i < list->n_problems; i++) {
		const struct collector_problem *p = &list->problems[i];
		_cleanup_json_ cJSON *o = NULL;

		if (name && !streq(p->collector, name))
			continue;
		o = cJSON_CreateObject();
		if (!o || json_add_text(o, "collector", p->collector) < 0 ||
		    json_add_text(o, "file", p->file) < 0 ||
		    (p->line > 0 && json_add_uint(o, "line", p->line) < 0) ||
		    json_add_text(o, "text", p->text) < 0 ||
		    !cJSON_AddItemToArray(problems, TAKE_PTR(o)))
			return -ENOMEM;
	}
	return 0;
}

static int
add_collector(const struct inventory_options *options, cJSON *collectors,
    const struct collector *c, bool *rpm_hangs)
{
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	const struct collectdef *def = declared_definition(c);
	uint64_t wall = c->wall_usec ? c->wall_usec : COLLECTOR_DEFAULT_WALL_USEC;
	uint64_t bytes = c->max_bytes ? c->max_bytes : COLLECTOR_DEFAULT_MAX_BYTES;

	if (options->is_plan)
		wall = at_most(wall, capture_collecting_usec(options->request->profile));
	if (!o || json_add_text(o, "name", c->name) < 0 ||
	    json_add_text(o, "description", c->description) < 0 ||
	    json_add_text(o, "origin", origin_of(def)) < 0 ||
	    add_applies(options, o, c, rpm_hangs) < 0 || add_profiles(o, c->profiles) < 0 ||
	    json_add_uint(o, "priority", (uint64_t)c->priority) < 0 ||
	    json_add_uint(o, "wall_usec", wall) < 0 ||
	    json_add_uint(o, "max_bytes", bytes) < 0 ||
	    (def && add_definition(options, o, def, wall) < 0) ||
	    add_problems(o, options->collectors, c->name) < 0)
		return -ENOMEM;
	return cJSON_AddItemToArray(collectors, TAKE_PTR(o)) ? 0 : -ENOMEM;
}

static int
add_collectors(const struct inventory_options *options, cJSON *inventory)
{
	cJSON *collectors = cJSON_AddArrayToObject(inventory, "collectors");
	bool rpm_hangs = false;
	int r = collectors ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < options->collectors->n_items; i++)
		r = add_collector(
		    options, collectors, options->collectors->items[i], &rpm_hangs);
	return r;
}

static int
add_masked(cJSON *inventory, const struct collector_list *list)
{
	cJSON *masked = cJSON_AddArrayToObject(inventory, "masked");

	if (!masked)
		return -ENOMEM;
	for (char **path = list->masked; path && *path; path++) {
		_cleanup_json_ cJSON *o = cJSON_CreateObject();
		char name[COLLECTDEF_NAME_MAX + 1];

		collectfiles_name_of(*path, name);
		if (!o || json_add_text(o, "name", name) < 0 ||
		    json_add_text(o, "file", *path) < 0 ||
		    !cJSON_AddItemToArray(masked, TAKE_PTR(o)))
			return -ENOMEM;
	}
	return 0;
}

static int
add_profile(cJSON *inventory, enum profile profile)
{
	const struct profile_limits *limits = profile_limits(profile);
	cJSON *o = cJSON_AddObjectToObject(inventory, "profile");

	if (!o || json_add_text(o, "name", profile_to_string(profile)) < 0 ||
	    json_add_uint(o, "wall_usec", limits->wall_usec) < 0 ||
	    json_add_uint(o, "archive_bytes", limits->archive_bytes) < 0)
		return -ENOMEM;
	return json_add_uint(o, "memory_bytes", limits->memory_bytes);
}

cJSON *
inventory_to_json(const struct inventory_options *options)
{
	_cleanup_json_ cJSON *inventory = cJSON_CreateObject();

	if (!inventory || json_add_bool(inventory, "privileged", geteuid() == 0) < 0 ||
	    (options->is_plan && add_profile(inventory, options->request->profile) < 0) ||
	    add_collectors(options, inventory) < 0 ||
	    add_masked(inventory, options->collectors) < 0 ||
	    add_problems(inventory, options->collectors, NULL) < 0)
		return NULL;
	return TAKE_PTR(inventory);
}
