/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* summary.txt: one page in plain words for whoever opens the report first. */

struct manifest;
struct request;

/* Returns the text, which the caller frees; NULL when out of memory. REQUEST may be NULL (a
 * capture was killed and its request is gone). */
char *summary_format(const struct manifest *m, const struct request *request);
