/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/tokens.h"

#define ID "20261123T142752Z-0001-e585a599"

int
main(void)
{
	struct tokens t = { 0 };
	char token[16];

	ok(!tokens_find(&t, "a", 7), "none yet");
	ok(!tokens_find(&t, "", 0) && !tokens_find(&t, NULL, 0), "no token is none");
	tokens_add(&t, "a", 7, ID);
	ok_str(tokens_find(&t, "a", 7), ID, "found");
	ok(!tokens_find(&t, "a", 8), "of another user it is another");
	tokens_add(&t, "", 7, ID);
	ok(!tokens_find(&t, "", 7), "an empty one is not kept");
	for (unsigned i = 0; i < TOKENS_MAX - 1; i++) {
		(void)snprintf(token, sizeof(token), "t%u", i);
		tokens_add(&t, token, 7, ID);
	}
	ok(tokens_find(&t, "a", 7) && tokens_find(&t, token, 7), "TOKENS_MAX are kept");
	tokens_add(&t, "one more", 7, ID);
	ok(!tokens_find(&t, "a", 7) && tokens_find(&t, "t0", 7), "the oldest is forgotten");
	return tap_done();
}
