/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/conf.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/text.h"

#define CONF_SECTION_MAX_BYTES 256u
#define CONF_SUFFIX	       ".conf"

struct parser {
	const struct conf_handlers *handlers;
	const char *file;
	char section[CONF_SECTION_MAX_BYTES];
	bool section_is_bad; /* its header was a mistake: its keys would only repeat the
				complaint */
	int problems;
};

static void
report(struct parser *p, unsigned line, const char *text)
{
	p->problems++;
	if (p->handlers->on_problem)
		p->handlers->on_problem(p->file, line, text, p->handlers->userdata);
}

static void
deliver(struct parser *p, unsigned line, const char *key, const char *value)
{
	struct conf_item item = {
		.file = p->file,
		.line = line,
		.section = p->section,
		.key = key,
		.value = value,
	};
	struct fault fault = { 0 };
	int r;

	r = p->handlers->on_item(&item, p->handlers->userdata, &fault);
	if (r >= 0)
		return;
	fault.code = r;
	report(p, line, fault_text(&fault));
	if (!key)
		p->section_is_bad = true;
}

static void
parse_section(struct parser *p, unsigned line, char *text)
{
	size_t n = strlen(text);

	p->section[0] = '\0';
	p->section_is_bad = true;
	if (text[n - 1] != ']') {
		report(p, line, "section header lacks its ']'; its keys are ignored");
		return;
	}
	text[n - 1] = '\0';
	text = text_strip(text + 1);
	if (text[0] == '\0' || strlen(text) >= sizeof(p->section)) {
		report(p, line, "section name is empty or too long; its keys are ignored");
		return;
	}
	text_copy(p->section, sizeof(p->section), text);
	p->section_is_bad = false;
	deliver(p, line, NULL, NULL);
}

static void
parse_line(struct parser *p, unsigned line, char *text)
{
	char *equals;
	char *key;

	text = text_strip(text);
	if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
		return;
	if (text[0] == '[') {
		parse_section(p, line, text);
		return;
	}
	if (p->section_is_bad)
		return;
	equals = strchr(text, '=');
	if (!equals) {
		report(p, line, "neither a section, a comment nor Key=Value; line ignored");
		return;
	}
	if (p->section[0] == '\0') {
		report(p, line, "assignment before the first [Section]; line ignored");
		return;
	}
	*equals = '\0';
	key = text_strip(text);
	if (key[0] == '\0') {
		report(p, line, "no key before '='; line ignored");
		return;
	}
	deliver(p, line, key, text_strip(equals + 1));
}

static bool
is_comment(const char *s, size_t n)
{
	while (n > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		n--;
	}
	return n > 0 && (*s == '#' || *s == ';');
}

/* A logical line under construction. */
struct line {
	char text[CONF_LINE_MAX_BYTES];
	size_t size;
	unsigned number; /* of its first physical line */
	bool overflow;
};

static void
line_append(struct line *l, const char *s, size_t n)
{
	if (n >= sizeof(l->text) - l->size) {
		l->overflow = true;
		return;
	}
	memcpy(l->text + l->size, s, n);
	l->size += n;
}

static void
line_finish(struct parser *p, struct line *l)
{
	if (l->overflow)
		report(p, l->number, "line is too long; ignored");
	else if (memchr(l->text, '\0', l->size))
		report(p, l->number, "line holds a NUL byte; ignored");
	else {
		l->text[l->size] = '\0';
		parse_line(p, l->number, l->text);
	}
	l->size = 0;
	l->overflow = false;
}

