/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Notes of a collector in the manifest: one line on what was left out, and why. */

struct collector_context;

/* Returns 0 or -ENOMEM. Control characters (a file can be named anything) become "?". */
int notes_add(struct collector_context *ctx, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
