/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the clock and the addresses of the machine make of a scan: expired, not yet valid, due
 * to be renewed, made for another name. */

struct certscan;
struct certscan_options;

/* Replaces all judgements in S by those of this moment, and sets its times. Returns 0 or
 * -ENOMEM. */
int judge(struct certscan *s, const struct certscan_options *options);
