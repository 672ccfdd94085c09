/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From the end of a run, or a finding, to a problem: what kind it is, how much to capture, and
 * its key.
 *
 * Two ends are the same problem when trigger, unit, result, exit code and status and the phase
 * that was reached are the same; the same again is counted. A crash loop, of which the ends may
 * differ, has a key of its own; see crashloop.h. Everything here is pure. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/report.h"

/* What to capture for an unrequested end of a run. */
enum trigger trigger_classify(const struct unit_event *event);
enum profile trigger_profile(enum trigger trigger);

/* Whether the end is known to be a failure. Of units that MicroShift stands on nothing else is
 * a problem: that they end by themselves may be their way, and what hurts MicroShift shows
 * there.
 */
bool trigger_is_failure(const struct unit_event *event);

/* The key of the problem: 64 bits in hex. Stable over versions: it is in old reports. That of
 * TRIGGER_NEIGHBOUR is unit and result alone. */
void trigger_key(
    enum trigger trigger, const struct unit_event *event, char key[REPORT_KEY_BYTES]);

/* That of a crash loop in which most ends had the key DOMINANT. */
void trigger_loop_key(const char *dominant, char key[REPORT_KEY_BYTES]);

/* The same for a finding: certificates are told apart by path, problem and date, anything else
 * by its subject. A dead API is one problem, whether it refuses or hangs. */
void trigger_finding_key(const struct finding *finding, char key[REPORT_KEY_BYTES]);

/* How long a problem rests after its first report, where that is longer than CoolDownSec=; of
 * ends of runs. */
uint64_t trigger_pause_usec(enum trigger trigger);

/* The same of findings. A state lasts, and a second look at it tells less than that at a second
 * crash. */
uint64_t trigger_finding_pause_usec(const struct finding *finding);

/* One sentence for people, such as "microshift.service was killed by SIGKILL". */
void trigger_describe(const struct unit_event *event, char reason[REASON_BYTES]);

/* The same of an end that is number COUNT of a crash loop. */
void trigger_describe_loop(
    const struct unit_event *event, uint64_t count, char reason[REASON_BYTES]);
