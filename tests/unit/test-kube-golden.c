/* SPDX-License-Identifier: Apache-2.0 */

/* Recorded answers of an API server become the files that `oc adm inspect` made of them, to the
 * byte; where not, this says why. */

#include "tests/lib/tap.h"

#include <cjson/cJSON.h>

#include "capture/kube/json.h"
#include "capture/kube/layout.h"
#include "capture/kube/redact.h"
#include "capture/kube/yaml.h"
#include "lib/redact/redact.h"
#include "lib/text.h"
#include "tests/lib/archive-reader.h"

#define RECORDING "tests/data/kube/microshift-small.tar.xz"

/* Text that grows. */
struct text {
	char *data;
	size_t len;
	size_t room;
};

/* What a path of the API names. */
struct target {
	char group[128];
	char version[32];
	char ns[256];
	char plural[128];
	char name[256];
};

/* How a file compares to what `oc` wrote. */
enum difference {
	SAME,
	MARKER,	     /* ours has "---", the first file of a run of `oc` has none */
	ITEMS_NULL,  /* ours has `items: []`, `oc` wrote null */
	REDACTED,    /* `oc` left a password or a certificate in */
	CERTIFICATE, /* the same in a Secret */
	OTHER,
	_DIFFERENCE_COUNT,
};

static struct read_archive recording;
static bool *compared;
static int n_answers;
static int n_unclean;
static int n_files[_DIFFERENCE_COUNT];
/* The chatty deployment of the recorded cluster has it in its arguments. */
static const char password[] = "hunter2";

