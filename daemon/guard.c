/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "daemon/guard.h"
#include "daemon/sample.h"
#include "lib/text.h"

#define KIB UINT64_C(1024)

static bool
is_below(const struct guard_facts *f, enum sample_value value, uint64_t limit)
{
	uint32_t now = f->now->values[value];

	return now != SAMPLE_ABSENT && now < limit;
}

static bool
is_above(const struct guard_facts *f, enum sample_value value, uint64_t limit)
{
	uint32_t now = f->now->values[value];

	return now != SAMPLE_ABSENT && now > limit;
}

static void
say_space(const struct guard_facts *f, char reason[GUARD_REASON_BYTES])
{
	char size[16];

	(void)snprintf(reason, GUARD_REASON_BYTES, "only %s are free on the disk (KeepFree=)",
	    text_format_bytes(f->now->values[SAMPLE_DISK_SPOOL] * KIB, size, sizeof(size)));
}

static enum guard_level
judge_space(const struct guard_facts *f, char reason[GUARD_REASON_BYTES])
{
	uint64_t keep = f->keep_free_bytes;
	uint64_t note = keep / 8 < GUARD_NOTE_BYTES ? keep / 8 : GUARD_NOTE_BYTES;

	if (!is_below(f, SAMPLE_DISK_SPOOL, keep / 2 / KIB))
		return GUARD_ALL;
	say_space(f, reason);
	return is_below(f, SAMPLE_DISK_SPOOL, note / KIB) ? GUARD_NOTE : GUARD_FLASH;
}

static enum guard_level
judge_load(const struct guard_facts *f, char reason[GUARD_REASON_BYTES])
{
	char size[16];

	if (is_below(f, SAMPLE_MEM_AVAILABLE, GUARD_MEMORY_MIN_KIB))
		(void)snprintf(reason, GUARD_REASON_BYTES, "only %s of memory are available",
		    text_format_bytes(
			f->now->values[SAMPLE_MEM_AVAILABLE] * KIB, size, sizeof(size)));
	else if (is_above(f, SAMPLE_PSI_MEMORY_FULL, GUARD_PRESSURE_PERCENT * 100))
		(void)snprintf(reason, GUARD_REASON_BYTES,
		    "everything waits for memory %u %% of the time",
		    f->now->values[SAMPLE_PSI_MEMORY_FULL] / 100);
	else if (is_above(f, SAMPLE_LOAD, GUARD_LOAD_PER_CPU * f->n_cpus * 100))
		(void)snprintf(reason, GUARD_REASON_BYTES, "the load is %u, with %u CPUs",
		    f->now->values[SAMPLE_LOAD] / 100, f->n_cpus);
	else
		return GUARD_ALL;
	return GUARD_FLASH;
}

enum guard_level
guard_judge(const struct guard_facts *facts, char reason[GUARD_REASON_BYTES])
{
	enum guard_level level = judge_space(facts, reason);

	if (level != GUARD_ALL || !facts->is_automatic)
		return level;
	return judge_load(facts, reason);
}
