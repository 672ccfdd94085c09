/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A place to run a collector in: a scratch tree that stands for "/", a bundle, and what the
 * archive holds afterwards. */

#include <sys/stat.h>

#include "capture/collector.h"
#include "capture/sink/bundle.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/manifest.h"
#include "lib/report.h"
#include "lib/settings.h"
#include "tests/lib/archive-reader.h"
#include "tests/lib/tmpdir.h"

struct lab {
	struct tmpdir root; /* stands for "/" */
	struct tmpdir out;
	struct bundle *bundle;
	struct request request;
	struct settings *settings;
	struct manifest manifest;
	struct collector_context ctx;
	struct read_archive archive; /* after lab_close() */
};

static inline void
lab_open_cleaned(struct lab *lab, const struct clean_rules *rules)
{
	struct bundle_options options = {
		.clean = rules,
		.topdir = "top",
		.compression = COMPRESSION_GZIP,
		.max_archive_bytes = UINT64_MAX,
	};
	struct fault f;

	*lab = (struct lab){ .root = tmpdir_make(), .out = tmpdir_make() };
	options.spill_dir_fd = lab->out.fd;
	lab->request.profile = PROFILE_FULL;
	assert(settings_new(&lab->settings) == 0);
	assert(bundle_open(lab->out.fd, "a.tar.gz", &options, &lab->bundle, &f) == 0);
	lab->ctx = (struct collector_context){
		.request = &lab->request,
		.settings = lab->settings,
		.bundle = lab->bundle,
		.deadline_usec = clock_monotonic_usec() + 60 * USEC_PER_SEC,
		.root = lab->root.path,
	};
	assert(manifest_add_collector(&lab->manifest, "lab", NULL, &lab->ctx.record) == 0);
	bundle_set_scope(lab->bundle, lab->ctx.record, 0, lab->ctx.deadline_usec);
}

static inline void
lab_open(struct lab *lab)
{
	lab_open_cleaned(lab, NULL);
}

/* Writes TEXT to the file PATH below the root, with its directories. */
static inline void
lab_put(struct lab *lab, const char *path, const char *text)
{
	char dir[512];
	char *slash;

	text_copy(dir, sizeof(dir), path);
	slash = strrchr(dir, '/');
	if (slash) {
		*slash = '\0';
		assert(io_mkdir_p(lab->root.fd, dir, 0755) == 0);
	}
	tmpdir_put(&lab->root, path, text);
}

/* Ends the archive and reads it back. */
static inline void
lab_close(struct lab *lab)
{
	_cleanup_free_ char *path = text_format("%s/a.tar.gz", lab->out.path);
	struct fault f;

	assert(path);
	assert(bundle_close(lab->bundle, &f) == 0);
	bundle_free(lab->bundle);
	lab->bundle = NULL;
	lab->archive = read_archive(path);
	assert(lab->archive.status == ARCHIVE_EOF);
}

static inline void
lab_done(struct lab *lab)
{
	bundle_free(lab->bundle);
	read_archive_done(&lab->archive);
	manifest_done(&lab->manifest);
	settings_free(lab->settings);
	request_done(&lab->request);
	tmpdir_remove(&lab->root);
	tmpdir_remove(&lab->out);
}

static inline const struct read_entry *
lab_find(const struct lab *lab, const char *path)
{
	char full[1200];

	(void)snprintf(full, sizeof(full), "top/%s", path);
	return read_archive_find(&lab->archive, full);
}

/* The text of the member PATH; NULL when there is none. */
static inline const char *
lab_text(const struct lab *lab, const char *path)
{
	const struct read_entry *e = lab_find(lab, path);

	return !e ? NULL : e->data ? e->data : "";
}

/* True if a note of the manifest holds TEXT. */
static inline bool
lab_has_note(const struct lab *lab, const char *text)
{
	char **note = lab->ctx.record->notes;

	for (; note && *note; note++)
		if (strstr(*note, text))
			return true;
	return false;
}

/* Prints what there is, for a test that failed. */
static inline void
lab_print(const struct lab *lab)
{
	for (size_t i = 0; i < lab->archive.n_entries; i++)
		printf("# %s %s (%zu)\n", lab->archive.entries[i].path,
		    lab->archive.entries[i].link, lab->archive.entries[i].size);
	for (char **note = lab->ctx.record->notes; note && *note; note++)
		printf("# note: %s\n", *note);
}

#define _cleanup_lab_ _cleanup_(lab_done)
