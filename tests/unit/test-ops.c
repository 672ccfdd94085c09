/* SPDX-License-Identifier: Apache-2.0 */

/* The methods over a real server, with a backend that does what the test says. Every answer is
 * compared with the interface description. */

#include "tests/lib/tap.h"

#include <fcntl.h>
#include <signal.h>

#include "daemon/limiter.h"
#include "daemon/ops.h"
#include "lib/failure.h"
#include "lib/fault.h"
#include "lib/text.h"
#include "lib/varlink-client.h"
#include "tests/lib/idl.h"
#include "tests/lib/wire.h"

#define ID_OLD	  "20261121T100000Z-0001-aaaaaaaa"
#define ID_MIDDLE "20261122T100000Z-0002-bbbbbbbb"
#define ID_NEW	  "20261122T110000Z-0003-cccccccc"
#define ID_NEXT	  "20261123T142752Z-0004-e585a599"

/* --- the backend ----------------------------------------------------------------------- */

struct fake {
	struct report reports[3]; /* oldest first */
	size_t n_reports;
	int result; /* what the next function returns */
	struct collect_args collect_args;
	char only[64];
	char namespaces[64];
	struct collect_result collect_result;
	char id[REPORT_ID_BYTES];
	bool fetch;
	bool pinned;
	struct failure_notice notice;
	struct capture_progress progress;
	struct finding finding; /* the last one */
	size_t n_findings;
	struct status_info status;
};

static struct fake fake;

static int
fake_result(struct fault *reterr)
{
	if (fake.result == -EIO)
		return -EIO; /* one without a fault */
	if (fake.result < 0)
		return fault_set(reterr, fake.result, "because");
	return 0;
}

/* Each word and a semicolon. */
static void
join(char *const *words, char *buf, size_t size)
{
	buf[0] = '\0';
	for (; words && *words; words++)
		(void)snprintf(buf + strlen(buf), size - strlen(buf), "%s;", *words);
}

static int
fake_collect(void *userdata, const struct collect_args *args, struct collect_result *ret,
    struct fault *reterr)
{
	assert(userdata == &fake);
	fake.collect_args = *args;
	join(args->only, fake.only, sizeof(fake.only));
	join(args->namespaces, fake.namespaces, sizeof(fake.namespaces));
	*ret = fake.collect_result;
	return fake_result(reterr);
}

static int
fake_each_report(void *userdata, bool oldest_first, ops_report_fn fn, void *fn_userdata)
{
	int r = 0;

	(void)userdata;
	for (size_t i = 0; i < fake.n_reports && r == 0; i++)
		r = fn(&fake.reports[oldest_first ? i : fake.n_reports - 1 - i], fn_userdata);
	return r < 0 ? r : fake.result == -ENODEV ? -ENODEV : 0;
}

static int
fake_open(void *userdata, const char *id, bool fetch, int *ret_fd, struct fault *reterr)
{
	int r = fake_result(reterr);

	(void)userdata;
	fake.fetch = fetch;
	text_copy(fake.id, sizeof(fake.id), id);
	if (r < 0)
		return r;
	*ret_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert(*ret_fd >= 0);
	return 0;
}

static int
fake_pin(void *userdata, const char *id, bool pinned, struct fault *reterr)
{
	(void)userdata;
	text_copy(fake.id, sizeof(fake.id), id);
	fake.pinned = pinned;
	return fake_result(reterr);
}

static int
fake_cancel(void *userdata, const char *prefix, uid_t uid, char ret_id[REPORT_ID_BYTES],
    struct fault *reterr)
{
	(void)userdata;
	assert(uid == geteuid());
	text_copy(fake.id, sizeof(fake.id), prefix);
	text_copy(ret_id, REPORT_ID_BYTES, ID_NEXT);
	return fake_result(reterr);
}

static int
fake_each_key(void *userdata, ops_key_fn fn, void *fn_userdata)
{
	static const struct key_record record = {
		.key = "99065b49d127b838",
		.count = 3,
		.first_usec = 1,
		.last_usec = 2,
		.reason = "it broke",
	};
	struct key_status paused = { &record, 9 };
	struct key_status ready = { &record, 0 };
	int r = fake_result(NULL);

	(void)userdata;
	if (r >= 0)
		r = fn(&paused, fn_userdata);
	return r < 0 ? r : fn(&ready, fn_userdata);
}

static int
fake_remove(void *userdata, const char *id, struct fault *reterr)
{
	(void)userdata;
	text_copy(fake.id, sizeof(fake.id), id);
	return fake_result(reterr);
}

