/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The archive of a report while it is written: members in, redacted, compressed, on disk.
 *
 * Every byte goes through the redaction filter, and if asked for that of lib/clean, also what
 * its writer has redacted by its structure. (What exportfile.h packs has passed a filter
 * before, value by value.) Paths are relative to the report's top directory
 * ("sos_commands/crio/crictl_ps"); missing parent directories are added; a name that is taken
 * gets ".1", ".2" and so on, as sos does.
 *
 * Limits. The archive has a budget in compressed bytes, a collector one in raw bytes, a member
 * one of its own. What reaches one is cut, with a line in it that says so; the call that met
 * the limit of the collector or the archive returns -EDQUOT, and so do later ones that do not
 * fit: the collector should give up and report OUTCOME_PARTIAL. The time limit of the collector
 * and a request to stop end reading from a descriptor in the same way, with -ETIME and -EINTR.
 * Any other error (-ENOSPC, -EIO, …) is of the archive itself and final: later calls repeat it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/settings.h"

struct clean_rules;
struct fault;
struct manifest_collector;
struct redact_own;

/* Most raw bytes of one member; it may have to be spilled to disk whole. */
#define BUNDLE_MEMBER_MAX_BYTES (128u * 1024u * 1024u)

/* Which end of a member survives when it is longer than its limit. */
enum bundle_keep {
	BUNDLE_KEEP_HEAD,
	BUNDLE_KEEP_TAIL, /* logs and outputs of commands: the newest lines, as sos keeps them
			   */
};

struct bundle_options {
	const char *topdir; /* "microshift-support-ID" */
	enum compression compression;
	uint64_t max_archive_bytes; /* compressed; UINT64_MAX = no limit */
	uint64_t mtime_usec;	    /* realtime: of members that have no time of their own */
	/* Names and addresses are replaced by these, in paths too; borrowed until
	 * bundle_free(), NULL = they stay. */
	const struct clean_rules *clean;
	const struct redact_own *own; /* rules besides the built-in ones; as above */
	int spill_dir_fd; /* directory for unlinked spill files; borrowed until bundle_free() */
};

/* How one member is stored. All zero is: now, from its head, no limit of its own, 0640. */
struct bundle_member_options {
	uint64_t mtime_usec; /* realtime; 0 = the bundle's */
	uint64_t max_bytes;  /* 0 = BUNDLE_MEMBER_MAX_BYTES */
	enum bundle_keep keep;
	bool is_whole; /* is stored whole or not at all: a part of it could not be read */
	bool is_final; /* has no limit; for the capture's own last members */
};

/* A place in the archive up to which everything is in the file. */
struct bundle_mark {
	uint64_t archive_bytes;
	uint64_t raw_bytes;
	uint64_t redactions;
	size_t n_names;
};

struct bundle;
struct bundle_member;

/* Creates the file NAME in DIR_FD (it must not exist) and starts the archive in it. The caller
 * owns *ret (bundle_free()). */
int bundle_open(int dir_fd, const char *name, const struct bundle_options *options,
    struct bundle **ret, struct fault *reterr);

/* Ends the archive and fsyncs it. The file is complete only when this returned 0. */
int bundle_close(struct bundle *b, struct fault *reterr);

/* Releases everything. What is in the file stays, and is readable up to the last flush. */
void bundle_free(struct bundle *b);
DEFINE_CLEANUP(struct bundle *, bundle_free);
#define _cleanup_bundle_ _cleanup_(bundle_freep)

/* From here on members are recorded in RECORD (borrowed; NULL = nowhere), together at most
 * MAX_RAW_BYTES (0 = no limit of its own), until DEADLINE_USEC (monotonic; USEC_INFINITY =
 * none). Called by the capture around each collector, not by collectors. */
void bundle_set_scope(struct bundle *b, struct manifest_collector *record,
    uint64_t max_raw_bytes, uint64_t deadline_usec);

/* Makes everything added so far readable even if the process dies now. RET_MARK (may be NULL)
 * is the place, for bundle_rewind(). */
int bundle_flush(struct bundle *b, struct bundle_mark *ret_mark);

/* Gives up what was added after MARK, to make room for the end after an error of the archive.
 * No member may be open. */
int bundle_rewind(struct bundle *b, const struct bundle_mark *mark);

/* Adds a member from memory. Returns 0; 1 when it was cut; -EINVAL for a path that cannot be
 * (absolute, "..", control characters, too long); see above for the rest. OPTIONS may be NULL.
 */
int bundle_add(struct bundle *b, const char *path, const void *data, size_t size,
    const struct bundle_member_options *options);

/* Adds a member from what FD yields until its end: a file, a pipe, a file of /proc. FD must
 * not block for ever (open with O_NONBLOCK: waiting ends at the deadline). A regular file is
 * read from the place that `keep` asks for. Returns as bundle_add(), or the error of read(2).
 */
int bundle_add_fd(
    struct bundle *b, const char *path, int fd, const struct bundle_member_options *options);

/* Adds a directory that may stay empty. Returns 0 also when it is there already. */
int bundle_add_directory(struct bundle *b, const char *path);

/* Adds a symbolic link. TARGET is relative and may not leave the top directory. */
int bundle_add_symlink(struct bundle *b, const char *path, const char *target);

/* A member of unknown length, written in pieces. Several may be open at once; the archive gets
 * them in the order of their ends. bundle_member_write() returns 0 also for bytes that are
 * then cut off (KEEP_HEAD: -EFBIG once the limit is reached, so that the writer can stop).
 * bundle_member_end() frees the member in any case and returns as bundle_add(). */
int bundle_member_begin(struct bundle *b, const char *path,
    const struct bundle_member_options *options, struct bundle_member **ret);
int bundle_member_write(struct bundle_member *m, const void *data, size_t size);
int bundle_member_end(struct bundle_member *m);

/* Counts what the writer of a member has replaced in it, by the structure of the data, before
 * the filter saw it. */
void bundle_member_count_redactions(struct bundle_member *m, uint64_t n);

/* Frees a member without adding it. */
void bundle_member_abort(struct bundle_member *m);
DEFINE_CLEANUP(struct bundle_member *, bundle_member_abort);

/* True if PATH is taken by a member or directory, so that a file which two collectors want is
 * stored once. */
bool bundle_contains(const struct bundle *b, const char *path);

/* Path under which the last member was stored ("….1" when the name was taken), "" when it was
 * not. Valid until the next one. */
const char *bundle_last_path(const struct bundle *b);

/* How many more raw bytes would be taken now (an estimate: the budget is in compressed bytes).
 */
uint64_t bundle_room(const struct bundle *b);

/* True once the archive's budget (not that of a collector) was too small for something. */
bool bundle_was_cut(const struct bundle *b);

/* Bytes in the file so far, and before compression; what was replaced by the filter. */
uint64_t bundle_archive_bytes(const struct bundle *b);
uint64_t bundle_raw_bytes(const struct bundle *b);
uint64_t bundle_redactions(const struct bundle *b);
