/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* JSON from the API server, parsed as it arrives.
 *
 * A list is never in memory as a whole: each element of its `items` is handed over when it is
 * complete, what stands beside `items` (apiVersion, kind, metadata) is collected in the head,
 * in whatever order it comes. An item that goes beyond a limit, or has a key twice, is skipped
 * with a reason and the list goes on; text that is not JSON, or ends too soon, is an error.
 * Bytes that are not UTF-8 become U+FFFD, as in Go; so do lone low surrogates. yajl makes "?"
 * of a lone high one. */

#include <stddef.h>
#include <stdint.h>

#include "capture/kube/value.h"

struct fault;

/* Longest text of one item or document: etcd takes objects of 1.5 MiB, discovery of a large
 * cluster has 2. */
#define KUBE_JSON_ITEM_MAX_BYTES (8u * 1024u * 1024u)
/* Most memory of one item or document as values. Real objects need four times their text. */
#define KUBE_JSON_TREE_MAX_BYTES (32u * 1024u * 1024u)
/* Most memory of what stands beside the items of a list; it is a few hundred bytes. */
#define KUBE_JSON_HEAD_MAX_BYTES (1024u * 1024u)

enum kube_json_mode {
	KUBE_JSON_LIST,	    /* an object with `items`; a Status, which has none, too */
	KUBE_JSON_DOCUMENT, /* one object */
};

struct kube_json_handlers {
	/* Takes one item. Consumes ITEM. A negative errno ends the parsing with it. The head
	 * so far is available: a list of built-in kind has its `kind` in front. */
	int (*on_item)(struct kube_value *item, void *userdata);
	/* An item was left out; WHY names it when its name was seen. May be NULL. */
	void (*on_skip)(const struct fault *why, void *userdata);
	void *userdata;
};

struct kube_json;

/* HANDLERS (copied) may be NULL for a document. Returns 0 or -ENOMEM. */
int kube_json_new(enum kube_json_mode mode, const struct kube_json_handlers *handlers,
    struct kube_json **ret);
void kube_json_free(struct kube_json *p);
DEFINE_CLEANUP(struct kube_json *, kube_json_free);

/* Parses the next bytes, cut anywhere. Returns 0, -EBADMSG (not JSON, or not a list), -E2BIG
 * (a limit that cannot be skipped over), -ENOMEM, or what on_item returned. After an error the
 * same is returned again. */
int kube_json_feed(struct kube_json *p, const void *data, size_t len, struct fault *reterr);

/* The text is complete. Returns 0 or -EBADMSG when it cannot be, or an earlier error. */
int kube_json_finish(struct kube_json *p, struct fault *reterr);

/* List: what stood beside `items` so far, an object. Document: the object, empty before
 * kube_json_finish(). Never NULL; borrowed until kube_json_free(). */
const struct kube_value *kube_json_head(const struct kube_json *p);
/* The same for keeping; the parser has an empty object from then on, NULL when out of memory.
 */
struct kube_value *kube_json_take_head(struct kube_json *p);

/* Of a list: whether there was `items` (an array or null), items handed over, left out. */
bool kube_json_has_items(const struct kube_json *p);
uint64_t kube_json_n_items(const struct kube_json *p);
uint64_t kube_json_n_skipped(const struct kube_json *p);
