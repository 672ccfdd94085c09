/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include <openssl/x509_vfy.h>

#include "capture/kube/failure.h"
#include "capture/kube/logstream.h"
#include "lib/cleanup.h"

static void
test_names(void)
{
	for (int i = 0; i < _KUBE_FAILURE_COUNT; i++) {
		ok(kube_failure_name(i) && (i == 0 || kube_failure_name(i)[0]), "%d has a name",
		    i);
		ok(i == 0 ? kube_failure_errno(i) == 0 : kube_failure_errno(i) < 0,
		    "and an error number");
		for (int j = 0; j < i; j++)
			if (strcmp(kube_failure_name(i), kube_failure_name(j)) == 0)
				ok(false, "'%s' is there twice", kube_failure_name(i));
	}
	ok_str(kube_failure_name(-1), "", "no failure");
	ok_str(kube_failure_name(_KUBE_FAILURE_COUNT), "", "none either");
}

static void
test_status(void)
{
	static const struct {
		int status;
		enum kube_failure failure;
	} cases[] = {
		{ 200, KUBE_FAILURE_NONE },
		{ 204, KUBE_FAILURE_NONE },
		{ 302, KUBE_FAILURE_REDIRECT },
		{ 400, KUBE_FAILURE_HTTP_400 },
		{ 401, KUBE_FAILURE_HTTP_401 },
		{ 403, KUBE_FAILURE_HTTP_403 },
		{ 404, KUBE_FAILURE_HTTP_404 },
		{ 405, KUBE_FAILURE_HTTP_4XX },
		{ 406, KUBE_FAILURE_HTTP_406 },
		{ 410, KUBE_FAILURE_HTTP_410 },
		{ 429, KUBE_FAILURE_HTTP_429 },
		{ 500, KUBE_FAILURE_HTTP_5XX },
		{ 599, KUBE_FAILURE_HTTP_5XX },
		{ 0, KUBE_FAILURE_BAD_ANSWER },
		{ 101, KUBE_FAILURE_BAD_ANSWER },
		{ 999, KUBE_FAILURE_BAD_ANSWER },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		ok_int(kube_failure_of_status(cases[i].status), cases[i].failure, "status %d",
		    cases[i].status);
	for (int s = 100; s < 700; s++)
		ok((kube_failure_of_status(s) == KUBE_FAILURE_NONE) == (s / 100 == 2),
		    "%d is good or bad", s);
}

static void
test_tls(void)
{
	ok_int(kube_failure_of_verify(X509_V_ERR_CERT_HAS_EXPIRED), KUBE_FAILURE_TLS_EXPIRED,
	    "expired");
	ok_int(kube_failure_of_verify(X509_V_ERR_CERT_NOT_YET_VALID), KUBE_FAILURE_TLS_NOT_YET,
	    "not yet");
	ok_int(kube_failure_of_verify(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN),
	    KUBE_FAILURE_TLS_AUTHORITY, "another authority");
	ok_int(kube_failure_of_verify(X509_V_ERR_CERT_SIGNATURE_FAILURE),
	    KUBE_FAILURE_TLS_AUTHORITY, "its name, another key");
	ok_int(kube_failure_of_verify(X509_V_ERR_HOSTNAME_MISMATCH), KUBE_FAILURE_TLS_NAME,
	    "name");
	ok_int(
	    kube_failure_of_verify(X509_V_ERR_CERT_REVOKED), KUBE_FAILURE_TLS_OTHER, "other");
	ok_int(kube_failure_of_alert("error:0A00045C:SSL routines::tlsv13 alert certificate "
				     "required, errno 0"),
	    KUBE_FAILURE_TLS_CLIENT, "TLS 1.3 wants a certificate");
	ok_int(
	    kube_failure_of_alert("error:0A000412:SSL routines::sslv3 alert bad certificate"),
	    KUBE_FAILURE_TLS_CLIENT, "and another one");
	ok_int(kube_failure_of_alert("error:0A000438:SSL routines::tlsv1 alert internal error"),
	    KUBE_FAILURE_TLS_OTHER, "the server's own trouble");
	ok_int(
	    kube_failure_of_alert("Connection reset by peer"), KUBE_FAILURE_NONE, "no alert");
}

static void
test_logs(void)
{
	static const struct {
		enum kube_failure failure;
		const char *message;
		enum kube_log_state state;
	} cases[] = {
		{ KUBE_FAILURE_NONE, "", KUBE_LOG_OK },
		{ KUBE_FAILURE_TOO_LARGE, "", KUBE_LOG_OK },
		{ KUBE_FAILURE_HTTP_404, "pods \"p\" not found", KUBE_LOG_GONE },
		{ KUBE_FAILURE_HTTP_400,
		    "previous terminated container \"c\" in pod \"p\" not found",
		    KUBE_LOG_NO_PREVIOUS },
		{ KUBE_FAILURE_HTTP_400,
		    "container \"c\" in pod \"p\" is waiting to start: ContainerCreating",
		    KUBE_LOG_WAITING },
		{ KUBE_FAILURE_HTTP_400, "container c is not valid for pod p",
		    KUBE_LOG_FAILED },
		{ KUBE_FAILURE_HTTP_5XX,
		    "previous terminated container \"c\" in pod \"p\" not found",
		    KUBE_LOG_FAILED },
		{ KUBE_FAILURE_TIMEOUT, "", KUBE_LOG_FAILED },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		struct kube_result r = {
			.failure = cases[i].failure,
			.message = cases[i].message,
		};

		ok_int(kube_log_state(&r), cases[i].state, "%s: '%s'",
		    kube_failure_name(r.failure), r.message);
	}
}

int
main(void)
{
	test_names();
	test_status();
	test_tls();
	test_logs();
	return tap_done();
}