static int
fake_status(void *userdata, struct status_info *ret, struct fault *reterr)
{
	(void)userdata;
	*ret = fake.status;
	return fake_result(reterr);
}

static int
fake_failed(void *userdata, const struct failure_notice *notice, struct fault *reterr)
{
	(void)userdata;
	fake.notice = *notice;
	return fake_result(reterr);
}

static int
fake_checked(
    void *userdata, const struct finding *findings, size_t n_findings, struct fault *reterr)
{
	(void)userdata;
	fake.n_findings = n_findings;
	fake.finding = n_findings > 0 ? findings[n_findings - 1] : (struct finding){ 0 };
	return fake_result(reterr);
}

static int
fake_progress(void *userdata, const char *id, const struct capture_progress *progress)
{
	(void)userdata;
	text_copy(fake.id, sizeof(fake.id), id);
	fake.progress = *progress;
	return fake_result(NULL);
}

static const struct ops_backend fake_backend = {
	.collect = fake_collect,
	.each_report = fake_each_report,
	.open = fake_open,
	.pin = fake_pin,
	.cancel = fake_cancel,
	.each_key = fake_each_key,
	.remove = fake_remove,
	.status = fake_status,
	.failed = fake_failed,
	.checked = fake_checked,
	.progress = fake_progress,
};

static void
add_report(const char *id, enum trigger trigger, const char *key, uint64_t created_usec)
{
	struct report *r = &fake.reports[fake.n_reports++];

	*r = (struct report){ .trigger = trigger, .created_usec = created_usec };
	text_copy(r->id, sizeof(r->id), id);
	text_copy(r->key, sizeof(r->key), key);
	if (trigger != TRIGGER_REQUEST)
		text_copy(r->event.unit, sizeof(r->event.unit), "microshift.service");
	text_copy(r->capture.archive, sizeof(r->capture.archive), "x.tar.zst");
	text_copy(r->capture.sha256, sizeof(r->capture.sha256), "00");
	r->capture.size_bytes = 1000 + created_usec;
}

/* --- calling --------------------------------------------------------------------------- */

struct session {
	struct ops *ops;   /* owned */
	struct wire *wire; /* owned */
	int fd;		   /* owned */
};

static const struct idl *idl;

static struct session
start(void)
{
	struct server_options options = { 0 };
	struct session s;

	fake = (struct fake){ 0 };
	add_report(ID_OLD, TRIGGER_UNIT_FAILED, "1111111111111111", 10);
	add_report(ID_MIDDLE, TRIGGER_REQUEST, "", 20);
	add_report(ID_NEW, TRIGGER_UNIT_FAILED, "2222222222222222", 30);
	assert(ops_new(&fake_backend, &fake, &s.ops) == 0);
	options.methods = ops_methods(&options.n_methods);
	options.userdata = s.ops;
	s.wire = wire_make(&options);
	s.fd = wire_connect(s.wire);
	return s;
}

static void
stop(struct session *s)
{
	s->fd = close_fd(s->fd);
	wire_free(s->wire);
	ops_free(s->ops);
}
#define _cleanup_session_ _cleanup_(stop)

static void
say(struct session *s, int fd, const char *method, const char *parameters, const char *more)
{
	_cleanup_free_ char *call =
	    text_format("{\"method\":\"" PROTO_INTERFACE ".%s\",\"parameters\":%s%s}", method,
		parameters, more);

	assert(call && wire_say(s->wire, fd, call));
}

/* The next answer of METHOD, which must fit its description. Its parameters; the caller's. */
static cJSON *
hear(struct session *s, int fd, const char *method, bool want_continues)
{
	_cleanup_json_ cJSON *reply = wire_hear_json(s->wire, fd);
	const cJSON *parameters = cJSON_GetObjectItem(reply, "parameters");
	bool continues = false;

	(void)json_get_bool(reply, "continues", &continues);
	if (!reply || cJSON_HasObjectItem(reply, "error") || continues != want_continues ||
	    !idl_fits(idl, idl_find(idl, "method", method)->output, parameters)) {
		_cleanup_free_ char *text = reply ? json_print(reply, false) : NULL;

		ok(false, "%s answers as described, not '%s'", method, text ? text : "nothing");
		return cJSON_CreateObject();
	}
	ok(true, "%s answers as described", method);
	return cJSON_DetachItemFromObject(reply, "parameters");
}

static cJSON *
call(struct session *s, const char *method, const char *parameters)
{
	say(s, s->fd, method, parameters, "");
	return hear(s, s->fd, method, false);
}

/* Calls what must fail with the error NAME; its parameters must fit their description. Returns
 * one of them as text. */
