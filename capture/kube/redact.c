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
 *  - fields and annotations of any object whose names say secret, and secrets in any text;
 *  - Secrets, Routes, Proxies and ConfigMaps inside of other objects (a List, a Template).
 *
 * What is a secret is asked of lib/redact, the filter over the whole report, so that it has
 * nothing to do in what is written from here. In the YAML it would see less, because a long
 * text may be folded in the middle of what gives a secret away, and do worse: a plain scalar
 * "[REDACTED:token]" is a list, and a field of bytes has to be base64. Certificates become what
 * the filter makes of them, a line that says whose they are; in base64 where they were. */

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

/* Filtered text that grows. */
struct text {
	char *data; /* owned */
	size_t len;
	size_t room;
};

/* What a filter has found so far. */
struct found {
	uint64_t secrets;
	uint64_t certificates;
};

struct walk {
	struct kube_redactions *counts;
	struct redact *filter; /* owned by kube_redact_object() */
	struct text *out;      /* where its output goes */
	unsigned text_depth;
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
	[KUBE_REDACT_CERTIFICATE] = "certificate",
};
_Static_assert(ELEMENTSOF(kind_names) == _KUBE_REDACT_KIND_COUNT, "a name for each kind");

const char *
kube_redact_kind_to_string(enum kube_redact_kind kind)
{
	return kind_names[kind];
}

static int walk_object(struct walk *w, struct kube_value *object, enum shape shape);
static int walk_member(struct walk *w, struct kube_value *v);

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

/* Certificates and public keys are no secrets; what the filter says of them is more to read. */
static struct found
found_so_far(const struct redact *filter)
{
	struct found f = {
		.certificates = redact_count(filter, REDACT_CERTIFICATE) +
		    redact_count(filter, REDACT_CERTIFICATE_REQUEST) +
		    redact_count(filter, REDACT_PUBLIC_KEY),
	};

	f.secrets = redact_count_all(filter) - f.certificates;
	return f;
}

/* What filter() returns. */
enum {
	FILTER_SAME,
	FILTER_SECRET,
	FILTER_CERTIFICATE, /* and nothing worse */
};

/* Filters DATA[LEN] into w->out. Returns FILTER_… or a negative errno. */
static int
filter(struct walk *w, const char *data, size_t len)
{
	struct found before = found_so_far(w->filter);
	struct found after;
	int r;

	w->out->len = 0;
	r = redact_write(w->filter, data, len);
	if (r >= 0)
		r = redact_finish(w->filter);
	if (r < 0)
		return r;
	after = found_so_far(w->filter);
	if (after.secrets > before.secrets)
		return FILTER_SECRET;
	return after.certificates > before.certificates ? FILTER_CERTIFICATE : FILTER_SAME;
}

/* Counts what filter() returned as KIND or as certificate. */
static void
count(struct walk *w, int found, enum kube_redact_kind kind)
{
	if (found == FILTER_SECRET)
		w->counts->counts[kind]++;
	else if (found == FILTER_CERTIFICATE)
		w->counts->counts[KUBE_REDACT_CERTIFICATE]++;
}

/* VALUE becomes PLAIN[LEN] in base64. */
static int
assign_base64(struct kube_value *value, const char *plain, size_t len)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	_cleanup_free_ char *base64 = malloc((len + 2) / 3 * 4 + 1);
	size_t n = 0;

	if (!base64)
		return -ENOMEM;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = (uint32_t)(unsigned char)plain[i] << 16;

		if (i + 1 < len)
			bits |= (uint32_t)(unsigned char)plain[i + 1] << 8;
		if (i + 2 < len)
			bits |= (unsigned char)plain[i + 2];
		base64[n++] = alphabet[bits >> 18];
		base64[n++] = alphabet[bits >> 12 & 63];
		base64[n++] = i + 1 < len ? alphabet[bits >> 6 & 63] : '=';
		base64[n++] = i + 2 < len ? alphabet[bits & 63] : '=';
	}
	return kube_value_assign(value, base64, n);
}

