/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/check/memory.h"
#include "lib/cleanup.h"

#define SOME "some avg10=1.00 avg60=99.99 avg300=3.00 total=4\n"

int
main(void)
{
	static const struct {
		const char *text;
		unsigned want;
	} good[] = {
		{ SOME "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", 0 },
		{ SOME "full avg10=88.00 avg60=20.01 avg300=1.00 total=18446744073709551615\n",
		    2001 },
		{ "full avg10=100.00 avg60=100.00 avg300=100.00 total=5", 10000 },
	};
	static const char *const bad[] = {
		"",
		SOME,
		SOME "full\n",
		SOME "full avg10=0.00 avg60=",
		SOME "full avg10=0.00 avg60=1.2x",
		SOME "full avg10=0.00 avg60=101.00 avg300=0.00 total=0\n",
		"some full avg10=0.00 avg60=1.00 avg300=0.00 total=0\n",
	};
	unsigned v = 77;

	for (size_t i = 0; i < ELEMENTSOF(good); i++)
		ok(memory_parse_full(good[i].text, &v) == 0 && v == good[i].want, "%u/100 %%",
		    v);
	v = 77;
	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ok(memory_parse_full(bad[i], &v) == -EINVAL && v == 77, "damaged: '%s'",
		    bad[i]);
	return tap_done();
}
