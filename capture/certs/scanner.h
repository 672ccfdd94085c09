/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One reading of all certificates, for the parts that know where they are: files in, entries
 * and findings of the scan out. Every file is read once and stays parsed until the end, since
 * signers and bundles are needed again and again. */

#include <stdbool.h>
#include <stddef.h>

#include "capture/certs/certscan.h"

struct certfile;

struct scanner_file {
	char *path; /* owned */
	enum certscan_role role;
	struct certfile *file; /* owned */
	size_t first;	       /* its first certificate in scan->certificates */
};

struct scanner {
	struct certscan *scan;	    /* borrowed; what is found is added to it */
	int root_fd;		    /* borrowed */
	struct scanner_file *files; /* owned, [n_files]; only those with a certificate */
	size_t n_files;
};

/* What certscan_file says of PATH. Returns 0 or -ENOMEM. The caller frees *ret. */
int scanner_stamp(int root_fd, const char *path, char **ret);

/* Remembers that PATH was looked at, so that a later scan sees whether it changed. Returns 1
 * when it is there, 0 when not, -ENOMEM; -E2BIG beyond CERTSCAN_FILES_MAX. */
int scanner_note(struct scanner *s, const char *path);

/* Adds a finding about PATH. Returns 0 or -ENOMEM. */
int scanner_report(struct scanner *s, enum certscan_class class, const char *path,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Reads the certificates in the file PATH; what is behind the first one gets the role
 * CERTSCAN_CHAIN, unless ROLE is that of a bundle. What is wrong is reported: missing,
 * unreadable, empty, unparsable. Returns 1 when it holds certificates, *RET is then valid until
 * the next call; 0 when not; -ENOMEM, -E2BIG. A file that was read before is not read again. */
int scanner_load(struct scanner *s, const char *path, enum certscan_role role,
    const struct scanner_file **ret);

/* The same from memory. */
int scanner_add(struct scanner *s, const char *path, enum certscan_role role, const char *data,
    size_t size, const struct scanner_file **ret);

/* What scanner_load() read from PATH; NULL when there was nothing. */
const struct scanner_file *scanner_find(const struct scanner *s, const char *path);

/* The first certificate of F, to fill in what was found out. Valid until the next load. */
struct certscan_certificate *scanner_certificate(
    struct scanner *s, const struct scanner_file *f);

/* Reads the key KEY_PATH, compares, reports and wipes it. Returns 0, -ENOMEM, -E2BIG. */
int scanner_check_key(struct scanner *s, const struct scanner_file *f, const char *key_path);

/* The same for a key in memory. */
int scanner_compare_key(struct scanner *s, const struct scanner_file *f, const char *key_path,
    const char *key, size_t size);

/* What to do about one of ROLE that is broken: a clause, "remove its directory and …". */
const char *scanner_remedy(enum certscan_role role);

/* Frees what it read, not the scan. */
void scanner_done(struct scanner *s);
