/* SPDX-License-Identifier: Apache-2.0 */

/* The JSON form of a scan, in the report and between two scans. One table for each kind of
 * object, walked in both directions. */

#include <errno.h>
#include <stddef.h>

#include "capture/certs/certscan.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"

/* Another form of the objects, or other rules: an older scan says nothing then. */
#define FORMAT_VERSION 1u

enum kind {
	KIND_TEXT,   /* char *, owned; missing = "" */
	KIND_STRV,   /* char **, owned */
	KIND_SHA256, /* char[SHA256_BYTES] */
	KIND_UINT,   /* uint64_t */
	KIND_NUMBER, /* unsigned */
	KIND_BOOL,
	KIND_ROLE,
	KIND_CLASS,
	KIND_SEVERITY,
	KIND_ANSWER,
};

struct field {
	const char *name;
	enum kind kind;
	size_t offset;
};

static const struct field certificate_fields[] = {
	{ "path", KIND_TEXT, offsetof(struct certscan_certificate, path) },
	{ "number", KIND_NUMBER, offsetof(struct certscan_certificate, number) },
	{ "role", KIND_ROLE, offsetof(struct certscan_certificate, role) },
	{ "subject", KIND_TEXT, offsetof(struct certscan_certificate, subject) },
	{ "issuer", KIND_TEXT, offsetof(struct certscan_certificate, issuer) },
	{ "serial", KIND_TEXT, offsetof(struct certscan_certificate, serial) },
	{ "names", KIND_STRV, offsetof(struct certscan_certificate, names) },
	{ "key_type", KIND_TEXT, offsetof(struct certscan_certificate, key_type) },
	{ "sha256", KIND_SHA256, offsetof(struct certscan_certificate, sha256) },
	{ "not_before_usec", KIND_UINT,
	    offsetof(struct certscan_certificate, not_before_usec) },
	{ "not_after_usec", KIND_UINT, offsetof(struct certscan_certificate, not_after_usec) },
	{ "is_ca", KIND_BOOL, offsetof(struct certscan_certificate, is_ca) },
	{ "is_managed", KIND_BOOL, offsetof(struct certscan_certificate, is_managed) },
	{ "is_short_lived", KIND_BOOL, offsetof(struct certscan_certificate, is_short_lived) },
	{ "start_renew_usec", KIND_UINT,
	    offsetof(struct certscan_certificate, start_renew_usec) },
	{ "run_renew_usec", KIND_UINT, offsetof(struct certscan_certificate, run_renew_usec) },
	{ "key_matches", KIND_ANSWER, offsetof(struct certscan_certificate, key_matches) },
	{ "is_trusted", KIND_ANSWER, offsetof(struct certscan_certificate, is_trusted) },
	{ "trusted_by", KIND_TEXT, offsetof(struct certscan_certificate, trusted_by) },
};

static const struct field finding_fields[] = {
	{ "class", KIND_CLASS, offsetof(struct certscan_finding, class) },
	{ "severity", KIND_SEVERITY, offsetof(struct certscan_finding, severity) },
	{ "path", KIND_TEXT, offsetof(struct certscan_finding, path) },
	{ "text", KIND_TEXT, offsetof(struct certscan_finding, text) },
	{ "not_after_usec", KIND_UINT, offsetof(struct certscan_finding, not_after_usec) },
	{ "is_judgement", KIND_BOOL, offsetof(struct certscan_finding, is_judgement) },
};

static const struct field file_fields[] = {
	{ "path", KIND_TEXT, offsetof(struct certscan_file, path) },
	{ "stamp", KIND_TEXT, offsetof(struct certscan_file, stamp) },
};

static const struct field scan_fields[] = {
	{ "now_usec", KIND_UINT, offsetof(struct certscan, now_usec) },
	{ "renew_usec", KIND_UINT, offsetof(struct certscan, renew_usec) },
	{ "signers_sha256", KIND_SHA256, offsetof(struct certscan, signers_sha256) },
	{ "node_name", KIND_TEXT, offsetof(struct certscan, node_name) },
	{ "node_ip", KIND_TEXT, offsetof(struct certscan, node_ip) },
	{ "is_node_ip_served", KIND_BOOL, offsetof(struct certscan, is_node_ip_served) },
	{ "ingress_secret", KIND_TEXT, offsetof(struct certscan, ingress_secret) },
	{ "api_port", KIND_UINT, offsetof(struct certscan, api_port) },
};

static const char *const answers[_CERTSCAN_ANSWER_COUNT] = { "unknown", "yes", "no" };

