/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/kube/client.h"
#include "capture/kube/discovery.h"
#include "capture/kube/json.h"
#include "capture/kube/layout.h"
#include "capture/kube/listjob.h"
#include "capture/kube/pages.h"
#include "capture/kube/requestlog.h"
#include "capture/kube/run.h"
#include "capture/kube/value.h"
#include "capture/kube/yaml.h"
#include "lib/clock.h"
#include "lib/text.h"

/* Lists that the client is given at a time: a few more than it runs, so that it is never idle,
 * and few, because each that runs holds buffers. */
#define ACTIVE_MAX     8u
/* One page, from the request to its last byte. It is 4 MB from the same machine. */
#define PAGE_USEC      (15 * USEC_PER_SEC)
/* Of objects that were left out of one list, so many are noted. */
#define SKIP_NOTES_MAX 5u

struct job {
	struct listjob spec;
	char *selector; /* owned */
	struct job *next;
	struct listjobs *jobs;	      /* borrowed */
	struct kube_json *json;	      /* owned: of the page */
	struct kube_yaml *yaml;	      /* owned: of LISTJOB_FILE */
	struct bundle_member *member; /* owned: of LISTJOB_FILE */
	struct kube_value *head;      /* owned: of the first page */
	char *path;		      /* owned: of LISTJOB_FILE */
	char api_version[256];
	uint64_t n_items;
	uint64_t n_skipped;
	int error; /* of writing */
};

struct listjobs {
	struct kube_run *run; /* borrowed */
	struct job *first;    /* owned: waiting */
	struct job *last;
	unsigned n_active;
	bool is_starting;
};

static void
job_free(struct job *j)
{
	if (!j)
		return;
	kube_json_free(j->json);
	kube_yaml_free(j->yaml);
	bundle_member_abort(j->member);
	kube_value_free(j->head);
	free(j->path);
	free(j->selector);
	free(j);
}
DEFINE_CLEANUP(struct job *, job_free);

int
listjobs_new(struct kube_run *run, struct listjobs **ret)
{
	struct listjobs *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->run = run;
	*ret = j;
	return 0;
}

void
listjobs_free(struct listjobs *j)
{
	if (!j)
		return;
	while (j->first) {
		struct job *job = j->first;

		j->first = job->next;
		job_free(job);
	}
	free(j);
}

int
listjobs_add(struct listjobs *j, const struct listjob *spec)
{
	const struct kube_resource *r = spec->resource;
	_cleanup_(job_freep) struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->spec = *spec;
	job->jobs = j;
	if (spec->selector) {
		job->selector = strdup(spec->selector);
		if (!job->selector)
			return -ENOMEM;
	}
	(void)snprintf(job->api_version, sizeof(job->api_version), "%s%s%s", r->group,
	    *r->group ? "/" : "", r->version);
	if (j->last)
		j->last->next = job;
	else
		j->first = job;
	j->last = TAKE_PTR(job);
	return 0;
}

static struct requestlog *
log_of(const struct job *j)
{
	return j->spec.namespace ? j->jobs->run->namespace_log : j->jobs->run->cluster_log;
}

static int
on_yaml(const void *data, size_t size, void *userdata)
{
	struct job *j = userdata;

	return bundle_member_write(j->member, data, size);
}

static int
begin_file(struct job *j)
{
	struct bundle_member_options options = { .is_whole = true };
	const struct kube_resource *r = j->spec.resource;
	int k;

	if (j->spec.output != LISTJOB_FILE)
		return 0;
	k = j->path ? 0 : kube_layout_list(j->spec.namespace, r->group, r->plural, &j->path);
	if (k >= 0)
		k = kube_run_begin(j->jobs->run, j->path, &options, &j->member);
	if (k >= 0 && !j->yaml)
		k = kube_yaml_new(on_yaml, j, &j->yaml);
	return k < 0 ? k : kube_yaml_list_begin(j->yaml, j->api_version, r->kind);
}

/* Lists leave out what is the same for all their objects. */
static int
complete_object(const struct job *j, struct kube_value *object)
{
	int r = 0;

	if (!kube_value_get(object, "apiVersion"))
		r = kube_value_set_string(object, "apiVersion", j->api_version);
	if (r >= 0 && !kube_value_get(object, "kind"))
		r = kube_value_set_string(object, "kind", j->spec.resource->kind);
	return r;
}

