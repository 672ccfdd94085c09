/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>

#include "capture/envfilter.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/text.h"

#define HIDDEN "[REDACTED:secret]"

static uint64_t n_hidden;

static int
on_text(const void *data, size_t size, void *userdata)
{
	return fwrite(data, 1, size, userdata) == size ? 0 : -EIO;
}

/* Filters TEXT in pieces of STEP bytes. The caller frees it. */
static char *
filter(const char *text, size_t step)
{
	size_t length = strlen(text), size = 0;
	struct envfilter f;
	char *out = NULL;
	FILE *file = open_memstream(&out, &size);

	assert(file);
	envfilter_init(&f, on_text, file);
	for (size_t i = 0; i < length; i += step) {
		size_t n = length - i < step ? length - i : step;

		assert(envfilter_feed(&f, text + i, n) == 0);
	}
	assert(fclose(file) == 0);
	n_hidden = envfilter_count(&f);
	return out;
}

static void
test_each(void)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{ "pairs of the OCI specification",
		    "{\"process\": {\"env\": [\"PATH=/bin\", \"A=b=c\"], \"cwd\": \"/\"}}",
		    "{\"process\": {\"env\": [\"PATH=" HIDDEN "\", \"A=" HIDDEN
		    "\"], \"cwd\": \"/\"}}" },
		{ "objects of the CRI",
		    "{\"envs\": [{\"key\": \"A\", \"value\": \"b\"}, {\"value\": \"c\", "
		    "\"key\": \"D\"}]}",
		    "{\"envs\": [{\"key\": \"A\", \"value\": \"" HIDDEN
		    "\"}, {\"value\": \"" HIDDEN "\", \"key\": \"D\"}]}" },
		{ "those of Kubernetes, but not where a value is from",
		    "{\"env\":[{\"name\":\"A\",\"valueFrom\":{\"key\":\"k\",\"value\":\"v\"}}]}",
		    "{\"env\":[{\"name\":\"A\",\"valueFrom\":{\"key\":\"k\",\"value\":\"v\"}}]}" },
		{ "an image, whose key is written otherwise", "{\"Env\":[\"A=b\"]}",
		    "{\"Env\":[\"A=" HIDDEN "\"]}" },
		{ "quotes and backslashes in a value",
		    "{\"env\":[\"A=\\\"x\\\\\",\"B=\\\\\"],\"c\":\"d\"}",
		    "{\"env\":[\"A=" HIDDEN "\",\"B=" HIDDEN "\"],\"c\":\"d\"}" },
		{ "an empty value says nothing", "{\"env\":[\"A=\",\"B\"]}",
		    "{\"env\":[\"A=\",\"B\"]}" },
		{ "an \"=\" in another spelling", "{\"env\":[\"A\\u003db\"]}",
		    "{\"env\":[\"A" HIDDEN "\"]}" },
		{ "an annotation that embeds a manifest",
		    "{\"kubectl.kubernetes.io/last-applied-configuration\":\"{\\\"a\\\":1}\","
		    "\"b\":\"c\"}",
		    "{\"kubectl.kubernetes.io/last-applied-configuration\":\"" HIDDEN
		    "\",\"b\":\"c\"}" },
		{ "other keys, other lists, numbers",
		    "{\"environment\":[\"A=b\"],\"key\":\"A\",\"value\":\"b\",\"envs\":{\"a\":"
		    "\"b=c\"},\"n\":12345678901234567890.10}",
		    "{\"environment\":[\"A=b\"],\"key\":\"A\",\"value\":\"b\",\"envs\":{\"a\":"
		    "\"b=c\"},\"n\":12345678901234567890.10}" },
		{ "the list ends with its bracket", "{\"env\":[\"A=b\"],\"args\":[\"c=d\"]}",
		    "{\"env\":[\"A=" HIDDEN "\"],\"args\":[\"c=d\"]}" },
		{ "a nested list is none of variables", "{\"env\":[[\"A=b\"]]}",
		    "{\"env\":[[\"A=b\"]]}" },
		{ "what is cut off stays hidden", "{\"env\":[\"A=b", "{\"env\":[\"A=" HIDDEN },
		{ "text that is no JSON", "FATA[0000] \"x=y\": ]]}} no such container\n",
		    "FATA[0000] \"x=y\": ]]}} no such container\n" },
		{ "nothing", "", "" },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		for (size_t step = 1; step <= 64; step *= 4) {
			_cleanup_free_ char *out = filter(rows[i].in, step);
			_cleanup_free_ char *twice = filter(out, step);

			ok_str(out, rows[i].out, "%s, in pieces of %zu", rows[i].name, step);
			ok_str(twice, rows[i].out, "and again");
		}
}

static void
test_depth(void)
{
	char text[4 * ENVFILTER_DEPTH_MAX];
	_cleanup_free_ char *out = NULL;

	memset(text, '[', ENVFILTER_DEPTH_MAX);
	text_copy(text + ENVFILTER_DEPTH_MAX, sizeof(text) - ENVFILTER_DEPTH_MAX,
	    "\"seen\",[\"deep\"],\"seen\"");
	out = filter(text, 7);
	ok(!strstr(out, "deep"), "nested too deep to know what it is: hidden");
	ok_int(n_hidden, 1, "and nothing else");
}

/* The output of crictl 1.24 and containerd 1.6. */
static void
test_real(void)
{
	const char *srcdir = getenv("top_srcdir");
	_cleanup_free_ char *path =
	    text_format("%s/tests/fuzz/corpus/fuzz-envfilter/inspect", srcdir ? srcdir : ".");
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *out = NULL;
	_cleanup_json_ cJSON *json = NULL;
	char *rest, *line;
	unsigned n_names = 0;

	assert(path && io_read_file(AT_FDCWD, path, 1 << 20, &text, NULL) == 0);
	ok(strstr(text, "10.43.0.1"), "there are values in what crictl says");
	out = filter(text, 4096);
	ok(json_parse(out, strlen(out), &json, NULL) == 0, "it is JSON afterwards");
	ok(!strstr(out, "10.43.0.1"), "the values are not there");
	ok_int(n_hidden, 18, "18 of them");
	rest = out;
	while ((line = strsep(&rest, "\n")))
		n_names += strstr(line, "KUBERNETES_") != NULL;
	ok_int(n_names, 16, "all the names are");
}

int
main(void)
{
	test_each();
	test_depth();
	test_real();
	return tap_done();
}
