/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads /proc/pressure/memory. */

/* The share of the last minute, in hundredths of a percent, in which all processes waited for
 * memory: `avg60` of the line `full` in TEXT
 * (https://docs.kernel.org/accounting/psi.html). Returns 0 or -EINVAL. */
int memory_parse_full(const char *text, unsigned *ret_hundredths);
