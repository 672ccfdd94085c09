/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secrets of Kubernetes in manifests: in `data:` and `stringData:` of an object of kind Secret
 * every value is one, whatever its name.
 *
 * Answers of the API are redacted as objects before they get here. This is for manifests that
 * are copied as files: YAML, and JSON with a line for each key. The text is followed line by
 * line by its indentation; nothing is remembered but two columns. */

#include "lib/redact/match.h"

struct kubesecret {
	bool known;	    /* the object around is a Secret ... */
	size_t kind_column; /* ... because "kind: Secret" stood in this column */
	bool inside;	    /* in its data ... */
	size_t column;	    /* ... whose name stood in this column */
};

/* Asked at each line: LINE is its first byte. Moves K on; that counts only if the answer does,
 * see view.h. */
enum verdict kubesecret_match(
    struct kubesecret *k, struct view *v, size_t line, struct finding *ret);
