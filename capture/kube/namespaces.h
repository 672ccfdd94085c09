/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which namespaces are collected by name: those of the settings and those of the request. */

#include <stdbool.h>

struct collector_context;

bool namespaces_wanted(const struct collector_context *ctx, const char *name);
