/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "lib/fault.h"

int
main(void)
{
	struct fault f = { 0 };
	char big[2 * FAULT_TEXT_MAX_BYTES];

	ok_int(fault_set(&f, -EINVAL, "key %d", 7), -EINVAL, "fault_set returns the code");
	ok_str(f.text, "key 7", "and keeps the text");
	fault_wrap(&f, "file '%s'", "x");
	ok_str(f.text, "file 'x': key 7", "fault_wrap puts context in front");
	ok_int(f.code, -EINVAL, "and keeps the code");

	(void)fault_set(&f, -ENOENT, "open: %m");
	ok_str(f.text, "open: No such file or directory", "%%m is the text of the code");

	ok_int(fault_set(NULL, -EIO, "x"), -EIO, "NULL is allowed");
	fault_wrap(NULL, "x");

	f = (struct fault){ .code = -EPERM };
	ok_str(fault_text(&f), "Operation not permitted", "without a text the code speaks");

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)fault_set(&f, -EIO, "%s", big);
	ok_int(strlen(f.text), FAULT_TEXT_MAX_BYTES - 1,
	    "a text above FAULT_TEXT_MAX_BYTES is cut");
	fault_wrap(&f, "%s", big);
	ok_int(strlen(f.text), FAULT_TEXT_MAX_BYTES - 1, "also when wrapped");
	return tap_done();
}
