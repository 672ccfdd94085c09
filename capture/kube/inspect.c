/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/collector.h"
#include "capture/kube/client.h"
#include "capture/kube/connect.h"
#include "capture/kube/discovery.h"
#include "capture/kube/discoveryfiles.h"
#include "capture/kube/eventpage.h"
#include "capture/kube/fingerprint.h"
#include "capture/kube/inspect.h"
#include "capture/kube/layout.h"
#include "capture/kube/listjob.h"
#include "capture/kube/namespaces.h"
#include "capture/kube/nodelogs.h"
#include "capture/kube/plan.h"
#include "capture/kube/podlogs.h"
#include "capture/kube/podstate.h"
#include "capture/kube/requestlog.h"
#include "capture/kube/run.h"
#include "capture/kube/value.h"
#include "capture/notes.h"
#include "lib/clock.h"
#include "lib/settings.h"
#include "lib/text.h"

/* Everything that is not an answer to a request for data, in all. */
#define DISCOVERY_USEC	 (10 * USEC_PER_SEC)
/* Namespaces that are listed in the selector of the question for failing pods; with more the
 * answer is filtered here. Each takes 80 characters of the address at most. */
#define SELECTOR_MAX	 60u
/* Namespaces of webhooks that are named as not followed. */
#define NOT_FOLLOWED_MAX 50u

struct namespace
{
	struct inspect *inspect; /* borrowed */
	char *name;		 /* owned */
	bool is_wanted;
	bool is_failing; /* a pod of it is; only known of those that are not wanted by name */
};

struct inspect {
	struct kube_run run;
	const struct kube_inspect_options *options; /* borrowed */
	struct kube_inspect_result *result;	    /* borrowed */
	struct kube_discovery *discovery;	    /* owned */
	struct kube_plan plan;
	struct listjobs *lists;	       /* owned */
	struct podlogs *logs;	       /* owned */
	struct namespace **namespaces; /* owned */
	size_t n_namespaces;
	char **not_followed; /* owned strv: namespaces that webhooks point to */
	char started[64];
	/* Lists that may bring pods whose logs are wanted. */
	unsigned pods_pending;
	uint64_t n_pods;
	uint64_t n_not_ready;
	uint64_t n_inspected;
};

static void
inspect_done(struct inspect *i)
{
	/* First the client: it ends requests, whose handlers use all the others. */
	kube_client_free(TAKE_PTR(i->run.client));
	podlogs_freep(&i->logs);
	listjobs_freep(&i->lists);
	kube_plan_done(&i->plan);
	kube_discovery_freep(&i->discovery);
	for (size_t n = 0; n < i->n_namespaces; n++) {
		free(i->namespaces[n]->name);
		free(i->namespaces[n]);
	}
	free(i->namespaces);
	strv_free(i->not_followed);
	kube_run_done(&i->run);
}

/* A line of `timestamp`, as Go prints a time. */
static const char *
format_time(char *buf, size_t size)
{
	uint64_t now = clock_realtime_usec();
	time_t seconds = (time_t)(now / USEC_PER_SEC);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(buf, size, "%s.%06" PRIu64 " +0000 UTC", text, now % USEC_PER_SEC);
	return buf;
}

static int
add_timestamp(struct inspect *i)
{
	char text[160];
	char end[64];

	(void)snprintf(
	    text, sizeof(text), "%s\n%s\n", i->started, format_time(end, sizeof(end)));
	return kube_run_add(&i->run, "timestamp", text, strlen(text));
}

static int
on_html(const void *data, size_t size, void *userdata)
{
	return bundle_member_write(userdata, data, size);
}

static int
add_events_page(struct inspect *i)
{
	/* Its texts come from objects that are redacted. */
	struct bundle_member_options options = { .is_whole = true };
	struct bundle_member *member;
	int r;

	r = kube_run_begin(&i->run, "event-filter.html", &options, &member);
	if (r < 0)
		return r;
	r = eventpage_write(i->run.events, on_html, member);
	if (r < 0) {
		bundle_member_abort(member);
		return r;
	}
	return kube_run_end(&i->run, member);
}

/* What there is in any case, and at the end, when all is known. */
static void
add_frame(struct inspect *i)
{
	(void)add_timestamp(i);
	(void)add_events_page(i);
	(void)requestlog_end(TAKE_PTR(i->run.cluster_log));
	(void)requestlog_end(TAKE_PTR(i->run.namespace_log));
}

