/* SPDX-License-Identifier: Apache-2.0 */

/* What was known the moment it happened: the event as systemd told it, before the next run
 * overwrote it, and the facts that the daemon took with it. */

#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/sink/bundle.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/report.h"
#include "lib/text.h"

#define FLASH_PATH "sos_commands/microshift-support/flash.json"

/* The request as text. The history has files of its own; see history.c. The caller frees it,
 * NULL when out of memory. */
static char *
print_request(const struct request *req)
{
	_cleanup_json_ cJSON *object = request_to_json(req);

	if (!object)
		return NULL;
	cJSON_DeleteItemFromObjectCaseSensitive(
	    cJSON_GetObjectItemCaseSensitive(object, "flash"), FLASH_HISTORY_MEMBER);
	return json_print(object, true);
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_free_ char *text = print_request(ctx->request);
	int r;

	(void)c;
	r = text ? bundle_add(ctx->bundle, FLASH_PATH, text, strlen(text), NULL) : -ENOMEM;
	if (r == 0)
		return OUTCOME_OK;
	fault_set(reterr, r < 0 ? r : -EFBIG, "cannot store the request and its flash: %m");
	return r < 0 ? OUTCOME_FAILED : OUTCOME_PARTIAL;
}

const struct collector flash_collector = {
	.name = "flash",
	.description = "The event that led to this report, and the facts of that moment",
	.profiles = PROFILE_MASK_ALL,
	.priority = 0,
	.run = run,
};
