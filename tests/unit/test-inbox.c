/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/inbox.h"
#include "lib/failure.h"
#include "lib/log.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

#define INVOCATION "e585a59934ff4fa295c4aec47053fd1b"

struct seen {
	unsigned n;
	struct failure_notice last;
};

static void
on_notice(const struct failure_notice *notice, void *userdata)
{
	struct seen *seen = userdata;

	seen->n++;
	seen->last = *notice;
}

static void
put_notice(const struct tmpdir *tmp, const char *invocation)
{
	struct failure_notice notice = { .unit = "microshift.service", .result = "signal" };
	_cleanup_free_ char *text = NULL;
	char name[FAILURE_NAME_BYTES];

	text_copy(notice.invocation_id, sizeof(notice.invocation_id), invocation);
	text = failure_notice_print(&notice);
	failure_notice_name(&notice, name);
	tmpdir_put(tmp, name, text);
}

int
main(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	struct seen seen = { 0 };
	char invocation[ID128_BYTES];

	log_set_sink(LOG_SINK_NONE);
	put_notice(&tmp, INVOCATION);
	tmpdir_put(&tmp, "note.json", "{}");
	tmpdir_put(&tmp, "0123456789abcdef0123456789abcdef.json", "{broken");
	assert(mkfifoat(tmp.fd, "fedcba9876543210fedcba9876543210.json", 0600) == 0);

	ok_int(inbox_drain(tmp.fd, on_notice, &seen), 0, "drain");
	ok_int(seen.n, 1, "one notice is told");
	ok_str(seen.last.invocation_id, INVOCATION, "of that run");
	ok(faccessat(tmp.fd, INVOCATION ".json", F_OK, 0) < 0, "and removed");
	ok(faccessat(tmp.fd, "0123456789abcdef0123456789abcdef.json", F_OK, 0) < 0,
	    "a damaged one is removed");
	ok(faccessat(tmp.fd, "note.json", F_OK, 0) == 0, "a foreign file is left alone");

	seen.n = 0;
	for (unsigned i = 0; i < INBOX_MAX + 1; i++) {
		(void)snprintf(invocation, sizeof(invocation), "%032x", i);
		put_notice(&tmp, invocation);
	}
	(void)inbox_drain(tmp.fd, on_notice, &seen);
	ok_int(seen.n, INBOX_MAX, "at most INBOX_MAX are told at once");
	(void)inbox_drain(tmp.fd, on_notice, &seen);
	ok_int(seen.n, INBOX_MAX + 1, "the rest at the next time");
	return tap_done();
}