static char *
call_error(struct session *s, const char *method, const char *parameters, const char *name,
    const char *parameter)
{
	_cleanup_json_ cJSON *reply = NULL;
	const cJSON *got, *value;
	const char *error = NULL;
	const struct idl_member *m = idl_find(idl, "error", name);

	say(s, s->fd, method, parameters, "");
	reply = wire_hear_json(s->wire, s->fd);
	(void)json_get_string(reply, "error", &error);
	got = cJSON_GetObjectItem(reply, "parameters");
	if (!ok(error && streq(strrchr(error, '.') + 1, name) &&
		    (!m || idl_fits(idl, m->input, got)),
		"%s %s is answered with %s", method, parameters, name))
		printf("#   got %s\n", error ? error : "no error");
	value = cJSON_GetObjectItem(got, parameter);
	if (cJSON_IsNumber(value))
		return text_format("%.0f", value->valuedouble);
	return cJSON_IsString(value) ? strdup(value->valuestring) : NULL;
}

static void
check_error(struct session *s, const char *method, const char *parameters, const char *name,
    const char *parameter, const char *want)
{
	_cleanup_free_ char *got = call_error(s, method, parameters, name, parameter);

	ok_str(got, want, "its %s", parameter);
}

static void
check_invalid(struct session *s, const char *method, const char *parameters, const char *want)
{
	check_error(s, method, parameters, "InvalidParameter", "parameter", want);
}

static const char *
text_of(const cJSON *object, const char *name)
{
	const char *text = NULL;

	(void)json_get_string(object, name, &text);
	return text;
}

/* --- tests ----------------------------------------------------------------------------- */

/* {"NAME":["a","a",…]} with N words. */
static char *
many_words(const char *name, unsigned n)
{
	size_t size = strlen(name) + 4 * n + 16;
	char *text = malloc(size);

	assert(text);
	(void)snprintf(text, size, "{\"%s\":[\"a\"", name);
	for (unsigned i = 1; i < n; i++)
		strcat(text, ",\"a\"");
	strcat(text, "]}");
	return text;
}

static void
test_invalid(void)
{
	_cleanup_session_ struct session s = start();
	_cleanup_free_ char *long_reason = NULL;
	_cleanup_free_ char *long_token = NULL;
	_cleanup_free_ char *long_only = many_words("only", PROTO_ONLY_MAX_COUNT + 1);
	_cleanup_free_ char *long_namespaces =
	    many_words("namespaces", PROTO_NAMESPACES_MAX_COUNT + 1);
	char xs[300];

	memset(xs, 'x', sizeof(xs) - 1);
	xs[sizeof(xs) - 1] = '\0';
	long_reason = text_format("{\"reason\":\"%.256s\"}", xs);
	long_token = text_format("{\"token\":\"%.65s\"}", xs);
	assert(long_reason && long_token);

	check_invalid(&s, "Collect", "{\"profile\":\"other\"}", "profile");
	check_invalid(&s, "Collect", "{\"profile\":7}", "profile");
	check_invalid(&s, "Collect", "{\"reason\":\"two\\nlines\"}", "reason");
	check_invalid(&s, "Collect", long_reason, "reason");
	check_invalid(&s, "Collect", "{\"only\":\"journal\"}", "only");
	check_invalid(&s, "Collect", "{\"only\":[1]}", "only");
	check_invalid(&s, "Collect", "{\"only\":[\"../x\"]}", "only");
	check_invalid(&s, "Collect", "{\"only\":[\"\"]}", "only");
	check_invalid(&s, "Collect", long_only, "only");
	check_invalid(&s, "Collect", "{\"namespaces\":[\"/(/\"]}", "namespaces");
	check_invalid(&s, "Collect", "{\"namespaces\":[\"\"]}", "namespaces");
	check_invalid(&s, "Collect", long_namespaces, "namespaces");
	check_invalid(&s, "Collect", "{\"only_namespaces\":true}", "only_namespaces");
	check_invalid(&s, "Collect", "{\"token\":\"a b\"}", "token");
	check_invalid(&s, "Collect", long_token, "token");
	check_invalid(&s, "Collect", "{\"colour\":\"red\"}", "colour");
	check_invalid(&s, "List", "{\"trigger\":\"other\"}", "trigger");
	check_invalid(&s, "List", "{\"since_usec\":-1}", "since_usec");
	check_invalid(&s, "List", "{\"until_usec\":1.5}", "until_usec");
	check_invalid(&s, "List", "{\"until_usec\":\"now\"}", "until_usec");
	check_invalid(&s, "List", "{\"offset\":-3}", "offset");
	check_invalid(&s, "List", "{\"limit\":0}", "limit");
	check_invalid(&s, "List", "{\"limit\":1001}", "limit");
	check_invalid(&s, "List", "{\"reverse\":1}", "reverse");
	check_invalid(&s, "List", "{\"key\":\"11111111111111111\"}", "key");
	check_invalid(&s, "Show", "{}", "id");
	check_invalid(&s, "Show", "{\"id\":null}", "id");
	check_invalid(&s, "Show", "{\"id\":\"\"}", "id");
	check_invalid(&s, "Show", "{\"id\":\"../../etc\"}", "id");
	check_invalid(&s, "Open", "{\"id\":1}", "id");
	check_invalid(&s, "Delete", "{\"id\":\"x y\"}", "id");
	check_invalid(&s, "Status", "{\"x\":1}", "x");
	check_invalid(&s, "Failed", "{}", "unit");
	check_invalid(&s, "Failed", "{\"unit\":\"no unit\"}", "unit");
	check_invalid(
	    &s, "Failed", "{\"unit\":\"a.service\",\"invocation_id\":\"z\"}", "invocation_id");
	check_invalid(
	    &s, "Failed", "{\"unit\":\"a.service\",\"exit_status\":1}", "exit_status");
	check_invalid(
	    &s, "Failed", "{\"unit\":\"a.service\",\"exit_code\":\"a b\"}", "exit_code");
	check_invalid(
	    &s, "Failed", "{\"unit\":\"a.service\",\"boottime_usec\":-1}", "boottime_usec");
	check_invalid(
	    &s, "Progress", "{\"id\":\"2026\",\"done\":1,\"total\":2,\"bytes\":3}", "id");
	check_invalid(
	    &s, "Progress", "{\"id\":\"" ID_NEW "\",\"done\":1,\"bytes\":3}", "total");
	check_invalid(&s, "Progress",
	    "{\"id\":\"" ID_NEW "\",\"done\":1,\"total\":2,\"bytes\":-3}", "bytes");
}