int
conf_parse(const char *file, const char *data, size_t size, const struct conf_handlers *h)
{
	struct parser p = { .handlers = h, .file = file };
	_cleanup_free_ struct line *l = NULL;
	bool continued = false;
	unsigned number = 0;

	l = malloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->size = 0;
	l->overflow = false;

	for (size_t pos = 0; pos < size;) {
		const char *start = data + pos;
		const char *newline = memchr(start, '\n', size - pos);
		size_t n = newline ? (size_t)(newline - start) : size - pos;

		pos += n + 1;
		number++;
		if (n > 0 && start[n - 1] == '\r')
			n--;
		/* systemd.syntax(7): comments between continuation lines are skipped. */
		if (is_comment(start, n))
			continue;
		if (!continued)
			l->number = number;
		continued = n > 0 && start[n - 1] == '\\';
		line_append(l, start, continued ? n - 1 : n);
		if (continued)
			line_append(l, " ", 1);
		else
			line_finish(&p, l);
	}
	if (continued)
		line_finish(&p, l);
	return p.problems;
}

int
conf_read_file(const char *path, const struct conf_handlers *h)
{
	_cleanup_free_ char *data = NULL;
	struct fault fault = { 0 };
	size_t size;
	int r;

	r = io_read_file(AT_FDCWD, path, CONF_FILE_MAX_BYTES, &data, &size);
	if (r == -ENOENT)
		return 0;
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		fault_set(&fault, r, "cannot read the file: %m");
		if (h->on_problem)
			h->on_problem(path, 0, fault_text(&fault), h->userdata);
		return 1;
	}
	return conf_parse(path, data, size, h);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int
compare_base_names(const void *a, const void *b)
{
	return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

/* Replaces the entry of the same file name in *PATHS by PATH, or appends it. */
static int
override_path(char ***paths, const char *path)
{
	for (char **i = *paths; i && *i; i++) {
		char *copy;

		if (!streq(base_name(*i), base_name(path)))
			continue;
		copy = strdup(path);
		if (!copy)
			return -ENOMEM;
		free(*i);
		*i = copy;
		return 0;
	}
	return strv_append(paths, path);
}

static int
list_directory(const char *directory, char ***paths)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	int r;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	for (struct dirent *de = readdir(dir); de; de = readdir(dir)) {
		_cleanup_free_ char *path = NULL;

		if (de->d_name[0] == '.' || !text_has_suffix(de->d_name, CONF_SUFFIX))
			continue;
		path = text_format("%s/%s", directory, de->d_name);
		if (!path)
			return -ENOMEM;
		r = override_path(paths, path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Empty, or a link to /dev/null. What is unreadable is not masked: reading it will complain. */
static bool
is_masked(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISREG(st.st_mode))
		return st.st_size == 0;
	return S_ISCHR(st.st_mode);
}

/* The files of conf_list_files() that are masked, or those that are not. */
static int
list_files(const char *const *dirs, bool masked, char ***ret_paths)
{
	_cleanup_(strv_freep) char **paths = NULL;
	_cleanup_(strv_freep) char **kept = NULL;
	int r;

	for (; *dirs; dirs++) {
		r = list_directory(*dirs, &paths);
		if (r < 0)
			return r;
	}
	if (paths)
		qsort(paths, strv_length(paths), sizeof(char *), compare_base_names);
	for (char **i = paths; i && *i; i++) {
		if (is_masked(*i) != masked)
			continue;
		r = strv_append(&kept, *i);
		if (r < 0)
			return r;
	}
	*ret_paths = TAKE_PTR(kept);
	return 0;
}

int
conf_list_files(const char *const *dirs, char ***ret_paths)
{
	return list_files(dirs, false, ret_paths);
}

int
conf_list_masked(const char *const *dirs, char ***ret_paths)
{
	return list_files(dirs, true, ret_paths);
}

int
conf_load(const char *main, const char *const *dirs, const struct conf_handlers *h)
{
	_cleanup_(strv_freep) char **paths = NULL;
	int problems = 0;
	int r;

	if (main) {
		r = conf_read_file(main, h);
		if (r < 0)
			return r;
		problems += r;
	}
	r = conf_list_files(dirs, &paths);
	if (r < 0)
		return r;
	for (char **i = paths; i && *i; i++) {
		r = conf_read_file(*i, h);
		if (r < 0)
			return r;
		problems += r;
	}
	return problems;
}
