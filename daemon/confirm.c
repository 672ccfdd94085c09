/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/confirm.h"
#include "daemon/trigger.h"
#include "lib/json.h"
#include "lib/text.h"

static void
remove_at(struct confirm *c, size_t i)
{
	c->n_items--;
	memmove(&c->items[i], &c->items[i + 1], (c->n_items - i) * sizeof(c->items[0]));
}

/* What was news at the last check is none any more. With CUT the row of checks is broken. */
static void
settle(struct confirm *c, bool cut)
{
	for (size_t i = c->n_items; i-- > 0;) {
		struct suspicion *s = &c->items[i];

		if (s->state == SUSPICION_CONFIRMED)
			s->state = SUSPICION_STANDING;
		else if (s->state == SUSPICION_OVER || (s->state == SUSPICION_SUSPECTED && cut))
			remove_at(c, i);
	}
}

static struct suspicion *
find(struct confirm *c, const char *key)
{
	for (size_t i = 0; i < c->n_items; i++)
		if (streq(c->items[i].key, key))
			return &c->items[i];
	return NULL;
}

/* The keys of what was found; "" for what does not count. */
struct found {
	char keys[FINDINGS_MAX][REPORT_KEY_BYTES];
	size_t n;
};

static bool
is_found(const struct found *found, const char *key)
{
	for (size_t i = 0; i < found->n; i++)
		if (streq(found->keys[i], key))
			return true;
	return false;
}

static void
read_keys(const struct finding *findings, size_t n, enum unit_age age, struct found *ret)
{
	char key[REPORT_KEY_BYTES];

	for (ret->n = 0; ret->n < n && ret->n < FINDINGS_MAX; ret->n++) {
		const struct finding *f = &findings[ret->n];

		trigger_finding_key(f, key);
		/* What is told twice counts once. */
		if (is_found(ret, key) ||
		    (f->trigger == TRIGGER_LIVENESS && age != UNIT_AGE_SETTLED))
			key[0] = '\0';
		text_copy(ret->keys[ret->n], REPORT_KEY_BYTES, key);
	}
}

static void
end_missing(struct confirm *c, const struct found *found, enum unit_age age)
{
	for (size_t i = c->n_items; i-- > 0;) {
		struct suspicion *s = &c->items[i];

		if (is_found(found, s->key) ||
		    (s->finding.trigger == TRIGGER_LIVENESS && age == UNIT_AGE_UNKNOWN))
			continue;
		if (s->state == SUSPICION_STANDING)
			s->state = SUSPICION_OVER;
		else
			remove_at(c, i);
	}
}

/* NULL when there is no room. What is over gives way: the room is for what is wrong now. */
static struct suspicion *
add(struct confirm *c, const char *key, uint64_t now_usec)
{
	struct suspicion *s;

	for (size_t i = 0; i < c->n_items && c->n_items == FINDINGS_MAX; i++)
		if (c->items[i].state == SUSPICION_OVER)
			remove_at(c, i);
	if (c->n_items == FINDINGS_MAX)
		return NULL;
	s = &c->items[c->n_items++];
	*s = (struct suspicion){ .since_usec = now_usec };
	text_copy(s->key, sizeof(s->key), key);
	return s;
}

static bool
has_news(const struct confirm *c)
{
	for (size_t i = 0; i < c->n_items; i++)
		if (c->items[i].state == SUSPICION_CONFIRMED ||
		    c->items[i].state == SUSPICION_OVER)
			return true;
	return false;
}

bool
confirm_feed(struct confirm *c, const struct finding *findings, size_t n_findings,
    const struct confirm_context *context)
{
	uint64_t last_usec = c->checked_boottime_usec, now_usec = context->boottime_usec;
	struct found found;

	settle(c, now_usec < last_usec || now_usec - last_usec > CONFIRM_GAP_USEC);
	c->checked_usec = context->realtime_usec;
	c->checked_boottime_usec = now_usec;

	read_keys(findings, n_findings, context->unit_age, &found);
	end_missing(c, &found, context->unit_age);
	for (size_t i = 0; i < found.n; i++) {
		struct suspicion *s;

		if (found.keys[i][0] == '\0')
			continue;
		s = find(c, found.keys[i]) ?: add(c, found.keys[i], context->realtime_usec);
		if (!s)
			continue;
		s->finding = findings[i];
		if (s->state == SUSPICION_SUSPECTED && ++s->checks >= context->confirmations)
			s->state = SUSPICION_CONFIRMED;
	}
	return has_news(c);
}

void
confirm_retry(struct confirm *c, enum trigger trigger)
{
	for (size_t i = 0; i < c->n_items; i++) {
		struct suspicion *s = &c->items[i];

		if (s->finding.trigger != trigger || s->state != SUSPICION_CONFIRMED)
			continue;
		s->state = SUSPICION_SUSPECTED;
		s->checks = 0;
	}
}

static cJSON *
suspicion_to_json(const struct suspicion *s)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_uint(object, "since_usec", s->since_usec) < 0 ||
	    json_add_item(object, "finding", finding_to_json(&s->finding)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
confirm_to_json(const struct confirm *c)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; array && i < c->n_items; i++) {
		_cleanup_json_ cJSON *object = NULL;

		if (c->items[i].state != SUSPICION_CONFIRMED &&
		    c->items[i].state != SUSPICION_STANDING)
			continue;
		object = suspicion_to_json(&c->items[i]);
		if (!object || !cJSON_AddItemToArray(array, object))
			return NULL;
		(void)TAKE_PTR(object);
	}
	return TAKE_PTR(array);
}

void
confirm_from_json(struct confirm *c, const cJSON *array)
{
	const cJSON *object;

	cJSON_ArrayForEach (object, array) {
		struct suspicion s = { .state = SUSPICION_STANDING };

		if (c->n_items == FINDINGS_MAX)
			return;
		if (finding_from_json(cJSON_GetObjectItemCaseSensitive(object, "finding"),
			&s.finding, NULL) < 0 ||
		    json_get_uint(object, "since_usec", &s.since_usec) <= 0)
			continue;
		trigger_finding_key(&s.finding, s.key);
		if (!find(c, s.key))
			c->items[c->n_items++] = s;
	}
}
