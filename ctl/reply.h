/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading what the daemon answered. A member that is missing or of the wrong type reads as
 * empty: an older or newer daemon must not keep us from showing the rest. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cJSON cJSON;

/* "12 ok, 1 partial, 1 failed, 1 timed out, 3 skipped" with all of them at 20 digits. */
#define OUTCOMES_TEXT_BYTES 160u

/* Never NULL; owned by OBJECT. OBJECT may be NULL. */
const char *reply_text(const cJSON *object, const char *name);
uint64_t reply_uint(const cJSON *object, const char *name);
bool reply_bool(const cJSON *object, const char *name);

/* Member NAME, NULL when it is missing. */
const cJSON *reply_member(const cJSON *object, const char *name);

/* How the collectors of REPORT ended, those without a count left out. Returns BUF. */
const char *reply_format_outcomes(const cJSON *report, char buf[OUTCOMES_TEXT_BYTES]);

/* "microshift.service ended: exit-code (exited, status 255)", "/var: full", or "taken on
 * request". Returns BUF. */
const char *reply_format_event(const cJSON *report, char *buf, size_t size);
