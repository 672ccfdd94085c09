/* SPDX-License-Identifier: Apache-2.0 */

/* Makes the certificates and kubeconfigs of a MicroShift that is started now: make-pki ROOT. */

#undef NDEBUG
#include <assert.h>

#include "tests/lib/pki.h"

int
main(int argc, char *argv[])
{
	_cleanup_pki_ struct pki p = { 0 };
	struct tmpdir root;

	if (argc != 2)
		return EXIT_FAILURE;
	text_copy(root.path, sizeof(root.path), argv[1]);
	root.fd = open(root.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(root.fd >= 0);
	pki_open_at(&p, &root, time(NULL));
	return EXIT_SUCCESS;
}