static int
add_field(cJSON *object, const struct field *f, const void *record)
{
	const void *p = (const char *)record + f->offset;

	switch (f->kind) {
	case KIND_TEXT:
		return json_add_text(object, f->name, *(char *const *)p);
	case KIND_STRV:
		return json_add_strv(object, f->name, *(char *const *const *)p);
	case KIND_SHA256:
		return json_add_text(object, f->name, p);
	case KIND_UINT:
		return *(const uint64_t *)p > 0
		    ? json_add_uint(object, f->name, *(const uint64_t *)p)
		    : 0;
	case KIND_NUMBER:
		return json_add_uint(object, f->name, *(const unsigned *)p);
	case KIND_BOOL:
		return json_add_bool(object, f->name, *(const bool *)p);
	case KIND_ROLE:
		return json_add_text(
		    object, f->name, certscan_role_name(*(const enum certscan_role *)p));
	case KIND_CLASS:
		return json_add_text(
		    object, f->name, certscan_class_name(*(const enum certscan_class *)p));
	case KIND_SEVERITY:
		return json_add_text(object, f->name,
		    certscan_severity_name(*(const enum certscan_severity *)p));
	case KIND_ANSWER:
		return json_add_text(
		    object, f->name, answers[*(const enum certscan_answer *)p]);
	}
	return -EINVAL;
}

static int
add_fields(cJSON *object, const struct field *fields, size_t n, const void *record)
{
	int r = object ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_field(object, &fields[i], record);
	return r;
}

/* A list of objects: what they are made of, how large one is in memory, how many there may be.
 */
struct list {
	const char *name;
	const struct field *fields;
	size_t n_fields;
	size_t record_size;
	size_t max;
};

static const struct list certificate_list = { "certificates", certificate_fields,
	ELEMENTSOF(certificate_fields), sizeof(struct certscan_certificate),
	CERTSCAN_CERTIFICATES_MAX };
static const struct list finding_list = { "findings", finding_fields,
	ELEMENTSOF(finding_fields), sizeof(struct certscan_finding),
	CERTSCAN_CERTIFICATES_MAX + CERTSCAN_FILES_MAX };
static const struct list file_list = { "files", file_fields, ELEMENTSOF(file_fields),
	sizeof(struct certscan_file), CERTSCAN_FILES_MAX };

/* Returns a new array, NULL when out of memory. */
static cJSON *
make_list(const struct list *list, const void *records, size_t n)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++) {
		cJSON *item = cJSON_CreateObject();

		if (!item || !cJSON_AddItemToArray(array, item))
			return NULL;
		r = add_fields(item, list->fields, list->n_fields,
		    (const char *)records + i * list->record_size);
	}
	return r == 0 ? TAKE_PTR(array) : NULL;
}

static int
add_list(cJSON *object, const struct list *list, const void *records, size_t n)
{
	return json_add_item(object, list->name, make_list(list, records, n));
}

cJSON *
certscan_certificates_to_json(const struct certscan_certificate *c, size_t n)
{
	return make_list(&certificate_list, c, n);
}

cJSON *
certscan_findings_to_json(const struct certscan *s)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_uint(object, "now_usec", s->now_usec) < 0 ||
	    add_list(object, &finding_list, s->findings, s->n_findings) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
certscan_to_json(const struct certscan *s)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_uint(object, "version", FORMAT_VERSION) < 0 ||
	    add_fields(object, scan_fields, ELEMENTSOF(scan_fields), s) < 0 ||
	    add_list(object, &finding_list, s->findings, s->n_findings) < 0 ||
	    add_list(object, &certificate_list, s->certificates, s->n_certificates) < 0 ||
	    add_list(object, &file_list, s->files, s->n_files) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* A copy of the text, "" when it is missing. Returns 1 or a negative errno. */
static int
get_owned(const cJSON *object, const char *name, char **ret)
{
	const char *text = "";
	int r = json_get_string(object, name, &text);

	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 1 : -ENOMEM;
}

/* One of COUNT names. Returns 1 or -EINVAL. */
static int
get_named(const cJSON *object, const char *name, const char *(*name_of)(unsigned),
    unsigned count, unsigned *ret)
{
	const char *text;

	if (json_get_string(object, name, &text) <= 0)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++) {
		if (streq(name_of(i), text)) {
			*ret = i;
			return 1;
		}
	}
	return -EINVAL;
}

static const char *
role_name(unsigned i)
{
	return certscan_role_name((enum certscan_role)i);
}

static const char *
class_name(unsigned i)
{
	return certscan_class_name((enum certscan_class)i);
}

