/* SPDX-License-Identifier: Apache-2.0 */

/* Kubeconfigs: never crash; what is accepted is complete and can be sent. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "capture/kube/kubeconfig.h"
#include "lib/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *k = NULL;
	struct fault fault = { 0 };
	int r;

	/* The directory has nothing in it, so that files named in the input are not there. */
	r = kubeconfig_parse("/nonexistent/kubeconfig", (const char *)data, size, &k, &fault);
	if (r < 0) {
		assert(!k);
		assert(fault.code == r && fault.text[0]);
		return 0;
	}
	assert(k->host[0] && k->port > 0 && k->port <= 65535);
	assert(!strpbrk(k->host, "/@ \r\n") && !strpbrk(k->base_path, "?# \r\n"));
	assert(k->is_tls || strncmp(k->server, "http://", 7) == 0);
	assert(!k->cert.data == !k->key.data);
	assert(k->cert.data || k->token.data);
	if (k->token.data)
		assert(
		    strlen(k->token.data) == k->token.size && !strpbrk(k->token.data, " \r\n"));
	return 0;
}
