/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* ForEach= of collect.d(5): a command that is run once for each thing which another one lists.
 *
 * What lists them is foreign: an item is the first word of a line, is made of letters, digits
 * and "._:/@%+=,-", and does not begin with a dash, so that it cannot be taken for an option.
 * Other lines (messages, headings, empty ones) are left out. */

#include <stddef.h>
#include <stdint.h>

struct collector_context;
struct fault;

/* What is replaced by the item in the words of the command. */
#define FOREACH_PLACE "{}"

/* Longest item: a full container ID has 64 characters, a name in Kubernetes 253. */
#define FOREACH_ITEM_BYTES	 256u
/* Output of the command that lists; the IDs of 250 containers are 16 KiB. */
#define FOREACH_OUTPUT_MAX_BYTES (256u * 1024u)

/* The items in DATA[SIZE], each once, in its order, at most MAX_ITEMS; *ret_left_out is the
 * number of those beyond. Returns 0 or -ENOMEM. The caller owns *ret (strv_free()). */
int foreach_parse(
    const char *data, size_t size, uint64_t max_items, char ***ret, size_t *ret_left_out);

/* Runs ARGV, at most WALL_USEC, and gives the items. Returns 0, -ENOENT when there is no such
 * program, other negative errno with the reason in *reterr. What was left out is noted. The
 * caller owns *ret (strv_free()). */
int foreach_list(struct collector_context *ctx, char *const *argv, uint64_t wall_usec,
    uint64_t max_items, char ***ret, struct fault *reterr);

/* A copy of ARGV with ITEM in all FOREACH_PLACEs. Returns 0 or -ENOMEM. The caller owns *ret.
 */
int foreach_expand(char *const *argv, const char *item, char ***ret);
