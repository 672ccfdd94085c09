/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kube/namespaces.h"
#include "capture/collector.h"
#include "lib/namepattern.h"
#include "lib/report.h"
#include "lib/settings.h"

bool
namespaces_wanted(const struct collector_context *ctx, const char *name)
{
	return name_patterns_match(ctx->settings->namespaces, name) ||
	    name_patterns_match(ctx->settings->add_namespaces, name) ||
	    name_patterns_match(ctx->request->namespaces, name);
}
