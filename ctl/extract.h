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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/report.h"

struct archive;
struct archive_entry;
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

/* Says under which name a member is wanted: a part of PATH, "" for the top itself, or NULL when
 * it is not. PATH has no top directory and is clean. */
typedef const char *(*extract_map_fn)(const char *path);

struct extract_options {
	const char *name;   /* of the new directory */
	const char *top;    /* of the archive: this first component of its members is dropped */
	extract_map_fn map; /* NULL = everything under its own name */
};

/* Unpacks the archive that FD reads into the new directory options->name in DIR_FD. The
 * directory appears only when unpacking has ended; directories get their times, too.
 *
 * Returns 0; -EEXIST when it is there already; -ENOENT when the map wants nothing of it;
 * -EBADMSG when the archive is damaged (what could be read is unpacked) or is none; -EFBIG
 * beyond the limits; -EINTR when a signal that is held (ctl/interrupt.h) came; other negative
 * errno. *ret_stats is always set. */
int extract_archive(int fd, int dir_fd, const struct extract_options *options,
    struct extract_stats *ret_stats, struct fault *reterr);

/* For those who read an archive on their own (ctl/mustgather.c). */

/* Starts reading FD from its beginning. The caller frees *ret (archive_read_free()). */
int extract_open(int fd, struct archive **ret, struct fault *reterr);

/* The next entry, borrowed. Returns 1, 0 at the end, negative errno. */
int extract_next(struct archive *a, struct archive_entry **ret, struct fault *reterr);

/* The name of E without a leading component TOP, clean. Returns 1; 0 when that is the top
 * itself; -EINVAL when the name is not safe. */
int extract_name(struct archive_entry *e, const char *top, char path[EXTRACT_PATH_BYTES]);

/* What libarchive said about A, as a fault. Returns it. */
int extract_fault(struct archive *a, struct fault *reterr);

/* Cleans NAME as extract_name() does. */
int extract_clean_name(const char *name, const char *top, char path[EXTRACT_PATH_BYTES]);

/* True if a link at PATH to TARGET stays below the top, whatever other such links there are. */
bool extract_link_is_safe(const char *path, const char *target);

/* Reads the member manifest.json, wherever it is in the archive that FD reads. Returns 0;
 * -ENOENT when there is none; errors as above. The caller frees *ret_text. */
int extract_manifest(int fd, char **ret_text, size_t *ret_size, struct fault *reterr);

/* SHA-256 of all that FD reads from its start on, as lower-case hexadecimal. Returns 0;
 * -EOPNOTSUPP when libarchive was built without it; other negative errno. */
int extract_sha256(int fd, char sha256[SHA256_BYTES]);
