/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/crashloop.h"
#include "lib/json.h"
#include "lib/text.h"

static struct crashloop_unit *
find(struct crashloop *c, const char *unit)
{
	for (size_t i = 0; i < c->n_units; i++)
		if (streq(c->units[i].unit, unit))
			return &c->units[i];
	return NULL;
}

static uint64_t
last_end(const struct crashloop_unit *u)
{
	return u->n_ends > 0 ? u->ends[u->n_ends - 1].boottime_usec : 0;
}

static struct crashloop_unit *
find_or_add(struct crashloop *c, const char *unit)
{
	struct crashloop_unit *u = find(c, unit);

	if (u)
		return u;
	if (c->n_units < WATCHED_UNITS_MAX) {
		u = &c->units[c->n_units++];
	} else {
		u = &c->units[0];
		for (size_t i = 1; i < c->n_units; i++)
			if (last_end(&c->units[i]) < last_end(u))
				u = &c->units[i];
	}
	*u = (struct crashloop_unit){ 0 };
	text_copy(u->unit, sizeof(u->unit), unit);
	return u;
}

static void
add_end(struct crashloop_unit *u, const char *key, uint64_t boottime_usec)
{
	struct crashloop_end *end;

	if (u->n_ends == CRASHLOOP_ENDS) {
		memmove(&u->ends[0], &u->ends[1], sizeof(u->ends) - sizeof(u->ends[0]));
		u->n_ends--;
	}
	end = &u->ends[u->n_ends++];
	end->boottime_usec = boottime_usec;
	text_copy(end->key, sizeof(end->key), key);
}

static bool
is_looping(const struct crashloop_unit *u)
{
	return u->n_ends == CRASHLOOP_ENDS &&
	    last_end(u) - u->ends[0].boottime_usec <= CRASHLOOP_WINDOW_USEC;
}

static size_t
count_alike(const struct crashloop_unit *u, const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n_ends; i++)
		if (streq(u->ends[i].key, key))
			n++;
	return n;
}

static const char *
dominant_key(const struct crashloop_unit *u)
{
	const char *best = u->ends[0].key;

	for (size_t i = 1; i < u->n_ends; i++)
		if (count_alike(u, u->ends[i].key) > count_alike(u, best))
			best = u->ends[i].key;
	return best;
}

enum crashloop_verdict
crashloop_feed(struct crashloop *c, const char *unit, const char *key, uint64_t boottime_usec,
    const struct crashloop_unit **ret_unit)
{
	struct crashloop_unit *u = find_or_add(c, unit);

	*ret_unit = u;
	add_end(u, key, boottime_usec);
	if (!is_looping(u)) {
		u->count = 0;
		return CRASHLOOP_NONE;
	}
	if (u->count == 0) {
		u->count = CRASHLOOP_ENDS;
		u->flash_usec = boottime_usec;
		text_copy(u->dominant, sizeof(u->dominant), dominant_key(u));
		return CRASHLOOP_GOES;
	}
	u->count++;
	if (boottime_usec - u->flash_usec < CRASHLOOP_FLASH_USEC)
		return CRASHLOOP_GOES;
	u->flash_usec = boottime_usec;
	return CRASHLOOP_FLASH;
}

static cJSON *
end_to_json(const struct crashloop_end *end)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_uint(object, "boottime_usec", end->boottime_usec) < 0 ||
	    json_add_text(object, "key", end->key) < 0)
		return NULL;
	return TAKE_PTR(object);
}

static cJSON *
unit_to_json(const struct crashloop_unit *u)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	_cleanup_json_ cJSON *ends = cJSON_CreateArray();

	for (size_t i = 0; ends && i < u->n_ends; i++) {
		cJSON *end = end_to_json(&u->ends[i]);

		if (!end || !cJSON_AddItemToArray(ends, end))
			return NULL;
	}
	if (!object || json_add_text(object, "unit", u->unit) < 0 ||
	    json_add_uint(object, "count", u->count) < 0 ||
	    json_add_uint(object, "flash_usec", u->flash_usec) < 0 ||
	    json_add_text(object, "dominant", u->dominant) < 0 ||
	    json_add_item(object, "ends", TAKE_PTR(ends)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

cJSON *
crashloop_to_json(const struct crashloop *c, const char *boot_id)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	_cleanup_json_ cJSON *units = cJSON_CreateArray();

	for (size_t i = 0; units && i < c->n_units; i++) {
		cJSON *unit = unit_to_json(&c->units[i]);

		if (!unit || !cJSON_AddItemToArray(units, unit))
			return NULL;
	}
	if (!object || json_add_text(object, "boot_id", boot_id) < 0 ||
	    json_add_item(object, "units", TAKE_PTR(units)) < 0)
		return NULL;
	return TAKE_PTR(object);
}

/* Returns whether OBJECT is a whole record. */
static bool
unit_from_json(const cJSON *object, struct crashloop_unit *ret)
{
	struct crashloop_unit u = { 0 };
	const cJSON *item;

	if (json_get_text(object, "unit", u.unit, sizeof(u.unit)) <= 0 ||
	    json_get_uint(object, "count", &u.count) <= 0 ||
	    json_get_uint(object, "flash_usec", &u.flash_usec) <= 0 ||
	    json_get_text(object, "dominant", u.dominant, sizeof(u.dominant)) < 0)
		return false;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(object, "ends")) {
		char key[REPORT_KEY_BYTES];
		uint64_t usec;

		if (json_get_uint(item, "boottime_usec", &usec) <= 0 || usec < last_end(&u) ||
		    json_get_text(item, "key", key, sizeof(key)) <= 0)
			return false;
		add_end(&u, key, usec);
	}
	if (u.count > 0 && (u.dominant[0] == '\0' || u.flash_usec > last_end(&u)))
		return false;
	*ret = u;
	return true;
}

void
crashloop_from_json(struct crashloop *c, const cJSON *object, const char *boot_id)
{
	char saved[ID128_BYTES] = "";
	struct crashloop_unit u;
	const cJSON *item;

	if (json_get_text(object, "boot_id", saved, sizeof(saved)) <= 0 ||
	    !streq(saved, boot_id))
		return;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(object, "units"))
		if (c->n_units < WATCHED_UNITS_MAX && unit_from_json(item, &u) &&
		    !find(c, u.unit))
			c->units[c->n_units++] = u;
}