static const char *
severity_name(unsigned i)
{
	return certscan_severity_name((enum certscan_severity)i);
}

static const char *
answer_name(unsigned i)
{
	return answers[i];
}

static int
get_number(const cJSON *object, const char *name, unsigned *ret)
{
	uint64_t n = 0;
	int r = json_get_uint(object, name, &n);

	if (r < 0 || n > CERTSCAN_CHAIN_MAX)
		return -EINVAL;
	*ret = (unsigned)n;
	return r;
}

static int
get_field(const cJSON *object, const struct field *f, void *record)
{
	void *p = (char *)record + f->offset;

	switch (f->kind) {
	case KIND_TEXT:
		return get_owned(object, f->name, p);
	case KIND_STRV:
		return json_get_strv(object, f->name, p);
	case KIND_SHA256:
		return json_get_text(object, f->name, p, SHA256_BYTES);
	case KIND_UINT:
		return json_get_uint(object, f->name, p);
	case KIND_NUMBER:
		return get_number(object, f->name, p);
	case KIND_BOOL:
		return json_get_bool(object, f->name, p);
	case KIND_ROLE:
		return get_named(object, f->name, role_name, _CERTSCAN_ROLE_COUNT, p);
	case KIND_CLASS:
		return get_named(object, f->name, class_name, _CERTSCAN_CLASS_COUNT, p);
	case KIND_SEVERITY:
		return get_named(object, f->name, severity_name, _CERTSCAN_SEVERITY_COUNT, p);
	case KIND_ANSWER:
		return get_named(object, f->name, answer_name, _CERTSCAN_ANSWER_COUNT, p);
	}
	return -EINVAL;
}

static int
get_fields(const cJSON *object, const struct field *fields, size_t n, void *record,
    struct fault *reterr)
{
	for (size_t i = 0; i < n; i++) {
		int r = get_field(object, &fields[i], record);

		if (r < 0)
			return fault_set(reterr, r, "member '%s' is invalid", fields[i].name);
	}
	return 0;
}

/* Yields a new array of *RET_N records, which is the caller's also on failure. */
static int
get_list(const cJSON *object, const struct list *list, void **ret_records, size_t *ret_n,
    struct fault *reterr)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, list->name);
	const cJSON *item;
	int count = cJSON_GetArraySize(array);
	char *record;
	int r = 0;

	if (!cJSON_IsArray(array) || (size_t)count > list->max)
		return fault_set(
		    reterr, -EINVAL, "member '%s' is missing or too long", list->name);
	record = *ret_records = calloc((size_t)count + 1, list->record_size);
	if (!record)
		return fault_set(reterr, -ENOMEM, "out of memory");
	*ret_n = (size_t)count;
	cJSON_ArrayForEach (item, array) {
		if (r == 0)
			r = get_fields(item, list->fields, list->n_fields, record, reterr);
		record += list->record_size;
	}
	return r;
}

static int
get_lists(const cJSON *object, struct certscan *s, struct fault *reterr)
{
	void *certificates = NULL, *findings = NULL, *files = NULL;
	int r;

	r = get_list(object, &certificate_list, &certificates, &s->n_certificates, reterr);
	if (r == 0)
		r = get_list(object, &finding_list, &findings, &s->n_findings, reterr);
	if (r == 0)
		r = get_list(object, &file_list, &files, &s->n_files, reterr);
	s->certificates = certificates;
	s->findings = findings;
	s->files = files;
	return r;
}

static int
get_scan(const cJSON *object, struct certscan *s, struct fault *reterr)
{
	uint64_t version = 0;
	int r;

	if (json_get_uint(object, "version", &version) < 0 || version != FORMAT_VERSION)
		return fault_set(reterr, -EINVAL, "it is of another version");
	r = get_fields(object, scan_fields, ELEMENTSOF(scan_fields), s, reterr);
	return r < 0 ? r : get_lists(object, s, reterr);
}

int
certscan_parse(const char *data, size_t size, struct certscan **ret, struct fault *reterr)
{
	_cleanup_(certscan_freep) struct certscan *s = calloc(1, sizeof(*s));
	_cleanup_json_ cJSON *object = NULL;
	int r;

	if (!s)
		return fault_set(reterr, -ENOMEM, "out of memory");
	if (size > CERTSCAN_JSON_MAX_BYTES)
		return fault_set(reterr, -EINVAL, "it is larger than any scan");
	r = json_parse(data, size, &object, reterr);
	if (r == 0)
		r = get_scan(object, s, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}
