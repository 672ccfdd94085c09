/* SPDX-License-Identifier: Apache-2.0 */

/* Makes the certificates and kubeconfigs of a MicroShift that is started now, below ROOT. */

#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/pki.h"

int
main(int argc, char *argv[])
{
	struct tmpdir root = { .fd = -EBADF };
	_cleanup_pki_ struct pki pki = { 0 };

	if (argc != 2) {
		(void)fputs("usage: make-pki ROOT\n", stderr);
		return 2;
	}
	text_copy(root.path, sizeof(root.path), argv[1]);
	root.fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0) {
		perror(argv[1]);
		return 1;
	}
	pki_open_at(&pki, &root, time(NULL));
	(void)close(root.fd);
	return 0;
}
