/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What there is to filter: an archive or a directory, of ours, of sos or must-gather, read as
 * one list of entries. It is hostile; names that are not safe are passed over and counted. */

#include <stdbool.h>
#include <stdint.h>

#include "ctl/extract.h"
#include "lib/cleanup.h"

struct archive;
struct archive_entry;
struct clean_rules;
struct fault;
struct tree;

/* Opens the archive that FD reads (borrowed, seekable), or with FD < 0 the file or directory
 * PATH, which does not end in a slash. The caller owns *ret. */
int tree_open(int fd, const char *path, struct tree **ret, struct fault *reterr);
void tree_close(struct tree *t);
DEFINE_CLEANUP(struct tree *, tree_close);

bool tree_is_directory(const struct tree *t);

/* The next entry, borrowed, and its name: clean and relative, with the top directory. Returns
 * 1, 0 at the end, negative errno. */
int tree_next(struct tree *t, struct archive_entry **ret, char path[EXTRACT_PATH_BYTES],
    struct fault *reterr);

/* For the data of the entry. */
struct archive *tree_archive(struct tree *t);

/* ARCHIVE_FILTER_*: how it is compressed; known once the first entry was read. */
int tree_filter(const struct tree *t);

/* Entries passed over; bytes of the archive, 0 of a directory, and how many were read. */
uint64_t tree_left_out(const struct tree *t);
uint64_t tree_size_bytes(const struct tree *t);
uint64_t tree_done_bytes(const struct tree *t);

/* Reads all of T and teaches RULES the names it tells, see lib/clean/seeds.h. */
int tree_learn(struct tree *t, struct clean_rules *rules, struct fault *reterr);

/* Lets A read the formats that reports and rotated logs have, and no others: tar, and gzip, xz,
 * zstd, bzip2 around. Returns 0 or -EOPNOTSUPP. */
int tree_support_formats(struct archive *a);
