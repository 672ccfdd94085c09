/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/lastgood-state.h"
#include "lib/paths.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

#define HEAD "{\"version\": 1, \"taken_usec\": 1, \"checked_usec\": 2, \"archive_bytes\": 3, "

static void
check_bad(const struct tmpdir *tmp, const char *text)
{
	struct lastgood_state state = { .taken_usec = 77 };

	tmpdir_put(tmp, STATE_FILE, text);
	ok_int(lastgood_state_load(tmp->fd, &state), -EBADMSG, "'%s' is refused", text);
	ok_int(state.taken_usec, 77, "and nothing is taken of it");
}

int
main(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	struct lastgood_state state = {
		.taken_usec = UINT64_C(1795444072000000),
		.checked_usec = UINT64_C(1795447672000000),
		.archive_bytes = 4711,
		.fingerprint = UINT64_C(0xfedcba9876543210),
	};
	struct lastgood_state back;

	ok_int(lastgood_state_load(tmp.fd, &back), -ENOENT, "there is none");
	ok_int(lastgood_state_save(tmp.fd, &state), 0, "save");
	ok_int(lastgood_state_load(tmp.fd, &back), 0, "load");
	ok(memcmp(&state, &back, sizeof(state)) == 0, "the same, all 64 bits of it");
	tmpdir_put(&tmp, STATE_FILE, HEAD "\"fingerprint\": \"0000000000000001\"}");
	ok(lastgood_state_load(tmp.fd, &back) == 0 && back.fingerprint == 1, "by hand");
	check_bad(&tmp, "");
	check_bad(&tmp, "[]");
	check_bad(&tmp, HEAD "\"fingerprint\": \"1\"}");
	check_bad(&tmp, HEAD "\"fingerprint\": \"000000000000000G\"}");
	check_bad(&tmp, HEAD "\"fingerprint\": 1}");
	check_bad(&tmp,
	    "{\"version\": 2, \"taken_usec\": 1, \"checked_usec\": 2, "
	    "\"archive_bytes\": 3, \"fingerprint\": \"0000000000000001\"}");
	return tap_done();
}