static void
check_list(struct session *s, const char *parameters, const char *want_ids, uint64_t want_total)
{
	_cleanup_json_ cJSON *got = call(s, "List", parameters);
	const cJSON *item;
	char ids[128] = "";
	uint64_t total = 99;

	cJSON_ArrayForEach (item, cJSON_GetObjectItem(got, "reports"))
		/* The sequence number is enough. */
		(void)strncat(ids, text_of(item, "id") + 20, 1);
	ok_str(ids, want_ids, "List %s", parameters);
	(void)json_get_uint(got, "total", &total);
	ok_int(total, want_total, "of so many");
}

static void
test_list(void)
{
	_cleanup_session_ struct session s = start();

	check_list(&s, "{}", "321", 3);
	check_list(&s, "{\"reverse\":true,\"key\":null}", "123", 3);
	check_list(&s, "{\"trigger\":\"unit-failed\"}", "31", 2);
	check_list(&s, "{\"key\":\"1111111111111111\"}", "1", 1);
	check_list(&s, "{\"unit\":\"microshift.service\",\"reverse\":true}", "13", 2);
	check_list(&s, "{\"unit\":\"other.service\"}", "", 0);
	check_list(&s, "{\"since_usec\":20}", "32", 2);
	check_list(&s, "{\"until_usec\":20}", "21", 2);
	check_list(&s, "{\"since_usec\":11,\"until_usec\":29}", "2", 1);
	check_list(&s, "{\"limit\":1}", "3", 3);
	check_list(&s, "{\"limit\":1,\"offset\":1}", "2", 3);
	check_list(&s, "{\"offset\":3}", "", 3);
	fake.n_reports = 0;
	check_list(&s, "{}", "", 0);
	fake.result = -ENODEV;
	check_error(&s, "List", "{}", "Internal", "message", NULL);
}

static void
test_ids(void)
{
	_cleanup_session_ struct session s = start();
	static const struct {
		const char *given;
		const char *want;
	} rows[] = {
		{ "latest", ID_NEW },
		{ ID_OLD, ID_OLD },
		{ "20261121", ID_OLD },
		{ "20261122T100", ID_MIDDLE },
	};

	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_free_ char *parameters = text_format("{\"id\":\"%s\"}", rows[i].given);
		_cleanup_json_ cJSON *got = call(&s, "Show", parameters);

		ok_str(text_of(cJSON_GetObjectItem(got, "report"), "id"), rows[i].want,
		    "'%s' is found", rows[i].given);
		ok_str(text_of(cJSON_GetObjectItem(got, "details"), "id"), rows[i].want,
		    "with details");
	}
	check_error(&s, "Show", "{\"id\":\"20261122\"}", "Ambiguous", "id", "20261122");
	check_error(&s, "Show", "{\"id\":\"2025\"}", "NotFound", "message",
	    "no report has the ID '2025'");
	fake.n_reports = 0;
	check_error(&s, "Show", "{\"id\":\"latest\"}", "NotFound", "message",
	    "there are no reports yet");
}

