/* SPDX-License-Identifier: Apache-2.0 */

/* Collectors that are files: runs a definition of collect.d(5). */

#include <errno.h>
#include <stdlib.h>

#include "capture/collectfiles.h"
#include "capture/collector.h"
#include "capture/collectors/filecopy.h"
#include "capture/collectors/foreach.h"
#include "capture/collectors/journal.h"
#include "capture/collectors/listing.h"
#include "capture/collectors/units.h"
#include "capture/notes.h"
#include "capture/rootdir.h"
#include "capture/sink/layout.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/log.h"
#include "lib/report.h"
#include "lib/text.h"

#define LOG_DOMAIN "declared"

/* A program that hung so often is not started again by the same definition: it waits for
 * something that is broken, and the time is wanted for others. */
#define HANGS_MAX 2u

/* How it goes so far. */
struct progress {
	const struct collector *collector;
	struct collector_context *ctx;
	const struct collectdef *def;
	struct fault fault; /* the first thing that is missing */
	bool is_incomplete;
	bool must_end; /* there is no room or time for more */
	char **hung;   /* owned strv: programs that hung, once for each time */
};

static bool
applies(const struct collector *c, const struct collector_context *ctx, struct fault *reterr)
{
	const struct collectdef *def = c->data;
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	struct conditions_context conditions = {
		.root_fd = root_fd,
		.deadline_usec = ctx->deadline_usec,
		.end_usec = ctx->end_usec,
		.rpm_hangs = ctx->rpm_hangs,
	};

	if (root_fd < 0) {
		fault_set(reterr, root_fd, "cannot open '%s': %m", ctx->root);
		return false;
	}
	return conditions_hold(&def->conditions, &conditions, reterr);
}

/* Something is missing: keeps the first reason. */
static void
miss(struct progress *p, const struct fault *fault)
{
	if (!p->is_incomplete)
		p->fault = *fault;
	p->is_incomplete = true;
}

/* Takes the result of one step (see bundle_add()) and decides whether there is a next one. */
static void
account(struct progress *p, int r, const char *what)
{
	struct fault fault = { 0 };

	if (r == 0)
		return;
	if (r > 0)
		fault_set(&fault, -EFBIG, "%s: not everything is there, see the notes", what);
	else
		fault_set(&fault, r, "%s: %m", what);
	miss(p, &fault);
	p->must_end |= r == -EDQUOT || r == -ENOSPC || r == -ENOMEM || r == -EINTR ||
	    collector_must_stop(p->ctx);
}

/* A command that ran and failed said so itself, and its status is in the manifest: `systemctl
 * status` of a dead unit exits with 3 and is just what is wanted. Only what was cut off is
 * missing. */
static bool
was_cut(const struct manifest_collector *record)
{
	const struct manifest_command *last;

	if (!record || record->n_commands == 0)
		return true;
	last = &record->commands[record->n_commands - 1];
	return last->timed_out || last->truncated || last->abandoned;
}

static bool
hangs(const struct progress *p, const char *program)
{
	unsigned n = 0;

	for (char **name = p->hung; name && *name; name++)
		n += streq(*name, program);
	return n >= HANGS_MAX;
}

static bool
has_hung(const struct manifest_collector *record)
{
	return record && record->n_commands > 0 &&
	    record->commands[record->n_commands - 1].timed_out;
}

/* Where the output of COMMAND goes, for ITEM if it is run for several. */
static int
output_path(const struct collectdef *def, const struct collectdef_command *command,
    const char *item, char buf[LAYOUT_PATH_BYTES])
{
	_cleanup_free_ char *directory = NULL;
	_cleanup_free_ char *name = NULL;

	directory = text_format("%s%s%s", def->plugin, command->directory ? "/" : "",
	    command->directory ? command->directory : "");
	name = text_format("%s%s%s", command->name, item ? "_" : "", item ? item : "");
	if (!directory || !name)
		return -ENOMEM;
	return layout_collector_path(directory, name, buf);
}

