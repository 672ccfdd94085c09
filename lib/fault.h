/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* An error that a person will read: a negative errno for programs, a sentence for people.
 *
 * Rules. Functions that report to people take `struct fault *reterr` as the last parameter; it
 * may be NULL. The function that meets the error sets it with fault_set(), callers add context
 * in front with fault_wrap() on the way up. The object has a fixed size, so that reporting an
 * error cannot fail; a text that does not fit is cut. A fault is only meaningful when the
 * function returned < 0. */

#include <stddef.h>

/* Room for a path, a line number and a sentence; longer texts are cut, never dropped. */
#define FAULT_TEXT_MAX_BYTES 512u

struct fault {
	int code; /* negative errno, 0 when unset */
	char text[FAULT_TEXT_MAX_BYTES];
};

/* Sets *reterr (which may be NULL) to CODE and the formatted text. Returns CODE, so that
 * `return fault_set(reterr, -EINVAL, "…")` is one statement. `%m` prints strerror(-CODE). */
int fault_set(struct fault *reterr, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts the formatted context and ": " in front of the text of *reterr (which may be NULL). */
void fault_wrap(struct fault *reterr, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns the text to show: never NULL, strerror of CODE when no text was set. */
const char *fault_text(const struct fault *f);
