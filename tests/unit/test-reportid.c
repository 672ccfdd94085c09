/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "lib/reportid.h"
#include "lib/text.h"

static const char *const valid[] = {
	"20261123T142752Z-0007-e585a599",
	"20261123T142752Z-1234567890-00000000",
};

static const char *const invalid[] = {
	"",
	"latest",
	"20261123T142752Z-0007-e585a59",
	"20261123T142752Z-0007-e585a5990",
	"20261123T142752Z-007-e585a599",
	"20261123T142752Z-12345678901-e585a599",
	"20261123T142752Z-0007-E585A599",
	"20261123T142752Z-0007-../../..",
	"20261123 142752Z-0007-e585a599",
	"20261123T142752Z-0007-e585a599/",
	"../20261123T142752Z-0007-e585a599",
};

int
main(void)
{
	char id[REPORT_ID_BYTES];
	char other[REPORT_ID_BYTES];
	char dir[80];

	report_id_make(id, UINT64_C(1795444072000000), 7, "e585a59934ff4fa295c4aec47053fd1b");
	ok_str(id, "20261123T142752Z-0007-e585a599", "time, sequence, start of the invocation");
	ok(report_id_is_valid(id), "is valid");
	ok_int(report_id_sequence(id), 7, "sequence");
	ok_str(report_id_topdir(id, dir, sizeof(dir)),
	    "microshift-support-20261123T142752Z-0007-e585a599", "top directory");

	report_id_make(id, 0, 1, NULL);
	report_id_make(other, 0, 1, "");
	ok(report_id_is_valid(id) && report_id_is_valid(other), "without an invocation");
	ok(!streq(id, other), "the end is random");
	report_id_make(id, UINT64_MAX, UINT64_MAX, NULL);
	ok(report_id_is_valid(id), "a clock and a counter gone mad still give a valid ID: %s",
	    id);

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		ok(report_id_is_valid(valid[i]), "valid: %s", valid[i]);
		for (size_t n = 1; n <= strlen(valid[i]); n++) {
			char prefix[REPORT_ID_BYTES];

			text_copy(prefix, n + 1, valid[i]);
			if (!report_id_is_prefix(prefix))
				ok(false, "prefix of %zu: %s", n, prefix);
		}
	}
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		ok(!report_id_is_valid(invalid[i]), "invalid: %s", invalid[i]);
	ok(!report_id_is_prefix("") && !report_id_is_prefix("x") &&
		!report_id_is_prefix("2026/"),
	    "not a prefix");
	return tap_done();
}
