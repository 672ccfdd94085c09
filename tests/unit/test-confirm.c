/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "daemon/confirm.h"
#include "daemon/trigger.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/text.h"

/* Checks in a sequence, and what each may be. */
#define STEPS 7u
enum step {
	STEP_WELL,
	STEP_BAD,
	STEP_BAD_LATE, /* after a gap */
	_STEP_COUNT,
};

static struct finding
finding_of(enum trigger trigger, const char *subject, const char *problem)
{
	struct finding f = { .trigger = trigger, .message = "Something is wrong." };

	text_copy(f.subject, sizeof(f.subject), subject);
	text_copy(f.problem, sizeof(f.problem), problem);
	return f;
}

static struct confirm_context
minute(unsigned n, uint64_t confirmations)
{
	return (struct confirm_context){
		.realtime_usec = n * USEC_PER_MINUTE + 5,
		.boottime_usec = n * USEC_PER_MINUTE,
		.unit_age = UNIT_AGE_SETTLED,
		.confirmations = confirmations,
	};
}

static enum suspicion_state
state_of(const struct confirm *c, size_t i)
{
	assert(i < c->n_items);
	return c->items[i].state;
}

/* What a sequence must lead to, from the definition: confirmed by the check that makes the row
 * long enough, over at the first one that does not find it. */
struct model {
	uint64_t row;
	bool standing;
};

/* Returns whether C is as the model says after STEP. */
static bool
check_step(
    const struct confirm *c, struct model *m, enum step step, uint64_t confirmations, bool news)
{
	bool was_standing = m->standing;

	m->row = step == STEP_WELL ? 0 : step == STEP_BAD_LATE ? 1 : m->row + 1;
	m->standing = step != STEP_WELL && (was_standing || m->row >= confirmations);
	if (step == STEP_WELL && !was_standing)
		return c->n_items == 0 && !news;
	if (step == STEP_WELL)
		return news && state_of(c, 0) == SUSPICION_OVER;
	if (!m->standing)
		return !news && state_of(c, 0) == SUSPICION_SUSPECTED &&
		    c->items[0].checks == m->row;
	return news == !was_standing &&
	    state_of(c, 0) == (was_standing ? SUSPICION_STANDING : SUSPICION_CONFIRMED);
}

/* Every sequence of STEPS checks, for every number of confirmations that it can reach. */
static void
test_all_sequences(void)
{
	struct finding bad = finding_of(TRIGGER_PRESSURE, "/var", "full");
	unsigned n_sequences = 1, wrong = 0;

	for (unsigned i = 0; i < STEPS; i++)
		n_sequences *= _STEP_COUNT;
	for (uint64_t need = 1; need <= STEPS; need++)
		for (unsigned sequence = 0; sequence < n_sequences; sequence++) {
			struct confirm c = { 0 };
			struct model m = { 0 };
			unsigned rest = sequence, now = 1;

			for (unsigned i = 0; i < STEPS; i++, rest /= _STEP_COUNT) {
				enum step step = (enum step)(rest % _STEP_COUNT);
				struct confirm_context context;
				bool news;

				now += step == STEP_BAD_LATE ? 6 : 1;
				context = minute(now, need);
				news = confirm_feed(&c, &bad, step != STEP_WELL, &context);
				wrong += !check_step(&c, &m, step, need, news);
			}
		}
	ok_int(
	    wrong, 0, "%u sequences of %u checks end as defined", n_sequences * STEPS, STEPS);
}

static void
test_row(void)
{
	struct finding bad = finding_of(TRIGGER_PRESSURE, "/var", "full");
	struct confirm_context context = minute(1, 2);
	struct confirm c = { 0 };

	(void)confirm_feed(&c, &bad, 1, &context);
	context.boottime_usec += CONFIRM_GAP_USEC;
	ok(confirm_feed(&c, &bad, 1, &context), "CONFIRM_GAP_USEC apart is in a row");
	ok_int(c.items[0].since_usec, USEC_PER_MINUTE + 5, "since the first one");

	c = (struct confirm){ 0 };
	(void)confirm_feed(&c, &bad, 1, &context);
	context.boottime_usec += CONFIRM_GAP_USEC + 1;
	ok(!confirm_feed(&c, &bad, 1, &context), "a microsecond more is not");
	context.boottime_usec = 7;
	ok(!confirm_feed(&c, &bad, 1, &context), "nor is another boot");
	context.realtime_usec = 0;
	context.boottime_usec = 8;
	ok(confirm_feed(&c, &bad, 1, &context), "what the wall clock does is no matter");
}

static void
test_together(void)
{
	struct finding findings[] = {
		finding_of(TRIGGER_CERTIFICATE, "/a.crt", "expired"),
		finding_of(TRIGGER_PRESSURE, "memory", "stalled"),
		finding_of(TRIGGER_CERTIFICATE, "/a.crt", "expired"),
		finding_of(TRIGGER_CERTIFICATE, "/a.crt", "key-mismatch"),
	};
	struct confirm_context context = minute(1, 2);
	struct confirm c = { 0 };

	(void)confirm_feed(&c, findings, 4, &context);
	ok_int(c.n_items, 3, "what is told twice is one");
	ok_int(c.items[0].checks, 1, "and counts once");
	context = minute(2, 2);
	ok(confirm_feed(&c, findings, 1, &context) && c.n_items == 1 &&
		state_of(&c, 0) == SUSPICION_CONFIRMED,
	    "each has its own row");
	text_copy(findings[0].message, sizeof(findings[0].message), "Worse.");
	context = minute(3, 2);
	(void)confirm_feed(&c, findings, 1, &context);
	ok_str(c.items[0].finding.message, "Worse.", "the newest words are kept");
}

