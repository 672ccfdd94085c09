/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "capture/sink/layout.h"
#include "lib/cleanup.h"
#include "lib/text.h"
#include "lib/utf8.h"

#define COMMANDS_DIR "sos_commands"

static bool
is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Length of the UTF-8 character at S, which ends at a NUL; 0 when it is none. Names of files
 * may be any bytes, but a manifest in JSON and a pax header want UTF-8. */
static size_t
character_length(const char *s)
{
	return *s ? utf8_length(s, strnlen(s, 4)) : 0;
}

/* True when the component P[N] has only what a name may have. */
static bool
component_is_clean(const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t length = character_length(p + i);

		if (length == 0 || is_control(p[i]))
			return false;
		i += length;
	}
	return true;
}

bool
layout_path_is_valid(const char *path)
{
	size_t total = strlen(path);

	if (total == 0 || total >= LAYOUT_PATH_BYTES)
		return false;
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");

		/* Also catches a slash at the start, at the end, or twice. */
		if (n == 0 || n > LAYOUT_NAME_MAX + 4)
			return false;
		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		if (!component_is_clean(p, n))
			return false;
		p += n;
		if (*p == '\0')
			return true;
	}
}

bool
layout_link_is_valid(const char *path, const char *target)
{
	int depth = 0;
	size_t total = strlen(target);

	if (!layout_path_is_valid(path) || total == 0 || total >= LAYOUT_PATH_BYTES ||
	    target[0] == '/')
		return false;
	for (const char *p = path; *p; p++)
		depth += *p == '/';
	for (const char *p = target;;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			depth--;
		else if (n > 0 && !(n == 1 && p[0] == '.'))
			depth++;
		if (depth < 0)
			return false;
		if (!component_is_clean(p, n))
			return false;
		p += n;
		if (*p == '\0')
			return true;
		p++;
	}
}

/* What Python's \w matches in ASCII, and "-./". */
static bool
is_kept(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '-' || c == '.' || c == '/';
}

/* Appends S mangled: a run of other characters becomes one "_", "/" becomes ".". What does not
 * fit is dropped. *IN_RUN carries a run over from the piece before. */
static void
append_mangled(char *buf, size_t *length, const char *s, bool *in_run)
{
	for (; *s && *length < LAYOUT_NAME_MAX; s++) {
		if (is_kept(*s)) {
			buf[(*length)++] = *s == '/' ? '.' : *s;
			*in_run = false;
		} else if (!*in_run) {
			buf[(*length)++] = '_';
			*in_run = true;
		}
	}
}

/* Cuts " ._-" from both ends, as sos does; returns the start inside BUF. */
static char *
strip_mangled(char *buf, size_t length)
{
	while (length > 0 && strchr("._-", buf[length - 1]))
		length--;
	buf[length] = '\0';
	return buf + strspn(buf, "._-");
}

static int
collector_path(const char *collector, const char *name, char buf[LAYOUT_PATH_BYTES])
{
	char path[LAYOUT_PATH_BYTES];

	if (is_empty(name))
		return -EINVAL;
	(void)snprintf(path, sizeof(path), COMMANDS_DIR "/%s/%s", collector, name);
	if (!layout_path_is_valid(path))
		return -EINVAL;
	text_copy(buf, LAYOUT_PATH_BYTES, path);
	return 0;
}

static const char *
strip_bin(const char *program)
{
	static const char *const prefixes[] = { "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/" };

	for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
		if (text_has_prefix(program, prefixes[i]))
			return program + strlen(prefixes[i]);
	return program;
}

int
layout_command_path(const char *collector, char *const *argv, char buf[LAYOUT_PATH_BYTES])
{
	char mangled[LAYOUT_NAME_MAX + 1];
	size_t length = 0;
	bool in_run = false;

	if (!argv[0])
		return -EINVAL;
	append_mangled(mangled, &length, strip_bin(argv[0]), &in_run);
	for (size_t i = 1; argv[i]; i++) {
		append_mangled(mangled, &length, " ", &in_run);
		append_mangled(mangled, &length, argv[i], &in_run);
	}
	return collector_path(collector, strip_mangled(mangled, length), buf);
}

int
layout_collector_path(const char *collector, const char *name, char buf[LAYOUT_PATH_BYTES])
{
	char mangled[LAYOUT_NAME_MAX + 1];
	size_t length = 0;
	bool in_run = false;

	append_mangled(mangled, &length, name, &in_run);
	return collector_path(collector, strip_mangled(mangled, length), buf);
}

int
layout_file_path(const char *host_path, char buf[LAYOUT_PATH_BYTES])
{
	char path[LAYOUT_PATH_BYTES];
	size_t length = 0;

	if (host_path[0] != '/')
		return -EINVAL;
	for (const char *p = host_path; *p;) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		if (n == 0 || (n == 1 && p[0] == '.')) {
			p += n;
			continue;
		}
		if (length + n + 2 > sizeof(path))
			return -ENAMETOOLONG;
		if (length > 0)
			path[length++] = '/';
		for (const char *end = p + n; p < end;) {
			size_t bytes = character_length(p);

			if (bytes == 0 || is_control(*p)) {
				path[length++] = '_';
				p++;
				continue;
			}
			memcpy(path + length, p, bytes);
			length += bytes;
			p += bytes;
		}
	}
	path[length] = '\0';
	if (!layout_path_is_valid(path))
		return -EINVAL;
	text_copy(buf, LAYOUT_PATH_BYTES, path);
	return 0;
}
