/* SPDX-License-Identifier: Apache-2.0 */

/* Whether there is an API, before dozens of requests find out one by one that there is none. */

#include <string.h>

#include "capture/kube/client.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

/* /version has 400 bytes, /readyz "ok". */
#define PROBE_MAX_BYTES 65536u
#define MARGIN_USEC	(50 * USEC_PER_MSEC)

struct question {
	struct kube_probe *probe;
	enum kube_failure failure;
	char body[4096]; /* cut */
	size_t size;
};

static int
on_data(const void *data, size_t size, void *userdata)
{
	struct question *q = userdata;
	size_t room = sizeof(q->body) - 1 - q->size;

	room = size < room ? size : room;
	memcpy(q->body + q->size, data, room);
	q->size += room;
	q->body[q->size] = '\0';
	return 0;
}

static void
on_done(const struct kube_result *result, void *userdata)
{
	struct question *q = userdata;

	q->failure = result->failure;
	if (result->failure == KUBE_FAILURE_NONE || q->probe->failure != KUBE_FAILURE_NONE)
		return;
	q->probe->failure = result->failure;
	q->probe->status = result->status;
	q->probe->fault = result->fault;
}

/* Asks PATH; the answer is in *Q. */
static void
ask(struct kube_client *c, const char *path, uint64_t deadline_usec, struct question *q)
{
	static const struct kube_handlers handlers = { .on_data = on_data, .on_done = on_done };
	uint64_t now = clock_monotonic_usec();
	struct kube_request request = {
		.path = path,
		.accept = "application/json, */*",
		/* A little before the end, so that it says itself what it waited for. */
		.timeout_usec =
		    deadline_usec > now + MARGIN_USEC ? deadline_usec - now - MARGIN_USEC : 1,
		.max_bytes = PROBE_MAX_BYTES,
		.no_retry = true,
	};
	int r;

	r = kube_get(c, &request, &handlers, q);
	if (r >= 0) {
		(void)kube_client_run(c, deadline_usec);
		return;
	}
	q->failure = q->probe->failure = KUBE_FAILURE_LOCAL;
	(void)fault_set(&q->probe->fault, r, "GET '%s': %m", path);
}

static void
read_version(const struct question *q, struct kube_probe *ret)
{
	_cleanup_json_ cJSON *version = NULL;

	if (json_parse(q->body, q->size, &version, NULL) < 0 ||
	    json_get_text(version, "gitVersion", ret->version, sizeof(ret->version)) <= 0)
		ret->version[0] = '\0';
}

void
kube_ping(
    struct kube_client *c, const char *path, uint64_t timeout_usec, struct kube_probe *ret)
{
	struct question q = { .probe = ret };
	uint64_t start = clock_monotonic_usec();

	*ret = (struct kube_probe){ 0 };
	ask(c, path, start + (timeout_usec ?: KUBE_PROBE_USEC), &q);
	ret->is_ready = q.failure == KUBE_FAILURE_NONE;
	ret->is_usable = !kube_failure_is_fatal(q.failure);
	ret->duration_usec = clock_monotonic_usec() - start;
}

void
kube_probe(struct kube_client *c, uint64_t timeout_usec, struct kube_probe *ret)
{
	struct question version = { .probe = ret };
	uint64_t start = clock_monotonic_usec(), deadline;

	deadline = start + (timeout_usec ?: KUBE_PROBE_USEC);
	kube_ping(c, "/readyz", timeout_usec, ret);
	if (ret->is_usable) {
		ask(c, "/version", deadline, &version);
		ret->is_usable = !kube_failure_is_fatal(version.failure);
		if (version.failure == KUBE_FAILURE_NONE)
			read_version(&version, ret);
	}
	ret->duration_usec = clock_monotonic_usec() - start;
}
