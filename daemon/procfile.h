/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Numbers out of the small text files of /proc and of cgroups. Pure: the caller has read the
 * file. What is not there, or is no number, is -ENODATA: never a guess, never 0. */

#include <stdint.h>

/* KEY is what stands before the number at the beginning of a line: "MemFree:" as in
 * proc_meminfo(5), "usage_usec " as in the kernel's admin-guide/cgroup-v2.rst, "" for a file
 * that begins with its number. Blanks between them are skipped. */

/* The whole number behind KEY. Returns 0 or -ENODATA. */
int procfile_uint(const char *data, const char *key, uint64_t *ret);

/* The same for "12.34", in hundredths: as in proc_loadavg(5), and with the KEY "some avg10=" in
 * the kernel's accounting/psi.rst. */
int procfile_centi(const char *data, const char *key, uint64_t *ret);

/* The sum of the numbers behind KEY wherever it begins a word, as in io.stat of cgroup-v2.rst
 * ("8:0 rbytes=1 wbytes=2 …", a line for each device). */
int procfile_sum(const char *data, const char *key, uint64_t *ret);
