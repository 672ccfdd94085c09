/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A small YAML file (a kubeconfig, MicroShift's configuration) as a tree of nodes, to pick
 * values from known places. Nothing here walks as deep as a file may nest. The file may hold
 * secrets: every copy of its text that we can reach is cleared before it is freed; libyaml's
 * scanner may leave pieces behind. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/cleanup.h"

struct fault;
struct yaml_node_s;

struct yamldoc;

/* Reads DATA; PATH is for messages. A file without any document has a NULL root. Returns 0;
 * -EINVAL, with path and line, when it is no YAML or nested deeper than anything real; -ENOMEM.
 * The caller owns *ret (yamldoc_free()). */
int yamldoc_parse(const char *path, const char *data, size_t size, struct yamldoc **ret,
    struct fault *reterr);

/* Nodes belong to the document. Functions take NULL for a node and give NULL for what is not
 * there, so that a path can be walked without looking at each step. */
const struct yaml_node_s *yamldoc_root(const struct yamldoc *d);
const struct yaml_node_s *yamldoc_get(
    const struct yamldoc *d, const struct yaml_node_s *map, const char *key);
/* Entry number I of a list; NULL behind its end and for what is no list. */
const struct yaml_node_s *yamldoc_item(
    const struct yamldoc *d, const struct yaml_node_s *list, size_t i);

bool yamldoc_is_map(const struct yaml_node_s *n);
bool yamldoc_is_list(const struct yaml_node_s *n);
/* True for a plain null, "~" or nothing. */
bool yamldoc_is_null(const struct yaml_node_s *n);

/* Yields the text of a node, which stays the document's. Returns 1; 0 when there is none, or it
 * is null or empty; -EINVAL when it is no text, -EILSEQ when there is a NUL byte in it. */
int yamldoc_text(const struct yaml_node_s *n, const char **ret);

/* Wipes and frees it; NULL is fine. */
void yamldoc_free(struct yamldoc *d);
DEFINE_CLEANUP(struct yamldoc *, yamldoc_free);
