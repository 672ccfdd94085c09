/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/collectors/builtin.h"
#include "capture/collector.h"

const struct collector *const builtin_collectors[] = {
	&certs_collector,
	&containerlogs_collector,
	&flash_collector,
	&history_collector,
	&host_collector,
	&journal_collector,
	&kube_collector,
	&units_collector,
	NULL,
};
