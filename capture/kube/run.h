/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What all parts of one inspection share: where files go, what went wrong, what is known. */

#include <stdbool.h>
#include <stdint.h>

#include "capture/kube/redact.h"
#include "capture/sink/bundle.h"
#include "lib/fault.h"

struct collector_context;
struct eventpage;
struct kube_client;
struct kube_value;
struct kube_yaml;
struct podlogs;
struct requestlog;

/* Where the tree is in the report, as sos has it. */
#define KUBE_TREE "sos_commands/microshift/"

struct kube_run {
	struct collector_context *ctx;	  /* borrowed */
	struct bundle *bundle;		  /* borrowed: ctx's */
	uint64_t deadline_usec;		  /* monotonic; before that of the collector */
	struct kube_client *client;	  /* owned; NULL without an API */
	int stop_fd;			  /* borrowed: readable when asked to stop; -1 none */
	bool is_ready;			  /* the API says so */
	struct requestlog *cluster_log;	  /* owned */
	struct requestlog *namespace_log; /* owned */
	struct eventpage *events;	  /* owned */
	struct kube_yaml *yaml;		  /* owned; writes to `document` */
	struct bundle_member *document;	  /* owned while a single object is written */
	struct kube_redactions redactions;
	uint64_t flushed_usec; /* monotonic: what was written until then outlives a kill */
	bool is_full;	       /* the room for the tree is used up */
	uint64_t n_problems;   /* things that are missing or cut */
	struct fault problem;  /* the first of them */
};

/* Returns 0 or -ENOMEM, or the error of the bundle. */
int kube_run_init(struct kube_run *run, struct collector_context *ctx);
void kube_run_done(struct kube_run *run);

/* Something is missing: counts, notes in the manifest, and remembers the first. */
void kube_run_problem(struct kube_run *run, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The tree's PATH in the report, or NULL when out of memory. The caller frees it. */
char *kube_run_path(const char *path);
bool kube_run_has(const struct kube_run *run, const char *path);

/* As bundle_member_begin(), bundle_member_end() and bundle_add(), below KUBE_TREE. What has no
 * room makes the run full. An inspection may take a minute, and be killed in it: each second
 * the end of a member flushes the archive. */
int kube_run_begin(struct kube_run *run, const char *path,
    const struct bundle_member_options *options, struct bundle_member **ret);
int kube_run_end(struct kube_run *run, struct bundle_member *m);
int kube_run_add(struct kube_run *run, const char *path, const void *data, size_t size);

/* Takes the secrets out of OBJECT of PLURAL in GROUP; adds their number to *COUNT. Returns 0
 * or -ENOMEM, then OBJECT must not be written. */
int kube_run_redact(struct kube_run *run, struct kube_value *object, const char *group,
    const char *plural, uint64_t *count);

/* Writes OBJECT, which is redacted, as the file PATH. Returns 0, -EEXIST when it is there,
 * -EINVAL when it cannot be written as YAML, or the error of the bundle. */
int kube_run_write(struct kube_run *run, const char *path, const struct kube_value *object,
    uint64_t redactions);
