/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The collectors written in C, one file each; what they all are is in capture/collector.h. */

struct collector;

extern const struct collector certs_collector;
extern const struct collector containerlogs_collector;
extern const struct collector flash_collector;
extern const struct collector history_collector;
extern const struct collector host_collector;
extern const struct collector journal_collector;
extern const struct collector kube_collector;
extern const struct collector units_collector;
