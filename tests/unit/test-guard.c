/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/guard.h"
#include "daemon/sample.h"

#define MIB_IN_KIB 1024u

static void
check(const char *name, enum sample_value value, uint32_t number, bool is_automatic,
    enum guard_level want, const char *words)
{
	struct sample now;
	struct guard_facts facts = {
		.now = &now,
		.keep_free_bytes = UINT64_C(512) << 20,
		.n_cpus = 2,
		.is_automatic = is_automatic,
	};
	char reason[GUARD_REASON_BYTES] = "";

	sample_clear(&now);
	sample_set(&now, value, number);
	ok_int(guard_judge(&facts, reason), want, "%s", name);
	ok(strstr(reason, words) && (want != GUARD_ALL) == (reason[0] != '\0'), "%s: '%s'",
	    name, reason);
}

static void
test_space(void)
{
	check("room", SAMPLE_DISK_SPOOL, 256 * MIB_IN_KIB, true, GUARD_ALL, "");
	check("half of KeepFree=", SAMPLE_DISK_SPOOL, 256 * MIB_IN_KIB - 1, true, GUARD_FLASH,
	    "only 256.0M are free");
	check("for people, too", SAMPLE_DISK_SPOOL, 100 * MIB_IN_KIB, false, GUARD_FLASH,
	    "only 100.0M are free");
	check("GUARD_NOTE_BYTES", SAMPLE_DISK_SPOOL, 64 * MIB_IN_KIB, true, GUARD_FLASH, "");
	check("less", SAMPLE_DISK_SPOOL, 64 * MIB_IN_KIB - 1, false, GUARD_NOTE, "only 64.0M");
}

static void
test_small_disks(void)
{
	struct sample now;
	struct guard_facts facts = { .now = &now, .n_cpus = 1 };
	char reason[GUARD_REASON_BYTES];

	sample_clear(&now);
	sample_set(&now, SAMPLE_DISK_SPOOL, 0);
	ok_int(guard_judge(&facts, reason), GUARD_ALL, "KeepFree=0 is what it says");
	facts.keep_free_bytes = 8 << 20;
	sample_set(&now, SAMPLE_DISK_SPOOL, 1024);
	ok_int(guard_judge(&facts, reason), GUARD_FLASH, "an eighth of a small KeepFree=");
	sample_set(&now, SAMPLE_DISK_SPOOL, 1023);
	ok_int(guard_judge(&facts, reason), GUARD_NOTE, "is the limit then");
}

static void
test_load(void)
{
	check("memory", SAMPLE_MEM_AVAILABLE, GUARD_MEMORY_MIN_KIB, true, GUARD_ALL, "");
	check("little memory", SAMPLE_MEM_AVAILABLE, GUARD_MEMORY_MIN_KIB - 1, true,
	    GUARD_FLASH, "of memory are available");
	check("pressure", SAMPLE_PSI_MEMORY_FULL, GUARD_PRESSURE_PERCENT * 100, true, GUARD_ALL,
	    "");
	check("much pressure", SAMPLE_PSI_MEMORY_FULL, GUARD_PRESSURE_PERCENT * 100 + 1, true,
	    GUARD_FLASH, "waits for memory");
	check("load", SAMPLE_LOAD, GUARD_LOAD_PER_CPU * 2 * 100, true, GUARD_ALL, "");
	check("much load", SAMPLE_LOAD, GUARD_LOAD_PER_CPU * 2 * 100 + 1, true, GUARD_FLASH,
	    "the load is 16, with 2 CPUs");
	check("people decide themselves", SAMPLE_LOAD, 100000, false, GUARD_ALL, "");
	check("what is not known is no trouble", SAMPLE_SWAP_FREE, 0, true, GUARD_ALL, "");
}

int
main(void)
{
	test_space();
	test_small_disks();
	test_load();
	return tap_done();
}
