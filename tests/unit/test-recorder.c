/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "daemon/loop.h"
#include "daemon/recorder.h"
#include "daemon/runtrack.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/paths.h"
#include "lib/report.h"
#include "lib/settings.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

struct world {
	struct tmpdir tmp;
	struct loop *loop;
	struct settings *settings;
	struct recorder *rec;
	uint64_t now_sec;
};

static void
start(struct world *w)
{
	assert(recorder_new(w->loop, "/", w->tmp.fd, &w->rec) == 0);
	assert(recorder_configure(w->rec, w->settings) == 0);
}

static struct world
make(void)
{
	struct world w = { .tmp = tmpdir_make(), .now_sec = 1795444072 };

	assert(loop_new(&w.loop) == 0);
	assert(settings_new(&w.settings) == 0);
	clock_set_for_test(w.now_sec * USEC_PER_SEC);
	start(&w);
	return w;
}

static void
done(struct world *w)
{
	recorder_free(w->rec);
	settings_free(w->settings);
	loop_free(w->loop);
	tmpdir_remove(&w->tmp);
	clock_set_for_test(USEC_INFINITY);
}

#define _cleanup_world_ _cleanup_(done)

/* A flash SECONDS after the last one; its history, NULL when it has none. */
static char *
flash_after(struct world *w, uint64_t seconds)
{
	_cleanup_json_ cJSON *flash = cJSON_CreateObject();
	const char *text = NULL;

	w->now_sec += seconds;
	clock_set_for_test(w->now_sec * USEC_PER_SEC);
	assert(recorder_add_to_flash(w->rec, flash) == 0);
	(void)json_get_string(flash, FLASH_HISTORY_MEMBER, &text);
	return text ? strdup(text) : NULL;
}

static size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; text && *text; text++)
		n += *text == '\n';
	return n;
}

static void
test_ring(void)
{
	_cleanup_world_ struct world w = make();
	_cleanup_free_ char *text = NULL;

	for (unsigned i = 0; i < RECORDER_SAMPLES_MAX + 40; i++)
		free(flash_after(&w, 10));
	ok_int(recorder_count(w.rec), RECORDER_SAMPLES_MAX, "the ring is full, and wraps");
	text = flash_after(&w, 0);
	ok_int(count_lines(text), RECORDER_SAMPLES_MAX + 1, "a line each, and the names");
	ok(strstr(text, "\n2026-11-23T14:34:42Z,"), "the oldest is the 41st");
	ok(!strstr(text, "2026-11-23T14:34:32Z,"), "the 40th is gone");
	ok(strlen(text) < REQUEST_MAX_BYTES / 2, "%zu bytes in the flash", strlen(text));
}

static void
test_fresh(void)
{
	_cleanup_world_ struct world w = make();

	free(flash_after(&w, 10));
	ok_int(recorder_count(w.rec), 1, "a flash takes a sample");
	free(flash_after(&w, 0));
	ok_int(recorder_count(w.rec), 1, "but not another of the same moment");
	free(flash_after(&w, 1));
	ok_int(recorder_count(w.rec), 2, "a second later it does");
}

static void
test_configure(void)
{
	_cleanup_world_ struct world w = make();
	_cleanup_free_ char *text = NULL;

	for (unsigned i = 0; i < 100; i++)
		free(flash_after(&w, 10));
	w.settings->recorder_keep_usec = 10 * USEC_PER_MINUTE;
	assert(recorder_configure(w.rec, w.settings) == 0);
	ok_int(recorder_count(w.rec), 60, "a smaller ring keeps the newest");
	text = flash_after(&w, 0);
	ok(strstr(text, "2026-11-23T14:44:32Z,"), "the newest is there");
	ok(!strstr(text, "2026-11-23T14:34:32Z,"), "the 40th is not");
	w.settings->recorder_interval_usec = USEC_PER_SEC;
	w.settings->recorder_keep_usec = USEC_PER_DAY;
	assert(recorder_configure(w.rec, w.settings) == 0);
	for (unsigned i = 0; i < RECORDER_SAMPLES_MAX; i++)
		free(flash_after(&w, 1));
	ok_int(recorder_count(w.rec), RECORDER_SAMPLES_MAX,
	    "no more than RECORDER_SAMPLES_MAX whatever is asked for");
	w.settings->recorder_interval_usec = USEC_PER_HOUR;
	w.settings->recorder_keep_usec = USEC_PER_MINUTE;
	assert(recorder_configure(w.rec, w.settings) == 0);
	ok_int(recorder_count(w.rec), 1, "and one at least");
}

