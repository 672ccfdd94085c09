/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "capture/collector.h"
#include "capture/kube/client.h"
#include "capture/kube/eventpage.h"
#include "capture/kube/requestlog.h"
#include "capture/kube/run.h"
#include "capture/kube/value.h"
#include "capture/kube/yaml.h"
#include "capture/notes.h"
#include "capture/stop.h"
#include "lib/clock.h"
#include "lib/text.h"

/* Kept for what comes after the last answer: ends of files, the events page, logs. */
#define END_USEC   USEC_PER_SEC
/* How often what was written is made to outlive a kill. It costs the compression little. */
#define FLUSH_USEC USEC_PER_SEC

static int
on_document(const void *data, size_t size, void *userdata)
{
	struct kube_run *run = userdata;

	return bundle_member_write(run->document, data, size);
}

int
kube_run_init(struct kube_run *run, struct collector_context *ctx)
{
	int r;

	*run = (struct kube_run){
		.ctx = ctx,
		.bundle = ctx->bundle,
		.stop_fd = stop_fd(),
		.flushed_usec = clock_monotonic_usec(),
	};
	run->deadline_usec = ctx->deadline_usec;
	if (run->deadline_usec != USEC_INFINITY && run->deadline_usec > END_USEC)
		run->deadline_usec -= END_USEC;
	r = requestlog_new(
	    run->bundle, KUBE_TREE "inspect_cluster_resources.log", &run->cluster_log);
	if (r >= 0)
		r = requestlog_new(
		    run->bundle, KUBE_TREE "inspect_namespaces.log", &run->namespace_log);
	if (r >= 0)
		r = eventpage_new(&run->events);
	if (r >= 0)
		r = kube_yaml_new(on_document, run, &run->yaml);
	return r;
}

void
kube_run_done(struct kube_run *run)
{
	kube_client_freep(&run->client);
	bundle_member_abortp(&run->document);
	kube_yaml_freep(&run->yaml);
	eventpage_freep(&run->events);
	requestlog_freep(&run->namespace_log);
	requestlog_freep(&run->cluster_log);
}

void
kube_run_problem(struct kube_run *run, int code, const char *format, ...)
{
	char text[FAULT_TEXT_MAX_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (run->n_problems++ == 0)
		(void)fault_set(&run->problem, code < 0 ? code : -EIO, "%s", text);
	(void)notes_add(run->ctx, "%s", text);
}

char *
kube_run_path(const char *path)
{
	return text_format(KUBE_TREE "%s", path);
}

bool
kube_run_has(const struct kube_run *run, const char *path)
{
	_cleanup_free_ char *full = kube_run_path(path);

	return full && bundle_contains(run->bundle, full);
}

static int
remember_room(struct kube_run *run, const char *path, int r)
{
	if (r != -EDQUOT || run->is_full)
		return r;
	run->is_full = true;
	kube_run_problem(run, r, "there was no room for %s and some of what follows", path);
	return r;
}

int
kube_run_begin(struct kube_run *run, const char *path,
    const struct bundle_member_options *options, struct bundle_member **ret)
{
	_cleanup_free_ char *full = kube_run_path(path);

	if (!full)
		return -ENOMEM;
	return remember_room(run, path, bundle_member_begin(run->bundle, full, options, ret));
}

int
kube_run_end(struct kube_run *run, struct bundle_member *m)
{
	int r = bundle_member_end(m);
	uint64_t now = clock_monotonic_usec();

	if (r >= 0 && now - run->flushed_usec >= FLUSH_USEC) {
		int k = bundle_flush(run->bundle, NULL);

		run->flushed_usec = now;
		r = k < 0 ? k : r;
	}
	return remember_room(run, "a file", r);
}

int
kube_run_add(struct kube_run *run, const char *path, const void *data, size_t size)
{
	_cleanup_free_ char *full = kube_run_path(path);

	if (!full)
		return -ENOMEM;
	return remember_room(run, path, bundle_add(run->bundle, full, data, size, NULL));
}

static uint64_t
count_all(const struct kube_redactions *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < _KUBE_REDACT_KIND_COUNT; i++)
		n += r->counts[i];
	return n;
}

int
kube_run_redact(struct kube_run *run, struct kube_value *object, const char *group,
    const char *plural, uint64_t *count)
{
	uint64_t before = count_all(&run->redactions);
	int r;

	r = kube_redact_object(object, group, plural, &run->redactions);
	if (r < 0)
		return r;
	*count += count_all(&run->redactions) - before;
	return 0;
}

int
kube_run_write(struct kube_run *run, const char *path, const struct kube_value *object,
    uint64_t redactions)
{
	struct bundle_member_options options = { .is_whole = true };
	int r;

	if (kube_run_has(run, path))
		return -EEXIST;
	r = kube_run_begin(run, path, &options, &run->document);
	if (r < 0)
		return r;
	bundle_member_count_redactions(run->document, redactions);
	r = kube_yaml_document(run->yaml, object);
	if (r < 0) {
		bundle_member_abort(TAKE_PTR(run->document));
		return r;
	}
	return kube_run_end(run, TAKE_PTR(run->document));
}
