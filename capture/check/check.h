/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One look at what MicroShift needs: does its API answer, and its kubelet; are its certificates
 * well; is there disk space and memory. Done every minute, so it is cheap, and changes nothing.
 *
 * What is found are states, not events; whoever is told decides how often they must be found
 * before they count (see daemon/confirm.h). */

#include <stdbool.h>
#include <stddef.h>

#include "lib/report.h"

struct settings;

struct check_options {
	const char *root;	/* "" or a directory that stands for "/" */
	const char *kubeconfig; /* NULL: MicroShift's own */
	const struct settings *settings;
	int state_fd;	/* directory of what is remembered between checks; negative: none */
	bool remembers; /* whether this check may change it */
};

struct check {
	struct finding findings[FINDINGS_MAX];
	size_t n_findings;
	size_t n_left_out; /* for which there was no room */
	char **notes;	   /* owned strv: what could not be looked at, one sentence each */
};

/* Looks. What cannot be looked at is a note, no failure. */
void check_run(const struct check_options *options, struct check *ret);
void check_done(struct check *c);

/* For the parts below: adds F with the formatted message, or a note. */
void check_add(struct check *c, const struct finding *f, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void check_note(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The parts, in the order in which they count. */
void check_certificates(const struct check_options *options, struct check *c);
void check_endpoints(const struct check_options *options, struct check *c);
void check_space(const struct check_options *options, struct check *c);
void check_memory(const struct check_options *options, struct check *c);