static void
test_open(void)
{
	_cleanup_session_ struct session s = start();
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	_cleanup_json_ cJSON *got = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct fault f;

	/* The client of the product: it waits in one thread with the loop, so the answer must
	 * be there first. */
	say(&s, s.fd, "Open", "{\"id\":\"latest\",\"fetch\":true}", "");
	wire_turn(s.wire, WIRE_SILENCE_USEC);
	assert(varlink_client_new(TAKE_FD(s.fd), &c) == 0);
	ok_int(varlink_client_call_fd(c, "a.b.C", NULL, USEC_PER_SEC, &got, &fd, &f), 0,
	    "an archive is opened");
	ok(idl_fits(idl, idl_find(idl, "method", "Open")->output, got), "as described");
	ok_str(fake.id, ID_NEW, "it is the one that was meant");
	ok(fd >= 0, "and comes as a descriptor");
	ok(fake.fetch, "for a client that takes it");
	varlink_client_close(TAKE_PTR(c));

	s.fd = wire_connect(s.wire);
	fake.result = -EIO;
	check_error(&s, "Open", "{\"id\":\"latest\"}", "Internal", "message", NULL);
	fake.result = -ENOENT;
	check_error(&s, "Open", "{\"id\":\"latest\"}", "NotFound", "message", "because");
	ok(!fake.fetch, "or only looks");
}

static void
test_collect(void)
{
	_cleanup_session_ struct session s = start();
	_cleanup_json_ cJSON *plain = NULL, *full = NULL, *cluster = NULL;

	text_copy(fake.collect_result.id, REPORT_ID_BYTES, ID_NEXT);
	plain = call(&s, "Collect", "{}");
	ok_str(text_of(plain, "id"), ID_NEXT, "the ID is told");
	ok_str(text_of(plain, "state"), "queued", "and the state");
	ok(!fake.collect_args.has_profile && !fake.collect_args.only &&
		fake.collect_args.uid == geteuid() && fake.collect_args.pid == getpid(),
	    "nothing was asked for, and by whom");
	full = call(&s, "Collect",
	    "{\"profile\":\"crash\",\"reason\":\"it is slow\",\"only\":[\"a\",\"b-c\"],"
	    "\"token\":\"t-1\"}");
	ok(fake.collect_args.has_profile && fake.collect_args.profile == PROFILE_CRASH,
	    "a profile");
	ok_str(fake.collect_args.reason, "it is slow", "a reason");
	ok_str(fake.collect_args.token, "t-1", "a token");
	ok_str(fake.only, "a;b-c;", "collectors");
	ok(fake.namespaces[0] == '\0' && !fake.collect_args.only_namespaces, "no namespaces");
	ok(!fake.collect_args.clean, "no cleaning");
	cluster = call(&s, "Collect",
	    "{\"namespaces\":[\"shop-*\",\"/lab/\"],\"only_namespaces\":true,\"clean\":true}");
	ok(cluster && fake.collect_args.only_namespaces, "only some namespaces");
	ok(fake.collect_args.clean, "cleaned");
	ok_str(fake.namespaces, "shop-*;/lab/;", "and which");

	fake.collect_result.retry_usec = 5000;
	fake.result = -EBUSY;
	check_error(&s, "Collect", "{}", "Busy", "retry_usec", "5000");
	fake.result = -EAGAIN;
	check_error(&s, "Collect", "{}", "RateLimited", "message", "because");
	fake.result = -EOPNOTSUPP;
	check_error(&s, "Collect", "{}", "Unsupported", "retry_usec", NULL);
	fake.result = -EPERM;
	check_error(&s, "Collect", "{}", "Denied", "message", "because");
	fake.result = -ENOSPC;
	check_error(&s, "Collect", "{}", "Internal", "message", "because");
	fake.result = -EFBIG;
	check_error(&s, "Collect", "{}", "TooLarge", "message", "because");
}

