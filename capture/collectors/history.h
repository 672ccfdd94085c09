/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

/* Writes the CSV of the flight recorder as JSON: {"samples": [{…}, …]}, one object a line of
 * CSV, members named as the columns, empty cells left out. CSV is changed. Returns 0; -EBADMSG
 * at the first line that has more cells than there are columns (what came before is written,
 * and the JSON is ended); -ENOMEM. */
int history_print_json(char *csv, FILE *f);
