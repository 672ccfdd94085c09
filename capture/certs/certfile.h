/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The certificates of one PEM file, through libcrypto; keys only to see whether they belong.
 * Nothing here looks at the clock. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/cleanup.h"
#include "lib/report.h"

struct certfile;
struct certscan_certificate;
struct evp_pkey_st;
struct x509_st;
struct x509_store_st;

/* Names of one certificate that are listed; MicroShift's have up to 15. */
#define CERTFILE_NAMES_MAX 100u

/* Reads all certificates in DATA; other PEM blocks are passed over. Returns 0; -ENODATA when
 * there is none; -EBADMSG when one cannot be read; -E2BIG beyond CERTSCAN_CHAIN_MAX; -ENOMEM.
 * The caller owns *ret (certfile_free()). */
int certfile_parse(const char *data, size_t size, struct certfile **ret);

size_t certfile_count(const struct certfile *f);

/* Fills what the certificate says of itself: from `subject` to `is_ca`, and is_short_lived.
 * Returns 0 or -ENOMEM; what *RET owns is the caller's in either case. */
int certfile_describe(const struct certfile *f, size_t i, struct certscan_certificate *ret);

/* For the file that owns libssl: the same of a certificate it was given; the first certificate,
 * which stays F's; all of them as anchors of STORE (0 or -ENOMEM); a key without a password (0,
 * -ENODATA; the caller owns *ret). */
int certfile_describe_x509(const struct x509_st *x, struct certscan_certificate *ret);
struct x509_st *certfile_first(const struct certfile *f);
int certfile_add_to_store(const struct certfile *f, struct x509_store_st *store);
int certfile_read_key(const char *key, size_t size, struct evp_pkey_st **ret);

/* Whether the key in the PEM text KEY is that of F's first certificate. Returns 1, 0, -ENODATA
 * when there is no key (or an encrypted one), -ENOMEM. */
int certfile_has_key(const struct certfile *f, const char *key, size_t size);

/* Whether F's first certificate leads to one of ANCHORS, over certificates of F and of BETWEEN
 * (may be NULL). Each anchor counts as it is, as in Go: it need not be self-signed. Validity in
 * time is not looked at. Returns 1; 0 with the reason, a static text, in *ret_reason; -ENOMEM.
 */
int certfile_leads_to(const struct certfile *f, const struct certfile *anchors,
    const struct certfile *between, const char **ret_reason);

/* Whether F's first certificate names CA's first one as its issuer, and whether it was signed
 * with its key. The first without the second: the authority was made anew. */
bool certfile_names_issuer(const struct certfile *f, const struct certfile *ca);
bool certfile_is_signed_by(const struct certfile *f, const struct certfile *ca);

/* Whether the first certificate is for NAME: a host name (wildcards count) or an address. */
bool certfile_is_for(const struct certfile *f, const char *name);

/* SHA-256 of TEXT in hexadecimal; "" when libcrypto cannot. */
void certfile_digest(const char *text, size_t size, char ret[SHA256_BYTES]);

/* Frees it; NULL is fine. */
void certfile_free(struct certfile *f);
DEFINE_CLEANUP(struct certfile *, certfile_free);
