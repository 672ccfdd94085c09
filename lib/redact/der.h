/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Private keys as binary files: DER (X.690) of PKCS#1, PKCS#8 and SEC 1, PKCS#12, key stores of
 * Java. They are known by how they begin, so only at the start of a text. */

#include "lib/redact/match.h"

/* Asked once, at the start of the text: hides all of it. */
enum verdict der_match(struct view *v, struct finding *ret);