static void
test_retry(void)
{
	struct finding findings[] = {
		finding_of(TRIGGER_CERTIFICATE, "/a.crt", "expired"),
		finding_of(TRIGGER_PRESSURE, "memory", "stalled"),
	};
	struct confirm_context context = minute(1, 2);
	struct confirm c = { 0 };

	(void)confirm_feed(&c, findings, 2, &context);
	(void)confirm_feed(&c, findings, 2, &context);
	confirm_retry(&c, TRIGGER_CERTIFICATE);
	ok(state_of(&c, 0) == SUSPICION_SUSPECTED && state_of(&c, 1) == SUSPICION_CONFIRMED,
	    "what could not be acted on is suspected again, nothing else");
	ok(!confirm_feed(&c, findings, 2, &context), "its row begins anew");
	ok(confirm_feed(&c, findings, 2, &context) && state_of(&c, 0) == SUSPICION_CONFIRMED &&
		state_of(&c, 1) == SUSPICION_STANDING,
	    "and it is told again");
}

static void
test_liveness(void)
{
	struct finding dead = finding_of(TRIGGER_LIVENESS, "https://localhost:6443", "refused");
	struct confirm_context context = minute(1, 2);
	struct confirm c = { 0 };

	context.unit_age = UNIT_AGE_YOUNG;
	ok(!confirm_feed(&c, &dead, 1, &context) && c.n_items == 0,
	    "MicroShift is starting: silence means nothing");
	context.unit_age = UNIT_AGE_UNKNOWN;
	ok(!confirm_feed(&c, &dead, 1, &context) && c.n_items == 0, "nor before it is known");
	context.unit_age = UNIT_AGE_SETTLED;
	(void)confirm_feed(&c, &dead, 1, &context);
	text_copy(dead.problem, sizeof(dead.problem), "timeout");
	ok(confirm_feed(&c, &dead, 1, &context), "later it does, refused or hanging");

	context.unit_age = UNIT_AGE_UNKNOWN;
	ok(!confirm_feed(&c, &dead, 1, &context) && state_of(&c, 0) == SUSPICION_STANDING,
	    "while the unit is not known nothing ends");
	context.unit_age = UNIT_AGE_YOUNG;
	ok(confirm_feed(&c, &dead, 1, &context) && state_of(&c, 0) == SUSPICION_OVER,
	    "a restart ends it");
	context.unit_age = UNIT_AGE_SETTLED;
	(void)confirm_feed(&c, &dead, 1, &context);
	ok(state_of(&c, 0) == SUSPICION_SUSPECTED && c.items[0].checks == 1,
	    "and it begins anew");
}

static void
fill(struct finding findings[FINDINGS_MAX + 1], const char *prefix)
{
	for (unsigned i = 0; i <= FINDINGS_MAX; i++) {
		char subject[32];

		(void)snprintf(subject, sizeof(subject), "/%s%u.crt", prefix, i);
		findings[i] = finding_of(TRIGGER_CERTIFICATE, subject, "expired");
	}
}

static void
test_many(void)
{
	static struct finding findings[FINDINGS_MAX + 1];
	static struct confirm c;
	struct confirm_context context = minute(1, 1);

	fill(findings, "a");
	ok(confirm_feed(&c, findings, FINDINGS_MAX + 1, &context) && c.n_items == FINDINGS_MAX,
	    "at most FINDINGS_MAX are kept");
	fill(findings, "b");
	ok(confirm_feed(&c, findings, FINDINGS_MAX, &context) && c.n_items == FINDINGS_MAX,
	    "as many others");
	ok_str(c.items[FINDINGS_MAX - 1].finding.subject, "/b31.crt",
	    "what is over makes room for them");
	ok(state_of(&c, 0) == SUSPICION_CONFIRMED, "all of it");
}

static void
test_json(void)
{
	struct finding findings[] = {
		finding_of(TRIGGER_CERTIFICATE, "/a.crt", "expired"),
		finding_of(TRIGGER_PRESSURE, "memory", "stalled"),
	};
	struct confirm_context context = minute(1, 2);
	struct confirm c = { 0 }, back = { 0 };
	_cleanup_json_ cJSON *json = NULL;

	(void)confirm_feed(&c, &findings[0], 1, &context);
	context = minute(2, 2);
	(void)confirm_feed(&c, findings, 2, &context);
	json = confirm_to_json(&c);
	ok_int(cJSON_GetArraySize(json), 1, "what is confirmed is saved, suspicions are not");
	assert(cJSON_AddItemToArray(json, cJSON_CreateNumber(7)));
	assert(cJSON_AddItemToArray(json, cJSON_Duplicate(cJSON_GetArrayItem(json, 0), true)));
	confirm_from_json(&back, json);
	ok(back.n_items == 1 && state_of(&back, 0) == SUSPICION_STANDING,
	    "it reads back once, without what is damaged");
	ok_int(back.items[0].since_usec, USEC_PER_MINUTE + 5, "with its time");
	ok(!confirm_feed(&back, findings, 1, &context), "and is not told again");
	confirm_from_json(&back, NULL);
	ok_int(back.n_items, 1, "an older state.json has none");
}

int
main(void)
{
	test_all_sequences();
	test_row();
	test_together();
	test_retry();
	test_liveness();
	test_many();
	test_json();
	return tap_done();
}
