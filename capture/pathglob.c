/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/stat.h>

#include "capture/pathglob.h"
#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* One component of a pattern or path, copied out so that it has its own end. */
struct component {
	char text[NAME_MAX + 1];
};

/* Copies the component at S (which starts with '/') into C; returns what follows it, or NULL
 * when it does not fit. */
static const char *
take_component(const char *s, struct component *c)
{
	size_t n;

	s++;
	n = strcspn(s, "/");
	if (n >= sizeof(c->text))
		return NULL;
	memcpy(c->text, s, n);
	c->text[n] = '\0';
	return s + n;
}

static bool
is_any_depth(const char *component)
{
	return streq(component, "**");
}

static bool
has_wildcard(const char *component)
{
	return strpbrk(component, "*?[\\") != NULL;
}

static size_t
count_wildcards(const char *component)
{
	size_t n = 0;

	for (; *component; component++)
		n += *component == '*' || *component == '[';
	return n;
}

bool
pathglob_is_valid(const char *pattern)
{
	if (strlen(pattern) >= PATH_MAX)
		return false;
	do {
		struct component c;

		if (*pattern != '/')
			return false;
		pattern = take_component(pattern, &c);
		if (!pattern || c.text[0] == '\0' || streq(c.text, ".") || streq(c.text, ".."))
			return false;
		if (!is_any_depth(c.text) && count_wildcards(c.text) > PATHGLOB_WILDCARDS_MAX)
			return false;
	} while (*pattern);
	return true;
}

/* Components are matched like the characters of an ordinary glob: after a mismatch only the
 * last `**` has to take one more, so this is linear in practice. */
bool
pathglob_match(const char *pattern, const char *path)
{
	const char *retry_pattern = NULL, *retry_path = NULL;
	struct component p, c;

	for (;;) {
		const char *next, *rest;

		if (*pattern == '\0')
			return true;
		next = take_component(pattern, &p);
		if (!next)
			return false;
		if (is_any_depth(p.text)) {
			pattern = retry_pattern = next;
			retry_path = path;
			continue;
		}
		if (*path == '\0')
			return false;
		rest = take_component(path, &c);
		if (rest && fnmatch(p.text, c.text, 0) == 0) {
			pattern = next;
			path = rest;
			continue;
		}
		if (!retry_pattern || *retry_path == '\0')
			return false;
		pattern = retry_pattern;
		path = retry_path = retry_path + 1 + strcspn(retry_path + 1, "/");
	}
}

/* The names in one directory. */
struct names {
	char **items; /* owned */
	size_t n, capacity;
};

static void
names_done(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i]);
	free(l->items);
}

