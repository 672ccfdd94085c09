/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <openssl/x509_vfy.h>

#include "capture/kube/failure.h"
#include "lib/cleanup.h"

static const char *const failure_names[_KUBE_FAILURE_COUNT] = {
	[KUBE_FAILURE_NONE] = "",
	[KUBE_FAILURE_REFUSED] = "refused",
	[KUBE_FAILURE_UNREACHABLE] = "unreachable",
	[KUBE_FAILURE_TIMEOUT] = "timeout",
	[KUBE_FAILURE_RESET] = "reset",
	[KUBE_FAILURE_TLS_EXPIRED] = "tls-expired",
	[KUBE_FAILURE_TLS_NOT_YET] = "tls-not-yet-valid",
	[KUBE_FAILURE_TLS_AUTHORITY] = "tls-unknown-authority",
	[KUBE_FAILURE_TLS_NAME] = "tls-name",
	[KUBE_FAILURE_TLS_CLIENT] = "tls-client-certificate",
	[KUBE_FAILURE_TLS_OTHER] = "tls-other",
	[KUBE_FAILURE_HTTP_400] = "http-400",
	[KUBE_FAILURE_HTTP_401] = "http-401",
	[KUBE_FAILURE_HTTP_403] = "http-403",
	[KUBE_FAILURE_HTTP_404] = "http-404",
	[KUBE_FAILURE_HTTP_406] = "http-406",
	[KUBE_FAILURE_HTTP_410] = "http-410",
	[KUBE_FAILURE_HTTP_429] = "http-429",
	[KUBE_FAILURE_HTTP_4XX] = "http-4xx",
	[KUBE_FAILURE_HTTP_5XX] = "http-5xx",
	[KUBE_FAILURE_REDIRECT] = "redirect",
	[KUBE_FAILURE_BAD_ANSWER] = "bad-answer",
	[KUBE_FAILURE_TRUNCATED] = "truncated",
	[KUBE_FAILURE_TOO_LARGE] = "too-large",
	[KUBE_FAILURE_STOPPED] = "stopped",
	[KUBE_FAILURE_LOCAL] = "local",
};

const char *
kube_failure_name(enum kube_failure f)
{
	return f >= 0 && f < _KUBE_FAILURE_COUNT ? failure_names[f] : "";
}

int
kube_failure_errno(enum kube_failure f)
{
	switch (f) {
	case KUBE_FAILURE_NONE:
		return 0;
	case KUBE_FAILURE_REFUSED:
		return -ECONNREFUSED;
	case KUBE_FAILURE_UNREACHABLE:
		return -EHOSTUNREACH;
	case KUBE_FAILURE_TIMEOUT:
		return -ETIMEDOUT;
	case KUBE_FAILURE_RESET:
		return -ECONNRESET;
	case KUBE_FAILURE_TLS_EXPIRED:
		return -EKEYEXPIRED;
	case KUBE_FAILURE_TLS_NOT_YET:
	case KUBE_FAILURE_TLS_AUTHORITY:
	case KUBE_FAILURE_TLS_NAME:
	case KUBE_FAILURE_TLS_CLIENT:
	case KUBE_FAILURE_TLS_OTHER:
		return -EKEYREJECTED;
	case KUBE_FAILURE_HTTP_401:
	case KUBE_FAILURE_HTTP_403:
		return -EACCES;
	case KUBE_FAILURE_HTTP_404:
		return -ENOENT;
	case KUBE_FAILURE_HTTP_410:
		return -ESTALE;
	case KUBE_FAILURE_HTTP_429:
		return -EBUSY;
	case KUBE_FAILURE_TOO_LARGE:
		return -EFBIG;
	case KUBE_FAILURE_TRUNCATED:
	case KUBE_FAILURE_BAD_ANSWER:
		return -EBADMSG;
	case KUBE_FAILURE_STOPPED:
		return -ECANCELED;
	case KUBE_FAILURE_LOCAL:
		return -EIO;
	default:
		return -EREMOTEIO;
	}
}

enum kube_failure
kube_failure_of_status(int status)
{
	switch (status) {
	case 400:
		return KUBE_FAILURE_HTTP_400;
	case 401:
		return KUBE_FAILURE_HTTP_401;
	case 403:
		return KUBE_FAILURE_HTTP_403;
	case 404:
		return KUBE_FAILURE_HTTP_404;
	case 406:
		return KUBE_FAILURE_HTTP_406;
	case 410:
		return KUBE_FAILURE_HTTP_410;
	case 429:
		return KUBE_FAILURE_HTTP_429;
	case 200 ... 299:
		return KUBE_FAILURE_NONE;
	case 300 ... 399:
		return KUBE_FAILURE_REDIRECT;
	case 402:
	case 405:
	case 407 ... 409:
	case 411 ... 428:
	case 430 ... 499:
		return KUBE_FAILURE_HTTP_4XX;
	case 500 ... 599:
		return KUBE_FAILURE_HTTP_5XX;
	default:
		return KUBE_FAILURE_BAD_ANSWER;
	}
}

enum kube_failure
kube_failure_of_verify(long verify_result)
{
	switch (verify_result) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return KUBE_FAILURE_TLS_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return KUBE_FAILURE_TLS_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return KUBE_FAILURE_TLS_NOT_YET;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE: /* a CA of the same name with another key */
	case X509_V_ERR_CERT_UNTRUSTED:
		return KUBE_FAILURE_TLS_AUTHORITY;
	default:
		return KUBE_FAILURE_TLS_OTHER;
	}
}

enum kube_failure
kube_failure_of_alert(const char *text)
{
	/* What a server says of a client's certificate; OpenSSL's words for the alerts of RFC
	 * 8446, 6.2. */
	static const char *const alerts[] = { "certificate required", "bad certificate",
		"unknown ca", "certificate expired", "certificate revoked",
		"certificate unknown", "unsupported certificate", "access denied" };
	const char *alert = strstr(text, "alert ");

	if (!alert)
		return KUBE_FAILURE_NONE;
	for (size_t i = 0; i < ELEMENTSOF(alerts); i++)
		if (strstr(alert, alerts[i]))
			return KUBE_FAILURE_TLS_CLIENT;
	return KUBE_FAILURE_TLS_OTHER;
}

bool
kube_failure_is_fatal(enum kube_failure f)
{
	switch (f) {
	case KUBE_FAILURE_REFUSED:
	case KUBE_FAILURE_UNREACHABLE:
	case KUBE_FAILURE_TIMEOUT:
	case KUBE_FAILURE_RESET:
	case KUBE_FAILURE_TLS_EXPIRED:
	case KUBE_FAILURE_TLS_NOT_YET:
	case KUBE_FAILURE_TLS_AUTHORITY:
	case KUBE_FAILURE_TLS_NAME:
	case KUBE_FAILURE_TLS_CLIENT:
	case KUBE_FAILURE_TLS_OTHER:
	case KUBE_FAILURE_HTTP_401:
	case KUBE_FAILURE_REDIRECT:
	case KUBE_FAILURE_BAD_ANSWER:
	case KUBE_FAILURE_STOPPED:
	case KUBE_FAILURE_LOCAL:
		return true;
	default:
		return false;
	}
}