/* Runs COMMAND, with ARGV for ITEM if that is not NULL. */
static void
run_once(struct progress *p, const struct collectdef_command *command, char *const *argv,
    const char *item)
{
	const struct collectdef *def = p->def;
	struct collector_command run = {
		.argv = argv,
		.wall_usec =
		    command->timeout_usec ? command->timeout_usec : def->command_timeout_usec,
		.max_bytes = command->max_bytes ? command->max_bytes : def->command_max_bytes,
		.drop_stderr =
		    command->drop_stderr < 0 ? def->drop_stderr : command->drop_stderr,
		.hide_environment = command->hide_environment,
	};
	char path[LAYOUT_PATH_BYTES];
	struct fault fault = { 0 };
	int r;

	r = output_path(def, command, item, path);
	if (r < 0) {
		account(p, r, command->name);
		return;
	}
	run.path = path;
	r = collector_run_command(p->collector, p->ctx, &run, &fault);
	if (r > 0 && has_hung(p->ctx->record))
		(void)strv_append(&p->hung, argv[0]);
	/* A tool that is not installed is recorded, and nothing to be repaired here. */
	if (r == 0 || r == -ENOENT || (r > 0 && !was_cut(p->ctx->record)))
		return;
	if (r > 0)
		miss(p, &fault);
	else
		account(p, r, command->name);
}

/* False when COMMAND must not be started: the time is over, or its program hangs. */
static bool
may_run(struct progress *p, const struct collectdef_command *command)
{
	if (p->must_end)
		return false;
	if (collector_must_stop(p->ctx)) {
		account(p, -ETIME, command->name);
		return false;
	}
	if (!hangs(p, command->argv[0]))
		return true;
	(void)notes_add(
	    p->ctx, "%s: not run, '%s' hung before", command->name, command->argv[0]);
	return false;
}

static void
run_for_each(struct progress *p, const struct collectdef_command *command)
{
	_cleanup_(strv_freep) char **items = NULL;
	struct fault fault = { 0 };
	int r;

	r = foreach_list(p->ctx, command->for_each,
	    command->timeout_usec ? command->timeout_usec : p->def->command_timeout_usec,
	    command->max_items, &items, &fault);
	if (r == -ETIME)
		(void)strv_append(&p->hung, command->for_each[0]);
	if (r < 0) {
		(void)notes_add(p->ctx, "%s: %s", command->name, fault_text(&fault));
		if (r != -ENOENT)
			miss(p, &fault);
		return;
	}
	for (char **item = items; item && *item && may_run(p, command); item++) {
		_cleanup_(strv_freep) char **argv = NULL;

		r = foreach_expand(command->argv, *item, &argv);
		if (r < 0)
			account(p, r, command->name);
		else
			run_once(p, command, argv, *item);
	}
}

static void
run_commands(struct progress *p)
{
	unsigned profile = PROFILE_BIT(p->ctx->request->profile);

	for (size_t i = 0; i < p->def->n_commands && !p->must_end; i++) {
		const struct collectdef_command *command = &p->def->commands[i];

		if (command->profiles != 0 && (command->profiles & profile) == 0)
			continue;
		if (!may_run(p, command))
			continue;
		if (strv_length(command->for_each) > 0)
			run_for_each(p, command);
		else
			run_once(p, command, command->argv, NULL);
	}
}

static void
copy_files(struct progress *p)
{
	const struct filecopy_spec spec = {
		.plugin = p->def->plugin,
		.copy = p->def->copy,
		.forbid = p->def->forbid,
		.max_files = p->def->max_files,
		.max_file_bytes = p->def->max_file_bytes,
	};

	struct fault fault = { 0 };
	int r;

	if (!spec.copy)
		return;
	r = filecopy_run(p->ctx, &spec, &fault);
	if (r > 0)
		miss(p, &fault);
	else
		account(p, r, "files");
}

static void
list_files(struct progress *p)
{
	for (char **pattern = p->def->list; pattern && *pattern && !p->must_end; pattern++)
		account(p, listing_add(p->ctx, p->def->plugin, *pattern, p->def->max_files),
		    *pattern);
}