static int
names_append(struct names *l, const char *name)
{
	if (l->n == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : 32;
		char **items = reallocarray(l->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->capacity = capacity;
	}
	l->items[l->n] = strdup(name);
	if (!l->items[l->n])
		return -ENOMEM;
	l->n++;
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What cannot be looked at is left out; whether for lack of rights is remembered. */
static int
unseen(struct pathglob_walk *w)
{
	w->is_denied |= errno == EACCES;
	return 0;
}

static int
read_names(struct pathglob_walk *w, int dir_fd, struct names *l)
{
	_cleanup_closedir_ DIR *dir = NULL;
	_cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return unseen(w);
	dir = fdopendir(fd);
	if (!dir)
		return 0;
	fd = -EBADF;
	for (struct dirent *de = readdir(dir); de; de = readdir(dir)) {
		if (streq(de->d_name, ".") || streq(de->d_name, ".."))
			continue;
		if (l->n >= PATHGLOB_DIR_NAMES_MAX) {
			w->is_truncated = true;
			break;
		}
		r = names_append(l, de->d_name);
		if (r < 0)
			return r;
	}
	if (l->n > 0)
		qsort(l->items, l->n, sizeof(*l->items), compare_names);
	return 0;
}

static enum pathglob_type
type_of(mode_t mode)
{
	if (S_ISREG(mode))
		return PATHGLOB_FILE;
	if (S_ISDIR(mode))
		return PATHGLOB_DIR;
	return S_ISLNK(mode) ? PATHGLOB_SYMLINK : PATHGLOB_OTHER;
}

/* A directory on the way, or one that is being looked through. */
struct place {
	int fd;		  /* O_PATH; borrowed */
	const char *path; /* "" for the root */
	unsigned depth;
};

static int look_through(
    struct pathglob_walk *w, const struct place *place, const char *pattern);

/* Opens the directory NAME in PLACE and goes on in it with PATTERN ("" = take everything).
 * FOLLOW a symbolic link when a component of the pattern names it. */
static int
enter(struct pathglob_walk *w, const struct place *place, const char *name, bool follow,
    const char *pattern)
{
	_cleanup_free_ char *path = text_format("%s/%s", place->path, name);
	_cleanup_close_ int fd = -EBADF;

	if (!path)
		return -ENOMEM;
	if (place->depth >= PATHGLOB_DEPTH_MAX) {
		w->is_truncated = true;
		return 0;
	}
	if (w->may_enter && !w->may_enter(path, w->userdata))
		return 0;
	if (follow)
		fd = rootdir_openat(w->root_fd, path, O_PATH | O_DIRECTORY);
	else
		fd = openat(place->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return unseen(w);
	return look_through(w,
	    &(const struct place){ .fd = fd, .path = path, .depth = place->depth + 1 },
	    pattern);
}

/* NAME in PLACE is what the whole pattern matches, or is below such a thing. */
static int
report(struct pathglob_walk *w, const struct place *place, const char *name)
{
	_cleanup_free_ char *path = NULL;
	struct pathglob_entry entry = { .dir_fd = place->fd, .name = name };
	struct stat st;
	int r;

	if (fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return unseen(w);
	entry.type = type_of(st.st_mode);
	if (entry.type != PATHGLOB_DIR || w->with_directories) {
		path = text_format("%s/%s", place->path, name);
		if (!path)
			return -ENOMEM;
		entry.path = path;
		r = w->on_entry(&entry, w->userdata);
		if (r != 0)
			return r;
	}
	return entry.type == PATHGLOB_DIR ? enter(w, place, name, false, "") : 0;
}

/* One name of the directory PLACE against PATTERN, which begins with a wildcard or is empty.
 */
static int
look_at(
    struct pathglob_walk *w, const struct place *place, const char *name, const char *pattern)
{
	struct component c;
	const char *rest;

	if (*pattern == '\0')
		return report(w, place, name);
	rest = take_component(pattern, &c);
	if (is_any_depth(c.text))
		/* `**` takes one more directory; that it takes none was seen before. */
		return *rest ? enter(w, place, name, false, pattern) : report(w, place, name);
	if (fnmatch(c.text, name, 0) != 0)
		return 0;
	return *rest ? enter(w, place, name, true, rest) : report(w, place, name);
}

static int
look_through(struct pathglob_walk *w, const struct place *place, const char *pattern)
{
	_cleanup_(names_done) struct names names = { 0 };
	struct component c = { 0 };
	const char *rest = pattern;
	int r;

	if (*pattern) {
		rest = take_component(pattern, &c);
		if (!has_wildcard(c.text))
			return *rest ? enter(w, place, c.text, true, rest)
				     : report(w, place, c.text);
		if (is_any_depth(c.text) && *rest) {
			r = look_through(w, place, rest);
			if (r != 0)
				return r;
		}
	}
	r = read_names(w, place->fd, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = look_at(w, place, names.items[i], pattern);
	return r;
}

int
pathglob_walk(struct pathglob_walk *w, const char *pattern)
{
	return look_through(w, &(const struct place){ .fd = w->root_fd, .path = "" }, pattern);
}
