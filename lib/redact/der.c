/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/redact/der.h"

#define DER_SEQUENCE 0x30
#define DER_INTEGER  0x02

/* Where the content of the DER element at I begins. */
static size_t
der_content(struct view *v, size_t i)
{
	int length = view_at(v, i + 1);

	/* Up to 0x7f the length itself, above that the number of its bytes. */
	return i + 2 + (length > 0x80 && length <= 0x84 ? (size_t)length - 0x80 : 0);
}

/* SEQUENCE { INTEGER version, ... }: version 0 of PKCS#1 and PKCS#8, 1 of SEC 1 and PKCS#8 with
 * a public key, 3 of PKCS#12. What follows in them is a number, an algorithm or the key; a
 * certificate has no version here. */
static bool
is_der_key(struct view *v)
{
	size_t i = der_content(v, 0);
	int version;
	int next;

	if (view_at(v, 0) != DER_SEQUENCE || view_at(v, i) != DER_INTEGER ||
	    view_at(v, i + 1) != 1)
		return false;
	version = view_at(v, i + 2);
	next = view_at(v, i + 3);
	if (version == 0)
		return next == DER_INTEGER || next == DER_SEQUENCE;
	if (version == 1)
		return next == 0x04 || next == DER_SEQUENCE;
	return version == 3 && next == DER_SEQUENCE;
}

enum verdict
der_match(struct view *v, struct finding *ret)
{
	bool java = view_has(v, 0, "\xfe\xed\xfe\xed") || view_has(v, 0, "\xce\xce\xce\xce");

	if (!java && !is_der_key(v))
		return VERDICT_PASS;
	ret->kind = REDACT_PRIVATE_KEY;
	ret->value.form = VALUE_SPAN;
	ret->value.left = SIZE_MAX;
	return VERDICT_HIDE;
}
