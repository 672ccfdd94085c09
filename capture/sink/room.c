/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/sink/room.h"
#include "capture/sink/tarball.h"
#include "lib/spill.h"

/* Below this the archive counts as full. */
#define ROOM_MIN_BYTES	(4u * 1024u)
/* A member that might not fit is compressed on trial at this many places, each of this size. */
#define SAMPLE_COUNT	4u
#define SAMPLE_BYTES	(64u * 1024u)
/* Compression that is assumed until RATIO_MIN_BYTES are written: text has 5 to 20. */
#define FIRST_RATIO	4u
#define RATIO_MIN_BYTES (64u * 1024u)

static uint64_t
clamp_ratio(uint64_t ratio)
{
	return ratio < 1 ? 1 : ratio > ROOM_RATIO_MAX ? ROOM_RATIO_MAX : ratio;
}

uint64_t
room_observed_ratio(const struct tarball *t)
{
	uint64_t file = tarball_file_bytes(t);

	if (file < RATIO_MIN_BYTES)
		return FIRST_RATIO;
	return clamp_ratio((tarball_raw_bytes(t) - tarball_part_bytes(t)) / file);
}

/* The budget without the reserve, which is a quarter of it where it is tiny. */
static uint64_t
budget(uint64_t max_bytes)
{
	return max_bytes -
	    (max_bytes / 4 < ROOM_RESERVE_BYTES ? max_bytes / 4 : ROOM_RESERVE_BYTES);
}

uint64_t
room_raw(const struct tarball *t, uint64_t max_bytes, uint64_t ratio)
{
	uint64_t used;
	uint64_t left;

	if (max_bytes == UINT64_MAX)
		return UINT64_MAX;
	used = tarball_file_bytes(t) + tarball_part_bytes(t) / room_observed_ratio(t);
	if (used + ROOM_MIN_BYTES > budget(max_bytes))
		return 0;
	left = budget(max_bytes) - used;
	return left > UINT64_MAX / ratio ? UINT64_MAX : left * ratio;
}

bool
room_is_used_up(const struct tarball *t, uint64_t max_bytes)
{
	return max_bytes != UINT64_MAX && tarball_file_bytes(t) >= budget(max_bytes);
}

struct sample {
	const struct tarball *tarball;
	uint64_t raw_bytes;
	uint64_t compressed_bytes;
};

static int
on_sample(const void *data, size_t size, void *userdata)
{
	struct sample *sample = userdata;
	uint64_t bytes;
	int r = tarball_sample(sample->tarball, data, size, &bytes);

	if (r < 0)
		return r;
	sample->raw_bytes += size;
	sample->compressed_bytes += bytes;
	return 0;
}

int
room_sample_ratio(const struct tarball *t, struct spill *s, uint64_t *ret_ratio)
{
	struct sample sample = { .tarball = t };
	uint64_t held = spill_size(s);
	uint64_t n = held < SAMPLE_BYTES ? held : SAMPLE_BYTES;

	for (uint64_t i = 0; i < SAMPLE_COUNT; i++) {
		int r =
		    spill_read(s, (held - n) / (SAMPLE_COUNT - 1) * i, n, on_sample, &sample);

		if (r < 0)
			return r;
	}
	/* Careful by a quarter: other places may pack worse. */
	*ret_ratio = sample.compressed_bytes > 0
	    ? clamp_ratio(sample.raw_bytes * 3 / 4 / sample.compressed_bytes)
	    : 1;
	return 0;
}
