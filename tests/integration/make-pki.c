/* SPDX-License-Identifier: Apache-2.0 */

/* Makes MicroShift's certificates and kubeconfigs below the directory that is its argument. */

#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/lib/pki.h"

int
main(int argc, char *argv[])
{
	struct tmpdir root = { .fd = -EBADF };
	_cleanup_pki_ struct pki pki;

	if (argc != 2) {
		(void)fputs("usage: make-pki DIR\n", stderr);
		return 2;
	}
	text_copy(root.path, sizeof(root.path), argv[1]);
	root.fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0) {
		perror(argv[1]);
		return 1;
	}
	pki_open(&pki, &root);
	(void)close(root.fd);
	return 0;
}
