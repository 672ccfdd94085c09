/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From the end of a run to a problem: what kind it is, how much to capture, and its key.
 *
 * Two ends are the same problem when trigger, unit, result, exit code and status and the phase
 * that was reached are the same. A crash loop is thus one key, and gives one report and a
 * counter. Everything here is pure. */

#include "lib/report.h"

/* What to capture for an unrequested end of a run. */
enum trigger trigger_classify(const struct unit_event *event);
enum profile trigger_profile(enum trigger trigger);

/* The key of the problem: 64 bits in hex. Stable over versions: it is in old reports. */
void trigger_key(
    enum trigger trigger, const struct unit_event *event, char key[REPORT_KEY_BYTES]);

/* One sentence for people, such as "microshift.service was killed by SIGKILL". */
void trigger_describe(const struct unit_event *event, char reason[REASON_BYTES]);
