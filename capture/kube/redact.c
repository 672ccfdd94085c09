/* SPDX-License-Identifier: Apache-2.0 */

/* As `oc adm inspect` does it: values of Secrets but tls.crt, ca.crt and service-ca.crt become
 * "N bytes long" in base64, two of their annotations become empty, spec.tls.key of a Route is
 * removed, the password in the URLs of a Proxy becomes "****".
 *
 * What `oc` forgets:
 *  - a Secret's certificate that is a private key, and its stringData;
 *  - last-applied-configuration of any object with a secret in it, which becomes empty;
 *  - ConfigMaps with passwords, tokens, pull secrets and private keys in them, also in
 *    binaryData;
 *  - `env` whose names say secret, options like --password in `args` and `command`, anywhere;
 *  - fields and annotations of any object whose names say secret, and private keys in any text;
 *  - Secrets, Routes, Proxies and ConfigMaps inside of other objects (a List, a Template).
 *
 * Whether a name says secret, and whether its value is one (and not "/path/of/token" or
 * "false"), is asked of lib/redact, the filter over the whole report. It could not see all of
 * this in the YAML: a long text may be folded in the middle of what gives a secret away. */

#include "capture/kube/redact.h"

#include <errno.h>
#include <string.h>

#include "capture/certinfo.h"
#include "capture/kube/json.h"
#include "lib/redact/base64.h"
#include "lib/redact/redact.h"
#include "lib/redact/rules.h"
#include "lib/text.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define TOKEN_VALUE  "openshift.io/token-secret.value"

/* Nesting of objects as text in objects (last-applied-configuration of a List with …). */
#define TEXT_DEPTH_MAX 4u

/* What an object is, as far as it is treated in a way of its own. */
enum shape {
	SHAPE_OTHER,
	SHAPE_SECRET,
	SHAPE_ROUTE,
	SHAPE_PROXY,
	SHAPE_CONFIGMAP,
};

struct walk {
	struct kube_redactions *counts;
	unsigned text_depth;
};

/* Filtered text that grows. */
struct text {
	char *data; /* owned */
	size_t len;
	size_t room;
};

static const char *const kind_names[] = {
	[KUBE_REDACT_SECRET_DATA] = "secret-data",
	[KUBE_REDACT_ANNOTATION] = "annotation",
	[KUBE_REDACT_LAST_APPLIED] = "last-applied",
	[KUBE_REDACT_ROUTE_KEY] = "route-key",
	[KUBE_REDACT_PROXY_URL] = "proxy-url",
	[KUBE_REDACT_CONFIGMAP] = "configmap",
	[KUBE_REDACT_ENV] = "env",
	[KUBE_REDACT_FIELD] = "field",
};
_Static_assert(ELEMENTSOF(kind_names) == _KUBE_REDACT_KIND_COUNT, "a name for each kind");

const char *
kube_redact_kind_to_string(enum kube_redact_kind kind)
{
	return kind_names[kind];
}

static int walk_object(struct walk *w, struct kube_value *object, enum shape shape);

static bool
is_true_key(enum redact_kind kind)
{
	return kind != REDACT_CERTIFICATE && kind != REDACT_CERTIFICATE_REQUEST &&
	    kind != REDACT_PUBLIC_KEY;
}

