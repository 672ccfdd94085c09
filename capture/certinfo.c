/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "capture/certinfo.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* Enough to tell the certificates of one machine apart. */
#define FINGERPRINT_BYTES 8u
#define NAME_BYTES	  80u

DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(X509_REQ *, X509_REQ_free);

/* The common name, or the whole subject when it has none. Only printable ASCII. */
static void
format_name(const X509_NAME *name, char *buf, size_t size)
{
	char text[NAME_BYTES] = "";
	int n;

	n = X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, text, sizeof(text));
	if (n > 0)
		(void)snprintf(buf, size, "CN=%s", text);
	else if (X509_NAME_oneline(name, text, sizeof(text)) && !is_empty(text))
		text_copy(buf, size, text);
	else
		text_copy(buf, size, "no subject");
	for (char *p = buf; *p; p++)
		if (*p < 0x20 || *p > 0x7e || *p == '[' || *p == ']' || *p == '"' || *p == '\\')
			*p = '_';
}

static void
format_time(const ASN1_TIME *at, char *buf, size_t size)
{
	struct tm tm;

	if (!at || ASN1_TIME_to_tm(at, &tm) != 1 ||
	    strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text_copy(buf, size, "unknown");
}

static void
format_fingerprint(const void *der, size_t len, char buf[2 * FINGERPRINT_BYTES + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (EVP_Digest(der, len, digest, &n, EVP_sha256(), NULL) != 1)
		n = 0;
	buf[0] = '\0';
	for (unsigned i = 0; i < n && i < FINGERPRINT_BYTES; i++)
		(void)snprintf(buf + 2 * (size_t)i, 3, "%02x", digest[i]);
}

static int
describe_certificate(const void *der, size_t len, char *buf, size_t size)
{
	const unsigned char *p = der;
	_cleanup_(X509_freep) X509 *certificate = d2i_X509(NULL, &p, (long)len);
	char fingerprint[2 * FINGERPRINT_BYTES + 1];
	char name[NAME_BYTES];
	char until[32];

	if (!certificate)
		return -EBADMSG;
	format_name(X509_get_subject_name(certificate), name, sizeof(name));
	format_time(X509_get0_notAfter(certificate), until, sizeof(until));
	format_fingerprint(der, len, fingerprint);
	(void)snprintf(buf, size, "%s, valid until %s, sha256 %s", name, until, fingerprint);
	return 0;
}

static int
describe_request(const void *der, size_t len, char *buf, size_t size)
{
	const unsigned char *p = der;
	_cleanup_(X509_REQ_freep) X509_REQ *request = d2i_X509_REQ(NULL, &p, (long)len);

	if (!request)
		return -EBADMSG;
	format_name(X509_REQ_get_subject_name(request), buf, size);
	return 0;
}

int
certinfo_describe(
    enum redact_kind kind, const void *der, size_t len, char *buf, size_t size, void *userdata)
{
	(void)userdata;
	if (len > REDACT_DESCRIBE_BYTES)
		return -EFBIG;
	switch (kind) {
	case REDACT_CERTIFICATE:
		return describe_certificate(der, len, buf, size);
	case REDACT_CERTIFICATE_REQUEST:
		return describe_request(der, len, buf, size);
	default:
		return -EOPNOTSUPP;
	}
}