/* Namespaces. */

static struct namespace *
find_namespace(const struct inspect *i, const char *name)
{
	for (size_t n = 0; n < i->n_namespaces; n++)
		if (streq(i->namespaces[n]->name, name))
			return i->namespaces[n];
	return NULL;
}

static int
add_namespace(struct inspect *i, const char *name, struct namespace **ret)
{
	struct namespace **list;
	struct namespace *ns;

	list = reallocarray(i->namespaces, i->n_namespaces + 1, sizeof(struct namespace *));
	if (!list)
		return -ENOMEM;
	i->namespaces = list;
	ns = calloc(1, sizeof(*ns));
	if (!ns)
		return -ENOMEM;
	ns->inspect = i;
	ns->name = strdup(name);
	if (!ns->name) {
		free(ns);
		return -ENOMEM;
	}
	ns->is_wanted = namespaces_wanted(i->run.ctx, name);
	list[i->n_namespaces++] = ns;
	*ret = ns;
	return 0;
}

static int
write_namespace(struct inspect *i, const struct kube_value *object, const char *name)
{
	_cleanup_free_ char *path = NULL;
	int r;

	r = kube_layout_namespace(name, &path);
	if (r >= 0)
		r = kube_run_write(&i->run, path, object, 0);
	return r == -ENOMEM ? r : 0;
}

/* Pods: their own files, their state, and their logs. */

struct pod {
	struct inspect *inspect;
	const char *namespace;
	const char *name;
};

static int
on_container(const struct podstate_container *c, void *userdata)
{
	struct pod *pod = userdata;

	return podlogs_add(pod->inspect->logs, pod->namespace, pod->name, c);
}

static int
look_at_pod(struct kube_value *object, void *userdata)
{
	struct namespace *ns = userdata;
	struct inspect *i = ns->inspect;
	struct pod pod = {
		.inspect = i,
		.namespace = ns->name,
		.name = kube_value_string(kube_value_find(object, "metadata", "name", NULL)),
	};
	_cleanup_free_ char *path = NULL;
	struct podstate state;
	int r;

	if (!pod.name)
		return 0;
	r = kube_layout_pod(ns->name, pod.name, &path);
	if (r >= 0)
		r = kube_run_write(&i->run, path, object, 0);
	/* Twice in a list that was read while it changed: its logs are known, too. */
	if (r == -EEXIST)
		return 0;
	if (r < 0 && r != -EDQUOT)
		return r == -ENOMEM ? r : 0;
	podstate_read(object, &state);
	i->n_pods++;
	if (!state.is_ready)
		i->n_not_ready++;
	if (i->options->is_copy)
		return 0;
	return podstate_containers(object, on_container, &pod);
}

static int
look_at_event(struct kube_value *object, void *userdata)
{
	struct namespace *ns = userdata;

	return eventpage_add(ns->inspect->run.events, object);
}

static void
pods_are_known(struct inspect *i)
{
	if (--i->pods_pending == 0)
		podlogs_start(i->logs);
}

static void
pods_done(bool is_complete, void *userdata)
{
	struct namespace *ns = userdata;

	(void)is_complete;
	pods_are_known(ns->inspect);
}

static int
add_list(struct namespace *ns, const struct kube_plan_item *item)
{
	struct inspect *i = ns->inspect;
	const struct kube_resource *r = item->resource;
	bool is_core = *r->group == '\0';
	struct listjob job = {
		.resource = r,
		.namespace = ns->name,
		.output = LISTJOB_FILE,
		.userdata = ns,
	};
	int k;

	if (is_core && streq(r->plural, "pods")) {
		job.look = look_at_pod;
		job.done = pods_done;
	} else if (is_core && streq(r->plural, "events")) {
		job.look = look_at_event;
	}
	k = listjobs_add(i->lists, &job);
	if (k >= 0 && job.done)
		i->pods_pending++;
	return k;
}

/* Queues the lists of the namespaces from FIRST on that FILTER takes: first all pods, since
 * the logs wait for them. */
