/* SPDX-License-Identifier: Apache-2.0 */

/* The configuration of MicroShift, kubelet and CRI-O, as whoever may have written it: never
 * crash; limits hold. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/certs/nodeconf.h"
#include "lib/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nodeconf conf = { 0 };
	struct nodeconf_tls kubelet = { 0 }, crio = { 0 };
	struct fault fault = { 0 };
	char *text = strndup((const char *)data, size);
	int r;

	assert(text);
	/* Twice: the second one replaces what the first one set. */
	for (unsigned i = 0; i < 2; i++) {
		r = nodeconf_merge(&conf, "/c", (const char *)data, size, &fault);
		assert(r == 0 || (fault.code == r && fault.text[0]));
		assert(conf.n_certificates <= NODECONF_CERTIFICATES_MAX);
		for (size_t j = 0; j < conf.n_certificates; j++)
			assert(conf.certificates[j].cert_path && conf.certificates[j].key_path);
	}
	r = nodeconf_kubelet("/k", (const char *)data, size, &kubelet, &fault);
	assert(r == 0 || fault.code == r);
	assert(nodeconf_crio(&crio, text) == 0);
	assert(!crio.cert_path || !strchr(crio.cert_path, '\n'));
	nodeconf_tls_done(&crio);
	nodeconf_tls_done(&kubelet);
	nodeconf_done(&conf);
	free(text);
	return 0;
}
