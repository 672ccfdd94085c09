/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "capture/certs/certscan.h"
#include "capture/check/signers.h"
#include "lib/json.h"
#include "lib/text.h"

/* {"version": 1, "signers": {PATH: SHA-256, …}, "replaced": N, "checks_left": N} */
#define STATE_VERSION 1u

static bool
is_signer(const struct certscan_certificate *c)
{
	return c->role == CERTSCAN_CA && !c->is_short_lived;
}

static int
add_signers(cJSON *state, const struct certscan *scan)
{
	cJSON *signers = cJSON_AddObjectToObject(state, "signers");
	int r = signers ? 0 : -ENOMEM;

	for (size_t i = 0; i < scan->n_certificates && r >= 0; i++)
		if (is_signer(&scan->certificates[i]))
			r = json_add_text(
			    signers, scan->certificates[i].path, scan->certificates[i].sha256);
	return r;
}

static uint64_t
count_replaced(const cJSON *signers, const struct certscan *scan)
{
	uint64_t n = 0;

	for (size_t i = 0; i < scan->n_certificates; i++) {
		const struct certscan_certificate *c = &scan->certificates[i];
		const char *sha256;

		if (is_signer(c) && json_get_string(signers, c->path, &sha256) > 0 &&
		    !streq(sha256, c->sha256))
			n++;
	}
	return n;
}

int
signers_update(const cJSON *state, const struct certscan *scan, uint64_t checks,
    cJSON **ret_state, uint64_t *ret_replaced)
{
	_cleanup_json_ cJSON *next = cJSON_CreateObject();
	uint64_t replaced = 0, left = 0, n;

	(void)json_get_uint(state, "checks_left", &left);
	if (left > 0)
		(void)json_get_uint(state, "replaced", &replaced);
	n = count_replaced(cJSON_GetObjectItemCaseSensitive(state, "signers"), scan);
	if (n > 0) {
		replaced = n;
		left = checks;
	}
	if (!next || json_add_uint(next, "version", STATE_VERSION) < 0 ||
	    add_signers(next, scan) < 0 || json_add_uint(next, "replaced", replaced) < 0 ||
	    json_add_uint(next, "checks_left", left > 0 ? left - 1 : 0) < 0)
		return -ENOMEM;
	*ret_state = TAKE_PTR(next);
	*ret_replaced = replaced;
	return 0;
}
