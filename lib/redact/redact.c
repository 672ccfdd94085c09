/* SPDX-License-Identifier: Apache-2.0 */

/* The stream: from pieces of any size to decisions that do not depend on them.
 *
 * The text lies in one buffer. `pos` is how far it is decided, `out` how far it is written;
 * some bytes before `pos` are kept because rules look back. A step either
 *
 *  - looks for the next place where an anchor stands and asks the rules about it, or
 *  - while a secret is being hidden, looks for its end,
 *
 * and stops when it wants bytes that have not come yet. A rule sees at most
 * REDACT_WINDOW_BYTES from its anchor on and REDACT_HISTORY_BYTES before it, always exactly
 * those, so it decides the same however the text arrived. The end of a secret is looked for
 * byte by byte with little look-ahead; nothing of a secret is held while it goes by, which is
 * why it may have any length.
 *
 * What was hidden is out of bounds for looking back: `barrier` is its end, and to the left of
 * it rules see nothing, as in the filtered text they see the "]" of the marker. With that, and
 * with every rule letting pass what begins with a marker, filtering twice is filtering once. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/redact/der.h"
#include "lib/redact/kubesecret.h"
#include "lib/redact/match.h"
#include "lib/redact/own.h"
#include "lib/redact/pairs.h"
#include "lib/redact/pem.h"
#include "lib/redact/redact.h"
#include "lib/redact/scan.h"
#include "lib/redact/tokens.h"
#include "lib/text.h"

/* Readable bytes behind the text, for the scanner. */
#define PADDING_BYTES SCAN_ANCHOR_BYTES

struct redact {
	redact_write_fn write;
	void *userdata; /* borrowed: the caller's, passed to write */
	redact_describe_fn describe;
	void *describe_userdata;      /* borrowed: the caller's */
	const struct redact_own *own; /* borrowed: the caller's; may be NULL */
	redact_found_fn found;
	void *found_userdata; /* borrowed: the caller's */
	uint8_t *described;   /* owned; the certificate being hidden, NULL without describe */
	size_t described_len;

	struct scan scan;
	struct kubesecret kube;
	bool hiding;
	struct finding finding; /* what is being hidden */
	uint64_t hidden_bytes;

	uint8_t *buffer;  /* owned, [REDACT_BUFFER_BYTES + PADDING_BYTES] */
	size_t len;	  /* bytes in it */
	size_t used;	  /* the most there were since it was cleared */
	size_t out;	  /* written up to here */
	size_t pos;	  /* decided up to here */
	size_t barrier;	  /* not looked back behind this */
	uint64_t dropped; /* bytes of the text that are no longer in the buffer */
	size_t want;	  /* bytes from pos on before which asking again is no use */
	bool begun;	  /* the start of the text has been looked at */
	bool moved;	  /* buffer[0] is no longer the start of the text */
	int error;	  /* of the callback, until redact_finish() */

	uint64_t counts[_REDACT_KIND_COUNT];
};

_Static_assert(REDACT_BUFFER_BYTES >= 2 * REDACT_WINDOW_BYTES + REDACT_HISTORY_BYTES,
    "room for a window, what is before it, and something new");
_Static_assert(REDACT_WINDOW_BYTES >= 2 * VALUE_MULTILINE_BYTES, "no look-ahead fills it");

int
redact_new(redact_write_fn fn, void *userdata, struct redact **ret)
{
	_cleanup_(redact_freep) struct redact *r = NULL;

	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->buffer = malloc(REDACT_BUFFER_BYTES + PADDING_BYTES);
	if (!r->buffer)
		return -ENOMEM;
	r->write = fn;
	r->userdata = userdata;
	scan_init(&r->scan);
	for (size_t i = 0; i < redact_n_anchors; i++)
		scan_add(&r->scan, (unsigned)i, redact_anchors[i].text, redact_anchors[i].fold);
	*ret = TAKE_PTR(r);
	return 0;
}

