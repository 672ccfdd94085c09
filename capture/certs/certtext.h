/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates for people who read a report. */

#include <stddef.h>

struct certscan;
struct tlsprobe_result;
struct tlsprobe_target;

/* A table, one line each, and below it all that is known of each. All functions return NULL
 * when out of memory; the caller frees the text. */
char *certtext_inventory(const struct certscan *s);

/* Each finding with its class, path and sentence; a line that says so when there is none. */
char *certtext_findings(const struct certscan *s);

/* What each of N servers did: result, certificates, transcript. */
char *certtext_tls(
    const struct tlsprobe_target *targets, const struct tlsprobe_result *results, size_t n);
