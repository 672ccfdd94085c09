/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names in text: those of the dictionary, hosts in known domains, hosts of URLs and e-mail
 * addresses. The same label has the same alias wherever it stands, so "edge1" is recognised in
 * the alias of "edge1.plant3.acme.example". Top-level domains stay. */

#include "lib/clean/dictionary.h"
#include "lib/clean/span.h"

/* Asked where a name of the dictionary may begin. LOW is the first byte that may still be
 * replaced: labels before a domain belong to it. Returns true when *RET is to be replaced. */
bool name_match(const struct prf_key *key, const struct dictionary *d, struct view *v,
    size_t low, size_t at, struct span *ret);

/* The label of the domain NAME[LEN] that somebody registered, "acme" of "plant3.acme.example".
 * Returns its length, 0 if there is none. */
size_t registered_label(const char *name, size_t len, const char **ret);

/* Asked at "://": the host behind it, unless the domain is everybody's, as quay.io is. */
bool url_host_match(const struct prf_key *key, struct view *v, size_t at, struct span *ret);

/* Asked at "@": the whole e-mail address, unless the domain is everybody's. */
bool email_match(
    const struct prf_key *key, struct view *v, size_t low, size_t at, struct span *ret);
