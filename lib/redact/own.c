/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fault.h"
#include "lib/paths.h"
#include "lib/redact/own.h"
#include "lib/redact/view.h"
#include "lib/text.h"

struct redact_own {
	char **keys;	 /* owned strv; flattened: lower case, no separators */
	char **literals; /* owned strv */
};

int
redact_own_new(struct redact_own **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void
redact_own_free(struct redact_own *own)
{
	if (!own)
		return;
	strv_free(own->keys);
	strv_free(own->literals);
	free(own);
}

static int
add(char ***list, const char *text, struct fault *reterr)
{
	if (strv_contains(*list, text))
		return 0;
	if (strv_length(*list) >= OWN_RULES_MAX)
		return fault_set(reterr, -ENOSPC, "more than %u of them", OWN_RULES_MAX);
	return strv_append(list, text);
}

int
redact_own_add_key(struct redact_own *own, const char *name, struct fault *reterr)
{
	char flat[OWN_KEY_MAX_BYTES + 1];
	size_t n = 0;

	for (const char *p = name; *p; p++) {
		if (!is_name((unsigned char)*p) || n == OWN_KEY_MAX_BYTES)
			return fault_set(reterr, -EINVAL,
			    "'%s' is no name of a key: letters, digits, '-', '_', '.', at most "
			    "%u",
			    name, OWN_KEY_MAX_BYTES);
		if (is_alnum((unsigned char)*p))
			flat[n++] = (char)to_lower((unsigned char)*p);
	}
	flat[n] = '\0';
	if (n < OWN_RULE_MIN_BYTES)
		return fault_set(reterr, -EINVAL, "'%s' is shorter than %u letters", name,
		    OWN_RULE_MIN_BYTES);
	return add(&own->keys, flat, reterr);
}

int
redact_own_add_literal(struct redact_own *own, const char *text, struct fault *reterr)
{
	size_t len = strlen(text);

	if (len < OWN_RULE_MIN_BYTES || len > OWN_LITERAL_MAX_BYTES)
		return fault_set(reterr, -EINVAL, "a text has %u to %u bytes",
		    OWN_RULE_MIN_BYTES, OWN_LITERAL_MAX_BYTES);
	/* It would be found in what replaces it. */
	if (strstr("[REDACTED:secret]", text))
		return fault_set(reterr, -EINVAL, "'%s' is in the marker itself", text);
	return add(&own->literals, text, reterr);
}

const char *
redact_own_key(const struct redact_own *own, size_t i)
{
	return i < strv_length(own->keys) ? own->keys[i] : NULL;
}

const char *
redact_own_literal(const struct redact_own *own, size_t i)
{
	return i < strv_length(own->literals) ? own->literals[i] : NULL;
}

bool
redact_own_has_key(const struct redact_own *own, const char *text, size_t len)
{
	for (char *const *k = own->keys; k && *k; k++) {
		size_t n = strlen(*k);

		if (len >= n && memcmp(text + len - n, *k, n) == 0)
			return true;
	}
	return false;
}

struct load {
	struct redact_own *own; /* borrowed */
	conf_problem_fn on_problem;
	void *userdata;
};

static int
on_item(const struct conf_item *item, void *userdata, struct fault *reterr)
{
	struct redact_own *own = ((struct load *)userdata)->own;

	if (!streq(item->section, "Redact"))
		return fault_set(reterr, -EINVAL, "unknown section [%s]", item->section);
	if (!item->key || item->value[0] == '\0')
		return 0;
	if (streq(item->key, "Key"))
		return redact_own_add_key(own, item->value, reterr);
	if (streq(item->key, "Literal"))
		return redact_own_add_literal(own, item->value, reterr);
	return fault_set(
	    reterr, -EINVAL, "unknown key %s=; there are Key= and Literal=", item->key);
}

static void
on_problem_line(const char *file, unsigned line, const char *text, void *userdata)
{
	struct load *load = userdata;

	if (load->on_problem)
		load->on_problem(file, line, text, load->userdata);
}

int
redact_own_load(conf_problem_fn on_problem, void *userdata, struct redact_own **ret)
{
	static const char *const dirs[] = {
		CONF_DIR_VENDOR "/redact.d",
		CONF_DIR_ADMIN "/redact.d",
		CONF_DIR_RUN "/redact.d",
		NULL,
	};
	_cleanup_(redact_own_freep) struct redact_own *own = NULL;
	struct load load = { .on_problem = on_problem, .userdata = userdata };
	struct conf_handlers handlers = {
		.on_item = on_item,
		.on_problem = on_problem_line,
		.userdata = &load,
	};
	int r;

	r = redact_own_new(&own);
	if (r < 0)
		return r;
	load.own = own;
	r = conf_load(NULL, dirs, &handlers);
	if (r < 0)
		return r;
	*ret = own->keys || own->literals ? TAKE_PTR(own) : NULL;
	return r;
}
