/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Objects as YAML files, in the text that `oc adm inspect` writes; yaml.c has the rules.
 *
 * Every file starts with "---". A list is written as its items come, and because keys are in
 * order, what is known only after the last page (kind, metadata) stands behind them. The text
 * goes to a callback in pieces; a file whose writing failed or was given up is incomplete, and
 * the caller drops it. */

#include <stddef.h>

#include "lib/cleanup.h"

struct kube_value;
struct fault;

/* Takes text. Returns 0 or a negative errno, which ends the file. */
typedef int (*kube_yaml_write_fn)(const void *data, size_t len, void *userdata);

struct kube_yaml;

/* A writer for any number of files, one after the other. Returns 0 or -ENOMEM. */
int kube_yaml_new(kube_yaml_write_fn fn, void *userdata, struct kube_yaml **ret);
void kube_yaml_free(struct kube_yaml *y);
DEFINE_CLEANUP(struct kube_yaml *, kube_yaml_free);

/* Writes one file with VALUE, an object. Returns 0, -ENOMEM, -EINVAL (not an object, too deep),
 * or the error of the callback. */
int kube_yaml_document(struct kube_yaml *y, const struct kube_value *value);

/* The same without "---", as aggregated-discovery-*.yaml are. */
int kube_yaml_document_bare(struct kube_yaml *y, const struct kube_value *value);

/* A list in three steps. API_VERSION is of the list; ITEM_KIND ("Pod") is written into items
 * that come without kind, as API_VERSION is. Begin drops what an earlier list left unfinished.
 */
int kube_yaml_list_begin(struct kube_yaml *y, const char *api_version, const char *item_kind);

/* Writes one item; members are added to ITEM. Returns as kube_yaml_document(); when it is
 * -EINVAL nothing was written and the list may go on. */
int kube_yaml_list_item(struct kube_yaml *y, struct kube_value *item);

/* HEAD is an object with `kind` and `metadata`, as kube_json_head(); other members than those
 * and apiVersion, items are written too, in order. `continue` and `remainingItemCount` of the
 * metadata, which say something of one page, are left out. Without `kind` it is ITEM_KIND
 * "List". */
int kube_yaml_list_end(struct kube_yaml *y, const struct kube_value *head);