static int
append(const void *data, size_t len, void *userdata)
{
	struct text *t = userdata;

	if (t->room - t->len <= len) {
		t->room = (t->len + len + 1) * 2;
		t->data = realloc(t->data, t->room);
		assert(t->data);
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
	return 0;
}

static const struct read_entry *
find(const char *folder, const char *path)
{
	char full[1400];

	(void)snprintf(full, sizeof(full), "%s/%s", folder, path);
	for (size_t i = 0; i < recording.n_entries; i++)
		if (streq(recording.entries[i].path, full)) {
			compared[i] = true;
			return &recording.entries[i];
		}
	return NULL;
}

/* "/apis/apps/v1/namespaces/NS/deployments/NAME"; false for what is no list and no object. */
static bool
target_parse(const char *path, struct target *t)
{
	char *words[10] = { NULL };
	_cleanup_free_ char *copy = strdup(path + 1);
	size_t n = 0;
	size_t i = 1;

	assert(copy);
	for (char *save = NULL, *w = strtok_r(copy, "/", &save); w && n < 9;
	     w = strtok_r(NULL, "/", &save))
		words[n++] = w;
	*t = (struct target){ 0 };
	if (n < 3 || strchr(path, '?'))
		return false;
	if (streq(words[0], "apis"))
		text_copy(t->group, sizeof(t->group), words[i++]);
	else if (!streq(words[0], "api"))
		return false;
	text_copy(t->version, sizeof(t->version), words[i++]);
	if (words[i] && streq(words[i], "namespaces") && words[i + 1] && words[i + 2]) {
		text_copy(t->ns, sizeof(t->ns), words[i + 1]);
		i += 2;
	}
	if (!words[i])
		return false;
	text_copy(t->plural, sizeof(t->plural), words[i++]);
	if (words[i])
		text_copy(t->name, sizeof(t->name), words[i++]);
	return i >= n;
}

/* From the answer to its file. */
struct conversion {
	const struct target *target;
	bool redact;
	struct kube_json *parser;
	struct kube_yaml *writer;
	struct kube_redactions counts;
	bool begun;
};

static void
begin(struct conversion *c)
{
	const struct kube_value *head = kube_json_head(c->parser);
	char kind[128];

	if (c->begun)
		return;
	c->begun = true;
	text_copy(kind, sizeof(kind), kube_value_get_string(head, "kind"));
	assert(text_has_suffix(kind, "List"));
	kind[strlen(kind) - strlen("List")] = '\0';
	assert(kube_yaml_list_begin(
		   c->writer, kube_value_get_string(head, "apiVersion"), kind) == 0);
}

static int
redact_object(struct conversion *c, struct kube_value *object)
{
	return c->redact
	    ? kube_redact_object(object, c->target->group, c->target->plural, &c->counts)
	    : 0;
}

static int
on_item(struct kube_value *item, void *userdata)
{
	_cleanup_(kube_value_freep) struct kube_value *owned = item;
	struct conversion *c = userdata;

	begin(c);
	assert(redact_object(c, owned) == 0);
	return kube_yaml_list_item(c->writer, owned);
}

/* The file made of the answer BODY, fed in pieces of PIECE bytes. */
static struct text
convert(const struct target *t, const struct read_entry *body, size_t piece, bool redact)
{
	_cleanup_(kube_json_freep) struct kube_json *parser = NULL;
	_cleanup_(kube_yaml_freep) struct kube_yaml *writer = NULL;
	struct conversion c = { .target = t, .redact = redact };
	struct kube_json_handlers handlers = { .on_item = on_item, .userdata = &c };
	bool is_list = is_empty(t->name);
	struct text out = { 0 };

	assert(kube_json_new(
		   is_list ? KUBE_JSON_LIST : KUBE_JSON_DOCUMENT, &handlers, &parser) == 0);
	assert(kube_yaml_new(append, &out, &writer) == 0);
	c.parser = parser;
	c.writer = writer;
	for (size_t at = 0; at < body->size; at += piece)
		assert(kube_json_feed(parser, body->data + at,
			   piece < body->size - at ? piece : body->size - at, NULL) == 0);
	assert(kube_json_finish(parser, NULL) == 0);
	if (is_list) {
		begin(&c);
		assert(kube_yaml_list_end(writer, kube_json_head(parser)) == 0);
	} else {
		_cleanup_(kube_value_freep) struct kube_value *object =
		    kube_json_take_head(parser);

		assert(redact_object(&c, object) == 0);
		assert(kube_yaml_document(writer, object) == 0);
	}
	return out;
}

static void
show_difference(const char *path, const char *got, const char *want)
{
	int line = 1;

	(void)printf("# %s\n", path);
	while (*got && *want) {
		size_t g = strcspn(got, "\n");
		size_t w = strcspn(want, "\n");

		if (g != w || memcmp(got, want, g) != 0)
			break;
		got += g + (got[g] == '\n');
		want += w + (want[w] == '\n');
		line++;
	}
	(void)printf("# line %d\n#   got:  %.*s\n#   want: %.*s\n", line,
	    (int)strcspn(got, "\n"), got, (int)strcspn(want, "\n"), want);
}

/* True if WANT is GOT with FROM replaced by TO, once. */
static bool
is_with(const char *got, const char *from, const char *to, const char *want)
{
	_cleanup_free_ char *changed = NULL;
	const char *at = strstr(got, from);

	if (!at)
		return false;
	changed = text_format("%.*s%s%s", (int)(at - got), got, to, at + strlen(from));
	assert(changed);
	return streq(changed, want);
}

/* True if the same lines differ only where a Secret has a certificate: that is described in
 * base64. */
static bool
differs_in_certificates(const char *got, const char *want)
{
	/* "[REDACTED:certificate" */
	static const char described[] = "crt: W1JFREFDVEVEOmNlcnRpZmljYXRl";
	int n = 0;

	while (*got && *want) {
		size_t g = strcspn(got, "\n");
		size_t w = strcspn(want, "\n");

		if (g != w || memcmp(got, want, g) != 0) {
			const char *at = memmem(got, g, described, strlen(described));

			if (!at || strncmp(got, want, (size_t)(at - got) + 5) != 0)
				return false;
			n++;
		}
		got += g + (got[g] == '\n');
		want += w + (want[w] == '\n');
	}
	return n > 0 && *got == '\0' && *want == '\0';
}

/* UNREDACTED is the same file without redaction of ours, NULL if it is not wanted. */
static enum difference
compare(const char *path, const struct text *got, const struct text *unredacted,
    const struct read_entry *want)
{
	const char *theirs = want->data ? want->data : "";
	enum difference d = OTHER;

	if (streq(got->data, theirs))
		d = SAME;
	else if (is_with(got->data, "---\n", "", theirs))
		d = MARKER;
	else if (is_with(got->data, "items: []\n", "items: null\n", theirs))
		d = ITEMS_NULL;
	else if (differs_in_certificates(got->data, theirs))
		d = CERTIFICATE;
	else if (unredacted && streq(unredacted->data, theirs) &&
	    strstr(got->data, "[REDACTED:"))
		d = REDACTED;
	else
		show_difference(path, got->data, theirs);
	n_files[d]++;
	return d;
}

/* Which differences a file may have. */
static bool
is_allowed(const char *path, enum difference d)
{
	switch (d) {
	case SAME:
		return true;
	case MARKER:
		/* What the two runs of `oc` wrote first. */
		return text_has_suffix(path, "/kube-node-lease.yaml") ||
		    text_has_suffix(path, "/apiservices/v1..yaml");
	case ITEMS_NULL:
	case CERTIFICATE:
		return text_has_suffix(path, "/core/secrets.yaml");
	case REDACTED:
		return text_has_suffix(path, "/core/configmaps.yaml") ||
		    text_has_prefix(path, "namespaces/openshift-lab/");
	default:
		return false;
	}
}

/* True if the filter over every byte of a report changes nothing. */
static bool
is_clean(const struct text *t)
{
	_cleanup_(redact_freep) struct redact *filter = NULL;
	struct text out = { 0 };
	bool same;

	assert(redact_new(append, &out, &filter) == 0);
	assert(redact_write(filter, t->data, t->len) == 0);
	assert(redact_finish(filter) == 0);
	same = streq(out.data, t->data);
	if (!same)
		show_difference("filtered", out.data, t->data);
	free(out.data);
	return same;
}

static void
test_file(const char *path, const struct text *got, const struct text *unredacted)
{
	const struct read_entry *want = find("golden", path);

	if (!want)
		return;
	ok(is_allowed(path, compare(path, got, unredacted, want)), "%s", path);
	if (strstr(got->data, password))
		ok(false, "%s has the password", path);
	if (!is_clean(got)) {
		ok(false, "the filter of the report leaves %s as it is", path);
		n_unclean++;
	}
}

/* Each pod of a list has a file of its own. */
static void
test_pods(const struct target *t, const struct read_entry *body)
{
	_cleanup_(kube_json_freep) struct kube_json *parser = NULL;
	const struct kube_value *items;
	struct kube_value *pod;

	assert(kube_json_new(KUBE_JSON_DOCUMENT, NULL, &parser) == 0);
	assert(kube_json_feed(parser, body->data, body->size, NULL) == 0);
	assert(kube_json_finish(parser, NULL) == 0);
	items = kube_value_get(kube_json_head(parser), "items");
	KUBE_VALUE_FOREACH (pod, items) {
		_cleanup_(kube_yaml_freep) struct kube_yaml *writer = NULL;
		_cleanup_free_ char *path = NULL;
		struct kube_redactions counts = { 0 };
		struct text unredacted = { 0 };
		struct text text = { 0 };

		assert(kube_layout_pod(t->ns,
			   kube_value_string(kube_value_find(pod, "metadata", "name", NULL)),
			   &path) == 0);
		assert(kube_value_set_string(pod, "apiVersion", "v1") == 0);
		assert(kube_value_set_string(pod, "kind", "Pod") == 0);
		assert(kube_yaml_new(append, &unredacted, &writer) == 0);
		assert(kube_yaml_document(writer, pod) == 0);
		kube_yaml_free(TAKE_PTR(writer));
		assert(kube_redact_object(pod, "", "pods", &counts) == 0);
		assert(kube_yaml_new(append, &text, &writer) == 0);
		assert(kube_yaml_document(writer, pod) == 0);
		test_file(path, &text, &unredacted);
		free(unredacted.data);
		free(text.data);
	}
}

static void
test_discovery(const char *path, const char *accept, const struct read_entry *body)
{
	_cleanup_(kube_json_freep) struct kube_json *parser = NULL;
	_cleanup_(kube_yaml_freep) struct kube_yaml *writer = NULL;
	struct text text = { 0 };

	if (!text_has_suffix(accept, ";v=v2;as=APIGroupDiscoveryList") || strchr(accept, ','))
		return;
	assert(kube_json_new(KUBE_JSON_DOCUMENT, NULL, &parser) == 0);
	assert(kube_json_feed(parser, body->data, body->size, NULL) == 0);
	assert(kube_json_finish(parser, NULL) == 0);
	assert(kube_yaml_new(append, &text, &writer) == 0);
	assert(kube_yaml_document_bare(writer, kube_json_head(parser)) == 0);
	test_file(streq(path, "/api") ? "aggregated-discovery-api.yaml"
				      : "aggregated-discovery-apis.yaml",
	    &text, NULL);
	free(text.data);
}

static char *
file_of(const struct target *t)
{
	const char *ns = is_empty(t->ns) ? NULL : t->ns;
	char *path = NULL;
	int r;

	if (is_empty(t->name))
		r = kube_layout_list(ns, t->group, t->plural, &path);
	else if (!ns && streq(t->plural, "namespaces"))
		r = kube_layout_namespace(t->name, &path);
	else
		r = kube_layout_object(ns, t->group, t->plural, t->name, &path);
	assert(r == 0);
	return path;
}

static void
test_answer(const cJSON *line)
{
	const char *request = cJSON_GetObjectItem(line, "path")->valuestring;
	const char *accept = cJSON_GetObjectItem(line, "accept")->valuestring;
	_cleanup_free_ char *path = NULL;
	const struct read_entry *body;
	struct text unredacted;
	struct text in_pieces;
	struct text text;
	struct target t;
	char name[200];

	if (cJSON_GetObjectItem(line, "status")->valueint != 200)
		return;
	(void)snprintf(
	    name, sizeof(name), "bodies/%s", cJSON_GetObjectItem(line, "file")->valuestring);
	body = find("api", name);
	assert(body);
	if (streq(request, "/api") || streq(request, "/apis"))
		test_discovery(request, accept, body);
	/* Of several versions `oc` takes the preferred one. */
	if (!target_parse(request, &t) ||
	    (streq(t.group, "autoscaling") && streq(t.version, "v1")))
		return;
	path = file_of(&t);
	if (!find("golden", path))
		return;
	text = convert(&t, body, body->size, true);
	unredacted = convert(&t, body, body->size, false);
	test_file(path, &text, &unredacted);
	if (++n_answers % 8 == 0) {
		in_pieces = convert(&t, body, n_answers % 3 ? 1 : 61, true);
		ok_str(in_pieces.data, text.data, "the same in pieces");
		free(in_pieces.data);
	}
	if (!is_empty(t.ns) && is_empty(t.name) && streq(t.plural, "pods"))
		test_pods(&t, body);
	free(unredacted.data);
	free(text.data);
}

int
main(void)
{
	_cleanup_free_ char *path =
	    text_format("%s/" RECORDING, getenv("top_srcdir") ? getenv("top_srcdir") : ".");
	const struct read_entry *index;
	int n_left = 0;

	assert(path);
	recording = read_archive(path);
	compared = calloc(recording.n_entries + 1, sizeof(bool));
	assert(compared);
	index = find("api", "index.jsonl");
	assert(index);
	for (char *save = NULL, *l = strtok_r(index->data, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save)) {
		cJSON *line = cJSON_Parse(l);

		assert(line);
		test_answer(line);
		cJSON_Delete(line);
	}
	for (size_t i = 0; i < recording.n_entries; i++)
		if (text_has_prefix(recording.entries[i].path, "golden/") &&
		    text_has_suffix(recording.entries[i].path, ".yaml") && !compared[i]) {
			(void)printf("# not compared: %s\n", recording.entries[i].path);
			n_left++;
		}
	ok_int(n_left, 0, "every file of `oc` was compared");
	ok_int(n_files[MARKER], 2, "files that `oc` wrote without \"---\"");
	ok_int(n_files[ITEMS_NULL], 8, "lists that `oc` wrote as null");
	ok_int(n_files[REDACTED], 15, "files in which `oc` left passwords and certificates");
	ok_int(n_files[CERTIFICATE], 2, "lists of Secrets in which `oc` left certificates");
	ok_int(n_unclean, 0, "files in which the filter of the report finds more");
	(void)printf("# %d files are the same\n", n_files[SAME]);
	free(compared);
	read_archive_done(&recording);
	return tap_done();
}
