/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cleanrules.h"
#include "ctl/client.h"
#include "ctl/options.h"
#include "ctl/subject.h"
#include "ctl/tree.h"
#include "lib/clean/map.h"
#include "lib/clean/seeds.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/paths.h"
#include "lib/redact/own.h"
#include "lib/settings.h"
#include "lib/text.h"

/* A list of names, one in each line. */
#define SEEDS_LIST_MAX_BYTES (1024u * 1024u)

/* Opens the directory of the map. Returns it, -ENOENT when there is no map to use, other
 * negative errno. */
static int
open_map_dir(const struct options *o, const char **ret_name)
{
	const char *slash = o->map ? strrchr(o->map, '/') : NULL;
	_cleanup_free_ char *dir = NULL;
	int fd;

	*ret_name = !o->map ? CLEAN_MAP_FILE : slash ? slash + 1 : o->map;
	if (!o->map)
		dir = strdup(STATE_DIR);
	else
		dir = slash ? strndup(o->map, (size_t)(slash - o->map) + 1) : strdup(".");
	if (!dir)
		return -ENOMEM;
	/* The map of the machine is root's. */
	if (!o->map && geteuid() != 0)
		return -ENOENT;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Loads the map, with the key of KEY_FILE (NULL: its own). */
static int
load_map(const struct options *o, const char *key_file, struct clean_rules **ret)
{
	_cleanup_close_ int dir_fd = -EBADF;
	struct fault fault = { 0 };
	const char *name;
	int r;

	dir_fd = open_map_dir(o, &name);
	if (dir_fd == -ENOENT && !o->map)
		/* Nowhere: a new key that ends with us. */
		r = clean_map_load(AT_FDCWD, "", NULL, ret, &fault);
	else if (dir_fd < 0)
		r = fault_set(&fault, dir_fd, "cannot open the directory of the map: %m");
	else
		r = clean_map_load(dir_fd, name, key_file, ret, &fault);
	return r < 0 ? complain(PROTO_EXIT_ERROR, "%s", fault_text(&fault)) : PROTO_EXIT_OK;
}

/* Adds what somebody asked for, so it has to be possible. */
static int
add_words(struct clean_rules *rules, enum alias_kind kind, const char *const *words)
{
	for (; *words; words++) {
		int r = clean_rules_add(rules, kind, *words);

		if (r == -EADDRNOTAVAIL)
			return complain(PROTO_EXIT_USAGE,
			    "'%s' is in every report and cannot be replaced", *words);
		if (r == -EINVAL)
			return complain(PROTO_EXIT_USAGE,
			    "'%s' cannot be replaced: a name has 3 to 253 letters, digits, "
			    "'.', '-' or '_', and one letter at least",
			    *words);
		if (r < 0)
			return complain(
			    PROTO_EXIT_ERROR, "cannot add '%s': %s", *words, strerror(-r));
	}
	return PROTO_EXIT_OK;
}

static int
learn(const struct subject *s, struct clean_rules *rules)
{
	_cleanup_(tree_closep) struct tree *tree = NULL;
	struct fault fault = { 0 };
	int status;

	status = subject_read(s, &tree);
	if (status != PROTO_EXIT_OK)
		return status;
	if (seeds_learn_path(rules, s->name) < 0 || tree_learn(tree, rules, &fault) < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot read '%s': %s", s->path, fault_text(&fault));
	return PROTO_EXIT_OK;
}

/* The map of this machine, with what the configuration says: what is cleaned here has the
 * aliases of its own reports. */
static int
load_machine(const struct options *o, struct clean_rules **ret)
{
	_cleanup_(settings_freep) struct settings *settings = NULL;
	int status;

	if (settings_load(NULL, NULL, NULL, &settings) < 0)
		return complain(PROTO_EXIT_ERROR, "cannot read supportd.conf");
	status = load_map(o, settings->clean_key_file, ret);
	if (status == PROTO_EXIT_OK && settings->clean_keywords)
		status = add_words(
		    *ret, ALIAS_KEYWORD, (const char *const *)settings->clean_keywords);
	if (status == PROTO_EXIT_OK && settings->clean_domains)
		status =
		    add_words(*ret, ALIAS_DOMAIN, (const char *const *)settings->clean_domains);
	return status;
}

int
cleanrules_for_clean(const struct options *o, const struct subject *s, struct clean_rules **ret)
{
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	int status;

	status =
	    !o->map && geteuid() == 0 ? load_machine(o, &rules) : load_map(o, NULL, &rules);
	if (status == PROTO_EXIT_OK)
		status = add_words(rules, ALIAS_KEYWORD, o->keywords);
	if (status == PROTO_EXIT_OK)
		status = add_words(rules, ALIAS_DOMAIN, o->domains);
	if (status == PROTO_EXIT_OK)
		status = learn(s, rules);
	if (status == PROTO_EXIT_OK)
		*ret = TAKE_PTR(rules);
	return status;
}

int
cleanrules_keep(const struct options *o, const struct clean_rules *rules)
{
	_cleanup_close_ int dir_fd = -EBADF;
	struct fault fault = { 0 };
	const char *name;

	dir_fd = open_map_dir(o, &name);
	if (dir_fd < 0)
		return PROTO_EXIT_OK;
	if (clean_map_save(dir_fd, name, rules, &fault) < 0)
		return complain(PROTO_EXIT_ERROR, "%s", fault_text(&fault));
	return PROTO_EXIT_OK;
}

static void
on_rule_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	(void)userdata;
	(void)complain(PROTO_EXIT_OK, "%s:%u: %s, ignoring", file, line, text);
}

int
cleanrules_own(struct redact_own **ret)
{
	int r = redact_own_load(on_rule_problem, NULL, ret);

	return r < 0 ? complain(PROTO_EXIT_ERROR, "cannot read redact.d: %s", strerror(-r))
		     : PROTO_EXIT_OK;
}

static int
read_list(const char *path, struct clean_rules *rules)
{
	_cleanup_free_ char *text = NULL;
	char *rest = NULL;
	int r;

	r = io_read_file(AT_FDCWD, path, SEEDS_LIST_MAX_BYTES, &text, NULL);
	if (r < 0)
		return complain(PROTO_EXIT_ERROR, "cannot read '%s': %s", path, strerror(-r));
	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		const char *words[] = { text_strip(line), NULL };
		int status;

		if (is_empty(words[0]) || words[0][0] == '#')
			continue;
		status = add_words(rules, ALIAS_KEYWORD, words);
		if (status != PROTO_EXIT_OK)
			return status;
	}
	return PROTO_EXIT_OK;
}

static bool
is_map(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char first = '\0';

	return fd >= 0 && read(fd, &first, 1) == 1 && first == '{';
}

int
cleanrules_for_verify(const struct options *o, struct clean_rules **ret)
{
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	struct options map = { .map = o->seeds };
	int status;

	*ret = NULL;
	if (!o->seeds)
		return PROTO_EXIT_OK;
	if (is_map(o->seeds)) {
		status = load_map(&map, NULL, &rules);
	} else {
		/* Any key will do: nothing is written. */
		if (clean_rules_new(&(struct prf_key){ { 0 } }, &rules) < 0)
			return complain(PROTO_EXIT_ERROR, "out of memory");
		status = read_list(o->seeds, rules);
	}
	if (status == PROTO_EXIT_OK)
		*ret = TAKE_PTR(rules);
	return status;
}