/* Filters what V stands for in base64. Returns as filter(). */
static int
look_inside(struct walk *w, const struct kube_value *v)
{
	_cleanup_free_ uint8_t *plain = NULL;
	size_t len;

	if (v->type != KUBE_STRING || v->len == 0)
		return FILTER_SAME;
	plain = malloc(v->len);
	if (!plain)
		return -ENOMEM;
	len = base64_decode((const uint8_t *)v->text, v->len, plain, v->len);
	return filter(w, (const char *)plain, len);
}

/* Puts a marker in the place of each secret in the text V, and counts it as KIND. Returns 0 or
 * a negative errno. */
static int
redact_text(struct walk *w, struct kube_value *v, enum kube_redact_kind kind)
{
	/* Fields of bytes stay base64, or readers refuse the object. */
	bool is_pem_base64 = text_has_prefix(v->text, "LS0t");
	int found;

	if (v->type != KUBE_STRING || v->len == 0)
		return 0;
	found = is_pem_base64 ? look_inside(w, v) : filter(w, v->text, v->len);
	count(w, found, kind);
	if (found <= 0)
		return found;
	if (is_pem_base64)
		return assign_base64(v, w->out->data, w->out->len);
	return kube_value_assign(v, w->out->data, w->out->len);
}

/* Returns 1 if VALUE is a secret, given that it has the name NAME; *ret_kind is set then. */
static int
is_secret(struct walk *w, const char *name, size_t name_len, const struct kube_value *value,
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
		r = filter(w, line.data, line.len);
	free(line.data);
	return r < 0 ? r : r == FILTER_SECRET;
}

/* VALUE becomes "[REDACTED:password]". */
static int
mark(struct kube_value *value, enum redact_kind kind)
{
	_cleanup_free_ char *marker = text_format("[REDACTED:%s]", redact_kind_to_string(kind));

	return marker ? kube_value_assign(value, marker, strlen(marker)) : -ENOMEM;
}

/* VALUE has the name NAME: a marker takes its place if it is a secret, and the place of secrets
 * in it if not. Counts as COUNT_AS. Returns 0 or a negative errno. */
static int
redact_named(struct walk *w, const char *name, size_t name_len, struct kube_value *value,
    enum kube_redact_kind count_as)
{
	enum redact_kind kind;
	int r;