static int
append(const void *data, size_t len, void *userdata)
{
	struct text *t = userdata;

	if (t->room - t->len <= len) {
		size_t room = (t->len + len + 1) * 2;
		char *bigger = realloc(t->data, room);

		if (!bigger)
			return -ENOMEM;
		t->data = bigger;
		t->room = room;
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
	return 0;
}

/* Filters DATA[LEN] into OUT. Returns 1 if there was a secret in it; certificates are none. */
static int
filter(const char *data, size_t len, struct text *out)
{
	_cleanup_(redact_freep) struct redact *filter = NULL;
	int r;

	r = redact_new(append, out, &filter);
	if (r >= 0)
		r = redact_set_describe(filter, certinfo_describe, NULL);
	if (r >= 0)
		r = redact_write(filter, data, len);
	if (r >= 0)
		r = redact_finish(filter);
	if (r < 0)
		return r;
	for (int kind = 0; kind < _REDACT_KIND_COUNT; kind++)
		if (is_true_key(kind) && redact_count(filter, kind) > 0)
			return 1;
	return 0;
}

/* Returns 1 if DATA[LEN] has a secret in it. */
static int
has_secret(const char *data, size_t len)
{
	struct text out = { 0 };
	int r;

	r = filter(data, len, &out);
	free(out.data);
	return r;
}

/* Puts a marker in the place of each secret in the text V. Returns 1 if there was one. */
static int
filter_value(struct kube_value *v)
{
	struct text out = { 0 };
	int r;

	r = filter(v->text, v->len, &out);
	if (r > 0)
		r = kube_value_assign(v, out.data ? out.data : "", out.len) < 0 ? -ENOMEM : 1;
	free(out.data);
	return r;
}

/* Returns 1 if VALUE is a secret, given that it has the name NAME; *ret_kind is set then. */
static int
is_secret(const char *name, size_t name_len, const struct kube_value *value,
    enum redact_kind *ret_kind)
{
	struct key_class class;
	struct text line = { 0 };
	int r;

	if (value->type != KUBE_STRING || value->len == 0 ||
	    !key_classify((const uint8_t *)name, name_len, &class))
		return 0;
	*ret_kind = class.kind;
	/* A word and its value on a line, as the filter knows them. */
	r = append(name, name_len, &line);
	if (r >= 0)
		r = append(": \"", 3, &line);
	for (size_t i = 0; r >= 0 && i < value->len; i++) {
		char c = value->text[i];

		if (c == '\n')
			r = append("\\n", 2, &line);
		else if (c == '"' || c == '\\') {
			r = append("\\", 1, &line);
			if (r >= 0)
				r = append(&c, 1, &line);
		} else
			r = append(&c, 1, &line);
	}
	if (r >= 0)
		r = append("\"\n", 2, &line);
	if (r >= 0)
		r = has_secret(line.data, line.len);
	free(line.data);
	return r;
}

/* VALUE becomes "[REDACTED:password]". */
static int
mark(struct kube_value *value, enum redact_kind kind)
{
	_cleanup_free_ char *marker = text_format("[REDACTED:%s]", redact_kind_to_string(kind));

	return marker ? kube_value_assign(value, marker, strlen(marker)) : -ENOMEM;
}

/* As above if VALUE of the name NAME is a secret. Returns 1 if it was. */
static int
mark_if_secret(const char *name, size_t name_len, struct kube_value *value)
{
	enum redact_kind kind;
	int r;

	r = is_secret(name, name_len, value, &kind);
	if (r > 0)
		r = mark(value, kind) < 0 ? -ENOMEM : 1;
	return r;
}

/* Number of bytes that base64 stands for. */
static size_t
decoded_length(const struct kube_value *v)
{
	size_t n = 0;

	if (v->type != KUBE_STRING)
		return 0;
	for (uint32_t i = 0; i < v->len && v->text[i] != '='; i++)
		if (v->text[i] != '\n' && v->text[i] != '\r')
			n++;
	return n * 3 / 4;
}

/* VALUE becomes "N bytes long", N the length of what was in it, in base64 as it was. */
static int
assign_length(struct kube_value *value, size_t n)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char plain[64] = { 0 };
	char base64[96];
	size_t out = 0;
	size_t len;

	len = (size_t)snprintf((char *)plain, sizeof(plain), "%zu bytes long", n);
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits =
		    (uint32_t)plain[i] << 16 | (uint32_t)plain[i + 1] << 8 | plain[i + 2];

		base64[out++] = alphabet[bits >> 18];
		base64[out++] = alphabet[bits >> 12 & 63];
		base64[out++] = i + 1 < len ? alphabet[bits >> 6 & 63] : '=';
		base64[out++] = i + 2 < len ? alphabet[bits & 63] : '=';
	}
	return kube_value_assign(value, base64, out);
}

