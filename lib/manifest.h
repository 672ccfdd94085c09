/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* manifest.json: what a report contains, what it lacks, and why.
 *
 * The shape is that of a sos manifest (components.report.plugins.NAME.commands[] and so on), so
 * that tools which look for `timeout_hit`, `return_code` or `truncated` find them where they
 * are used to; what sos has no word for stands beside it. The capture process fills the struct
 * while it works and writes it as the last member of the archive; readers use
 * manifest_parse(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/report.h"

/* Version of the format; a reader refuses a higher one. */
#define MANIFEST_VERSION      1u
/* Largest manifest that is read: 50,000 files at 300 bytes each. */
#define MANIFEST_MAX_BYTES    (16u * 1024u * 1024u)
/* Files recorded one by one for a collector; more are only counted, so that memory is bounded.
 */
#define MANIFEST_FILES_MAX    50000u
/* The same for commands. */
#define MANIFEST_COMMANDS_MAX 5000u
/* The same for notes: enough to see what kind of thing was left out. */
#define MANIFEST_NOTES_MAX    200u
/* HOST_NAME_MAX and its NUL. */
#define HOSTNAME_BYTES	      65u

/* How a collector ended. Nothing of this stops a capture. */
enum outcome {
	OUTCOME_OK,	   /* everything it wanted */
	OUTCOME_PARTIAL,   /* something is missing or cut; the fault says what */
	OUTCOME_SKIPPED,   /* does not apply here; the fault says why */
	OUTCOME_FAILED,	   /* nothing usable */
	OUTCOME_TIMED_OUT, /* its time was over; what it had until then is in the report */
	_OUTCOME_COUNT,
};

struct manifest_file {
	char *path; /* owned; in the archive, without the top directory */
	uint64_t bytes;
	uint64_t redactions;
	bool truncated;
	bool missing; /* there was no room for it at all */
};

struct manifest_command {
	char *command;	     /* owned; argv joined with spaces */
	char *path;	     /* owned; where its output is, NULL when none was stored */
	int exit_status;     /* -1 when it did not exit by itself or was not run */
	int signal;	     /* that ended it, 0 when it exited */
	bool timed_out;	     /* it was killed at its deadline */
	bool truncated;	     /* its output was cut */
	bool abandoned;	     /* it could not even be killed (D state) */
	char *error;	     /* owned; why it could not be run, NULL when it ran */
	uint64_t start_usec; /* realtime */
	uint64_t duration_usec;
};

struct manifest_collector {
	char *name;	   /* owned */
	char *description; /* owned, may be NULL */
	enum outcome outcome;
	struct fault fault;  /* meaningful unless the outcome is OK */
	uint64_t start_usec; /* realtime; 0 when it was never started */
	uint64_t duration_usec;
	uint64_t limit_usec;	     /* the time it was given; 0 when it was never started */
	struct manifest_file *files; /* owned, [n_files] */
	size_t n_files;
	uint64_t files_uncounted;	   /* stored, but beyond MANIFEST_FILES_MAX */
	struct manifest_command *commands; /* owned, [n_commands] */
	size_t n_commands;
	char **notes; /* owned strv: what was left out or changed on purpose, and why */
	uint64_t notes_uncounted; /* beyond MANIFEST_NOTES_MAX */
};

struct manifest {
	char id[REPORT_ID_BYTES];
	char program_version[64];
	char hostname[HOSTNAME_BYTES];
	char *cmdline; /* owned, may be NULL */
	char compression[8];
	enum report_status status;
	enum profile profile;
	enum trigger trigger;
	enum source source;
	char reason[REASON_BYTES];
	struct unit_event event;	       /* event.unit is "" when no unit is concerned */
	char end_reason[FAULT_TEXT_MAX_BYTES]; /* why it is partial; "" when complete */
	uint64_t start_usec;		       /* realtime */
	uint64_t end_usec;		       /* realtime */
	uint64_t raw_bytes;		       /* stored so far, before compression */
	uint64_t redactions;
	uint64_t peak_memory_bytes;
	struct manifest_collector **collectors; /* owned, in the order they ran */
	size_t n_collectors;
};

typedef int (*manifest_write_fn)(const void *data, size_t size, void *userdata);

const char *outcome_to_string(enum outcome o);
/* Returns 0 or -EINVAL. */
int outcome_from_string(const char *s, enum outcome *ret);

/* Frees what M owns and zeroes it. */
void manifest_done(struct manifest *m);

/* Appends a collector; the returned record stays owned by M and does not move. */
int manifest_add_collector(struct manifest *m, const char *name, const char *description,
    struct manifest_collector **ret);

/* Records a stored file. Returns 0 or -ENOMEM. */
int manifest_add_file(struct manifest_collector *c, const char *path, uint64_t bytes,
    bool truncated, uint64_t redactions);

/* Records a file that was left out for lack of room. Returns 0 or -ENOMEM. */
int manifest_add_missing(struct manifest_collector *c, const char *path);

/* The files from number FIRST on did not reach the archive after all. */
void manifest_lose_files(struct manifest_collector *c, size_t first);

/* Forgets the files from number FIRST on. */
void manifest_drop_files(struct manifest_collector *c, size_t first);

/* Records a command: copies ARGV; the caller fills the rest of *RET_COMMAND, which is valid
 * until the next one is added. Returns 0, -ENOMEM, or -E2BIG beyond MANIFEST_COMMANDS_MAX. */
int manifest_add_command(
    struct manifest_collector *c, char *const *argv, struct manifest_command **ret_command);

/* Records in one line something that is not as the reader may expect, but no failure: a FIFO
 * that was not read, a forbidden file, messages that journald had dropped. Returns 0 or
 * -ENOMEM. */
int manifest_add_note(struct manifest_collector *c, const char *text);

/* Counts how the collectors ended. */
void manifest_count(const struct manifest *m, struct outcome_counts *ret);

/* Writes the JSON piece by piece, so that a large one never is in memory as a whole. Returns
 * 0, -ENOMEM, or what FN returned. */
int manifest_write(const struct manifest *m, manifest_write_fn fn, void *userdata);

/* Reads what manifest_write() wrote, of this or an older version. Unknown members are ignored.
 * On failure *ret is untouched. The caller owns *ret (manifest_done()). */
int manifest_parse(const char *data, size_t size, struct manifest *ret, struct fault *reterr);
