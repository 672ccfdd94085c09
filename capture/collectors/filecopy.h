/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Copies files of the machine into the report, at their own paths.
 *
 * - Only regular files are read. FIFOs, sockets and devices are noted and left alone.
 * - A symbolic link is stored as a relative link; the file it leads to is copied too, at its
 *   own path, under the same rules.
 * - A text file above the size limit is stored by its end as sos does it: the text in
 *   sos_strings/PLUGIN/….tailed, a link at the file's own path. A binary one is left out.
 * - What is forbidden (capture/forbidden.h and `forbid`) is not opened, whatever path or link
 *   led to it; neither is anything on a network or FUSE file system, which could hang.
 * - Files that vanish meanwhile, as in /proc, are nothing to talk about. */

#include <stdint.h>

struct collector_context;
struct fault;

struct filecopy_spec {
	const char *plugin; /* for sos_strings/ */
	char *const *copy;  /* patterns of pathglob.h; may be NULL */
	char *const *forbid;
	uint64_t max_files;
	uint64_t max_file_bytes; /* of each one */
};

/* Copies what SPEC says. Returns 0; 1 when something is missing or cut: the first thing is in
 * *reterr, all of them are in the notes of the manifest; -EDQUOT, -ETIME, -EINTR and errors of
 * the archive as the bundle gives them. */
int filecopy_run(
    struct collector_context *ctx, const struct filecopy_spec *spec, struct fault *reterr);
