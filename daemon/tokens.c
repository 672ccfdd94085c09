/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tokens.h"
#include "lib/text.h"

const char *
tokens_find(const struct tokens *t, const char *token, uid_t uid)
{
	if (is_empty(token))
		return NULL;
	for (size_t i = 0; i < TOKENS_MAX; i++)
		if (t->items[i].uid == uid && streq(t->items[i].token, token))
			return t->items[i].id;
	return NULL;
}

void
tokens_add(struct tokens *t, const char *token, uid_t uid, const char *id)
{
	struct token *item = &t->items[t->next];

	if (is_empty(token))
		return;
	t->next = (t->next + 1) % TOKENS_MAX;
	text_copy(item->token, sizeof(item->token), token);
	text_copy(item->id, sizeof(item->id), id);
	item->uid = uid;
}
