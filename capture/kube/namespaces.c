/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kube/namespaces.h"
#include "capture/collector.h"
#include "lib/namepattern.h"
#include "lib/report.h"
#include "lib/settings.h"

bool
namespaces_wanted(const struct collector_context *ctx, const char *name)
{
	if (name_patterns_match(ctx->request->namespaces, name))
		return true;
	return !ctx->request->only_namespaces &&
	    (name_patterns_match(ctx->settings->namespaces, name) ||
		name_patterns_match(ctx->settings->add_namespaces, name));
}

bool
namespaces_want_failing(const struct collector_context *ctx)
{
	return ctx->settings->failing_pods && !ctx->request->only_namespaces;
}
