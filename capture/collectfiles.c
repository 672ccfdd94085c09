/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/collectfiles.h"
#include "lib/cleanup.h"
#include "lib/text.h"

#define CONF_SUFFIX    ".conf"
#define DROP_IN_SUFFIX CONF_SUFFIX ".d"

/* Everything while it is read. */
struct search {
	char **dirs;		    /* owned: those that there are */
	conf_problem_fn on_problem; /* may be NULL */
	void *userdata;
	int n_problems;
	struct collectfiles found;
};

void
collectfiles_done(struct collectfiles *files)
{
	for (size_t i = 0; i < files->n; i++)
		collectdef_free(files->items[i]);
	free(files->items);
	strv_free(files->masked);
	*files = (struct collectfiles){ 0 };
}

static void
search_done(struct search *s)
{
	strv_free(s->dirs);
	collectfiles_done(&s->found);
}

static void
complain(struct search *s, const char *file, const char *text)
{
	s->n_problems++;
	if (s->on_problem)
		s->on_problem(file, 0, text, s->userdata);
}

/* The last component of PATH[0…SIZE). */
static const char *
base_of(const char *path, size_t size)
{
	while (size > 0 && path[size - 1] != '/')
		size--;
	return path + size;
}

void
collectfiles_name_of(const char *path, char name[COLLECTDEF_NAME_MAX + 1])
{
	const char *base = base_of(path, strlen(path));
	const char *dir = base > path ? base_of(path, (size_t)(base - path) - 1) : base;
	size_t n_base = strlen(base);
	size_t n_dir = base > dir ? (size_t)(base - dir) - 1 : 0;

	if (n_dir > strlen(DROP_IN_SUFFIX) &&
	    memcmp(dir + n_dir - strlen(DROP_IN_SUFFIX), DROP_IN_SUFFIX,
		strlen(DROP_IN_SUFFIX)) == 0) {
		base = dir;
		n_base = n_dir - strlen(DROP_IN_SUFFIX);
	} else if (text_has_suffix(base, CONF_SUFFIX)) {
		n_base -= strlen(CONF_SUFFIX);
	}
	name[0] = '\0';
	if (n_base > COLLECTDEF_NAME_MAX)
		return;
	memcpy(name, base, n_base);
	name[n_base] = '\0';
	if (!collectdef_name_is_valid(name))
		name[0] = '\0';
}

/* Appends DIRECTORY to *DIRS unless it does not exist, or cannot be read. */
static int
add_directory(struct search *s, const char *directory, char ***dirs)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);

	if (dir)
		return strv_append(dirs, directory);
	if (errno != ENOENT && errno != ENOTDIR)
		complain(s, directory, "cannot be read; what is in it is ignored");
	return 0;
}

/* The drop-ins for NAME. */
static int
list_drop_ins(struct search *s, const char *name, char ***ret)
{
	_cleanup_(strv_freep) char **list = NULL;
	int r;

	for (char **dir = s->dirs; dir && *dir; dir++) {
		_cleanup_free_ char *path = text_format("%s/%s" DROP_IN_SUFFIX, *dir, name);

		r = path ? add_directory(s, path, &list) : -ENOMEM;
		if (r < 0)
			return r;
	}
	return list ? conf_list_files((const char *const *)list, ret) : 0;
}

/* The files that FILE hides: those of its name in weaker directories. */
static int
list_overridden(char *const *dirs, const char *file, char ***ret)
{
	const char *base = base_of(file, strlen(file));
	int r;

	for (; dirs && *dirs; dirs++) {
		_cleanup_free_ char *path = text_format("%s/%s", *dirs, base);

		if (!path)
			return -ENOMEM;
		if (streq(path, file))
			break;
		if (access(path, F_OK) < 0)
			continue;
		r = strv_append(ret, path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Reads FILE and the drop-ins for it. */
static int
load_one(struct search *s, const char *name, const char *file, struct collectdef **ret)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	_cleanup_(strv_freep) char **drop_ins = NULL;
	_cleanup_(strv_freep) char **files = NULL;
	int r;

	r = list_drop_ins(s, name, &drop_ins);
	if (r >= 0)
		r = strv_append(&files, file);
	for (char **i = drop_ins; r >= 0 && i && *i; i++)
		r = strv_append(&files, *i);
	if (r >= 0)
		r = collectdef_read(name, files, s->on_problem, s->userdata, &def);
	if (r < 0)
		return r;
	s->n_problems += r;
	def->drop_ins = TAKE_PTR(drop_ins);
	r = list_overridden(s->dirs, file, &def->overrides);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(def);
	return 0;
}

static int
load_file(struct search *s, const char *file)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;
	char name[COLLECTDEF_NAME_MAX + 1];
	struct collectdef **items;
	int r;

	collectfiles_name_of(file, name);
	if (name[0] == '\0') {
		complain(s, file, "its name cannot be that of a collector; ignored");
		return 0;
	}
	if (s->found.n >= COLLECTFILES_MAX) {
		complain(s, file, "too many files; ignored");
		return 0;
	}
	r = load_one(s, name, file, &def);
	if (r < 0)
		return r;
	items = reallocarray(s->found.items, s->found.n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	s->found.items = items;
	items[s->found.n++] = TAKE_PTR(def);
	return 0;
}

static bool
is_known(const struct collectfiles *files, const char *name)
{
	char masked[COLLECTDEF_NAME_MAX + 1];

	for (size_t i = 0; i < files->n; i++)
		if (streq(files->items[i]->name, name))
			return true;
	for (char **path = files->masked; path && *path; path++) {
		collectfiles_name_of(*path, masked);
		if (streq(masked, name))
			return true;
	}
	return false;
}

/* Complains about drop-ins for what does not exist: a mistake in the name of their directory.
 */
static int
check_drop_ins(struct search *s, const char *directory)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);

	if (!dir)
		return 0;
	for (struct dirent *de = readdir(dir); de; de = readdir(dir)) {
		_cleanup_free_ char *path = NULL;
		char name[COLLECTDEF_NAME_MAX + 1];

		if (de->d_name[0] == '.' || !text_has_suffix(de->d_name, DROP_IN_SUFFIX))
			continue;
		path = text_format("%s/%s/", directory, de->d_name);
		if (!path)
			return -ENOMEM;
		collectfiles_name_of(path, name);
		if (!is_known(&s->found, name))
			complain(s, path, "there is no file that this could change; ignored");
	}
	return 0;
}

int
collectfiles_load(
    char *const *dirs, conf_problem_fn on_problem, void *userdata, struct collectfiles *ret)
{
	_cleanup_(search_done) struct search s = {
		.on_problem = on_problem,
		.userdata = userdata,
	};
	_cleanup_(strv_freep) char **files = NULL;
	int r = 0;

	for (; r >= 0 && *dirs; dirs++)
		r = add_directory(&s, *dirs, &s.dirs);
	if (r >= 0 && s.dirs)
		r = conf_list_files((const char *const *)s.dirs, &files);
	if (r >= 0 && s.dirs)
		r = conf_list_masked((const char *const *)s.dirs, &s.found.masked);
	for (char **file = files; r >= 0 && file && *file; file++)
		r = load_file(&s, *file);
	for (char **dir = s.dirs; r >= 0 && dir && *dir; dir++)
		r = check_drop_ins(&s, *dir);
	if (r < 0)
		return r;
	*ret = s.found;
	s.found = (struct collectfiles){ 0 };
	return s.n_problems;
}