void
redact_free(struct redact *r)
{
	if (!r)
		return;
	if (r->described)
		explicit_bzero(r->described, REDACT_DESCRIBE_BYTES);
	free(r->described);
	if (r->buffer)
		explicit_bzero(r->buffer, r->used);
	free(r->buffer);
	free(r);
}

int
redact_set_describe(struct redact *r, redact_describe_fn fn, void *userdata)
{
	if (!r->described)
		r->described = malloc(REDACT_DESCRIBE_BYTES);
	if (!r->described)
		return -ENOMEM;
	r->describe = fn;
	r->describe_userdata = userdata;
	return 0;
}

/* All bits of the scanner are taken: own keys share that of a pair, own texts that of the
 * marker. The rules look again at what stands there. */
void
redact_set_own(struct redact *r, const struct redact_own *own)
{
	char head[SCAN_ANCHOR_BYTES + 1];
	unsigned pair = 0;
	unsigned marker = 0;
	const char *text;

	for (unsigned i = 0; i < redact_n_anchors; i++) {
		if (redact_anchors[i].rule == RULE_PAIR)
			pair = i;
		if (redact_anchors[i].rule == RULE_MARKER)
			marker = i;
	}
	r->own = own;
	for (size_t i = 0; (text = redact_own_key(own, i)); i++) {
		/* Separators may stand anywhere in a name; its first letters have to be
		 * together. */
		text_copy(head, 4, text);
		scan_add(&r->scan, pair, head, true);
	}
	for (size_t i = 0; (text = redact_own_literal(own, i)); i++) {
		text_copy(head, sizeof(head), text);
		scan_add(&r->scan, marker, head, false);
	}
}

void
redact_set_found(struct redact *r, redact_found_fn fn, void *userdata)
{
	r->found = fn;
	r->found_userdata = userdata;
}

uint64_t
redact_count(const struct redact *r, enum redact_kind kind)
{
	return r->counts[kind];
}

uint64_t
redact_count_all(const struct redact *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < _REDACT_KIND_COUNT; i++)
		n += r->counts[i];
	return n;
}

static int
emit(struct redact *r, const void *data, size_t len)
{
	if (len == 0 || r->error < 0)
		return r->error;
	r->error = r->write(data, len, r->userdata);
	return r->error;
}

/* Writes what is decided. */
static void
flush(struct redact *r)
{
	(void)emit(r, r->buffer + r->out, r->pos - r->out);
	r->out = r->pos;
}

/* Asks for a description of the certificate that was hidden, reduced to characters that mean
 * nothing to JSON, YAML or the rules. */
static void
describe(struct redact *r, char *detail, size_t size)
{
	static const char harmless[] = " .,_=/+*()-";
	size_t len;

	detail[0] = '\0';
	if (!r->described || r->described_len == REDACT_DESCRIBE_BYTES ||
	    (r->finding.kind != REDACT_CERTIFICATE &&
		r->finding.kind != REDACT_CERTIFICATE_REQUEST))
		return;
	len = pem_to_der(r->described, r->described_len, r->finding.encoded);
	if (len == 0 ||
	    r->describe(
		r->finding.kind, r->described, len, detail, size, r->describe_userdata) < 0)
		detail[0] = '\0';
	for (char *c = detail; *c; c++)
		if (!is_alnum((unsigned char)*c) && !strchr(harmless, *c) &&
		    !(*c == ':' && is_alnum((unsigned char)c[1])))
			*c = '_';
}

