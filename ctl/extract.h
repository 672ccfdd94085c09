/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading report archives. They are made by our own capture, but may have passed through other
 * hands since, and root unpacks them: an archive is treated as hostile. Whatever it says,
 *
 *   - everything lands below one new directory; absolute names and ".." are left out;
 *   - no symbolic link is followed while unpacking, and none that leads out of that directory
 *     is created;
 *   - only directories, regular files and symbolic links are created: no hard links, devices,
 *     FIFOs or sockets; files have mode 0600, directories 0700, and belong to the caller;
 *   - size and number of what is unpacked are bounded. */

#include <stddef.h>
#include <stdint.h>

#include "lib/report.h"

struct fault;

/* A report is at most a few hundred MiB unpacked; past this it is a bomb. */
#define EXTRACT_MAX_BYTES   (UINT64_C(8) << 30)
#define EXTRACT_MAX_ENTRIES 1000000u
/* PATH_MAX: deeper names could not be used afterwards. */
#define EXTRACT_PATH_BYTES  4096u

struct extract_stats {
	uint64_t files;
	uint64_t bytes;
	uint64_t left_out; /* entries that were not safe to create */
};

/* Unpacks the archive that FD reads into the new directory NAME in DIR_FD. A leading component
 * NAME of its members is dropped. The directory appears only when unpacking has ended.
 *
 * Returns 0; -EEXIST when there is a NAME already; -EBADMSG when the archive is damaged (what
 * could be read is unpacked) or is none; -EFBIG beyond the limits; -EINTR when a signal that is
 * held (ctl/interrupt.h) came; other negative errno.
 * *ret_stats is always set. */
int extract_archive(int fd, int dir_fd, const char *name, struct extract_stats *ret_stats,
    struct fault *reterr);

/* Reads the member manifest.json, wherever it is in the archive that FD reads. Returns 0;
 * -ENOENT when there is none; errors as above. The caller frees *ret_text. */
int extract_manifest(int fd, char **ret_text, size_t *ret_size, struct fault *reterr);

/* SHA-256 of all that FD reads from its start on, as lower-case hexadecimal. Returns 0;
 * -EOPNOTSUPP when libarchive was built without it; other negative errno. */
int extract_sha256(int fd, char sha256[SHA256_BYTES]);
