/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "capture/certs/certscan.h"
#include "lib/fault.h"
#include "lib/text.h"

static const char *const class_names[_CERTSCAN_CLASS_COUNT] = {
	[CERTSCAN_EXPIRED] = "expired",
	[CERTSCAN_NOT_YET_VALID] = "not-yet-valid",
	[CERTSCAN_EXPIRING] = "expiring",
	[CERTSCAN_ROTATION_OVERDUE] = "rotation-overdue",
	[CERTSCAN_KEY_MISMATCH] = "key-mismatch",
	[CERTSCAN_UNTRUSTED] = "untrusted",
	[CERTSCAN_CA_REPLACED] = "ca-replaced",
	[CERTSCAN_WRONG_NAME] = "wrong-name",
	[CERTSCAN_EMPTY] = "empty",
	[CERTSCAN_EMPTY_BUNDLE] = "empty-bundle",
	[CERTSCAN_UNPARSABLE] = "unparsable",
	[CERTSCAN_UNREADABLE] = "unreadable",
	[CERTSCAN_MISSING] = "missing",
	[CERTSCAN_CLOCK] = "clock",
};

static const char *const role_names[_CERTSCAN_ROLE_COUNT] = {
	[CERTSCAN_CA] = "ca",
	[CERTSCAN_CLIENT] = "client",
	[CERTSCAN_SERVING] = "serving",
	[CERTSCAN_PEER] = "peer",
	[CERTSCAN_BUNDLE] = "bundle",
	[CERTSCAN_CHAIN] = "chain",
	[CERTSCAN_KUBECONFIG] = "kubeconfig",
	[CERTSCAN_KUBECONFIG_CA] = "kubeconfig-ca",
	[CERTSCAN_USER] = "user",
	[CERTSCAN_CRIO] = "crio",
	[CERTSCAN_KUBELET] = "kubelet",
};

const char *
certscan_class_name(enum certscan_class c)
{
	return class_names[c];
}

const char *
certscan_severity_name(enum certscan_severity s)
{
	return s == CERTSCAN_ERROR ? "error" : "warning";
}

const char *
certscan_role_name(enum certscan_role r)
{
	return role_names[r];
}

int
certscan_run(const struct certscan_options *options, struct certscan *previous,
    struct certscan **ret, struct fault *reterr)
{
	_cleanup_(certscan_freep) struct certscan *s = calloc(1, sizeof(*s));

	certscan_free(previous);
	if (!s || !(s->node_name = strdup("")) || !(s->node_ip = strdup("")))
		return fault_set(reterr, -ENOMEM, "Cannot look at certificates: out of memory");
	s->now_usec = options->now_usec;
	s->was_read = true;
	*ret = TAKE_PTR(s);
	return 0;
}

static void
certificate_done(struct certscan_certificate *c)
{
	free(c->path);
	free(c->subject);
	free(c->issuer);
	free(c->serial);
	strv_free(c->names);
	free(c->key_type);
	free(c->trusted_by);
}

void
certscan_free(struct certscan *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_certificates; i++)
		certificate_done(&s->certificates[i]);
	free(s->certificates);
	for (size_t i = 0; i < s->n_findings; i++) {
		free(s->findings[i].path);
		free(s->findings[i].text);
	}
	free(s->findings);
	for (size_t i = 0; i < s->n_files; i++)
		free(s->files[i].path);
	free(s->files);
	free(s->node_name);
	free(s->node_ip);
	free(s);
}
