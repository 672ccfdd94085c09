/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secrets out of API objects, by their structure, before they become text.
 *
 * What `oc adm inspect` redacts is redacted to the byte as it does; what it forgets is listed
 * in redact.c. The filter over every byte of a report (lib/redact) runs afterwards, and finds
 * nothing left to do. */

#include <stddef.h>
#include <stdint.h>

struct kube_value;

enum kube_redact_kind {
	KUBE_REDACT_SECRET_DATA,  /* values of Secrets: "N bytes long" in base64 */
	KUBE_REDACT_ANNOTATION,	  /* token-secret.value and what embeds a secret */
	KUBE_REDACT_LAST_APPLIED, /* last-applied-configuration with a secret in it */
	KUBE_REDACT_ROUTE_KEY,	  /* spec.tls.key of Routes */
	KUBE_REDACT_PROXY_URL,	  /* user and password in URLs of Proxies */
	KUBE_REDACT_CONFIGMAP,	  /* keys, pull secrets, passwords in ConfigMaps */
	KUBE_REDACT_ENV,	  /* env values whose names say secret */
	KUBE_REDACT_FIELD,	  /* password-like fields of any other object */
	KUBE_REDACT_CERTIFICATE,  /* no secrets: described in a line */
	_KUBE_REDACT_KIND_COUNT,
};

/* What was replaced or removed, by kind; added to, never set to zero. */
struct kube_redactions {
	uint64_t counts[_KUBE_REDACT_KIND_COUNT];
};

/* "secret-data", "env", … */
const char *kube_redact_kind_to_string(enum kube_redact_kind kind);

/* Redacts OBJ, of RESOURCE (plural) in GROUP ("" is core), in place. A Secret, Route or Proxy
 * embedded in another object (a List, a Template) is found by its kind. Returns 0 or -ENOMEM;
 * OBJ must not be written then. */
int kube_redact_object(struct kube_value *obj, const char *group, const char *resource,
    struct kube_redactions *counts);