static void
test_collect_more(void)
{
	_cleanup_session_ struct session s = start();
	_cleanup_close_ int other = wire_connect(s.wire);
	_cleanup_close_ int root = wire_connect(s.wire);
	_cleanup_close_ int leaver = wire_connect(s.wire);
	cJSON *got;
	uint64_t n = 0;

	text_copy(fake.collect_result.id, REPORT_ID_BYTES, ID_NEXT);
	say(&s, s.fd, "Collect", "{}", ",\"more\":true");
	cJSON_Delete(hear(&s, s.fd, "Collect", true));
	say(&s, leaver, "Collect", "{}", ",\"more\":true");
	cJSON_Delete(hear(&s, leaver, "Collect", true));
	text_copy(fake.collect_result.id, REPORT_ID_BYTES, ID_NEW);
	say(&s, other, "Collect", "{}", ",\"more\":true");
	cJSON_Delete(hear(&s, other, "Collect", true));
	leaver = close_fd(leaver);
	ok(wire_has_clients(s.wire, 3), "a client leaves early");

	ops_capture_changed(s.ops, ID_NEXT, CAPTURE_RUNNING, NULL, NULL);
	got = hear(&s, s.fd, "Collect", true);
	ok_str(text_of(got, "state"), "running", "a new state");
	cJSON_Delete(got);

	say(&s, root, "Progress",
	    "{\"id\":\"" ID_NEXT
	    "\",\"collector\":\"journal\",\"done\":3,\"total\":9,\"bytes\":12345}",
	    ",\"oneway\":true");
	got = hear(&s, s.fd, "Collect", true);
	ok(json_get_uint(cJSON_GetObjectItem(got, "progress"), "bytes", &n) == 1 && n == 12345,
	    "progress");
	ok_str(fake.progress.collector, "journal", "the backend got it too");
	ok_str(fake.id, ID_NEXT, "with the ID");
	cJSON_Delete(got);

	text_copy(fake.reports[2].id, REPORT_ID_BYTES, ID_NEXT);
	ops_capture_changed(s.ops, ID_NEXT, CAPTURE_PARTIAL, &fake.reports[2], NULL);
	got = hear(&s, s.fd, "Collect", false);
	ok_str(text_of(cJSON_GetObjectItem(got, "report"), "id"), ID_NEXT, "the report");
	cJSON_Delete(got);
	ok(wire_is_silent(s.wire, other), "the other request heard nothing of it");
	ops_capture_changed(s.ops, ID_NEW, CAPTURE_FAILED, NULL, "no space");
	got = hear(&s, other, "Collect", false);
	ok_str(text_of(got, "message"), "no space", "a failure says why");
	cJSON_Delete(got);

	fake.collect_result.state = CAPTURE_COMPLETE;
	fake.collect_result.report = fake.reports[0];
	say(&s, s.fd, "Collect", "{\"token\":\"again\"}", ",\"more\":true");
	got = hear(&s, s.fd, "Collect", false);
	ok(cJSON_HasObjectItem(got, "report"), "a token whose report is ready");
	cJSON_Delete(got);
	cJSON_Delete(call(&s, "Status", "{}"));
}

static void
check_event(struct session *s, int fd, const char *want, const char *want_id)
{
	_cleanup_json_ cJSON *got = hear(s, fd, "Watch", true);

	ok_str(text_of(got, "event"), want, "the event %s", want);
	ok_str(text_of(got, "id"), want_id, "and its ID");
}

static void
test_watch(void)
{
	_cleanup_session_ struct session s = start();
	_cleanup_close_ int watcher = wire_connect(s.wire);
	_cleanup_close_ int second = wire_connect(s.wire);
	_cleanup_json_ cJSON *deleted = NULL, *pinned = NULL, *unpinned = NULL;

	check_error(&s, "Watch", "{}", "ExpectedMore", "message", NULL);
	say(&s, watcher, "Watch", "{}", ",\"more\":true");
	check_event(&s, watcher, "watching", NULL);
	say(&s, second, "Watch", "{}", ",\"more\":true");
	check_event(&s, second, "watching", NULL);
	second = close_fd(second);
	ok(wire_has_clients(s.wire, 2), "one of two watchers leaves");

	ops_capture_changed(s.ops, ID_NEXT, CAPTURE_QUEUED, NULL, NULL);
	check_event(&s, watcher, "queued", ID_NEXT);
	ops_capture_changed(s.ops, ID_NEXT, CAPTURE_COMPLETE, &fake.reports[0], NULL);
	check_event(&s, watcher, "complete", ID_NEXT);
	ops_suppressed(s.ops, "microshift.service", "cool-down");
	check_event(&s, watcher, "suppressed", NULL);
	ops_confirmed(s.ops, "The API is dead.");
	check_event(&s, watcher, "confirmed", NULL);
	ops_report_deleted(s.ops, ID_OLD, "too old");
	check_event(&s, watcher, "deleted", ID_OLD);
	pinned = call(&s, "Pin", "{\"id\":\"latest\"}");
	ok(fake.pinned && streq(text_of(pinned, "id"), ID_NEW) && streq(fake.id, ID_NEW),
	    "Pin tells which");
	unpinned = call(&s, "Unpin", "{\"id\":\"latest\"}");
	ok(!fake.pinned && streq(text_of(unpinned, "id"), ID_NEW), "and Unpin");
	deleted = call(&s, "Delete", "{\"id\":\"latest\"}");
	ok_str(text_of(deleted, "id"), ID_NEW, "Delete tells which");
	ok_str(fake.id, ID_NEW, "and did it");
	check_event(&s, watcher, "deleted", ID_NEW);
	fake.result = -EBUSY;
	check_error(&s, "Delete", "{\"id\":\"latest\"}", "Busy", "message", "because");
	ok(wire_is_silent(s.wire, watcher), "nothing was deleted, nothing is told");
}

