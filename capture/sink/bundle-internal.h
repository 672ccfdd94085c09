/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What bundle.c, bundle-read.c and exportfile.c share; nobody else includes it. */

#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "capture/sink/names.h"
#include "lib/clean/binary.h"
#include "lib/clock.h"

struct filter;
struct spill;
struct tarball;

struct bundle {
	struct tarball *tarball;       /* owned */
	struct bundle_options options; /* topdir is owned */
	struct names names;
	struct filter *spare;		   /* owned, may be NULL */
	struct manifest_collector *record; /* borrowed */
	uint64_t scope_left_bytes;
	uint64_t deadline_usec;
	uint64_t raw_bytes;
	uint64_t redactions;
	char last_path[LAYOUT_PATH_BYTES];
	bool was_cut; /* the archive's budget was too small for something */
	int error;    /* sticky; of the archive itself */
};

struct bundle_member {
	struct bundle *bundle; /* borrowed */
	struct bundle_member_options options;
	struct filter *filter;	 /* owned */
	struct spill *spill;	 /* owned */
	uint64_t counted;	 /* of the filter before this member */
	uint64_t own_redactions; /* by its writer */
	uint64_t written_bytes;	 /* into the filter */
	uint64_t skipped_bytes;	 /* left out before the filter saw them */
	bool rest_unknown;	 /* reading ended at the limit, so nobody knows what follows */
	bool limited_by_room;	 /* by the collector's or the archive's limit, not its own */
	bool limited_by_archive;
	struct text_count text; /* of what was written, to be cleaned */
	bool discard;		/* output is thrown away: TAIL_LEAD_BYTES */
	bool is_packed; /* its writer has filtered and compressed it: goes past the filter */
	bool is_full;
	bool interrupted;
	int error; /* sticky; of the spill or the filter, so of this member only */
	char path[LAYOUT_PATH_BYTES];
};

/* A filter for texts of B, without an output. The caller owns *ret (filter_free()). */
int bundle_new_filter(const struct bundle *b, struct filter **ret);

/* Raw bytes that may still be taken, when RATIO of them make one compressed byte. */
uint64_t bundle_room_at(const struct bundle *b, uint64_t ratio);