static void
skip(struct job *j, const char *why)
{
	if (j->spec.is_quiet || j->n_skipped++ >= SKIP_NOTES_MAX)
		return;
	requestlog_note(log_of(j), "an object of %s%s%s is left out: %s",
	    j->spec.resource->plural, j->spec.namespace ? " in " : "",
	    j->spec.namespace ? j->spec.namespace : "", why);
	kube_run_problem(j->jobs->run, -EINVAL, "an object of %s is left out: %s",
	    j->spec.resource->plural, why);
}

static int
write_object(struct job *j, const struct kube_value *object, uint64_t redactions)
{
	const struct kube_resource *r = j->spec.resource;
	const char *name = kube_value_string(kube_value_find(object, "metadata", "name", NULL));
	_cleanup_free_ char *path = NULL;
	int k;

	if (!name) {
		skip(j, "it has no name");
		return 0;
	}
	k = kube_layout_object(j->spec.namespace, r->group, r->plural, name, &path);
	if (k == -EINVAL || k == -ENAMETOOLONG) {
		skip(j, "its name cannot be one of a file");
		return 0;
	}
	if (k == 1)
		requestlog_note(
		    log_of(j), "the name %s is too long for a file, it is in %s", name, path);
	if (k >= 0)
		k = kube_run_write(j->jobs->run, path, object, redactions);
	if (k == -EINVAL)
		skip(j, "it cannot be written as YAML");
	/* An inconsistent list may bring an object twice; without room the others may fit. */
	return k == -EINVAL || k == -EEXIST || k == -EDQUOT ? 0 : k;
}

static int
convert(struct job *j, struct kube_value *object)
{
	uint64_t redactions = 0;
	int r;

	r = complete_object(j, object);
	if (r >= 0)
		r = kube_run_redact(j->jobs->run, object, j->spec.resource->group,
		    j->spec.resource->plural, &redactions);
	if (r >= 0 && j->spec.look)
		r = j->spec.look(object, j->spec.userdata);
	if (r < 0 || j->spec.output == LISTJOB_NOTHING)
		return r;
	if (j->spec.output == LISTJOB_OBJECTS)
		return write_object(j, object, redactions);
	bundle_member_count_redactions(j->member, redactions);
	r = kube_yaml_list_item(j->yaml, object);
	if (r == -EINVAL) {
		skip(j, "it cannot be written as YAML");
		return 0;
	}
	return r;
}

static int
on_item(struct kube_value *item, void *userdata)
{
	_cleanup_(kube_value_freep) struct kube_value *object = item;
	struct job *j = userdata;
	int r;

	r = convert(j, object);
	if (r < 0)
		return j->error = r;
	j->n_items++;
	return 0;
}

static void
on_skip(const struct fault *why, void *userdata)
{
	skip(userdata, fault_text(why));
}

static int
on_page(unsigned number, void *userdata)
{
	struct job *j = userdata;
	struct kube_json_handlers handlers = {
		.on_item = on_item,
		.on_skip = on_skip,
		.userdata = j,
	};
	int r;

	kube_json_free(TAKE_PTR(j->json));
	r = kube_json_new(KUBE_JSON_LIST, &handlers, &j->json);
	if (r >= 0 && number == 0 && !j->member)
		r = begin_file(j);
	return r < 0 ? j->error = r : 0;
}

static int
on_data(const void *data, size_t size, void *userdata)
{
	struct job *j = userdata;

	return kube_json_feed(j->json, data, size, NULL);
}

static int
on_page_end(const char **ret_continue, void *userdata)
{
	struct job *j = userdata;
	const struct kube_value *head;
	int r;

	r = kube_json_finish(j->json, NULL);
	if (r < 0)
		return r;
	if (!kube_json_has_items(j->json))
		return -EBADMSG;
	if (!j->head) {
		j->head = kube_json_take_head(j->json);
		if (!j->head)
			return -ENOMEM;
		head = j->head;
	} else {
		head = kube_json_head(j->json);
	}
	*ret_continue = kube_value_string(kube_value_find(head, "metadata", "continue", NULL));
	return 0;
}

static int
on_restart(void *userdata)
{
	struct job *j = userdata;

	kube_value_free(TAKE_PTR(j->head));
	bundle_member_abort(TAKE_PTR(j->member));
	j->n_items = 0;
	return begin_file(j);
}

