/* SPDX-License-Identifier: Apache-2.0 */

/* The parser is yajl, which calls back for every key, value, start and end. Here they become
 * values on a stack of open containers: frame 0 is the head or document, in a list the array
 * `items` is not built but passes its elements on.
 *
 * An item that goes wrong is dropped at once, the rest of its events are only counted until it
 * closes. What yajl itself holds is one token, the string or number that was cut by the end of
 * a piece; because a token gives no event before it ends, bytes since the last event are
 * limited, and with them yajl's buffer. */

#include "capture/kube/json.h"

#include <errno.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "lib/fault.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* Pieces given to yajl: limits are looked at between them. */
#define FEED_BYTES     (64u * 1024u)
/* Deepest nesting that is skipped over; yajl remembers a byte for each level. */
#define SKIP_MAX_DEPTH 100000u
/* Longest name of an item in a message. */
#define NAME_BYTES     64

/* Where an event belongs. */
enum place {
	PLACE_START, /* before the outermost object */
	PLACE_TOP,   /* in the outermost object, not in a member of it */
	PLACE_VALUE, /* inside a value that is built, or skipped */
	PLACE_ITEMS, /* in the array `items` itself */
	PLACE_END,   /* the outermost object has been closed */
};

struct kube_json {
	enum kube_json_mode mode;
	struct kube_json_handlers handlers;
	yajl_handle yajl;	 /* owned */
	struct kube_value *head; /* owned */

	enum place place;
	bool in_item; /* the value belongs to an element of `items` */
	bool has_items;
	bool finished;

	/* The value being built: open[0] is it, open[depth - 1] takes what comes. */
	struct kube_value *open[KUBE_VALUE_MAX_DEPTH];
	size_t depth; /* containers open, also of a value that is being skipped */
	bool skipping;
	struct fault why; /* of skipping */
	size_t tree_bytes;
	size_t head_bytes;

	char *key; /* owned; the key whose value comes next */
	size_t key_len;
	size_t key_room;

	uint64_t fed_bytes;
	uint64_t event_at; /* fed_bytes when the last event came, roughly */
	uint64_t value_at; /* the same when the value began */
	uint64_t n_items;
	uint64_t n_skipped;

	int error; /* negative errno; final */
	struct fault fault;
};

static int
fail(struct kube_json *p, int code, const char *text)
{
	if (p->error == 0)
		p->error = fault_set(&p->fault, code, "%s", text);
	return 0;
}

/* Drops the value that is being built. Of an item the rest is skipped; anything else is needed.
 */
static int
give_up(struct kube_json *p, int code, const char *text)
{
	const char *name = NULL;

	if (!p->in_item)
		return fail(p, code, text);
	if (p->depth > 0 && p->open[0])
		name = kube_value_string(kube_value_find(p->open[0], "metadata", "name", NULL));
	if (name)
		(void)fault_set(&p->why, code, "'%.*s': %s", NAME_BYTES, name, text);
	else
		(void)fault_set(&p->why, code, "item %llu: %s",
		    (unsigned long long)(p->n_items + p->n_skipped + 1), text);
	p->skipping = true;
	kube_value_free(p->open[0]);
	p->open[0] = NULL;
	return 1;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct kube_value *x = *(struct kube_value *const *)a;
	const struct kube_value *y = *(struct kube_value *const *)b;
	int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);

	return c != 0 ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

/* Returns 1 if a key of OBJECT stands twice, 0 or -ENOMEM. */
static int
has_key_twice(const struct kube_value *object)
{
	_cleanup_free_ struct kube_value **sorted = NULL;
	struct kube_value *m;
	size_t n = 0;

	/* Most objects are small; looking at each pair is quicker than sorting then. */
	if (object->len <= 8) {
		KUBE_VALUE_FOREACH (m, object)
			for (struct kube_value *o = m->next; o; o = o->next)
				if (o->key_len == m->key_len &&
				    memcmp(o->key, m->key, m->key_len) == 0)
					return 1;
		return 0;
	}
	sorted = malloc(object->len * sizeof(struct kube_value *));
	if (!sorted)
		return -ENOMEM;
	KUBE_VALUE_FOREACH (m, object)
		sorted[n++] = m;
	qsort(sorted, n, sizeof(struct kube_value *), compare_keys);
	for (size_t i = 1; i < n; i++)
		if (compare_keys(&sorted[i - 1], &sorted[i]) == 0)
			return 1;
	return 0;
}

