/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "capture/certs/certfile.h"
#include "capture/certs/certscan.h"
#include "lib/clock.h"
#include "lib/text.h"

/* pkg/util/cryptomaterial/certinfo.go of MicroShift: IsCertShortLived(). */
#define SHORT_LIVED_USEC (5 * 365 * USEC_PER_DAY)

/* A host name has 253 bytes; longer names are cut. */
#define NAME_BYTES 300u

struct certfile {
	STACK_OF(X509) * stack; /* owned */
};

DEFINE_CLEANUP(BIO *, BIO_free_all);
DEFINE_CLEANUP(BIGNUM *, BN_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free);
DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(X509_STORE *, X509_STORE_free);
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free);

/* Without it, libcrypto asks the terminal. */
static int
no_password(char *buf, int size, int is_writing, void *userdata)
{
	(void)buf;
	(void)size;
	(void)is_writing;
	(void)userdata;
	return -1;
}

X509 *
certfile_first(const struct certfile *f)
{
	return sk_X509_value(f->stack, 0);
}

/* Reads until there is no further block. Returns as certfile_parse(). */
static int
read_stack(BIO *bio, STACK_OF(X509) * stack)
{
	for (;;) {
		_cleanup_(X509_freep) X509 *x = PEM_read_bio_X509(bio, NULL, no_password, NULL);
		unsigned long error = ERR_peek_last_error();

		ERR_clear_error();
		if (!x && ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
			return sk_X509_num(stack) > 0 ? 0 : -ENODATA;
		if (!x)
			return -EBADMSG;
		if ((unsigned)sk_X509_num(stack) >= CERTSCAN_CHAIN_MAX)
			return -E2BIG;
		if (sk_X509_push(stack, x) <= 0)
			return -ENOMEM;
		(void)TAKE_PTR(x);
	}
}

int
certfile_parse(const char *data, size_t size, struct certfile **ret)
{
	_cleanup_(certfile_freep) struct certfile *f = calloc(1, sizeof(*f));
	_cleanup_(BIO_free_allp) BIO *bio = NULL;
	int r;

	if (size > INT_MAX)
		return -E2BIG;
	bio = BIO_new_mem_buf(data, (int)size);
	if (!f || !bio || !(f->stack = sk_X509_new_null()))
		return -ENOMEM;
	r = read_stack(bio, f->stack);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

size_t
certfile_count(const struct certfile *f)
{
	return (size_t)sk_X509_num(f->stack);
}

static char *
bio_text(BIO *bio)
{
	char *data = NULL;
	long n = BIO_get_mem_data(bio, &data);

	return strndup(n > 0 ? data : "", n > 0 ? (size_t)n : 0);
}

/* RFC 2253, everything beyond ASCII escaped. */
static char *
format_name(const X509_NAME *name)
{
	_cleanup_(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0)
		return NULL;
	return bio_text(bio);
}

static char *
format_serial(const X509 *x)
{
	_cleanup_(BN_freep) BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL;
	char *text = strdup(hex ?: "");

	OPENSSL_free(hex);
	return text;
}

static char *
format_key_type(const X509 *x)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);

	if (!key)
		return strdup("unknown");
	switch (EVP_PKEY_base_id(key)) {
	case EVP_PKEY_RSA:
		return text_format("RSA %d", EVP_PKEY_bits(key));
	case EVP_PKEY_EC:
		return text_format("EC %d", EVP_PKEY_bits(key));
	default:
		return strdup(OBJ_nid2sn(EVP_PKEY_base_id(key)) ?: "unknown");
	}
}

/* Realtime; what is before 1970 or cannot be read is 0. */
static uint64_t
time_usec(const ASN1_TIME *at)
{
	struct tm tm;
	time_t t;

	if (!at || ASN1_TIME_to_tm(at, &tm) != 1)
		return 0;
	t = timegm(&tm);
	return t > 0 ? (uint64_t)t * USEC_PER_SEC : 0;
}

/* "PREFIX" and the bytes of S; what is not printable becomes "?". */
static void
format_text_name(const char *prefix, const ASN1_STRING *s, char *buf, size_t size)
{
	const unsigned char *data = ASN1_STRING_get0_data(s);
	size_t n = strlen(prefix), length = (size_t)ASN1_STRING_length(s);

	text_copy(buf, size, prefix);
	for (size_t i = 0; i < length && n + 1 < size; i++)
		buf[n++] = data[i] > ' ' && data[i] < 0x7f ? (char)data[i] : '?';
	buf[n] = '\0';
}

static void
format_address(const ASN1_OCTET_STRING *s, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN];
	int length = ASN1_STRING_length(s);

	if ((length != 4 && length != 16) ||
	    !inet_ntop(
		length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text, sizeof(text)))
		text_copy(text, sizeof(text), "?");
	(void)snprintf(buf, size, "IP:%s", text);
}

static int
add_alternative_name(const GENERAL_NAME *name, char ***names)
{
	char text[NAME_BYTES];

	switch (name->type) {
	case GEN_DNS:
		format_text_name("DNS:", name->d.dNSName, text, sizeof(text));
		break;
	case GEN_EMAIL:
		format_text_name("email:", name->d.rfc822Name, text, sizeof(text));
		break;
	case GEN_URI:
		format_text_name("URI:", name->d.uniformResourceIdentifier, text, sizeof(text));
		break;
	case GEN_IPADD:
		format_address(name->d.iPAddress, text, sizeof(text));
		break;
	default:
		text_copy(text, sizeof(text), "other");
	}
	return strv_append(names, text);
}