static void
test_cancel(void)
{
	_cleanup_session_ struct session s = start();
	_cleanup_json_ cJSON *cancelled = NULL;

	cancelled = call(&s, "Cancel", "{\"id\":\"2026\"}");
	ok(streq(text_of(cancelled, "id"), ID_NEXT) && streq(fake.id, "2026"),
	    "Cancel tells which");
	check_invalid(&s, "Cancel", "{\"id\":\"x y\"}", "id");
	fake.result = -EPERM;
	check_error(&s, "Cancel", "{\"id\":\"latest\"}", "Denied", "message", "because");
	fake.result = -ENOENT;
	check_error(&s, "Cancel", "{\"id\":\"latest\"}", "NotFound", "message", "because");
}

static void
test_keys(void)
{
	_cleanup_session_ struct session s = start();
	_cleanup_json_ cJSON *reply = call(&s, "Keys", "{}");
	const cJSON *keys = cJSON_GetObjectItem(reply, "keys");
	const cJSON *key = cJSON_GetArrayItem(keys, 0);

	ok_int(cJSON_GetArraySize(keys), 2, "all problems");
	ok_str(text_of(key, "reason"), "it broke", "what it is");
	ok(cJSON_HasObjectItem(key, "pause_end_usec") &&
		!cJSON_HasObjectItem(key, "last_report_usec") &&
		!cJSON_HasObjectItem(cJSON_GetArrayItem(keys, 1), "pause_end_usec"),
	    "what does not apply is left out");
	fake.result = -ENOMEM;
	check_error(&s, "Keys", "{}", "Internal", NULL, NULL);
}

static void
test_status(void)
{
	_cleanup_session_ struct session s = start();
	_cleanup_json_ cJSON *empty = NULL, *full = NULL;

	fake.n_reports = 0;
	empty = call(&s, "Status", "{}");
	ok(!cJSON_HasObjectItem(empty, "latest"), "no report yet");
	fake.n_reports = 3;
	fake.status.n_units = 2;
	text_copy(fake.status.units[0].unit, UNIT_NAME_BYTES, "microshift.service");
	text_copy(fake.status.units[0].active_state, STATE_NAME_BYTES, "active");
	fake.status.units[0].since_usec = 7;
	text_copy(fake.status.units[1].unit, UNIT_NAME_BYTES, "crio.service");
	fake.status.n_captures = 1;
	text_copy(fake.status.captures[0].id, REPORT_ID_BYTES, ID_NEXT);
	fake.status.captures[0].has_progress = true;
	ok(!cJSON_HasObjectItem(empty, "check"), "nor a check");
	fake.status.checked_usec = 8;
	fake.status.n_problems = 1;
	fake.status.problems[0] = (struct problem_status){
		.finding = { TRIGGER_PRESSURE, "/var", "full", "", "/var is full." },
		.since_usec = 7,
		.is_confirmed = true,
	};
	full = call(&s, "Status", "{}");
	ok_int(cJSON_GetArraySize(
		   cJSON_GetObjectItem(cJSON_GetObjectItem(full, "check"), "problems")),
	    1, "what a check found");
	ok_str(text_of(cJSON_GetObjectItem(full, "latest"), "id"), ID_NEW, "the latest report");
	ok_int(cJSON_GetArraySize(cJSON_GetObjectItem(full, "units")), 2, "the units");
	ok_int(cJSON_GetArraySize(cJSON_GetObjectItem(full, "captures")), 1, "the captures");
	fake.result = -ENODEV;
	check_error(&s, "Status", "{}", "Internal", "message", "because");
}

