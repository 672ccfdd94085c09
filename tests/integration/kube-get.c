/* SPDX-License-Identifier: Apache-2.0 */

/* Asks an API with the client of the capture and prints how each request ended, one JSON object
 * a line, for the tests in test-kube-client.
 *
 *   kube-get [OPTION...] probe | discover | get PATH... | list PATH... | log NS POD CONTAINER
 *
 * get and list send all at once. list takes its continue token from the page as kubectl writes
 * it, without a parser. */

#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "capture/kube/client.h"
#include "capture/kube/discovery.h"
#include "capture/kube/kubeconfig.h"
#include "capture/kube/logstream.h"
#include "capture/kube/pages.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

struct answer {
	const char *path;
	bool print_body;
	char *body; /* owned */
	size_t size;
	char token[512];
	unsigned restarts;
	uint64_t first_bytes; /* on_data fails after so many; 0 = never */
};

struct arguments {
	const char *kubeconfig;
	struct kube_options options;
	uint64_t deadline_usec; /* span; 0 = none */
	uint64_t timeout_usec, max_bytes, list_usec;
	bool print_body, previous, restart;
	int n_logs; /* so many of the paths go to the lane of the logs */
	uint64_t fail_after;
};

static void
print_line(cJSON *object)
{
	_cleanup_free_ char *text = json_print(object, false);

	(void)puts(text ? text : "{}");
	(void)fflush(stdout);
}

static cJSON *
describe(const char *what, enum kube_failure failure, int status, const struct fault *fault)
{
	cJSON *o = cJSON_CreateObject();

	(void)json_add_text(o, "what", what);
	(void)cJSON_AddStringToObject(o, "failure", kube_failure_name(failure));
	(void)json_add_int(o, "status", status);
	(void)cJSON_AddStringToObject(
	    o, "fault", failure == KUBE_FAILURE_NONE ? "" : fault->text);
	return o;
}

static int
on_data(const void *data, size_t size, void *userdata)
{
	struct answer *a = userdata;
	char *grown;

	if (a->first_bytes > 0 && a->size + size > a->first_bytes)
		return -ENOSPC;
	grown = realloc(a->body, a->size + size + 1);
	if (!grown)
		return -ENOMEM;
	a->body = grown;
	memcpy(a->body + a->size, data, size);
	a->size += size;
	a->body[a->size] = '\0';
	return 0;
}

static void
on_done(const struct kube_result *r, void *userdata)
{
	_cleanup_json_ cJSON *o = NULL;
	struct answer *a = userdata;

	o = describe(a->path, r->failure, r->status, &r->fault);
	(void)json_add_uint(o, "bytes", r->bytes);
	(void)json_add_uint(o, "got", a->size);
	(void)json_add_uint(o, "retries", r->retries);
	(void)json_add_uint(o, "http", (uint64_t)r->http_version);
	(void)json_add_uint(o, "log_state", kube_log_state(r));
	(void)json_add_text(o, "reason", r->reason);
	(void)json_add_text(o, "message", r->message);
	(void)json_add_text(o, "type", r->content_type);
	if (a->print_body && a->body)
		(void)json_add_text(o, "body", a->body);
	print_line(o);
}

static int
on_page_end(const char **ret_continue, void *userdata)
{
	static const char mark[] = "\"continue\":\"";
	struct answer *a = userdata;
	char *p = a->body ? strstr(a->body, mark) : NULL;

	a->token[0] = '\0';
	if (!a->body || a->body[0] != '{')
		return -EBADMSG;
	if (p) {
		p += strlen(mark);
		p[strcspn(p, "\"")] = '\0';
		text_copy(a->token, sizeof(a->token), p);
	}
	a->size = 0;
	*ret_continue = a->token;
	return 0;
}

static int
on_restart(void *userdata)
{
	struct answer *a = userdata;

	a->restarts++;
	a->size = 0;
	return 0;
}

static void
on_list_done(const struct kube_list_result *r, void *userdata)
{
	_cleanup_json_ cJSON *o = NULL;
	struct answer *a = userdata;

	o = describe(a->path, r->failure, r->status, &r->fault);
	(void)json_add_uint(o, "pages", r->pages);
	(void)json_add_uint(o, "requests", r->requests);
	(void)json_add_uint(o, "bytes", r->bytes);
	(void)json_add_uint(o, "restarts", a->restarts);
	(void)json_add_bool(o, "inconsistent", r->is_inconsistent);
	print_line(o);
}