/* Returns 1 if what V stands for in base64 has a secret in it. */
static int
has_secret_inside(const struct kube_value *v)
{
	_cleanup_free_ uint8_t *plain = NULL;
	size_t len;

	if (v->type != KUBE_STRING || v->len == 0)
		return 0;
	plain = malloc(v->len);
	if (!plain)
		return -ENOMEM;
	len = base64_decode((const uint8_t *)v->text, v->len, plain, v->len);
	return has_secret((const char *)plain, len);
}

static bool
is_certificate_name(const char *key)
{
	return streq(key, "tls.crt") || streq(key, "ca.crt") || streq(key, "service-ca.crt");
}

static int
redact_secret(struct walk *w, struct kube_value *object)
{
	static const char *const blanked[] = { TOKEN_VALUE, LAST_APPLIED };
	struct kube_value *annotations =
	    kube_value_find(object, "metadata", "annotations", NULL);
	struct kube_value *data = kube_value_get(object, "data");
	struct kube_value *v;
	int r;

	KUBE_VALUE_FOREACH(v, data)
	{
		r = is_certificate_name(v->key) ? has_secret_inside(v) : 1;
		if (r > 0) {
			r = assign_length(v, decoded_length(v));
			w->counts->counts[KUBE_REDACT_SECRET_DATA]++;
		}
		if (r < 0)
			return r;
	}
	/* In what was applied, not in what a server gives. */
	KUBE_VALUE_FOREACH(v, kube_value_get(object, "stringData"))
	{
		r = mark(v, REDACT_SECRET);
		if (r < 0)
			return r;
		w->counts->counts[KUBE_REDACT_SECRET_DATA]++;
	}
	for (size_t i = 0; i < ELEMENTSOF(blanked); i++) {
		v = kube_value_get(annotations, blanked[i]);
		if (!v)
			continue;
		r = kube_value_assign(v, "", 0);
		if (r < 0)
			return r;
		w->counts->counts[KUBE_REDACT_ANNOTATION]++;
	}
	return 0;
}

/* "http://user:password@host" → "http://user:****@host", by the pattern of `oc`; a password
 * with "@" in it goes too, and so does one without a user. */
static int
redact_url(struct walk *w, struct kube_value *v)
{
	_cleanup_free_ char *clean = NULL;
	const char *text = kube_value_string(v);
	const char *user;
	const char *password;
	const char *at;

	if (!text)
		return 0;
	user = strstr(text, "://");
	if (!user)
		return 0;
	user += 3;
	password = strchr(user, ':');
	at = strrchr(user, '@');
	if (!password || !at || at <= password + 1)
		return 0;
	clean = text_format("%.*s****%s", (int)(password + 1 - text), text, at);
	if (!clean)
		return -ENOMEM;
	if (streq(clean, text))
		return 0;
	w->counts->counts[KUBE_REDACT_PROXY_URL]++;
	return kube_value_assign(v, clean, strlen(clean));
}

static int
redact_proxy(struct walk *w, struct kube_value *object)
{
	static const char *const parts[] = { "spec", "status" };
	static const char *const urls[] = { "httpProxy", "httpsProxy" };

	for (size_t i = 0; i < ELEMENTSOF(parts); i++)
		for (size_t j = 0; j < ELEMENTSOF(urls); j++) {
			int r = redact_url(w, kube_value_find(object, parts[i], urls[j], NULL));

			if (r < 0)
				return r;
		}
	return 0;
}