/* A value directly below the outermost object or `items` is complete. */
static int
value_complete(struct kube_json *p, struct kube_value *v)
{
	struct fault why;
	int r;

	if (!p->in_item) {
		p->place = PLACE_TOP;
		p->head_bytes += p->tree_bytes;
		kube_value_append(p->head, v);
		return 1;
	}

	p->place = PLACE_ITEMS;
	p->in_item = false;
	if (p->skipping) {
		p->skipping = false;
		p->n_skipped++;
		why = p->why;
		if (p->handlers.on_skip)
			p->handlers.on_skip(&why, p->handlers.userdata);
		return 1;
	}
	p->n_items++;
	r = p->handlers.on_item(v, p->handlers.userdata);
	if (r < 0) {
		p->error = fault_set(&p->fault, r, "cannot take an item: %m");
		return 0;
	}
	return 1;
}

/* A value starts: a scalar, or a container whose children follow. */
static int
value_start(struct kube_json *p, enum kube_type type, const char *text, size_t len)
{
	bool is_container = type == KUBE_ARRAY || type == KUBE_OBJECT;
	struct kube_value *v;
	size_t limit;

	p->event_at = p->fed_bytes;
	switch (p->place) {
	case PLACE_START:
		if (type != KUBE_OBJECT)
			return fail(p, -EBADMSG, "not an object");
		p->place = PLACE_TOP;
		return 1;
	case PLACE_END:
		return fail(p, -EBADMSG, "text behind the end");
	case PLACE_TOP:
		if (p->mode == KUBE_JSON_LIST && p->key_len == 5 &&
		    memcmp(p->key, "items", 5) == 0) {
			if (p->has_items)
				return fail(p, -EBADMSG, "a key stands twice");
			p->has_items = true;
			p->key_len = 0;
			if (type == KUBE_NULL)
				return 1;
			if (type != KUBE_ARRAY)
				return fail(p, -EBADMSG, "`items` is not an array");
			p->place = PLACE_ITEMS;
			return 1;
		}
		break;
	case PLACE_ITEMS:
		p->in_item = true;
		break;
	case PLACE_VALUE:
		break;
	}
	if (p->place != PLACE_VALUE) {
		p->place = PLACE_VALUE;
		p->depth = 0;
		p->tree_bytes = 0;
		p->value_at = p->fed_bytes;
		if (p->in_item && type != KUBE_OBJECT) {
			p->open[0] = NULL;
			if (!give_up(p, -EBADMSG, "not an object"))
				return 0;
		}
	}

	if (!p->skipping && is_container && p->depth >= KUBE_VALUE_MAX_DEPTH &&
	    !give_up(p, -E2BIG, "nested too deep"))
		return 0;
	p->tree_bytes += sizeof(*v) + p->key_len + len + 2;
	limit = p->mode == KUBE_JSON_LIST && !p->in_item
	    ? KUBE_JSON_HEAD_MAX_BYTES - p->head_bytes
	    : KUBE_JSON_TREE_MAX_BYTES - p->head_bytes;
	if (!p->skipping && p->tree_bytes > limit && !give_up(p, -E2BIG, "too large in memory"))
		return 0;
	if (p->skipping) {
		if (is_container && ++p->depth > SKIP_MAX_DEPTH)
			return fail(p, -E2BIG, "nested too deep");
		if (is_container)
			return 1;
		if (p->depth == 0)
			return value_complete(p, NULL);
		return 1;
	}

	/* An element of an array has no key; key_len was reset by the start of the array. */
	v = kube_value_new_member(p->key, p->key_len, type, text, len);
	p->key_len = 0;
	if (!v)
		return fail(p, -ENOMEM, "out of memory");
	if (p->depth > 0)
		kube_value_append(p->open[p->depth - 1], v);
	if (is_container)
		p->open[p->depth++] = v;
	else if (p->depth == 0)
		return value_complete(p, v);
	return 1;
}

