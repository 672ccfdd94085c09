/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/kube/logshare.h"

void
logshare_init(struct logshare *s, uint64_t budget_bytes, uint64_t n)
{
	*s = (struct logshare){ .left_bytes = budget_bytes, .waiting = n };
}

void
logshare_add(struct logshare *s)
{
	s->waiting++;
}

uint64_t
logshare_take(struct logshare *s)
{
	uint64_t share = s->waiting > 0 ? s->left_bytes / s->waiting : 0;

	if (s->waiting > 0)
		s->waiting--;
	s->left_bytes -= share;
	return share;
}

void
logshare_return(struct logshare *s, uint64_t share, uint64_t used)
{
	if (used < share)
		s->left_bytes += share - used;
}