static void
run(struct kube_client *c, const struct arguments *arg)
{
	uint64_t deadline = USEC_INFINITY;
	_cleanup_json_ cJSON *o = NULL;
	const struct kube_metrics *m;

	if (arg->deadline_usec > 0)
		deadline = clock_monotonic_usec() + arg->deadline_usec;
	(void)kube_client_run(c, deadline);
	m = kube_client_metrics(c);
	o = cJSON_CreateObject();
	(void)json_add_text(o, "what", "metrics");
	(void)json_add_uint(o, "requests", m->requests);
	(void)json_add_uint(o, "failed", m->failed);
	(void)json_add_uint(o, "retries", m->retries);
	(void)json_add_uint(o, "connections", m->connections);
	print_line(o);
}

static void
verb_get(struct kube_client *c, const struct arguments *arg, char **paths, int n)
{
	static const struct kube_handlers handlers = { .on_data = on_data, .on_done = on_done };
	struct answer *answers = calloc((size_t)n + 1, sizeof(*answers));

	for (int i = 0; answers && i < n; i++) {
		char *query = strchr(paths[i], '?');
		struct kube_request request = {
			.timeout_usec = arg->timeout_usec,
			.max_bytes = arg->max_bytes,
			.lane = i < arg->n_logs ? KUBE_LANE_LOGS : KUBE_LANE_API,
		};

		answers[i] = (struct answer){
			.path = strdup(paths[i]),
			.print_body = arg->print_body,
			.first_bytes = arg->fail_after,
		};
		if (query)
			*query++ = '\0';
		request.path = paths[i];
		request.query = query;
		if (kube_get(c, &request, &handlers, &answers[i]) < 0)
			(void)fprintf(stderr, "kube-get: '%s' is refused\n", paths[i]);
	}
	run(c, arg);
	for (int i = 0; answers && i < n; i++) {
		free((char *)answers[i].path);
		free(answers[i].body);
	}
	free(answers);
}

static void
verb_list(struct kube_client *c, const struct arguments *arg, char **paths, int n)
{
	struct kube_list_handlers handlers = {
		.on_data = on_data,
		.on_page_end = on_page_end,
		.on_restart = arg->restart ? on_restart : NULL,
		.on_done = on_list_done,
	};
	struct answer *answers = calloc((size_t)n + 1, sizeof(*answers));

	for (int i = 0; answers && i < n; i++) {
		struct kube_list_request request = {
			.path = paths[i],
			.page_usec = arg->timeout_usec,
			.list_usec = arg->list_usec,
			.list_bytes = arg->max_bytes,
		};

		answers[i].path = paths[i];
		(void)kube_list(c, &request, &handlers, &answers[i]);
	}
	run(c, arg);
	for (int i = 0; answers && i < n; i++)
		free(answers[i].body);
	free(answers);
}

static void
verb_log(struct kube_client *c, const struct arguments *arg, char **words)
{
	static const struct kube_handlers handlers = { .on_data = on_data, .on_done = on_done };
	struct answer answer = { .path = words[2], .print_body = true };
	struct kube_log_request request = {
		.namespace = words[0],
		.pod = words[1],
		.container = words[2],
		.previous = arg->previous,
		.timeout_usec = arg->timeout_usec,
		.limit_bytes = arg->max_bytes,
	};

	(void)kube_get_log(c, &request, &handlers, &answer);
	run(c, arg);
	free(answer.body);
}

static void
verb_probe(struct kube_client *c)
{
	_cleanup_json_ cJSON *o = NULL;
	struct kube_probe p;

	kube_probe(c, 0, &p);
	o = describe("probe", p.failure, p.status, &p.fault);
	(void)json_add_bool(o, "usable", p.is_usable);
	(void)json_add_bool(o, "ready", p.is_ready);
	(void)json_add_text(o, "version", p.version);
	(void)json_add_uint(o, "ms", p.duration_usec / USEC_PER_MSEC);
	print_line(o);
}