static void
write_marker(struct redact *r)
{
	const struct finding *f = &r->finding;
	char detail[REDACT_DETAIL_BYTES + 1];
	char marker[MARKER_MAX_BYTES];
	int n;

	r->counts[f->kind]++;
	if (f->quote != 0) {
		for (unsigned i = 0; i < f->depth; i++)
			(void)emit(r, "\\", 1);
		(void)emit(r, &(char){ (char)f->quote }, 1);
	}
	if (f->sized) {
		describe(r, detail, sizeof(detail));
		n = snprintf(marker, sizeof(marker), "[REDACTED:%s %llu bytes%s%s]",
		    redact_kind_to_string(f->kind), (unsigned long long)r->hidden_bytes,
		    detail[0] ? ", " : "", detail);
	} else {
		n = snprintf(
		    marker, sizeof(marker), "[REDACTED:%s]", redact_kind_to_string(f->kind));
	}
	assert(n > 0 && (size_t)n < sizeof(marker));
	(void)emit(r, marker, (size_t)n);
	if (f->quote != 0) {
		for (unsigned i = 0; i < f->depth; i++)
			(void)emit(r, "\\", 1);
		(void)emit(r, &(char){ (char)f->quote }, 1);
	}
}

/* What a rule or the search for an end may see from pos on. */
static struct view
view_from(const struct redact *r, bool last)
{
	struct view v = { .own = r->own, .data = r->buffer, .end = r->len, .last = last };

	if (r->pos > REDACT_HISTORY_BYTES)
		v.low = r->pos - REDACT_HISTORY_BYTES;
	v.first = v.low == 0 && !r->moved;
	return v;
}

/* Limits it for a rule. */
static void
limit_view(const struct redact *r, struct view *v)
{
	if (v->end - r->pos < REDACT_WINDOW_BYTES)
		return;
	v->end = r->pos + REDACT_WINDOW_BYTES;
	v->full = true;
	v->last = false;
}

/* Starts hiding what FINDING found. */
static void
begin_hiding(struct redact *r, const struct finding *f)
{
	r->pos = f->start;
	flush(r);
	if (r->found)
		r->found(f->kind, r->dropped + f->body, r->found_userdata);
	if (f->keep_end > 0)
		(void)emit(r, r->buffer + f->keep, f->keep_end - f->keep);
	r->out = r->pos = f->body;
	r->hiding = true;
	r->finding = *f;
	r->hidden_bytes = f->body - f->start;
	r->described_len = 0;
	if (!f->sized)
		write_marker(r);
}

/* Passes over N bytes of the secret. */
static void
hide(struct redact *r, size_t n)
{
	size_t room = REDACT_DESCRIBE_BYTES - r->described_len;

	if (r->described && r->finding.sized) {
		memcpy(
		    r->described + r->described_len, r->buffer + r->pos, n < room ? n : room);
		r->described_len += n < room ? n : room;
	}
	r->hidden_bytes += n;
	r->pos += n;
	r->out = r->pos;
}

static void
end_hiding(struct redact *r)
{
	if (r->finding.sized)
		write_marker(r);
	r->hiding = false;
	r->barrier = r->pos;
}

/* Looks for the end of the secret. Returns false if it has not come yet. */
static bool
step_hiding(struct redact *r, bool last)
{
	struct view v = view_from(r, last);
	size_t end = value_end(&v, r->pos, &r->finding.value);

	hide(r, end - r->pos);
	if (v.more)
		return false;
	end_hiding(r);
	return true;
}

/* Asks about the line at AT, which begins behind a line end or with the text. */
static enum verdict
ask_line(struct kubesecret *kube, struct view *v, size_t at, struct finding *ret)
{
	size_t line = at + (view_at(v, at) == '\n');
	enum verdict verdict = pem_match_lines(v, at, ret);
	struct finding secret = { 0 };

	/* It has to see every line. */
	if (kubesecret_match(kube, v, line, &secret) == VERDICT_HIDE &&
	    verdict == VERDICT_PASS) {
		*ret = secret;
		verdict = VERDICT_HIDE;
	}
	return verdict;
}