static int
container_end(struct kube_json *p)
{
	struct kube_value *v;
	int r;

	p->event_at = p->fed_bytes;
	p->key_len = 0;
	if (p->place == PLACE_TOP) {
		p->place = PLACE_END;
		r = has_key_twice(p->head);
		if (r != 0)
			return fail(p, r < 0 ? r : -EBADMSG,
			    r < 0 ? "out of memory" : "a key stands twice");
		return 1;
	}
	if (p->place == PLACE_ITEMS) {
		p->place = PLACE_TOP;
		return 1;
	}
	if (!p->skipping) {
		r = 0;
		if (p->open[p->depth - 1]->type == KUBE_OBJECT)
			r = has_key_twice(p->open[p->depth - 1]);
		if (r < 0)
			return fail(p, r, "out of memory");
		if (r > 0 && !give_up(p, -EBADMSG, "a key stands twice"))
			return 0;
	}
	p->depth--;
	if (p->depth > 0)
		return 1;
	v = TAKE_PTR(p->open[0]);
	return value_complete(p, v);
}

/* Index of the first byte of TEXT[LEN] that is not UTF-8, LEN if there is none. */
static size_t
utf8_valid(const unsigned char *text, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t n = utf8_length(text + i, len - i);

		if (n == 0)
			break;
		i += n;
	}
	return i;
}

/* True for a surrogate in UTF-8, which yajl makes of "\udc00". */
static bool
is_surrogate(const unsigned char *text, size_t len)
{
	return len >= 3 && text[0] == 0xed && text[1] >= 0xa0 && text[1] <= 0xbf &&
	    (text[2] & 0xc0) == 0x80;
}

/* TEXT[LEN] with U+FFFD for each surrogate and each byte that is not UTF-8. NULL when out of
 * memory. */
static char *
utf8_repair(const unsigned char *text, size_t len, size_t *ret_len)
{
	unsigned char *copy = malloc(len * 3 + 1);
	size_t at = 0;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(text + i, len - i);

		if (n == 0) {
			memcpy(copy + at, "\xef\xbf\xbd", 3);
			at += 3;
			i += is_surrogate(text + i, len - i) ? 3 : 1;
		} else {
			memcpy(copy + at, text + i, n);
			at += n;
			i += n;
		}
	}
	*ret_len = at;
	return (char *)copy;
}

static int
on_null(void *userdata)
{
	return value_start(userdata, KUBE_NULL, NULL, 0);
}

static int
on_boolean(void *userdata, int value)
{
	return value_start(userdata, value ? KUBE_TRUE : KUBE_FALSE, NULL, 0);
}

static int
on_number(void *userdata, const char *text, size_t len)
{
	return value_start(userdata, KUBE_NUMBER, text, len);
}

static int
on_string(void *userdata, const unsigned char *text, size_t len)
{
	_cleanup_free_ char *repaired = NULL;

	if (utf8_valid(text, len) < len) {
		repaired = utf8_repair(text, len, &len);
		if (!repaired)
			return fail(userdata, -ENOMEM, "out of memory");
		text = (const unsigned char *)repaired;
	}
	return value_start(userdata, KUBE_STRING, (const char *)text, len);
}

static int
on_start_object(void *userdata)
{
	return value_start(userdata, KUBE_OBJECT, NULL, 0);
}

static int
on_start_array(void *userdata)
{
	return value_start(userdata, KUBE_ARRAY, NULL, 0);
}

static int
on_key(void *userdata, const unsigned char *text, size_t len)
{
	_cleanup_free_ char *repaired = NULL;
	struct kube_json *p = userdata;

	p->event_at = p->fed_bytes;
	if (p->skipping)
		return 1;
	if (utf8_valid(text, len) < len) {
		repaired = utf8_repair(text, len, &len);
		if (!repaired)
			return fail(p, -ENOMEM, "out of memory");
		text = (const unsigned char *)repaired;
	}
	if (len > p->key_room) {
		char *bigger = realloc(p->key, len);

		if (!bigger)
			return fail(p, -ENOMEM, "out of memory");
		p->key = bigger;
		p->key_room = len;
	}
	if (len > 0)
		memcpy(p->key, text, len);
	p->key_len = len;
	return 1;
}

