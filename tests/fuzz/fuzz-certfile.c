/* SPDX-License-Identifier: Apache-2.0 */

/* PEM files as they are found on disk, certificates and keys: never crash; what is described is
 * printable. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "capture/certs/certfile.h"
#include "capture/certs/certscan.h"
#include "lib/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
	assert(text);
	for (; *text; text++)
		assert(*text >= ' ' && *text <= '~');
}

static void
check(const struct certscan_certificate *c)
{
	check_text(c->subject);
	check_text(c->issuer);
	check_text(c->serial);
	check_text(c->key_type);
	assert(strlen(c->sha256) == 64);
	assert(strv_length(c->names) <= CERTFILE_NAMES_MAX);
	for (char *const *n = c->names; n && *n; n++)
		check_text(*n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(certfile_freep) struct certfile *f = NULL;
	const char *reason = NULL;
	int r = certfile_parse((const char *)data, size, &f);

	if (r < 0) {
		assert(!f && (r == -ENODATA || r == -EBADMSG || r == -E2BIG));
		return 0;
	}
	assert(certfile_count(f) > 0 && certfile_count(f) <= CERTSCAN_CHAIN_MAX);
	for (size_t i = 0; i < certfile_count(f); i++) {
		struct certscan_certificate c = { 0 };

		assert(certfile_describe(f, i, &c) == 0);
		check(&c);
		certscan_certificate_done(&c);
	}
	/* The key may be in the same file. */
	r = certfile_has_key(f, (const char *)data, size);
	assert(r == 0 || r == 1 || r == -ENODATA);
	/* Each is trusted as it is. */
	assert(certfile_leads_to(f, f, NULL, &reason) >= 0);
	(void)certfile_is_signed_by(f, f);
	(void)certfile_is_for(f, "localhost");
	return 0;
}
