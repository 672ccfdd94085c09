/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* event-filter.html: the events of all collected namespaces on one page, in order of time.
 *
 * `oc adm inspect` writes one that loads its looks from the network and lets an event bring
 * HTML of its own. This one needs nothing but itself, and everything in it is escaped. */

#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"

struct kube_value;

/* Events on the page, the newest; with what is kept of each about 5 MB. */
#define EVENTPAGE_EVENTS_MAX	5000u
/* Longest message shown; ordinary ones have 100 to 300. */
#define EVENTPAGE_MESSAGE_BYTES 512u

struct eventpage;

/* Takes HTML. Returns 0 or a negative errno, which ends the writing. */
typedef int (*eventpage_write_fn)(const void *data, size_t size, void *userdata);

int eventpage_new(struct eventpage **ret);
void eventpage_free(struct eventpage *p);
DEFINE_CLEANUP(struct eventpage *, eventpage_free);

/* Remembers EVENT (of core/v1), of which nothing is kept by reference. Returns 0 or -ENOMEM. */
int eventpage_add(struct eventpage *p, const struct kube_value *event);

/* Writes the page. Returns 0, -ENOMEM, or what FN returned. */
int eventpage_write(struct eventpage *p, eventpage_write_fn fn, void *userdata);
