/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which namespaces are collected: those that the settings and the request name, and those with
 * a failing pod. A request may also name the only ones. */

#include <stdbool.h>

struct collector_context;

/* True if the settings or the request name it. */
bool namespaces_wanted(const struct collector_context *ctx, const char *name);

/* True if the others are to be searched for failing pods. */
bool namespaces_want_failing(const struct collector_context *ctx);