static void
test_off(void)
{
	_cleanup_world_ struct world w = make();
	_cleanup_free_ char *text = NULL;

	free(flash_after(&w, 10));
	w.settings->recorder_enabled = false;
	assert(recorder_configure(w.rec, w.settings) == 0);
	text = flash_after(&w, 10);
	ok(!text && recorder_count(w.rec) == 0, "off: nothing is kept, nothing is told");
	ok_int(recorder_save(w.rec), 0, "nor saved");
	ok(faccessat(w.tmp.fd, HISTORY_FILE, F_OK, 0) < 0, "there is no file");
	ok_int(recorder_load(w.rec), 0, "nor read");
}

static void
test_units(void)
{
	_cleanup_world_ struct world w = make();
	_cleanup_(settings_freep) struct settings *others = NULL;
	struct unit_snapshot snapshot = { .active_state = "active", .n_restarts = 2 };
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *other = NULL;

	free(flash_after(&w, 10));
	recorder_on_state(w.rec, "microshift.service", &snapshot);
	recorder_on_state(w.rec, "crio.service", &snapshot);
	text = flash_after(&w, 10);
	ok(text && strstr(text, ",active,2\n"), "the state of a unit from when it was told");
	ok(text && strstr(text, ",,\n"), "before that it is absent");
	assert(settings_new(&others) == 0);
	assert(settings_set(others, "Watch", "Units", "crio.service", NULL) == 0);
	assert(recorder_configure(w.rec, others) == 0);
	other = flash_after(&w, 0);
	ok(other && strstr(other, ",crio.service_state,"), "other units");
	ok(other && !strstr(other, ",active,"), "what is known is of the old ones");
}

static void
test_persistence(void)
{
	_cleanup_world_ struct world w = make();
	_cleanup_free_ char *before = NULL;
	_cleanup_free_ char *after = NULL;
	struct stat st;

	free(flash_after(&w, 10));
	before = flash_after(&w, 10);
	ok_int(recorder_save(w.rec), 0, "save");
	ok(fstatat(w.tmp.fd, HISTORY_FILE, &st, 0) == 0 && (st.st_mode & 0777) == 0600,
	    "for root only");
	recorder_free(w.rec);
	start(&w);
	ok_int(recorder_load(w.rec), 0, "load");
	ok_int(recorder_count(w.rec), 2, "both are back");
	/* The wall clock is set back an hour meanwhile. */
	w.now_sec -= 3600;
	after = flash_after(&w, 0);
	ok(text_has_prefix(after, before), "the same as before, in the order of recording");
	ok(strstr(after, "\n2026-11-23T13:28:12Z,"), "and the new one as the clock says");
	ok_int(count_lines(after), 4, "at the end");
}

static void
test_damaged(void)
{
	_cleanup_world_ struct world w = make();
	_cleanup_free_ char *text = flash_after(&w, 10);
	_cleanup_free_ char *damaged =
	    text_format("%s2026-11-23T13:08:02Z,xx\n%s", text, strchr(text, '\n') + 1);
	char *large = calloc(1, 1u << 20);

	assert(large);
	(void)memset(large, 'x', (1u << 20) - 1);
	ok_int(recorder_load(w.rec), 0, "no file");
	tmpdir_put(&w.tmp, HISTORY_FILE, "time,boot\n1,2\n");
	ok_int(recorder_load(w.rec), -EBADMSG, "other columns");
	tmpdir_put(&w.tmp, HISTORY_FILE, large);
	ok_int(recorder_load(w.rec), -EFBIG, "too large");
	ok_int(recorder_count(w.rec), 1, "nothing of it is taken");
	tmpdir_put(&w.tmp, HISTORY_FILE, damaged);
	ok_int(recorder_load(w.rec), -EBADMSG, "a line that cannot be");
	ok_int(recorder_count(w.rec), 3, "the others are taken");
	free(large);
}

struct tick {
	struct world *w;
	struct loop_timer *timer;
	unsigned left;
};

static void
on_tick(void *userdata)
{
	struct tick *tick = userdata;

	if (recorder_count(tick->w->rec) > 0 || tick->left-- == 0)
		loop_exit(tick->w->loop, 0);
	else
		assert(loop_timer_arm(tick->timer, 100 * USEC_PER_MSEC) == 0);
}

static void
test_timer(void)
{
	_cleanup_world_ struct world w = make();
	struct tick tick = { .w = &w, .left = 100 };

	clock_set_for_test(USEC_INFINITY);
	w.settings->recorder_interval_usec = USEC_PER_SEC;
	assert(recorder_configure(w.rec, w.settings) == 0);
	assert(loop_timer_new(w.loop, LOOP_PRIORITY_IDLE, on_tick, &tick, &tick.timer) == 0);
	on_tick(&tick);
	assert(loop_run(w.loop) == 0);
	ok_int(recorder_count(w.rec), 1, "a sample comes by itself");
	loop_timer_free(tick.timer);
}

int
main(void)
{
	test_ring();
	test_fresh();
	test_configure();
	test_off();
	test_units();
	test_persistence();
	test_damaged();
	test_timer();
	return tap_done();
}