static int
redact_configmap(struct walk *w, struct kube_value *object)
{
	struct kube_value *v;
	int r;

	KUBE_VALUE_FOREACH(v, kube_value_get(object, "data"))
	{
		if (v->type != KUBE_STRING)
			continue;
		r = mark_if_secret(v->key, v->key_len, v);
		if (r == 0)
			r = filter_value(v);
		if (r < 0)
			return r;
		if (r > 0)
			w->counts->counts[KUBE_REDACT_CONFIGMAP]++;
	}
	KUBE_VALUE_FOREACH(v, kube_value_get(object, "binaryData"))
	{
		r = has_secret_inside(v);
		if (r > 0) {
			r = assign_length(v, decoded_length(v));
			w->counts->counts[KUBE_REDACT_CONFIGMAP]++;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* An object as text: it becomes empty if there is a secret in it, or if it cannot be read and
 * looks like one. */
static int
redact_last_applied(struct walk *w, struct kube_value *v)
{
	_cleanup_(kube_json_freep) struct kube_json *parser = NULL;
	_cleanup_(kube_value_freep) struct kube_value *object = NULL;
	struct kube_redactions counts = { 0 };
	struct walk inner = { .counts = &counts, .text_depth = w->text_depth + 1 };
	uint64_t found = 0;
	int r;

	if (v->type != KUBE_STRING || v->len == 0)
		return 0;
	r = kube_json_new(KUBE_JSON_DOCUMENT, NULL, &parser);
	if (r < 0)
		return r;
	r = kube_json_feed(parser, v->text, v->len, NULL);
	if (r >= 0)
		r = kube_json_finish(parser, NULL);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || inner.text_depth > TEXT_DEPTH_MAX)
		found = 1;
	else {
		object = kube_json_take_head(parser);
		if (!object)
			return -ENOMEM;
		r = walk_object(&inner, object, SHAPE_OTHER);
		if (r < 0)
			return r;
	}
	for (int kind = 0; kind < _KUBE_REDACT_KIND_COUNT; kind++)
		found += counts.counts[kind];
	if (found == 0)
		return 0;
	w->counts->counts[KUBE_REDACT_LAST_APPLIED]++;
	return kube_value_assign(v, "", 0);
}

static int
redact_annotations(struct walk *w, struct kube_value *annotations)
{
	struct kube_value *v;
	int r;

	KUBE_VALUE_FOREACH(v, annotations)
	{
		if (streq(v->key, LAST_APPLIED)) {
			r = redact_last_applied(w, v);
		} else {
			r = mark_if_secret(v->key, v->key_len, v);
			if (r > 0)
				w->counts->counts[KUBE_REDACT_ANNOTATION]++;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int
redact_env(struct walk *w, struct kube_value *env)
{
	struct kube_value *entry;
	int r;

	KUBE_VALUE_FOREACH(entry, env)
	{
		const struct kube_value *name = kube_value_get(entry, "name");
		struct kube_value *value = kube_value_get(entry, "value");

		if (!kube_value_string(name) || !kube_value_string(value))
			continue;
		r = mark_if_secret(name->text, name->len, value);
		if (r == 0)
			r = filter_value(value);
		if (r < 0)
			return r;
		if (r > 0)
			w->counts->counts[KUBE_REDACT_ENV]++;
	}
	return 0;
}

/* "--password=x", and "--password" with "x" behind it. */
static int
redact_arguments(struct walk *w, struct kube_value *arguments)
{
	const struct kube_value *option = NULL;
	struct kube_value *v;
	int r;

	KUBE_VALUE_FOREACH(v, arguments)
	{
		if (v->type != KUBE_STRING)
			continue;
		r = option && v->text[0] != '-' ? mark_if_secret(option->text, option->len, v)
						: 0;
		if (r == 0)
			r = filter_value(v);
		if (r < 0)
			return r;
		if (r > 0)
			w->counts->counts[KUBE_REDACT_FIELD]++;
		option = v->text[0] == '-' && !strchr(v->text, '=') ? v : NULL;
	}
	return 0;
}

/* A text that is no annotation, env or argument. NAME is of the array for its elements. */
static int
redact_field(struct walk *w, const char *name, size_t name_len, struct kube_value *v)
{
	int r;

	r = mark_if_secret(name, name_len, v);
	if (r == 0 && v->len > 0 && memmem(v->text, v->len, "PRIVATE KEY", 11))
		r = filter_value(v);
	if (r > 0)
		w->counts->counts[KUBE_REDACT_FIELD]++;
	return r < 0 ? r : 0;
}

static int
walk_array(struct walk *w, struct kube_value *array, const char *name, size_t name_len)
{
	struct kube_value *v;
	int r = 0;

	KUBE_VALUE_FOREACH(v, array)
	{
		if (v->type == KUBE_OBJECT)
			r = walk_object(w, v, SHAPE_OTHER);
		else if (v->type == KUBE_ARRAY)
			r = walk_array(w, v, name, name_len);
		else if (v->type == KUBE_STRING)
			r = redact_field(w, name, name_len, v);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
walk_member(struct walk *w, struct kube_value *v)
{
	switch (v->type) {
	case KUBE_STRING:
		return redact_field(w, v->key, v->key_len, v);
	case KUBE_ARRAY:
		if (streq(v->key, "env"))
			return redact_env(w, v);
		if (streq(v->key, "args") || streq(v->key, "command"))
			return redact_arguments(w, v);
		/* Names of fields only. */
		if (streq(v->key, "managedFields"))
			return 0;
		return walk_array(w, v, v->key, v->key_len);
	case KUBE_OBJECT:
		if (streq(v->key, "annotations"))
			return redact_annotations(w, v);
		return walk_object(w, v, SHAPE_OTHER);
	default:
		return 0;
	}
}

static enum shape
shape_of(const struct kube_value *object)
{
	const char *kind = kube_value_get_string(object, "kind");

	if (!kind || !kube_value_get(object, "apiVersion"))
		return SHAPE_OTHER;
	if (streq(kind, "Secret"))
		return SHAPE_SECRET;
	if (streq(kind, "Route"))
		return SHAPE_ROUTE;
	if (streq(kind, "Proxy"))
		return SHAPE_PROXY;
	if (streq(kind, "ConfigMap"))
		return SHAPE_CONFIGMAP;
	return SHAPE_OTHER;
}

static int
walk_object(struct walk *w, struct kube_value *object, enum shape shape)
{
	struct kube_value *v;
	int r = 0;

	if (shape == SHAPE_OTHER)
		shape = shape_of(object);
	switch (shape) {
	case SHAPE_SECRET:
		r = redact_secret(w, object);
		break;
	case SHAPE_ROUTE:
		if (kube_value_remove(kube_value_find(object, "spec", "tls", NULL), "key"))
			w->counts->counts[KUBE_REDACT_ROUTE_KEY]++;
		break;
	case SHAPE_PROXY:
		r = redact_proxy(w, object);
		break;
	case SHAPE_CONFIGMAP:
		r = redact_configmap(w, object);
		break;
	case SHAPE_OTHER:
		break;
	}
	if (r < 0)
		return r;
	KUBE_VALUE_FOREACH(v, object)
	{
		/* Done above; the names would say secret again. */
		if ((shape == SHAPE_SECRET || shape == SHAPE_CONFIGMAP) &&
		    (streq(v->key, "data") || streq(v->key, "stringData") ||
			streq(v->key, "binaryData")))
			continue;
		r = walk_member(w, v);
		if (r < 0)
			return r;
	}
	return 0;
}

int
kube_redact_object(struct kube_value *obj, const char *group, const char *resource,
    struct kube_redactions *counts)
{
	struct walk w = { .counts = counts };
	enum shape shape = SHAPE_OTHER;

	if (is_empty(group) && streq(resource, "secrets"))
		shape = SHAPE_SECRET;
	else if (is_empty(group) && streq(resource, "configmaps"))
		shape = SHAPE_CONFIGMAP;
	else if (streq(group, "route.openshift.io") && streq(resource, "routes"))
		shape = SHAPE_ROUTE;
	else if (streq(group, "config.openshift.io") && streq(resource, "proxies"))
		shape = SHAPE_PROXY;
	return walk_object(&w, obj, shape);
}
