/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A definition of collect.d(5): what a declared collector takes, when it applies, its limits.
 * Where its files are found is in collectfiles.h.
 *
 * A mistake costs the line it is in, not the rest, with one exception: when that line may have
 * been a Forbid=, no files are copied. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/conditions.h"
#include "lib/cleanup.h"
#include "lib/conf.h"

/* Bounds, so that no configuration can make us allocate without end. Far above real use. */
#define COLLECTDEF_NAME_MAX	64u  /* characters of a collector's or plugin's name */
#define COLLECTDEF_COMMANDS_MAX 256u /* commands of one collector */
#define COLLECTDEF_LIST_MAX	512u /* entries of one list */
#define COLLECTDEF_PRIORITY_MAX 100u

/* Limits of one collector that its file does not set. */
#define COLLECTDEF_MAX_FILES	  2000u
#define COLLECTDEF_MAX_FILE_BYTES (8u * 1024u * 1024u)
/* Of ForEach=; the kubelet allows 250 pods on a node. */
#define COLLECTDEF_MAX_ITEMS	  250u

struct collectdef_command {
	char *name;	       /* owned: file name in sos_commands/PLUGIN/ */
	char **argv;	       /* owned strv; empty = removed by a drop-in */
	char **for_each;       /* owned strv: what lists the items; empty or NULL = run once */
	uint64_t max_items;    /* of them */
	char *directory;       /* owned: below that of the plugin; NULL = none */
	int hide_environment;  /* 0 or 1: the values of variables in its JSON */
	uint64_t timeout_usec; /* 0 = the default of [Commands] */
	uint64_t max_bytes;    /* likewise */
	unsigned profiles;     /* PROFILE_BIT()s; 0 = as the collector */
	int drop_stderr;       /* -1 = the default of [Commands] */
	bool is_run;	       /* from [Commands] Run= */
	char *file;	       /* owned: where it was declared, for messages */
	unsigned line;
};

struct collectdef {
	char *name; /* owned: file name without ".conf" */
	char *file; /* owned: path of the file */

	/* [Collector] */
	char *description;     /* owned */
	char *plugin;	       /* owned: directory in sos_commands/; the name by default */
	unsigned profiles;     /* PROFILE_BIT()s; 0 = only when it is named */
	uint64_t priority;     /* see capture/collector.h */
	uint64_t timeout_usec; /* 0 = default of all collectors */
	uint64_t max_bytes;    /* likewise */

	struct conditions conditions; /* [Condition] */

	/* [Files]; lists are owned strv of patterns (pathglob.h) */
	char **copy;
	char **forbid;
	char **list; /* listed, not copied */
	uint64_t max_files;
	uint64_t max_file_bytes;

	char **journal_units; /* [Journal] Units=: owned strv of unit names */
	char **show_units;    /* [Units] Show=: likewise */

	/* [Commands] and [Command NAME] */
	struct collectdef_command *commands; /* owned, [n_commands] */
	size_t n_commands;
	uint64_t command_timeout_usec; /* 0 = default of all commands */
	uint64_t command_max_bytes;    /* likewise */
	int drop_stderr;	       /* 0 or 1 */

	/* Filled by collectfiles_load(): owned strv of paths. */
	char **drop_ins;  /* that were applied, in order */
	char **overrides; /* weaker files of the same name that were not read */
};

void collectdef_free(struct collectdef *def);
DEFINE_CLEANUP(struct collectdef *, collectdef_free);

/* Letters, digits and "._-", beginning with a letter or digit: safe as a file name and as a
 * word of --only. */
bool collectdef_name_is_valid(const char *s);

/* Parses one file from memory, without drop-ins. Returns the number of problems, each passed to
 * ON_PROBLEM (may be NULL), or -ENOMEM. The caller owns *ret. */
int collectdef_parse(const char *name, const char *file, const char *data, size_t size,
    conf_problem_fn on_problem, void *userdata, struct collectdef **ret);

/* Reads FILES (NULL-terminated): the definition, then its drop-ins. Returns the number of
 * problems, also for a file that cannot be read, or -ENOMEM. The caller owns *ret. */
int collectdef_read(const char *name, char *const *files, conf_problem_fn on_problem,
    void *userdata, struct collectdef **ret);