static enum verdict
ask(enum rule rule, struct kubesecret *kube, struct view *v, size_t at, struct finding *ret)
{
	enum verdict verdict;

	switch (rule) {
	case RULE_PAIR:
		kubesecret_see_kind(kube, v, at);
		return pair_match(v, at, ret);
	case RULE_OBJECT:
		return kubesecret_match_object(kube, v, at, ret);
	case RULE_PROGRAM:
		return token_match_program(v, at, ret);
	case RULE_BEARER:
		verdict = token_match_bearer(v, at, ret);
		return verdict != VERDICT_PASS ? verdict : pair_match(v, at, ret);
	case RULE_BASIC:
		return token_match_basic(v, at, ret);
	case RULE_JWT:
		return token_match_jwt(v, at, ret);
	case RULE_PREFIX:
		return token_match_prefix(v, at, ret);
	case RULE_DER:
		return token_match_der(v, at, ret);
	case RULE_USER:
		return token_match_user(v, at, ret);
	case RULE_HASH:
		return token_match_hash(v, at, ret);
	case RULE_URL:
		return token_match_url(v, at, ret);
	case RULE_PEM:
		return pem_match(v, at, ret);
	case RULE_ENCODED:
		return pem_match_encoded(v, at, ret);
	case RULE_LINES:
		return ask_line(kube, v, at, ret);
	case RULE_MARKER:
		ret->start = at + marker_length(v, at);
		return ret->start > at ? VERDICT_SKIP : token_match_literal(v, at, ret);
	}
	return VERDICT_PASS;
}

/* Asks the rules of ANCHORS about AT: the first that does not let it pass decides. */
static enum verdict
ask_all(
    uint64_t anchors, struct kubesecret *kube, struct view *v, size_t at, struct finding *ret)
{
	for (; anchors != 0; anchors &= anchors - 1) {
		const struct anchor *anchor = &redact_anchors[__builtin_ctzll(anchors)];
		enum verdict verdict;

		*ret = (struct finding){ 0 };
		verdict = ask(anchor->rule, kube, v, at, ret);
		if (verdict != VERDICT_PASS || v->more)
			return verdict;
	}
	return VERDICT_PASS;
}

/* A secret that begins right of its anchor leaves what is between for writing. A name made to
 * look like a secret may stand there: if it is one, hide from there on. */
static void
widen(const struct redact *r, struct view *v, struct finding *f)
{
	size_t i = r->pos + 1;
	uint64_t anchors;

	while (i < f->start && !v->more) {
		struct kubesecret kube = r->kube;
		struct finding inner;

		i = scan_next(&r->scan, r->buffer, i, f->start, &anchors);
		if (anchors != 0 && ask_all(anchors, &kube, v, i, &inner) == VERDICT_HIDE &&
		    inner.start < f->start)
			f->start = inner.start;
		i++;
	}
}

/* Asks the rules of ANCHORS about pos. Returns false if they want to see more. */
static bool
judge(struct redact *r, uint64_t anchors, bool last)
{
	struct view v = view_from(r, last);
	struct kubesecret kube = r->kube;
	struct finding finding;
	enum verdict verdict;

	if (v.low < r->barrier) {
		v.low = r->barrier;
		v.first = false;
	}
	limit_view(r, &v);
	verdict = ask_all(anchors, &kube, &v, r->pos, &finding);
	if (verdict == VERDICT_HIDE)
		widen(r, &v, &finding);
	if (v.more)
		return false;
	r->kube = kube;
	if (verdict == VERDICT_HIDE)
		begin_hiding(r, &finding);
	else
		r->pos = verdict == VERDICT_SKIP ? finding.start : r->pos + 1;
	return true;
}

/* No line end announces the first line. */
static bool
judge_begin(struct redact *r, bool last)
{
	struct view v = view_from(r, last);
	struct kubesecret kube = { 0 };
	struct finding finding = { 0 };
	enum verdict verdict;

	limit_view(r, &v);
	verdict = der_match(&v, &finding);
	if (verdict == VERDICT_PASS)
		verdict = ask_line(&kube, &v, 0, &finding);
	if (verdict == VERDICT_HIDE)
		widen(r, &v, &finding);
	if (v.more)
		return false;
	r->begun = true;
	r->kube = kube;
	if (verdict == VERDICT_HIDE)
		begin_hiding(r, &finding);
	return true;
}