static int
on_end(void *userdata)
{
	return container_end(userdata);
}

/* clang-format off */
static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};
/* clang-format on */

int
kube_json_new(
    enum kube_json_mode mode, const struct kube_json_handlers *handlers, struct kube_json **ret)
{
	_cleanup_(kube_json_freep) struct kube_json *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->mode = mode;
	if (handlers)
		p->handlers = *handlers;
	p->head = kube_value_new(KUBE_OBJECT, NULL, 0);
	p->yajl = yajl_alloc(&callbacks, NULL, p);
	if (!p->head || !p->yajl)
		return -ENOMEM;
	/* Strings are checked and repaired here; one bad byte must not cost the list. */
	(void)yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	*ret = TAKE_PTR(p);
	return 0;
}

void
kube_json_free(struct kube_json *p)
{
	if (!p)
		return;
	if (p->yajl)
		yajl_free(p->yajl);
	/* What is open below open[0] belongs to it; nothing is open once it was handed on. */
	if (p->place == PLACE_VALUE && p->depth > 0)
		kube_value_free(p->open[0]);
	kube_value_free(p->head);
	free(p->key);
	free(p);
}

static int
error_of(const struct kube_json *p, struct fault *reterr)
{
	return fault_set(reterr, p->error, "%s", fault_text(&p->fault));
}

/* Translates what yajl returned. */
static int
after_yajl(struct kube_json *p, yajl_status status)
{
	if (status == yajl_status_ok || p->error < 0)
		return p->error;
	/* The text of yajl quotes what it read, which may be secret; a place is enough. */
	p->error = fault_set(&p->fault, -EBADMSG, "not JSON near byte %llu",
	    (unsigned long long)(p->fed_bytes + yajl_get_bytes_consumed(p->yajl)));
	return p->error;
}

int
kube_json_feed(struct kube_json *p, const void *data, size_t len, struct fault *reterr)
{
	const unsigned char *at = data;

	while (len > 0 && p->error == 0) {
		size_t piece = len < FEED_BYTES ? len : FEED_BYTES;

		if (after_yajl(p, yajl_parse(p->yajl, at, piece)) < 0)
			break;
		p->fed_bytes += piece;
		at += piece;
		len -= piece;
		if (p->place == PLACE_VALUE && !p->skipping &&
		    p->fed_bytes - p->value_at > KUBE_JSON_ITEM_MAX_BYTES)
			(void)give_up(p, -E2BIG, "too large");
		if (p->error == 0 && p->fed_bytes - p->event_at > KUBE_JSON_ITEM_MAX_BYTES)
			(void)fail(p, -E2BIG, "a single text is too large");
	}
	return p->error < 0 ? error_of(p, reterr) : 0;
}

int
kube_json_finish(struct kube_json *p, struct fault *reterr)
{
	if (p->error == 0 && !p->finished) {
		(void)after_yajl(p, yajl_complete_parse(p->yajl));
		p->finished = true;
		if (p->error == 0 && p->place != PLACE_END)
			(void)fail(p, -EBADMSG, "the text ends too soon");
	}
	return p->error < 0 ? error_of(p, reterr) : 0;
}

const struct kube_value *
kube_json_head(const struct kube_json *p)
{
	return p->head;
}

struct kube_value *
kube_json_take_head(struct kube_json *p)
{
	struct kube_value *empty = kube_value_new(KUBE_OBJECT, NULL, 0);
	struct kube_value *head;

	if (!empty)
		return NULL;
	head = p->head;
	p->head = empty;
	return head;
}

bool
kube_json_has_items(const struct kube_json *p)
{
	return p->has_items;
}

uint64_t
kube_json_n_items(const struct kube_json *p)
{
	return p->n_items;
}

uint64_t
kube_json_n_skipped(const struct kube_json *p)
{
	return p->n_skipped;
}
