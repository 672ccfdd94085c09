/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "daemon/procfile.h"

static const char meminfo[] = "MemTotal:        8046892 kB\n"
			      "MemFree:         3303336 kB\n"
			      "MemAvailable:    7321012 kB\n"
			      "SwapCached:            0 kB\n"
			      "Slab:             221176 kB\n";
static const char pressure[] = "some avg10=67.11 avg60=62.65 avg300=29.09 total=120877241\n"
			       "full avg10=0.05 avg60=0.05 avg300=0.25 total=5187158\n";
static const char cpu_stat[] = "usage_usec 4182936\nuser_usec 3012384\nsystem_usec 1170551\n"
			       "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n";
static const char io_stat[] =
    "253:0 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n"
    "8:16 rbytes=1000 wbytes=2000 rios=1 wios=1 dbytes=0 dios=0\n";

static void
check_uint(const char *data, const char *key, int r, uint64_t want)
{
	uint64_t value = 77;

	ok_int(procfile_uint(data, key, &value), r, "'%s'", key);
	ok_int(value, r < 0 ? 77 : want, "its value");
}

static void
check_centi(const char *data, const char *key, int r, uint64_t want)
{
	uint64_t value = 77;

	ok_int(procfile_centi(data, key, &value), r, "hundredths, '%s'", key);
	ok_int(value, r < 0 ? 77 : want, "its value");
}

static void
check_sum(const char *data, const char *key, int r, uint64_t want)
{
	uint64_t value = 77;

	ok_int(procfile_sum(data, key, &value), r, "sum, '%s'", key);
	ok_int(value, r < 0 ? 77 : want, "its value");
}

int
main(void)
{
	check_uint(meminfo, "MemAvailable:", 0, 7321012);
	check_uint(meminfo, "MemTotal:", 0, 8046892);
	check_uint(meminfo, "Total:", -ENODATA, 0);
	check_uint(meminfo, "SwapFree:", -ENODATA, 0);
	check_uint(cpu_stat, "usage_usec ", 0, 4182936);
	check_uint("104857600\n", "", 0, 104857600);
	check_uint("18446744073709551615", "", 0, UINT64_MAX);
	check_uint("18446744073709551616", "", -ENODATA, 0);
	check_uint("max\n", "", -ENODATA, 0);
	check_uint("-1\n", "", -ENODATA, 0);
	check_uint("", "", -ENODATA, 0);
	check_uint("MemFree:", "MemFree:", -ENODATA, 0);
	check_uint("MemFree:\n12", "MemFree:", -ENODATA, 0);

	check_centi(pressure, "some avg10=", 0, 6711);
	check_centi(pressure, "full avg10=", 0, 5);
	check_centi("3.55 1.73 0.70 4/130 417\n", "", 0, 355);
	check_centi("some avg10=100.00", "some avg10=", 0, 10000);
	check_centi("some avg10=1", "some avg10=", -ENODATA, 0);
	check_centi("some avg10=1.", "some avg10=", -ENODATA, 0);
	check_centi("some avg10=1.2", "some avg10=", -ENODATA, 0);
	check_centi("some avg10=nan", "some avg10=", -ENODATA, 0);
	check_centi("18446744073709551615.00", "", -ENODATA, 0);
	check_centi("184467440737095516.99", "", -ENODATA, 0);

	check_sum(io_stat, "rbytes=", 0, 1460200);
	check_sum(io_stat, "wbytes=", 0, 314775504);
	check_sum(io_stat, "bytes=", -ENODATA, 0);
	check_sum("", "rbytes=", -ENODATA, 0);
	check_sum("8:0 rbytes=", "rbytes=", -ENODATA, 0);
	check_sum("8:0 rbytes=1\n8:1 rbytes=x", "rbytes=", -ENODATA, 0);
	check_sum("8:0 rbytes=18446744073709551615\n8:1 rbytes=1", "rbytes=", -ENODATA, 0);
	return tap_done();
}
