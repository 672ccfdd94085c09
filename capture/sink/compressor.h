/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One compressed stream: a zstd frame, an xz stream or a gzip member, complete in itself.
 *
 * This, tarball.c and salvage.c are the files that know libarchive. */

#include <stddef.h>

#include "lib/cleanup.h"
#include "lib/settings.h"

struct compressor;

/* Takes compressed bytes. Returns 0 or negative errno, which ends the stream. */
typedef int (*compressor_write_fn)(const void *data, size_t size, void *userdata);

/* Starts a stream that is written through FN. Returns 0 or negative errno. */
int compressor_new(enum compression compression, compressor_write_fn fn, void *userdata,
    struct compressor **ret);

/* Takes DATA. Returns 0, or the error of FN or of the library. */
int compressor_write(struct compressor *c, const void *data, size_t size);

/* Ends the stream; nothing can be written any more. Returns as compressor_write(). */
int compressor_finish(struct compressor *c);

/* Of a stream that was not finished, the end is not written. */
void compressor_free(struct compressor *c);
DEFINE_CLEANUP(struct compressor *, compressor_free);
