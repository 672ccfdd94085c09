/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* PEM blocks: keys, certificates, requests, as text, on one line with "\n" spelled out, and
 * encoded once more. */

#include "lib/redact/match.h"

/* Lines in a row that do not look like a part of a block before one that has no end counts as
 * over. More than a header, a blank line and a short last line; few enough that the journal
 * around a block that was cut loses little. */
#define PEM_STRAY_LINES 8u

/* "-----BEGIN …": a block, if something follows that can be its body. */
enum verdict pem_match(struct view *v, size_t at, struct finding *ret);

/* "-----BEGIN " in base64 at any of the three alignments, in hex, as decimal numbers. */
enum verdict pem_match_encoded(struct view *v, size_t at, struct finding *ret);

/* Lines of nothing but base64, of the length of lines in PEM: a block whose begin was cut off.
 * AT is the line end before them, or the start of the text. */
enum verdict pem_match_lines(struct view *v, size_t at, struct finding *ret);

/* value_end() of VALUE_PEM. */
size_t pem_end(struct view *v, size_t i, struct value *value);

/* value_end() of VALUE_LINES. */
size_t pem_lines_end(struct view *v, size_t i, const struct value *value);

/* Decodes what was hidden, TEXT[LEN], a PEM block or its base64 (ENCODED), to the DER in it, in
 * place. Returns the number of bytes; 0 if there is no block. */
size_t pem_to_der(uint8_t *text, size_t len, bool encoded);
