/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lists of the API on their way into files, several at a time, each on its own: one that fails
 * costs the others nothing. An object is in memory only while it is converted. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/cleanup.h"

struct kube_resource;
struct kube_run;
struct kube_value;
struct listjobs;

/* What becomes of the objects. */
enum listjob_output {
	LISTJOB_FILE,	 /* one file with the list */
	LISTJOB_OBJECTS, /* one file for each object */
	LISTJOB_NOTHING, /* they are only looked at */
};

struct listjob {
	const struct kube_resource *resource; /* borrowed until the end of the jobs */
	const char *namespace;		      /* borrowed likewise; NULL = of the cluster */
	const char *selector; /* borrowed until listjobs_add() returns, or NULL */
	const char *accept;   /* a constant, or NULL = application/json */
	enum listjob_output output;
	bool is_quiet; /* neither logged, nor a problem when it fails */
	/* Looks at an object, which is redacted, before it is written; may be NULL. Negative
	 * ends the list. */
	int (*look)(struct kube_value *object, void *userdata);
	/* The list is over, complete or not; may be NULL. May add jobs. */
	void (*done)(bool is_complete, void *userdata);
	void *userdata;
};

int listjobs_new(struct kube_run *run, struct listjobs **ret);
void listjobs_free(struct listjobs *j);
DEFINE_CLEANUP(struct listjobs *, listjobs_free);

/* Adds a job, which is copied, behind the others; it starts when there is a place. Returns 0
 * or -ENOMEM. */
int listjobs_add(struct listjobs *j, const struct listjob *job);

/* Starts jobs, before kube_client_run(). */
void listjobs_start(struct listjobs *j);