static int
add_alternative_names(const X509 *x, char ***names)
{
	_cleanup_(GENERAL_NAMES_freep) GENERAL_NAMES *all =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int n = all ? sk_GENERAL_NAME_num(all) : 0;
	int r = 0;

	for (int i = 0; i < n && i < (int)CERTFILE_NAMES_MAX && r == 0; i++)
		r = add_alternative_name(sk_GENERAL_NAME_value(all, i), names);
	return r;
}

static void
format_digest(const unsigned char *digest, unsigned n, char buf[SHA256_BYTES])
{
	buf[0] = '\0';
	for (unsigned i = 0; i < n && 2 * i + 2 < SHA256_BYTES; i++)
		(void)snprintf(buf + 2 * (size_t)i, 3, "%02x", digest[i]);
}

void
certfile_digest(const char *text, size_t size, char ret[SHA256_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (EVP_Digest(text, size, digest, &n, EVP_sha256(), NULL) != 1)
		n = 0;
	format_digest(digest, n, ret);
}

int
certfile_describe_x509(const X509 *x, struct certscan_certificate *ret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	int r;

	ret->subject = format_name(X509_get_subject_name(x));
	ret->issuer = format_name(X509_get_issuer_name(x));
	ret->serial = format_serial(x);
	ret->key_type = format_key_type(x);
	r = add_alternative_names(x, &ret->names);
	if (X509_digest(x, EVP_sha256(), digest, &n) != 1)
		n = 0;
	format_digest(digest, n, ret->sha256);
	ret->not_before_usec = time_usec(X509_get0_notBefore(x));
	ret->not_after_usec = time_usec(X509_get0_notAfter(x));
	ret->is_ca = X509_check_ca((X509 *)x) > 0;
	ret->is_short_lived = ret->not_after_usec < ret->not_before_usec ||
	    ret->not_after_usec - ret->not_before_usec < SHORT_LIVED_USEC;
	ERR_clear_error();
	if (!ret->subject || !ret->issuer || !ret->serial || !ret->key_type)
		return -ENOMEM;
	return r;
}

int
certfile_describe(const struct certfile *f, size_t i, struct certscan_certificate *ret)
{
	return certfile_describe_x509(sk_X509_value(f->stack, (int)i), ret);
}

int
certfile_read_key(const char *key, size_t size, EVP_PKEY **ret)
{
	_cleanup_(BIO_free_allp) BIO *bio = NULL;
	EVP_PKEY *k;

	if (size > INT_MAX)
		return -ENODATA;
	bio = BIO_new_mem_buf(key, (int)size);
	if (!bio)
		return -ENOMEM;
	k = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	ERR_clear_error();
	if (!k)
		return -ENODATA;
	*ret = k;
	return 0;
}

int
certfile_has_key(const struct certfile *f, const char *key, size_t size)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *k = NULL;
	int r = certfile_read_key(key, size, &k);

	if (r < 0)
		return r;
	r = X509_check_private_key(certfile_first(f), k) == 1;
	ERR_clear_error();
	return r;
}

int
certfile_add_to_store(const struct certfile *f, X509_STORE *store)
{
	for (int i = 0; i < sk_X509_num(f->stack); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(f->stack, i)) != 1)
			return -ENOMEM;
	return 0;
}

/* What is sent along and what lies between, borrowed. */
static STACK_OF(X509) * make_between(const struct certfile *f, const struct certfile *between)
{
	STACK_OF(X509) *all = sk_X509_dup(f->stack);

	for (int i = 0; all && between && i < sk_X509_num(between->stack); i++)
		(void)sk_X509_push(all, sk_X509_value(between->stack, i));
	return all;
}

int
certfile_leads_to(const struct certfile *f, const struct certfile *anchors,
    const struct certfile *between, const char **ret_reason)
{
	_cleanup_(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	_cleanup_(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) * all;
	int r;

	if (!store || certfile_add_to_store(anchors, store) < 0)
		return -ENOMEM;
	all = make_between(f, between);
	if (!ctx || !all || X509_STORE_CTX_init(ctx, store, certfile_first(f), all) != 1) {
		r = -ENOMEM;
	} else {
		X509_STORE_CTX_set_flags(
		    ctx, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
		r = X509_verify_cert(ctx) == 1;
		if (r == 0)
			*ret_reason =
			    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
	}
	sk_X509_free(all);
	ERR_clear_error();
	return r;
}

bool
certfile_names_issuer(const struct certfile *f, const struct certfile *ca)
{
	return X509_NAME_cmp(X509_get_issuer_name(certfile_first(f)),
		   X509_get_subject_name(certfile_first(ca))) == 0;
}

bool
certfile_is_signed_by(const struct certfile *f, const struct certfile *ca)
{
	EVP_PKEY *key = X509_get0_pubkey(certfile_first(ca));
	bool is_signed =
	    certfile_names_issuer(f, ca) && key && X509_verify(certfile_first(f), key) == 1;

	ERR_clear_error();
	return is_signed;
}

bool
certfile_is_for(const struct certfile *f, const char *name)
{
	return X509_check_ip_asc(certfile_first(f), name, 0) == 1 ||
	    X509_check_host(certfile_first(f), name, 0, 0, NULL) == 1;
}

void
certfile_free(struct certfile *f)
{
	if (!f)
		return;
	sk_X509_pop_free(f->stack, X509_free);
	free(f);
}
