/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a rule says about a place in the text. */

#include "lib/redact/redact.h"
#include "lib/redact/rules.h"
#include "lib/redact/value.h"
#include "lib/redact/view.h"

enum verdict {
	VERDICT_PASS, /* nothing here */
	VERDICT_SKIP, /* nothing up to `start`, do not look again */
	VERDICT_HIDE, /* a secret begins at `start` */
};

struct finding {
	enum redact_kind kind;
	size_t start; /* first byte that goes; what stands before it is written */
	/* Bytes written again in front of the marker: line end and indentation of a block, when
	 * more than them stands between `start` and the first byte of the secret. */
	size_t keep;
	size_t keep_end;
	/* Where the secret itself begins, >= start: `value` is searched for its end from here.
	 */
	size_t body;
	int quote;	/* put around the marker where the value had none, 0 for none */
	unsigned depth; /* backslashes before that quote */
	bool sized;	/* the marker says how long what it stands for was */
	bool encoded;	/* ... and that is base64 of PEM */
	struct value value;
};