static void
print_resources(cJSON *o, const struct kube_discovery *d)
{
	cJSON *resources = cJSON_AddArrayToObject(o, "resources");
	cJSON *stale = cJSON_AddArrayToObject(o, "stale");

	for (size_t i = 0; i < d->n_resources; i++) {
		const struct kube_resource *r = &d->resources[i];
		_cleanup_free_ char *path = kube_resource_path(r, NULL, NULL);
		cJSON *item = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(item, "path", path);
		(void)json_add_text(item, "kind", r->kind);
		(void)json_add_bool(item, "namespaced", r->is_namespaced);
		(void)json_add_bool(item, "list", r->verbs & KUBE_VERB_LIST);
		(void)json_add_bool(item, "all", kube_resource_in_category(r, "all"));
		(void)cJSON_AddItemToArray(resources, item);
	}
	for (size_t i = 0; i < d->n_stale; i++) {
		cJSON *item = cJSON_CreateObject();

		(void)json_add_text(item, "group", d->stale[i].group);
		(void)json_add_text(item, "version", d->stale[i].version);
		(void)json_add_text(item, "reason", d->stale[i].reason);
		(void)cJSON_AddItemToArray(stale, item);
	}
}

static void
verb_discover(struct kube_client *c, const struct arguments *arg)
{
	_cleanup_(kube_discovery_freep) struct kube_discovery *d = NULL;
	enum kube_failure failure = KUBE_FAILURE_NONE;
	_cleanup_json_ cJSON *o = NULL;
	uint64_t deadline = USEC_INFINITY;
	struct fault fault = { 0 };
	int r;

	if (arg->deadline_usec > 0)
		deadline = clock_monotonic_usec() + arg->deadline_usec;
	r = kube_discover(c, deadline, &d, &failure, &fault);
	o = describe("discover", failure, r < 0 ? -1 : 0, &fault);
	if (r >= 0) {
		(void)json_add_bool(o, "aggregated", d->is_aggregated);
		(void)json_add_uint(o, "raw", d->api_size + d->apis_size);
		print_resources(o, d);
	}
	print_line(o);
}

static uint64_t
msec(const char *text)
{
	return strtoull(text, NULL, 10) * USEC_PER_MSEC;
}

static void
parse_arguments(int argc, char **argv, struct arguments *arg)
{
	int o;

	while ((o = getopt(argc, argv, "+k:c:t:d:s:m:r:L:f:l:1bpR")) >= 0) {
		switch (o) {
		case 'k':
			arg->kubeconfig = optarg;
			break;
		case 'c':
			arg->options.connect_usec = msec(optarg);
			break;
		case 't':
			arg->timeout_usec = msec(optarg);
			break;
		case 'd':
			arg->deadline_usec = msec(optarg);
			break;
		case 's':
			arg->options.low_speed_usec = msec(optarg);
			break;
		case 'm':
			arg->max_bytes = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			arg->options.retries = (unsigned)atoi(optarg);
			if (arg->options.retries == 0)
				arg->options.retries = UINT_MAX;
			break;
		case 'L':
			arg->list_usec = msec(optarg);
			break;
		case 'f':
			arg->fail_after = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			arg->n_logs = atoi(optarg);
			break;
		case '1':
			arg->options.http1 = true;
			break;
		case 'b':
			arg->print_body = true;
			break;
		case 'p':
			arg->previous = true;
			break;
		case 'R':
			arg->restart = true;
			break;
		default:
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *config = NULL;
	_cleanup_(kube_client_freep) struct kube_client *c = NULL;
	struct arguments arg = { 0 };
	struct fault fault = { 0 };
	const char *verb;

	parse_arguments(argc, argv, &arg);
	verb = optind < argc ? argv[optind++] : "";
	if (!arg.kubeconfig || kubeconfig_load(arg.kubeconfig, &config, &fault) < 0 ||
	    kube_client_new(config, &arg.options, &c, &fault) < 0) {
		(void)fprintf(stderr, "kube-get: %s\n", fault.text);
		return 1;
	}
	if (streq(verb, "probe"))
		verb_probe(c);
	else if (streq(verb, "discover"))
		verb_discover(c, &arg);
	else if (streq(verb, "get"))
		verb_get(c, &arg, argv + optind, argc - optind);
	else if (streq(verb, "list"))
		verb_list(c, &arg, argv + optind, argc - optind);
	else if (streq(verb, "log") && argc - optind == 3)
		verb_log(c, &arg, argv + optind);
	else
		return 2;
	return 0;
}
