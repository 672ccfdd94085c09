/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secrets of Kubernetes in manifests: in `data:` and `stringData:` of an object of kind Secret
 * every value is one, whatever its name.
 *
 * Answers of the API are redacted as objects before they get here. This is for manifests that
 * are copied as files: YAML, and JSON with a line for each key. The text is followed line by
 * line by its indentation; nothing is remembered but two columns. JSON on one line is looked
 * at as a whole. */

#include "lib/redact/match.h"

struct kubesecret {
	bool known;	    /* the object around is a Secret ... */
	size_t kind_column; /* ... because "kind: Secret" stood in this column */
	bool inside;	    /* in its data ... */
	size_t column;	    /* ... whose name stood in this column */
	bool line;	    /* a Secret, or a list of them, began on this line of JSON */
};

/* Asked at "Secr": is it the kind of an object on the line? */
void kubesecret_see_kind(struct kubesecret *k, struct view *v, size_t at);

/* Asked at the end of "data" and "stringData": hides the whole object that follows on the line
 * if it is that of a Secret, as audit logs and compact answers of the API have it. */
enum verdict kubesecret_match_object(
    const struct kubesecret *k, struct view *v, size_t at, struct finding *ret);

/* Asked at each line: LINE is its first byte. Moves K on; that counts only if the answer does,
 * see view.h. */
enum verdict kubesecret_match(
    struct kubesecret *k, struct view *v, size_t line, struct finding *ret);
