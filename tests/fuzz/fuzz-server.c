/* SPDX-License-Identifier: Apache-2.0 */

/* The real server and the real methods over a socketpair. The first byte is the size of the
 * slices in which the rest is sent. Whatever is said: all that comes back are Varlink replies,
 * every stream is told what happens, and in the end nobody is left. */

#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/limiter.h"
#include "daemon/ops.h"
#include "lib/fault.h"
#include "lib/text.h"
#include "lib/varlink.h"
#include "tests/lib/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SOME_ID "20261123T142752Z-0004-e585a599"

static int
fake_collect(void *userdata, const struct collect_args *args, struct collect_result *ret,
    struct fault *reterr)
{
	(void)userdata;
	assert(strlen(args->reason) < sizeof(args->reason));
	*ret = (struct collect_result){ .id = SOME_ID };
	/* A request for one profile is refused, so that this way is taken too. */
	if (args->has_profile && args->profile == PROFILE_FLASH)
		return fault_set(reterr, -EBUSY, "busy");
	return 0;
}

static int
fake_each_report(void *userdata, bool oldest_first, ops_report_fn fn, void *fn_userdata)
{
	struct report report = { .id = SOME_ID };

	(void)userdata;
	(void)oldest_first;
	for (int i = 0; i < 3; i++) {
		report.id[3] = (char)('6' + i);
		if (fn(&report, fn_userdata) != 0)
			return 0;
	}
	return 0;
}

static int
fake_open(void *userdata, const char *id, bool fetch, int *ret_fd, struct fault *reterr)
{
	(void)fetch;
	(void)userdata;
	assert(report_id_is_valid(id));
	*ret_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? fault_set(reterr, -errno, "cannot open: %m") : 0;
}

static int
fake_pin(void *userdata, const char *id, bool pinned, struct fault *reterr)
{
	(void)userdata;
	(void)pinned;
	(void)reterr;
	assert(report_id_is_valid(id));
	return 0;
}

static int
fake_cancel(void *userdata, const char *prefix, uid_t uid, char ret_id[REPORT_ID_BYTES],
    struct fault *reterr)
{
	(void)userdata;
	assert(streq(prefix, ID_LATEST) || report_id_is_prefix(prefix));
	text_copy(ret_id, REPORT_ID_BYTES, SOME_ID);
	return uid % 2 == 0 ? 0 : fault_set(reterr, -ENOENT, "no");
}

static int
fake_each_key(void *userdata, ops_key_fn fn, void *fn_userdata)
{
	struct key_record record = { .key = "99065b49d127b838", .count = 1 };
	struct key_status key = { &record, 0 };

	(void)userdata;
	return fn(&key, fn_userdata);
}

static int
fake_remove(void *userdata, const char *id, struct fault *reterr)
{
	(void)userdata;
	(void)reterr;
	assert(report_id_is_valid(id));
	return 0;
}

static int
fake_status(void *userdata, struct status_info *ret, struct fault *reterr)
{
	(void)userdata;
	(void)reterr;
	ret->n_units = 1;
	return 0;
}

static int
fake_failed(void *userdata, const struct failure_notice *notice, struct fault *reterr)
{
	(void)userdata;
	(void)notice;
	(void)reterr;
	return 0;
}

static int
fake_checked(
    void *userdata, const struct finding *findings, size_t n_findings, struct fault *reterr)
{
	(void)userdata;
	(void)reterr;
	assert(n_findings <= FINDINGS_MAX);
	for (size_t i = 0; i < n_findings; i++)
		assert(findings[i].subject[0] != '\0' && findings[i].message[0] != '\0');
	return 0;
}

static int
fake_progress(void *userdata, const char *id, const struct capture_progress *progress)
{
	(void)userdata;
	(void)progress;
	assert(report_id_is_valid(id));
	return 0;
}

static const struct ops_backend backend = {
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

/* Reads what has come, without waiting. Returns false when the server has left. */
static bool
check_replies(int fd, struct varlink_decoder *decoder)
{
	char data[4096];
	const char *message;
	size_t size;
	ssize_t n;
	int r;

	while ((n = recv(fd, data, sizeof(data), MSG_DONTWAIT)) > 0)
		assert(varlink_decoder_feed(decoder, data, (size_t)n) == 0);
	while ((r = varlink_decoder_next(decoder, &message, &size)) > 0) {
		struct varlink_reply reply;

		assert(varlink_reply_parse(message, size, &reply, NULL) == 0);
		varlink_reply_done(&reply);
	}
	assert(r == 0);
	return n < 0 && errno == EAGAIN;
}

static void
talk(struct wire *w, struct ops *ops, const char *data, size_t size, size_t step)
{
	struct varlink_decoder decoder = VARLINK_DECODER_INIT(VARLINK_REPLY_MAX_BYTES);
	int fd = wire_connect(w);
	bool is_there = true;

	for (size_t at = 0; at < size && is_there; at += step) {
		(void)wire_send(w, fd, data + at, size - at < step ? size - at : step);
		wire_turn(w, 0);
		is_there = check_replies(fd, &decoder);
	}
	ops_capture_changed(ops, SOME_ID, CAPTURE_RUNNING, NULL, NULL);
	ops_suppressed(ops, "microshift.service", "cool-down");
	wire_turn(w, 0);
	ops_capture_changed(ops, SOME_ID, CAPTURE_FAILED, NULL, "no space");
	(void)shutdown(fd, SHUT_WR);
	while (is_there) {
		wire_turn(w, 0);
		is_there = check_replies(fd, &decoder);
	}
	(void)close(fd);
	varlink_decoder_done(&decoder);
	assert(wire_has_clients(w, 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server_options options = { 0 };
	struct ops *ops;
	struct wire *w;

	if (size < 2)
		return 0;
	assert(ops_new(&backend, NULL, &ops) == 0);
	options.methods = ops_methods(&options.n_methods);
	options.userdata = ops;
	w = wire_make(&options);
	talk(w, ops, (const char *)data + 1, size - 1, 1u + data[0]);
	wire_free(w);
	ops_free(ops);
	return 0;
}
