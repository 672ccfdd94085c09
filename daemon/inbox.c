/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "daemon/inbox.h"
#include "lib/cleanup.h"
#include "lib/failure.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/text.h"

#define LOG_DOMAIN  "inbox"
#define NAME_SUFFIX ".json"

/* 32 hex digits and the suffix, as failure_notice_name() makes them. */
static bool
is_notice_name(const char *name)
{
	size_t hex = strspn(name, "0123456789abcdef");

	return hex == ID128_BYTES - 1 && streq(name + hex, NAME_SUFFIX);
}

static void
read_notice(int inbox_fd, const char *name, inbox_fn fn, void *userdata)
{
	_cleanup_free_ char *data = NULL;
	struct failure_notice notice;
	struct fault fault = { 0 };
	size_t size;
	int r;

	r = io_read_file(inbox_fd, name, FAILURE_MAX_BYTES, &data, &size);
	if (r < 0)
		(void)fault_set(&fault, r, "%m");
	else
		r = failure_notice_parse(data, size, &notice, &fault);
	if (r < 0)
		log_warning(
		    "Notice '%s' is damaged (%s), removing it", name, fault_text(&fault));
	else
		fn(&notice, userdata);
	/* After FN, which makes it durable elsewhere: a crash in between repeats the notice,
	 * and it is recognised by its invocation ID. */
	if (unlinkat(inbox_fd, name, 0) < 0)
		(void)log_warning_errno(
		    -errno, "Cannot remove notice '%s', ignoring: %m", name);
}

int
inbox_drain(int inbox_fd, inbox_fn fn, void *userdata)
{
	_cleanup_closedir_ DIR *dir = NULL;
	unsigned n = 0;
	int r;

	r = io_opendir(inbox_fd, ".", &dir);
	if (r < 0)
		return r;
	for (struct dirent *de = readdir(dir); de && n < INBOX_MAX; de = readdir(dir)) {
		if (!is_notice_name(de->d_name))
			continue;
		read_notice(inbox_fd, de->d_name, fn, userdata);
		n++;
	}
	return 0;
}