	r = is_secret(w, name, name_len, value, &kind);
	if (r == 0)
		return redact_text(w, value, count_as);
	if (r > 0) {
		w->counts->counts[count_as]++;
		r = mark(value, kind);
	}
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

/* VALUE becomes "N bytes long", N of what it stood for, in base64 as it was. */
static int
assign_length(struct kube_value *value)
{
	char plain[64];
	int n;

	n = snprintf(plain, sizeof(plain), "%zu bytes long", decoded_length(value));
	return assign_base64(value, plain, (size_t)n);
}

/* Redacts a field of bytes, in which filter() found FOUND; its output is still in w->out. */
static int
redact_bytes(struct walk *w, struct kube_value *v, int found, enum kube_redact_kind kind)
{
	count(w, found, kind);
	if (found == FILTER_SECRET)
		return assign_length(v);
	if (found == FILTER_CERTIFICATE)
		return assign_base64(v, w->out->data, w->out->len);
	return found;
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

	KUBE_VALUE_FOREACH (v, data) {
		r = is_certificate_name(v->key) ? look_inside(w, v) : FILTER_SECRET;
		r = redact_bytes(w, v, r, KUBE_REDACT_SECRET_DATA);
		if (r < 0)
			return r;
	}
	/* In what was applied, not in what a server gives. */
	KUBE_VALUE_FOREACH (v, kube_value_get(object, "stringData")) {
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

	KUBE_VALUE_FOREACH (v, kube_value_get(object, "data")) {
		r = redact_named(w, v->key, v->key_len, v, KUBE_REDACT_CONFIGMAP);
		if (r < 0)
			return r;
	}
	KUBE_VALUE_FOREACH (v, kube_value_get(object, "binaryData")) {
		r = redact_bytes(w, v, look_inside(w, v), KUBE_REDACT_CONFIGMAP);
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
	struct walk inner = {
		.counts = &counts,
		.filter = w->filter,
		.out = w->out,
		.text_depth = w->text_depth + 1,
	};
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
		if (kind != KUBE_REDACT_CERTIFICATE)
			found += counts.counts[kind];
	if (found == 0)
		return redact_text(w, v, KUBE_REDACT_LAST_APPLIED);
	w->counts->counts[KUBE_REDACT_LAST_APPLIED]++;
	return kube_value_assign(v, "", 0);
}

static int
redact_annotations(struct walk *w, struct kube_value *annotations)
{
	struct kube_value *v;
	int r;

	KUBE_VALUE_FOREACH (v, annotations) {
		if (v->type != KUBE_STRING) /* of a schema: properties of the name */
			r = walk_member(w, v);
		else if (streq(v->key, LAST_APPLIED))
			r = redact_last_applied(w, v);
		else
			r = redact_named(w, v->key, v->key_len, v, KUBE_REDACT_ANNOTATION);
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

	KUBE_VALUE_FOREACH (entry, env) {
		const struct kube_value *name = kube_value_get(entry, "name");
		struct kube_value *value = kube_value_get(entry, "value");

		if (kube_value_string(name) && kube_value_string(value))
			r = redact_named(w, name->text, name->len, value, KUBE_REDACT_ENV);
		else if (entry->type == KUBE_STRING) /* "NAME=value" */
			r = redact_text(w, entry, KUBE_REDACT_ENV);
		else
			r = walk_member(w, entry);
		if (r < 0)
			return r;
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

	KUBE_VALUE_FOREACH (v, arguments) {
		if (v->type != KUBE_STRING)
			r = walk_member(w, v);
		else if (option && v->text[0] != '-')
			r = redact_named(w, option->text, option->len, v, KUBE_REDACT_FIELD);
		else
			r = redact_text(w, v, KUBE_REDACT_FIELD);
		if (r < 0)
			return r;
		option = v->type == KUBE_STRING && v->text[0] == '-' && !strchr(v->text, '=')
		    ? v
		    : NULL;
	}
	return 0;
}

static int
walk_array(struct walk *w, struct kube_value *array, const char *name, size_t name_len)
{
	struct kube_value *v;
	int r = 0;

	KUBE_VALUE_FOREACH (v, array) {
		if (v->type == KUBE_OBJECT)
			r = walk_object(w, v, SHAPE_OTHER);
		else if (v->type == KUBE_ARRAY)
			r = walk_array(w, v, name, name_len);
		else if (v->type == KUBE_STRING)
			r = redact_named(w, name, name_len, v, KUBE_REDACT_FIELD);
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
		return redact_named(w, v->key, v->key_len, v, KUBE_REDACT_FIELD);
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
	KUBE_VALUE_FOREACH (v, object) {
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
	_cleanup_(redact_freep) struct redact *filter = NULL;
	struct text out = { 0 };
	struct walk w = { .counts = counts, .out = &out };
	enum shape shape = SHAPE_OTHER;
	int r;

	if (is_empty(group) && streq(resource, "secrets"))
		shape = SHAPE_SECRET;
	else if (is_empty(group) && streq(resource, "configmaps"))
		shape = SHAPE_CONFIGMAP;
	else if (streq(group, "route.openshift.io") && streq(resource, "routes"))
		shape = SHAPE_ROUTE;
	else if (streq(group, "config.openshift.io") && streq(resource, "proxies"))
		shape = SHAPE_PROXY;
	r = redact_new(append, &out, &filter);
	if (r < 0)
		return r;
	w.filter = filter;
	r = redact_set_describe(filter, certinfo_describe, NULL);
	if (r >= 0)
		r = walk_object(&w, obj, shape);
	free(out.data);
	return r;
}