static void
test_failed(void)
{
	_cleanup_session_ struct session s = start();
	struct failure_notice notice = {
		.unit = "microshift.service",
		.invocation_id = "0123456789abcdef0123456789abcdef",
		.result = "exit-code",
		.exit_code = "exited",
		.exit_status = "255",
		.boot_id = "fedcba9876543210fedcba9876543210",
		.boottime_usec = 123,
		.realtime_usec = 456,
	};
	_cleanup_json_ cJSON *json = failure_notice_to_json(&notice);
	_cleanup_free_ char *text = json_print(json, false);

	ok(idl_fits(idl, idl_find(idl, "method", "Failed")->input, json),
	    "what the hook sends fits the description");
	cJSON_Delete(call(&s, "Failed", text));
	ok(memcmp(&fake.notice, &notice, sizeof(notice)) == 0, "and arrives whole");
	cJSON_Delete(call(&s, "Failed", "{\"unit\":\"a.service\"}"));
	fake.result = -ENOSPC;
	check_error(&s, "Failed", "{\"unit\":\"a.service\"}", "Internal", "message", "because");
	fake.result = -ENOENT;
	check_error(&s, "Progress",
	    "{\"id\":\"" ID_NEXT "\",\"done\":1,\"total\":2,\"bytes\":3}", "NotFound", "id",
	    ID_NEXT);
}

/* N findings that differ, as parameters of Checked. */
static char *
make_findings(unsigned n)
{
	_cleanup_json_ cJSON *parameters = cJSON_CreateObject();
	cJSON *array = cJSON_AddArrayToObject(parameters, "findings");

	for (unsigned i = 0; i < n; i++) {
		struct finding f = { TRIGGER_CERTIFICATE, "", "expired", "2026",
			"It expired." };

		(void)snprintf(f.subject, sizeof(f.subject), "/etc/%u.crt", i);
		assert(cJSON_AddItemToArray(array, finding_to_json(&f)));
	}
	ok(idl_fits(idl, idl_find(idl, "method", "Checked")->input, parameters),
	    "%u findings fit the description", n);
	return json_print(parameters, false);
}

static void
test_checked(void)
{
	static const char *const bad[] = {
		"{}",
		"{\"findings\":{}}",
		"{\"findings\":[7]}",
		"{\"findings\":[{}]}",
		"{\"findings\":[{\"trigger\":\"request\",\"subject\":\"s\",\"problem\":\"p\",\"message\":"
		"\"m\"}]}",
		"{\"findings\":[{\"trigger\":\"unit-failed\",\"subject\":\"s\",\"problem\":\"p\","
		"\"message\":\"m\"}]}",
		"{\"findings\":[{\"trigger\":\"liveness\",\"subject\":\"\",\"problem\":\"p\","
		"\"message\":\"m\"}]}",
		"{\"findings\":[{\"trigger\":\"liveness\",\"subject\":\"s\",\"problem\":\"two words\","
		"\"message\":\"m\"}]}",
		"{\"findings\":[{\"trigger\":\"liveness\",\"subject\":\"s\",\"problem\":\"p\","
		"\"message\":\"m\\n\"}]}",
	};
	_cleanup_session_ struct session s = start();
	_cleanup_free_ char *most = make_findings(FINDINGS_MAX);
	_cleanup_free_ char *more = make_findings(FINDINGS_MAX + 1);

	fake.n_findings = 99;
	cJSON_Delete(call(&s, "Checked", "{\"findings\":[]}"));
	ok_int(fake.n_findings, 0, "all is well");
	cJSON_Delete(call(&s, "Checked", most));
	ok_int(fake.n_findings, FINDINGS_MAX, "FINDINGS_MAX arrive");
	ok_str(fake.finding.subject, "/etc/31.crt", "in order");
	ok_str(fake.finding.detail, "2026", "and whole");
	check_invalid(&s, "Checked", more, "findings");
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		check_invalid(&s, "Checked", bad[i], "findings");
	fake.result = -ENOSPC;
	check_error(&s, "Checked", "{\"findings\":[]}", "Internal", "message", "because");
}

int
main(void)
{
	idl = idl_parse(proto_description(PROTO_INTERFACE));
	test_invalid();
	test_list();
	test_ids();
	test_open();
	test_collect();
	test_collect_more();
	test_watch();
	test_cancel();
	test_keys();
	test_status();
	test_failed();
	test_checked();
	return tap_done();
}