static void
show_units(struct progress *p)
{
	struct fault fault = { 0 };
	int r;

	if (!p->def->show_units)
		return;
	r = units_add(p->ctx, p->def->show_units, &fault);
	/* A machine without D-Bus and systemd is told of once, by the units collector. */
	if (r == -ENOTCONN)
		(void)notes_add(p->ctx, "%s", fault_text(&fault));
	else
		account(p, r, "properties of units");
}

static void
add_journals(struct progress *p)
{
	for (char **unit = p->def->journal_units; unit && *unit && !p->must_end; unit++) {
		int r = journal_add_unit(p->ctx, p->def->plugin, *unit);

		if (r == -ENOENT)
			(void)notes_add(p->ctx, "there is no journal");
		else
			account(p, r, *unit);
	}
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	/* What changes first, then what is cheap, then what can hang. */
	static void (*const steps[])(struct progress *) = { show_units, copy_files,
		add_journals, list_files, run_commands };
	struct progress p = { .collector = c, .ctx = ctx, .def = c->data };

	for (size_t i = 0; i < ELEMENTSOF(steps) && !p.must_end; i++)
		steps[i](&p);
	strv_free(p.hung);
	if (!p.is_incomplete)
		return OUTCOME_OK;
	*reterr = p.fault;
	return collector_must_stop(ctx) ? OUTCOME_TIMED_OUT : OUTCOME_PARTIAL;
}

static void
declared_free(const struct collector *c)
{
	collectdef_free(c->data);
	free((void *)c);
}

static int
add_definition(struct collector_list *list, struct collectdef *def)
{
	struct collector *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct collector){
		.name = def->name,
		.description = def->description,
		.profiles = def->profiles,
		.priority = (int)def->priority,
		.wall_usec = def->timeout_usec,
		.max_bytes = def->max_bytes,
		.data = def,
		.plugin = def->plugin,
		.journal_units = def->journal_units,
		.applies = applies,
		.run = run,
		.free = declared_free,
	};
	r = collector_list_add(list, c);
	if (r < 0)
		free(c);
	return r;
}

/* Logs a mistake and keeps it in the list. Without memory for that it is only logged. */
static void
on_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	struct collector_list *list = userdata;
	char name[COLLECTDEF_NAME_MAX + 1];
	struct collector_problem *problems;
	struct collector_problem p = { .line = line };

	if (line > 0)
		log_warning("%s:%u: %s", file, line, text);
	else
		log_warning("%s: %s", file, text);
	if (list->n_problems >= COLLECTOR_PROBLEMS_MAX)
		return;
	problems = reallocarray(list->problems, list->n_problems + 1, sizeof(*list->problems));
	if (!problems)
		return;
	list->problems = problems;
	collectfiles_name_of(file, name);
	p.collector = strdup(name);
	p.file = strdup(file);
	p.text = strdup(text);
	if (p.collector && p.file && p.text) {
		problems[list->n_problems++] = p;
		return;
	}
	free(p.collector);
	free(p.file);
	free(p.text);
}

static bool
is_builtin(const char *name)
{
	for (const struct collector *const *c = builtin_collectors; *c; c++)
		if (streq((*c)->name, name))
			return true;
	return false;
}

int
declared_load(char *const *dirs, struct collector_list *list, struct fault *reterr)
{
	_cleanup_(collectfiles_done) struct collectfiles files = { 0 };
	int r;

	r = collectfiles_load(dirs, on_problem, list, &files);
	if (r < 0)
		return fault_set(reterr, r, "cannot read the definitions of collectors: %m");
	list->masked = TAKE_PTR(files.masked);
	for (size_t i = 0; i < files.n; i++) {
		if (is_builtin(files.items[i]->name)) {
			on_problem(files.items[i]->file, 0,
			    "a built-in collector has this name; ignored", list);
			continue;
		}
		r = add_definition(list, files.items[i]);
		if (r < 0)
			return fault_set(reterr, r, "%m");
		/* It belongs to the list of collectors now. */
		files.items[i] = NULL;
	}
	return 0;
}

const struct collectdef *
declared_definition(const struct collector *c)
{
	return c->run == run ? c->data : NULL;
}
