/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a report says in the place of a certificate: whose it is, until when, and which one. */

#include <stddef.h>

#include "lib/redact/redact.h"

/* A redact_describe_fn: "CN=kube-apiserver, valid until 2027-11-22T10:00:00Z, sha256
 * ab12…". Names are public, keys never get here. */
int certinfo_describe(
    enum redact_kind kind, const void *der, size_t len, char *buf, size_t size, void *userdata);
