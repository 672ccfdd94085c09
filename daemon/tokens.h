/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The tokens with which clients mark a call that they may repeat: the report that the first one
 * gave is that of the second. A ring in memory, since a client repeats within seconds. */

#include <stddef.h>
#include <sys/types.h>

#include "lib/proto.h"
#include "lib/reportid.h"

#define TOKENS_MAX 16u

struct token {
	char token[PROTO_TOKEN_BYTES];
	uid_t uid;
	char id[REPORT_ID_BYTES];
};

/* Zeroed, it is empty. */
struct tokens {
	struct token items[TOKENS_MAX];
	size_t next;
};

/* The ID that TOKEN (NULL or "" is none) of the user UID stands for, or NULL. */
const char *tokens_find(const struct tokens *t, const char *token, uid_t uid);

/* TOKEN stands for ID from now on; one that is none is ignored. The oldest is forgotten. */
void tokens_add(struct tokens *t, const char *token, uid_t uid, const char *id);
