/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include "capture/envfilter.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* As the filter over every byte of a report writes it, which then leaves it alone. */
#define MARKER "[REDACTED:secret]"

/* Arrays of environment variables, in upper or lower case. */
static const char *const list_keys[] = { "env", "envs" };

/* Strings that hold a whole manifest; the latter is a map of annotations with the former in it.
 */
static const char *const manifest_keys[] = {
	"kubectl.kubernetes.io/last-applied-configuration",
	"io.kubernetes.cri-o.Annotations",
};

void
envfilter_init(struct envfilter *f, envfilter_write_fn write, void *userdata)
{
	*f = (struct envfilter){ .write = write, .userdata = userdata };
}

uint64_t
envfilter_count(const struct envfilter *f)
{
	return f->n_hidden;
}

static bool
key_is_one_of(const struct envfilter *f, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(names[i]) == f->key_size &&
		    strncasecmp(names[i], f->key, f->key_size) == 0)
			return true;
	return false;
}

/* The level that we are in; that of the document itself has no properties. */
static struct envfilter_level
level(const struct envfilter *f)
{
	return f->depth > 0 && f->depth <= ENVFILTER_DEPTH_MAX ? f->levels[f->depth - 1]
							       : (struct envfilter_level){ 0 };
}

static void
enter(struct envfilter *f, bool is_object)
{
	const struct envfilter_level outer = level(f);

	if (f->depth < ENVFILTER_DEPTH_MAX)
		f->levels[f->depth] = (struct envfilter_level){
			.is_object = is_object,
			.is_list = !is_object && outer.is_object &&
			    key_is_one_of(f, list_keys, ELEMENTSOF(list_keys)),
			.is_item = is_object && outer.is_list,
		};
	f->depth++;
	f->after_colon = false;
}

static enum envfilter_string
begin_string(struct envfilter *f)
{
	static const char *const value_keys[] = { "value" };
	const struct envfilter_level l = level(f);

	if (f->depth > ENVFILTER_DEPTH_MAX)
		return ENVFILTER_BEFORE;
	if (l.is_list)
		return ENVFILTER_PAIR;
	if (!l.is_object)
		return ENVFILTER_SHOWN;
	if (!f->after_colon) {
		f->key_size = 0;
		return ENVFILTER_KEY;
	}
	if (l.is_item && key_is_one_of(f, value_keys, ELEMENTSOF(value_keys)))
		return ENVFILTER_BEFORE;
	return key_is_one_of(f, manifest_keys, ELEMENTSOF(manifest_keys)) ? ENVFILTER_BEFORE
									  : ENVFILTER_SHOWN;
}

static void
on_structure(struct envfilter *f, char c)
{
	switch (c) {
	case '"':
		f->string = begin_string(f);
		break;
	case '{':
	case '[':
		enter(f, c == '{');
		break;
	case '}':
	case ']':
		f->depth -= f->depth > 0;
		break;
	case ':':
		f->after_colon = true;
		break;
	case ',':
		f->after_colon = false;
		break;
	default:
		break;
	}
}

/* One byte inside a string. Returns true if it is passed on. */
static bool
on_string(struct envfilter *f, char c)
{
	bool closes = c == '"' && !f->escaped;
	bool shown = closes || f->string < ENVFILTER_BEFORE;

	if (closes) {
		f->string = ENVFILTER_NONE;
		return true;
	}
	if (f->string == ENVFILTER_KEY) {
		if (f->key_size < sizeof(f->key))
			f->key[f->key_size++] = c;
	} else if (f->string == ENVFILTER_PAIR && c == '=') {
		f->string = ENVFILTER_BEFORE;
	} else if (f->string == ENVFILTER_PAIR && c == '\\') {
		/* No name has one; it may be "=" in another spelling. */
		f->string = ENVFILTER_BEFORE;
		shown = false;
	}
	f->escaped = c == '\\' && !f->escaped;
	return shown;
}

static int
put(struct envfilter *f, const char *data, size_t size)
{
	return size > 0 ? f->write(data, size, f->userdata) : 0;
}

int
envfilter_feed(struct envfilter *f, const void *data, size_t size)
{
	const char *bytes = data;
	size_t start = 0; /* of what is passed on next */

	for (size_t i = 0; i < size; i++) {
		int r;

		if (f->string == ENVFILTER_NONE) {
			on_structure(f, bytes[i]);
			continue;
		}
		if (on_string(f, bytes[i]))
			continue;
		r = put(f, bytes + start, i - start);
		start = i + 1;
		if (r >= 0 && f->string == ENVFILTER_BEFORE) {
			f->string = ENVFILTER_HIDDEN;
			f->n_hidden++;
			r = put(f, MARKER, strlen(MARKER));
		}
		if (r < 0)
			return r;
	}
	return put(f, bytes + start, size - start);
}
