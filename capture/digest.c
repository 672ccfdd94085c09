/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "capture/digest.h"
#include "lib/cleanup.h"

#define READ_STEP_BYTES (64u * 1024u)

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free);

static int
update(EVP_MD_CTX *ctx, int fd, uint64_t *bytes)
{
	_cleanup_free_ char *buf = malloc(READ_STEP_BYTES);

	if (!buf)
		return -ENOMEM;
	for (;;) {
		ssize_t n = pread(fd, buf, READ_STEP_BYTES, (off_t)*bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (EVP_DigestUpdate(ctx, buf, (size_t)n) != 1)
			return -EIO;
		*bytes += (uint64_t)n;
	}
}

int
digest_file(int fd, char ret_sha256[SHA256_BYTES], uint64_t *ret_bytes)
{
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;
	uint64_t bytes = 0;
	int r;

	if (!ctx)
		return -ENOMEM;
	if (EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return -EIO;
	r = update(ctx, fd, &bytes);
	if (r < 0)
		return r;
	if (EVP_DigestFinal_ex(ctx, digest, &length) != 1 || 2 * length + 1 != SHA256_BYTES)
		return -EIO;
	for (unsigned i = 0; i < length; i++)
		(void)snprintf(ret_sha256 + 2 * (size_t)i, 3, "%02x", digest[i]);
	if (ret_bytes)
		*ret_bytes = bytes;
	return 0;
}
