/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a report would take, without taking it: the collectors, where each is from, whether it
 * applies on this machine and why not, what it reads and runs, within which limits.
 *
 * The JSON is described in microshift-support-capture(8); msupportctl(1) shows it to people. */

#include <stdbool.h>
#include <stdio.h>

typedef struct cJSON cJSON;
struct collector_list;
struct request;
struct settings;

/* The time for the condition of one collector; only `rpm` and a broken disk need any. */
#define INVENTORY_WALL_USEC (5 * USEC_PER_SEC)

struct inventory_options {
	const struct collector_list *collectors; /* in the order in which they run */
	const struct request *request;		 /* its profile counts */
	const struct settings *settings;
	const char *root; /* as in capture.h */
	const char *kubeconfig;
	bool is_plan; /* of one report: within the limits of the profile, its commands only */
};

/* Returns NULL when out of memory. The caller owns it (cJSON_Delete()). */
cJSON *inventory_to_json(const struct inventory_options *options);

/* Prints an inventory, made of a plan, for people. */
void inventory_print_plan(const cJSON *inventory, FILE *f);

/* Prints an inventory, one line for each collector. */
void inventory_print_list(const cJSON *inventory, FILE *f);