/* Finds the next anchor and asks about it. Returns false if nothing can be decided before more
 * has come. */
static bool
step_looking(struct redact *r, bool last)
{
	uint64_t anchors;
	size_t end = r->len;

	if (!r->begun)
		return judge_begin(r, last);
	/* An anchor may be cut at the end of what is there. */
	if (!last)
		end = r->len - r->pos < SCAN_ANCHOR_BYTES ? r->pos
							  : r->len - SCAN_ANCHOR_BYTES + 1;
	r->pos = scan_next(&r->scan, r->buffer, r->pos, end, &anchors);
	if (anchors == 0)
		return false;
	return judge(r, anchors, last);
}

/* Decides as much as can be decided. */
static void
run(struct redact *r, bool last)
{
	bool on = true;

	memset(r->buffer + r->len, 0, PADDING_BYTES);
	while (on && r->error == 0 && (r->pos < r->len || !r->begun))
		on = r->hiding ? step_hiding(r, last) : step_looking(r, last);
	flush(r);
	/* Ask again when there is twice as much, so that bytes that come one by one are not
	 * each looked at a thousand times. */
	r->want = 2 * (r->len - r->pos);
	if (r->want > REDACT_WINDOW_BYTES)
		r->want = REDACT_WINDOW_BYTES;
}

/* Drops what is no longer needed, keeping what rules may look back at. */
static void
compact(struct redact *r)
{
	size_t drop;

	if (r->pos <= REDACT_HISTORY_BYTES)
		return;
	drop = r->pos - REDACT_HISTORY_BYTES;
	memmove(r->buffer, r->buffer + drop, r->len - drop);
	r->len -= drop;
	r->pos -= drop;
	r->out -= drop;
	r->barrier = r->barrier > drop ? r->barrier - drop : 0;
	r->dropped += drop;
	r->moved = true;
}

int
redact_write(struct redact *r, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0 && r->error == 0) {
		size_t n;

		compact(r);
		n = REDACT_BUFFER_BYTES - r->len;
		/* Never 0: less than a window stays undecided. */
		assert(n > 0);
		if (n > len)
			n = len;
		memcpy(r->buffer + r->len, p, n);
		r->len += n;
		if (r->len > r->used)
			r->used = r->len;
		p += n;
		len -= n;
		if (r->len - r->pos >= r->want)
			run(r, false);
	}
	return r->error;
}

/* Clears the buffer for what comes next. */
static void
forget(struct redact *r)
{
	/* Not all of it: texts may be short and many. */
	explicit_bzero(r->buffer, r->used);
	r->used = 0;
	r->begun = r->moved = false;
	r->kube = (struct kubesecret){ 0 };
	r->len = r->out = r->pos = r->barrier = r->want = 0;
	r->dropped = 0;
}

int
redact_finish(struct redact *r)
{
	int error;

	if (r->error == 0 && r->len > 0)
		run(r, true);
	if (r->error == 0 && r->hiding)
		end_hiding(r);
	error = r->error;
	forget(r);
	r->hiding = false;
	r->error = 0;
	return error;
}

static bool
is_in_block(const struct redact *r)
{
	return r->hiding && r->finding.value.form == VALUE_PEM;
}

int
redact_finish_record(struct redact *r)
{
	bool on = r->len > 0;

	memset(r->buffer + r->len, 0, PADDING_BYTES);
	while (on && r->error == 0 && (r->pos < r->len || !r->begun))
		on = r->hiding ? step_hiding(r, !is_in_block(r)) : step_looking(r, true);
	if (r->error < 0 || !is_in_block(r))
		return redact_finish(r);
	/* What the search for the end would have liked to see more of belongs to the block. */
	hide(r, r->len - r->pos);
	forget(r);
	/* The next record does not begin with its first byte, but inside the block. */
	r->begun = true;
	return 0;
}