static int
add_namespace_lists(struct inspect *i, bool (*filter)(const struct namespace *ns))
{
	for (size_t k = 0; k < i->plan.n_namespaced; k++) {
		for (size_t n = 0; n < i->n_namespaces; n++) {
			int r;

			if (!filter(i->namespaces[n]))
				continue;
			if (k == 0)
				i->n_inspected++;
			r = add_list(i->namespaces[n], &i->plan.namespaced[k]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static bool
is_wanted(const struct namespace *ns)
{
	return ns->is_wanted;
}

static bool
is_failing(const struct namespace *ns)
{
	return ns->is_failing && !ns->is_wanted;
}

/* Namespaces with failing pods. */

static int
look_for_failing(struct kube_value *object, void *userdata)
{
	struct inspect *i = userdata;
	const char *name =
	    kube_value_string(kube_value_find(object, "metadata", "namespace", NULL));
	struct namespace *ns = name ? find_namespace(i, name) : NULL;
	struct podstate state;

	if (!ns || ns->is_wanted || ns->is_failing)
		return 0;
	podstate_read(object, &state);
	if (!state.is_failing)
		return 0;
	ns->is_failing = true;
	requestlog_note(i->run.namespace_log, "namespace %s is taken for its pod %s: %s", name,
	    kube_value_string(kube_value_find(object, "metadata", "name", NULL)), state.reason);
	return 0;
}

/* Of a namespace that was not written when all were listed. */
static int
look_at_namespace(struct kube_value *object, void *userdata)
{
	struct namespace *ns = userdata;

	return write_namespace(ns->inspect, object, ns->name);
}

static int
add_namespace_object(struct namespace *ns)
{
	struct inspect *i = ns->inspect;
	_cleanup_free_ char *selector =
	    text_format("fieldSelector=metadata.name%%3D%s", ns->name);
	struct listjob job = {
		.resource = kube_discovery_find(i->discovery, "namespaces"),
		.selector = selector,
		.output = LISTJOB_NOTHING,
		.look = look_at_namespace,
		.userdata = ns,
	};

	return selector ? listjobs_add(i->lists, &job) : -ENOMEM;
}

static void
on_failing_known(bool is_complete, void *userdata)
{
	struct inspect *i = userdata;
	int r = 0;

	(void)is_complete;
	for (size_t n = 0; n < i->n_namespaces && r >= 0; n++)
		if (is_failing(i->namespaces[n]))
			r = add_namespace_object(i->namespaces[n]);
	if (r >= 0)
		r = add_namespace_lists(i, is_failing);
	if (r < 0)
		kube_run_problem(
		    &i->run, r, "namespaces with failing pods are missing: %s", strerror(-r));
	pods_are_known(i);
}

/* "fieldSelector=metadata.namespace!=a,…" so that only pods come which are not taken anyway.
 * Names of namespaces need no escaping. */
static char *
make_selector(const struct inspect *i)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	unsigned n_wanted = 0;

	if (!f)
		return NULL;
	for (size_t n = 0; n < i->n_namespaces && n_wanted <= SELECTOR_MAX; n++) {
		if (!i->namespaces[n]->is_wanted)
			continue;
		(void)fprintf(f, "%smetadata.namespace%%21%%3D%s",
		    n_wanted++ > 0 ? "%2C" : "fieldSelector=", i->namespaces[n]->name);
	}
	if (fclose(f) != 0 || n_wanted == 0 || n_wanted > SELECTOR_MAX) {
		free(text);
		return NULL;
	}
	return text;
}

static int
look_for_failing_pods(struct inspect *i)
{
	_cleanup_free_ char *selector = NULL;
	struct listjob job = {
		.resource = kube_discovery_find(i->discovery, "pods"),
		.output = LISTJOB_NOTHING,
		.look = look_for_failing,
		.done = on_failing_known,
		.userdata = i,
	};
	size_t n_others = 0;
	int r;

	for (size_t n = 0; n < i->n_namespaces; n++)
		n_others += !i->namespaces[n]->is_wanted;
	if (!namespaces_want_failing(i->run.ctx) || n_others == 0 || !job.resource)
		return 0;
	selector = make_selector(i);
	job.selector = selector;
	r = listjobs_add(i->lists, &job);
	if (r >= 0)
		i->pods_pending++;
	return r;
}

static int
on_namespace(struct kube_value *object, void *userdata)
{
	struct inspect *i = userdata;
	const char *name = kube_value_string(kube_value_find(object, "metadata", "name", NULL));
	struct namespace *ns = name ? find_namespace(i, name) : NULL;
	int r;

	if (!name || ns)
		return 0;
	r = add_namespace(i, name, &ns);
	return r < 0 || !ns->is_wanted ? r : write_namespace(i, object, name);
}

static void
on_namespaces_known(bool is_complete, void *userdata)
{
	struct inspect *i = userdata;
	int r;

	(void)is_complete;
	r = add_namespace_lists(i, is_wanted);
	if (r >= 0)
		r = look_for_failing_pods(i);
	if (r < 0)
		kube_run_problem(&i->run, r, "namespaces are missing: %s", strerror(-r));
	pods_are_known(i);
}

/* Objects of the cluster. */

static int
remember_service(struct inspect *i, const struct kube_value *client_config)
{
	const char *name =
	    kube_value_string(kube_value_find(client_config, "service", "namespace", NULL));

	if (!name || namespaces_wanted(i->run.ctx, name) ||
	    strv_contains(i->not_followed, name) ||
	    strv_length(i->not_followed) >= NOT_FOLLOWED_MAX)
		return 0;
	return strv_append(&i->not_followed, name);
}

/* Webhooks and conversions of CRDs name services; oc takes their namespaces as a whole, with
 * Secrets and logs, whatever namespaces were asked for. */
static int
look_for_services(struct kube_value *object, void *userdata)
{
	struct inspect *i = userdata;
	const struct kube_value *hook;
	int r;

	KUBE_VALUE_FOREACH (hook, kube_value_get(object, "webhooks")) {
		r = remember_service(i, kube_value_get(hook, "clientConfig"));
		if (r < 0)
			return r;
	}
	return remember_service(
	    i, kube_value_find(object, "spec", "conversion", "webhook", "clientConfig", NULL));
}

static bool
has_webhooks(const char *plural)
{
	return streq(plural, "mutatingwebhookconfigurations") ||
	    streq(plural, "validatingwebhookconfigurations") ||
	    streq(plural, "customresourcedefinitions");
}

static int
add_jobs(struct inspect *i)
{
	struct listjob namespaces = {
		.resource = kube_discovery_find(i->discovery, "namespaces"),
		.output = LISTJOB_NOTHING,
		.look = on_namespace,
		.done = on_namespaces_known,
		.userdata = i,
	};
	int r = 0;

	if (namespaces.resource) {
		r = listjobs_add(i->lists, &namespaces);
		i->pods_pending++;
	}
	for (size_t k = 0; k < i->plan.n_cluster && r >= 0; k++) {
		const struct kube_plan_item *item = &i->plan.cluster[k];
		struct listjob job = {
			.resource = item->resource,
			.output = item->is_list_file ? LISTJOB_FILE : LISTJOB_OBJECTS,
			.look = has_webhooks(item->resource->plural) ? look_for_services : NULL,
			.userdata = i,
		};

		r = listjobs_add(i->lists, &job);
	}
	return r;
}

static void
note_absent(struct requestlog *log, char *const *names)
{
	for (; names && *names; names++)
		requestlog_note(log, "%s is not served here", *names);
}

static void
note_not_followed(struct inspect *i)
{
	for (char **name = i->not_followed; name && *name; name++) {
		const struct namespace *ns = find_namespace(i, *name);

		if (ns && ns->is_failing)
			continue;
		requestlog_note(i->run.namespace_log,
		    "namespace %s is not followed: only a webhook points to it", *name);
		(void)notes_add(i->run.ctx,
		    "namespace %s, which a webhook points to, is not collected; AddNamespaces= "
		    "takes it",
		    *name);
	}
}

/* Whether a copy is worth making. Returns 1 when nothing changed since the last one. */
static int
look_for_changes(struct inspect *i)
{
	int r;

	r = fingerprint_take(&i->run, &i->plan, &i->result->fingerprint);
	if (r < 0) {
		kube_run_problem(
		    &i->run, r, "whether anything changed cannot be told: %s", strerror(-r));
		return r;
	}
	i->result->is_unchanged = i->result->fingerprint == i->options->fingerprint;
	return i->result->is_unchanged;
}

/* Whether the API is well still, after something went wrong. What was cut short by its end must
 * not take the place of a good copy. */
static int
look_again(struct inspect *i)
{
	struct kube_probe probe;

	kube_probe(i->run.client, 0, &probe);
	return probe.is_ready ? 0 : -EAGAIN;
}

/* With an API that answers: everything. */
static int
inspect_api(struct inspect *i)
{
	uint64_t end = clock_monotonic_usec() + DISCOVERY_USEC;
	enum kube_failure failure;
	struct fault fault = { 0 };
	int r;

	r = kube_discover(i->run.client,
	    end < i->run.deadline_usec ? end : i->run.deadline_usec, &i->discovery, &failure,
	    &fault);
	if (r < 0) {
		kube_run_problem(&i->run, r, "discovery failed: %s", fault_text(&fault));
		return r;
	}
	r = kube_plan_make(i->discovery, &i->plan);
	if (r >= 0 && i->options->is_copy) {
		r = look_for_changes(i);
		if (r > 0)
			return 0;
	}
	if (r < 0)
		return r;
	discoveryfiles_add(&i->run, i->discovery);
	r = listjobs_new(&i->run, &i->lists);
	if (r >= 0)
		r = podlogs_new(&i->run, &i->logs);
	if (r >= 0)
		r = add_jobs(i);
	if (r < 0)
		return r;
	note_absent(i->run.cluster_log, i->plan.absent_cluster);
	note_absent(i->run.namespace_log, i->plan.absent_namespaced);
	listjobs_start(i->lists);
	r = kube_client_run(i->run.client, i->run.deadline_usec);
	if (r != 0)
		kube_run_problem(&i->run, r < 0 ? r : -ETIME,
		    "the time was over before all answers were there");
	note_not_followed(i);
	return i->options->is_copy && i->run.n_problems > 0 ? look_again(i) : 0;
}

/* Without an API: what this node has. */
static enum outcome
inspect_node(struct inspect *i, struct fault *reterr)
{
	int n = 0;

	requestlog_note(i->run.namespace_log, "without an API: %s", fault_text(reterr));
	(void)notes_add(i->run.ctx, "the API cannot be used: %s", fault_text(reterr));
	if (i->run.ctx->settings->max_log_bytes > 0 && nodelogs_exist(i->run.ctx))
		n = nodelogs_add_all(&i->run, UINT64_MAX);
	fault_wrap(reterr, "the API cannot be used; logs of %d containers are from %s",
	    n > 0 ? n : 0, NODELOGS_DIR);
	return n > 0 ? OUTCOME_PARTIAL : OUTCOME_FAILED;
}

static enum outcome
finish(struct inspect *i, struct fault *reterr)
{
	(void)notes_add(i->run.ctx,
	    "cluster: %" PRIu64 " namespaces, %" PRIu64 " pods, %" PRIu64 " of them not ready",
	    i->n_inspected, i->n_pods, i->n_not_ready);
	if (i->logs && podlogs_left(i->logs) > 0)
		kube_run_problem(&i->run, -ETIME, "%u logs of containers were not asked for",
		    podlogs_left(i->logs));
	if (i->run.n_problems == 0)
		return OUTCOME_OK;
	*reterr = i->run.problem;
	if (i->run.n_problems > 1)
		fault_wrap(reterr, "%" PRIu64 " problems, see the notes; the first",
		    i->run.n_problems);
	return collector_must_stop(i->run.ctx) ? OUTCOME_TIMED_OUT : OUTCOME_PARTIAL;
}

enum outcome
kube_inspect(struct collector_context *ctx, const struct kube_inspect_options *options,
    struct kube_inspect_result *ret, struct fault *reterr)
{
	_cleanup_(inspect_done) struct inspect i = { .options = options, .result = ret };
	enum outcome outcome;
	int r;

	*ret = (struct kube_inspect_result){ 0 };
	(void)format_time(i.started, sizeof(i.started));
	r = kube_run_init(&i.run, ctx);
	/* Readers take the tree for one by this directory, and ages from its time. */
	if (r >= 0)
		r = bundle_add_directory(ctx->bundle, KUBE_TREE "namespaces");
	if (r < 0) {
		fault_set(reterr, r, "the tree cannot be begun: %m");
		return OUTCOME_FAILED;
	}
	r = kube_connect(&i.run, reterr);
	if (r >= 0)
		r = options->is_copy && !i.run.is_ready ? -EAGAIN : inspect_api(&i);
	ret->has_api = r >= 0;
	if (r < 0 && i.run.client)
		*reterr = i.run.problem;
	if (r >= 0)
		outcome = finish(&i, reterr);
	else
		outcome = options->is_copy ? OUTCOME_FAILED : inspect_node(&i, reterr);
	add_frame(&i);
	return outcome;
}
