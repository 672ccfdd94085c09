/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* INI files in systemd's manner (systemd.syntax(7)): [Section] headers, Key=Value lines, `#`
 * and `;` comments, a backslash at the end continues a line. Values are handed out as text,
 * without quote or specifier processing; what they mean is the caller's business.
 *
 * A mistake never ends the reading: it is reported with file and line, and the rest still
 * counts. */

#include <stddef.h>

struct fault;

/* A configuration file larger than this is a mistake or an attack. */
#define CONF_FILE_MAX_BYTES (256u * 1024u)
/* Longest logical line, continuations joined; systemd's LONG_LINE_MAX is 1 MiB, ours are short.
 */
#define CONF_LINE_MAX_BYTES (16u * 1024u)

struct conf_item {
	const char *file; /* as it was opened, for messages */
	unsigned line;	  /* where the logical line begins */
	const char *section;
	const char *key;
	const char *value; /* stripped; "" for an empty assignment, which resets a list */
};

/* Called for each assignment, and with `key` NULL for each section header (so that a repeated
 * section can be told apart). A return < 0 is a mistake in the item, explained in *reterr: it
 * is reported and reading goes on. */
typedef int (*conf_item_fn)(const struct conf_item *item, void *userdata, struct fault *reterr);

/* Called for each mistake; LINE is 0 when it concerns the whole file. */
typedef void (*conf_problem_fn)(
    const char *file, unsigned line, const char *text, void *userdata);

struct conf_handlers {
	conf_item_fn on_item;
	conf_problem_fn on_problem; /* may be NULL */
	void *userdata;		    /* passed to both */
};

/* Parses SIZE bytes of DATA; FILE is for messages. Returns the number of problems, or -ENOMEM.
 */
int conf_parse(const char *file, const char *data, size_t size, const struct conf_handlers *h);

/* Reads and parses one file. A missing file gives 0. Returns the number of problems (one that
 * cannot be read counts as one), or -ENOMEM. */
int conf_read_file(const char *path, const struct conf_handlers *h);

/* Lists the files "*.conf" of DIRS (NULL-terminated, weakest first): one path per file name,
 * that of the strongest directory, sorted by file name. A name whose strongest file is empty or
 * a link to /dev/null is masked and left out. Missing directories are fine. Returns 0 or
 * negative errno; the caller owns *ret_paths (strv_free()). */
int conf_list_files(const char *const *dirs, char ***ret_paths);

/* The same for what is left out there: the paths of the masks. */
int conf_list_masked(const char *const *dirs, char ***ret_paths);

/* Reads MAIN (may be NULL) and then, in the order of conf_list_files(), the drop-ins of DIRS.
 * Returns the number of problems, or negative errno. */
int conf_load(const char *main, const char *const *dirs, const struct conf_handlers *h);
