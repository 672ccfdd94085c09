/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Lists directories without forking and without opening a file: what `find PATH -ls` prints,
 * with the SELinux context where there is one. Names, sizes and times of secret files are
 * evidence (is the key there, when was it made?), their content is not. */

#include <stdint.h>

struct collector_context;

/* Stores the listing of PATTERN (pathglob.h), at most MAX_ENTRIES lines, as
 * sos_commands/PLUGIN/find_PATTERN_-ls. Nothing is stored when nothing matches. Returns as
 * bundle_add(). */
int listing_add(struct collector_context *ctx, const char *plugin, const char *pattern,
    uint64_t max_entries);
