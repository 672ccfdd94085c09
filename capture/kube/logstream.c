/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capture/kube/logstream.h"
#include "lib/text.h"

/* The words of the API server; clients have nothing else to tell these apart. */
#define NO_PREVIOUS "previous terminated container"
#define NOT_FOUND   "not found"
#define WAITING	    "is waiting to start"

static int
make_query(const struct kube_log_request *r, char **ret)
{
	_cleanup_free_ char *container = kube_escape(r->container);
	char limits[128] = "";
	size_t n = 0;

	if (!container)
		return -ENOMEM;
	if (r->since_seconds > 0)
		n += (size_t)snprintf(
		    limits + n, sizeof(limits) - n, "&sinceSeconds=%" PRIu64, r->since_seconds);
	if (r->tail_lines > 0)
		n += (size_t)snprintf(
		    limits + n, sizeof(limits) - n, "&tailLines=%" PRIu64, r->tail_lines);
	if (r->limit_bytes > 0)
		(void)snprintf(
		    limits + n, sizeof(limits) - n, "&limitBytes=%" PRIu64, r->limit_bytes);
	*ret = text_format("container=%s%s%s&timestamps=true%s", container,
	    r->skip_backend_verify ? "&insecureSkipTLSVerifyBackend=true" : "",
	    r->previous ? "&previous=true" : "", limits);
	return *ret ? 0 : -ENOMEM;
}

int
kube_get_log(struct kube_client *c, const struct kube_log_request *r,
    const struct kube_handlers *handlers, void *userdata)
{
	_cleanup_free_ char *namespace = kube_escape(r->namespace), *pod = kube_escape(r->pod);
	_cleanup_free_ char *path = NULL, *query = NULL;
	struct kube_request request;
	int q;

	q = make_query(r, &query);
	if (q < 0)
		return q;
	if (!namespace || !pod)
		return -ENOMEM;
	path = text_format("/api/v1/namespaces/%s/pods/%s/log", namespace, pod);
	if (!path)
		return -ENOMEM;
	request = (struct kube_request){
		.path = path,
		.query = query,
		.accept = "application/json, */*",
		.timeout_usec = r->timeout_usec,
		.max_bytes = r->limit_bytes,
		.lane = KUBE_LANE_LOGS,
	};
	return kube_get(c, &request, handlers, userdata);
}

enum kube_log_state
kube_log_state(const struct kube_result *result)
{
	if (result->failure == KUBE_FAILURE_NONE)
		return KUBE_LOG_OK;
	/* A kubelet that is asked for limitBytes may end a line later than that. */
	if (result->failure == KUBE_FAILURE_TOO_LARGE)
		return KUBE_LOG_OK;
	if (result->failure == KUBE_FAILURE_HTTP_404)
		return KUBE_LOG_GONE;
	if (result->failure != KUBE_FAILURE_HTTP_400)
		return KUBE_LOG_FAILED;
	if (strstr(result->message, NO_PREVIOUS) && text_has_suffix(result->message, NOT_FOUND))
		return KUBE_LOG_NO_PREVIOUS;
	if (strstr(result->message, WAITING))
		return KUBE_LOG_WAITING;
	return KUBE_LOG_FAILED;
}