/* Ends the file. Nothing is stored of a list that brought no object before it failed. Returns
 * 1 when it is in the report, 0 when not, or what went wrong. */
static int
end_file(struct job *j, bool is_complete)
{
	_cleanup_(kube_value_freep) struct kube_value *empty = NULL;
	int r;

	if (!j->member)
		return j->spec.output == LISTJOB_FILE ? 0 : is_complete || j->n_items > 0;
	if (!is_complete && j->n_items == 0)
		return 0;
	if (!j->head) {
		empty = kube_value_new(KUBE_OBJECT, "", 0);
		if (!empty)
			return -ENOMEM;
	}
	r = kube_yaml_list_end(j->yaml, j->head ? j->head : empty);
	if (r < 0)
		return r;
	r = kube_run_end(j->jobs->run, TAKE_PTR(j->member));
	return r < 0 ? r : 1;
}

static void
log_end(struct job *j, const struct kube_list_result *result, int stored)
{
	bool is_gone = result->failure == KUBE_FAILURE_HTTP_404;
	const char *where = j->spec.namespace;
	struct requestlog_line line = {
		.what = j->spec.resource->plural,
		.where = where,
		.failure = result->failure,
		.is_normal = is_gone,
		.is_incomplete = stored > 0,
		.status = result->status,
		.retries = result->retries,
		.duration_usec = result->duration_usec,
		.bytes = result->bytes,
		.detail =
		    result->failure == KUBE_FAILURE_NONE ? NULL : fault_text(&result->fault),
	};

	if (j->spec.is_quiet)
		return;
	requestlog_add(log_of(j), &line);
	if (result->is_inconsistent)
		requestlog_note(log_of(j),
		    "%s%s%s changed while it was read: objects may be missing or twice",
		    j->spec.resource->plural, where ? " in " : "", where ? where : "");
	if (stored < 0)
		kube_run_problem(j->jobs->run, stored, "%s%s%s could not be stored: %s",
		    j->spec.resource->plural, where ? " in " : "", where ? where : "",
		    strerror(-stored));
	else if (result->failure != KUBE_FAILURE_NONE && !is_gone)
		kube_run_problem(j->jobs->run, result->fault.code, "%s%s%s %s: %s",
		    j->spec.resource->plural, where ? " in " : "", where ? where : "",
		    stored > 0 ? "is incomplete" : "is missing", fault_text(&result->fault));
}

static void
on_done(const struct kube_list_result *result, void *userdata)
{
	_cleanup_(job_freep) struct job *j = userdata;
	struct listjobs *jobs = j->jobs;
	bool is_complete = result->failure == KUBE_FAILURE_NONE;
	int stored;

	stored = end_file(j, is_complete);
	/* What had no room is told once, by the run. */
	log_end(j, result, stored == -EDQUOT ? 0 : stored);
	jobs->n_active--;
	if (j->spec.done)
		j->spec.done(is_complete, j->spec.userdata);
	listjobs_start(jobs);
}

static int
start(struct job *j)
{
	static const struct kube_list_handlers handlers = {
		.on_page = on_page,
		.on_data = on_data,
		.on_page_end = on_page_end,
		.on_restart = on_restart,
		.on_done = on_done,
	};
	_cleanup_free_ char *path =
	    kube_resource_path(j->spec.resource, j->spec.namespace, NULL);
	struct kube_list_request request = {
		.path = path,
		.selector = j->selector,
		.accept = j->spec.accept,
		.page_usec = PAGE_USEC,
	};

	return path ? kube_list(j->jobs->run->client, &request, &handlers, j) : -ENOMEM;
}

void
listjobs_start(struct listjobs *j)
{
	/* A job that cannot be queued ends at once and comes back here. */
	if (j->is_starting)
		return;
	j->is_starting = true;
	while (j->first && j->n_active < ACTIVE_MAX) {
		struct job *job = j->first;
		int r;

		j->first = job->next;
		if (!j->first)
			j->last = NULL;
		job->next = NULL;
		j->n_active++;
		r = start(job);
		if (r < 0) {
			struct kube_list_result result = { .failure = KUBE_FAILURE_LOCAL };

			(void)fault_set(&result.fault, r, "cannot ask: %m");
			on_done(&result, job);
		}
	}
	j->is_starting = false;
}
