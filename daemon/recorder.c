/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/loop.h"
#include "daemon/recorder.h"
#include "daemon/runtrack.h"
#include "daemon/sampler.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/paths.h"
#include "lib/settings.h"
#include "lib/text.h"

#define FILE_MODE 0600
/* The names of the columns, four of them with that of a unit, and the lines. */
#define TEXT_MAX_BYTES                                                                         \
 (1024u + 2u * SAMPLE_UNITS_MAX * UNIT_NAME_BYTES +                                            \
     RECORDER_SAMPLES_MAX * SAMPLE_LINE_MAX_BYTES)

_Static_assert(TEXT_MAX_BYTES < REQUEST_MAX_BYTES / 2, "there is more in a request");

struct recorder {
	struct loop_timer *timer; /* owned */
	int root_fd;		  /* owned */
	int state_dir_fd;	  /* borrowed */
	struct sampler sampler;
	uint64_t interval_usec;			    /* 0: off */
	char *const *units;			    /* borrowed from the settings */
	size_t n_units;				    /* of `units` that are sampled */
	uint32_t unit_values[2 * SAMPLE_UNITS_MAX]; /* as of now */
	struct sample *ring;			    /* owned: [capacity] */
	size_t capacity;
	size_t next; /* where the next sample goes */
	size_t n;
};
_Static_assert(sizeof(struct recorder) + RECORDER_SAMPLES_MAX * sizeof(struct sample) <=
	RECORDER_MEMORY_MAX_BYTES,
    "the recorder keeps its promise");

/* The I-th oldest sample. */
static struct sample *
sample_at(const struct recorder *rec, size_t i)
{
	return &rec->ring[(rec->next + rec->capacity - rec->n + i) % rec->capacity];
}

static void
push(struct recorder *rec, const struct sample *s)
{
	rec->ring[rec->next] = *s;
	rec->next = (rec->next + 1) % rec->capacity;
	if (rec->n < rec->capacity)
		rec->n++;
}

static void
take_sample(struct recorder *rec)
{
	struct sample s;

	sampler_take(&rec->sampler, &s);
	(void)memcpy(&s.values[SAMPLE_UNITS], rec->unit_values, sizeof(rec->unit_values));
	push(rec, &s);
}

static void
arm(struct recorder *rec)
{
	uint64_t interval = rec->interval_usec;
	uint64_t wait_usec = interval - clock_monotonic_usec() % interval;

	/* A timer that came early, or late, must not give two samples of one moment. */
	if (wait_usec < interval / 2)
		wait_usec += interval;
	(void)loop_timer_arm(rec->timer, wait_usec);
}

static void
on_timer(void *userdata)
{
	struct recorder *rec = userdata;

	take_sample(rec);
	arm(rec);
}

int
recorder_new(struct loop *loop, const char *root, int state_dir_fd, struct recorder **ret)
{
	_cleanup_(recorder_freep) struct recorder *rec = calloc(1, sizeof(*rec));
	int r;

	if (!rec)
		return -ENOMEM;
	rec->state_dir_fd = state_dir_fd;
	rec->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rec->root_fd < 0)
		return -errno;
	sampler_init(&rec->sampler, rec->root_fd, state_dir_fd);
	r = loop_timer_new(loop, LOOP_PRIORITY_IDLE, on_timer, rec, &rec->timer);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(rec);
	return 0;
}

void
recorder_free(struct recorder *rec)
{
	if (!rec)
		return;
	loop_timer_free(rec->timer);
	(void)close_fd(rec->root_fd);
	free(rec->ring);
	free(rec);
}

static size_t
count_units(char *const *units)
{
	size_t n = strv_length(units);

	return n < SAMPLE_UNITS_MAX ? n : SAMPLE_UNITS_MAX;
}

/* Forgets what is known of units, which may be others from now on. */
static void
set_units(struct recorder *rec, char *const *units)
{
	size_t n = count_units(units);
	bool is_same = n == rec->n_units;

	for (size_t i = 0; is_same && i < n; i++)
		is_same = streq(units[i], rec->units[i]);
	rec->units = units;
	rec->n_units = n;
	if (is_same)
		return;
	(void)memset(rec->unit_values, 0xff, sizeof(rec->unit_values));
	for (size_t i = 0; i < rec->n; i++)
		(void)memset(
		    &sample_at(rec, i)->values[SAMPLE_UNITS], 0xff, sizeof(rec->unit_values));
}

static int
resize(struct recorder *rec, size_t capacity)
{
	_cleanup_free_ struct sample *ring = NULL;
	size_t kept = rec->n < capacity ? rec->n : capacity;

	if (capacity == rec->capacity)
		return 0;
	if (capacity > 0) {
		ring = calloc(capacity, sizeof(*ring));
		if (!ring)
			return -ENOMEM;
	}
	for (size_t i = 0; i < kept; i++)
		ring[i] = *sample_at(rec, rec->n - kept + i);
	free(rec->ring);
	rec->ring = TAKE_PTR(ring);
	rec->capacity = capacity;
	rec->n = kept;
	rec->next = capacity > 0 ? kept % capacity : 0;
	return 0;
}

static size_t
wanted_capacity(const struct settings *s)
{
	uint64_t n = s->recorder_keep_usec / s->recorder_interval_usec;

	if (!s->recorder_enabled)
		return 0;
	if (n > RECORDER_SAMPLES_MAX)
		return RECORDER_SAMPLES_MAX;
	return n > 0 ? (size_t)n : 1;
}

int
recorder_configure(struct recorder *rec, const struct settings *settings)
{
	size_t capacity = wanted_capacity(settings);
	int r;

	set_units(rec, settings->units);
	loop_timer_disarm(rec->timer);
	rec->interval_usec = 0;
	/* What is counted from must not be of before a pause. */
	if (capacity == 0)
		sampler_init(&rec->sampler, rec->root_fd, rec->state_dir_fd);
	r = resize(rec, capacity);
	if (r < 0 || capacity == 0) {
		(void)resize(rec, 0);
		return r;
	}
	rec->interval_usec = settings->recorder_interval_usec;
	arm(rec);
	return 0;
}

void
recorder_on_state(struct recorder *rec, const char *unit, const struct unit_snapshot *snapshot)
{
	struct sample s;

	sample_clear(&s);
	for (size_t i = 0; i < rec->n_units; i++) {
		if (!streq(rec->units[i], unit))
			continue;
		rec->unit_values[2 * i] = sample_unit_state(snapshot->active_state);
		sample_set(&s, SAMPLE_UNITS + 2 * i + 1, snapshot->n_restarts);
		rec->unit_values[2 * i + 1] = s.values[SAMPLE_UNITS + 2 * i + 1];
	}
}

/* The ring as CSV. The caller frees it; NULL when out of memory. */
static char *
print_all(const struct recorder *rec)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	sample_print_header(rec->units, f);
	for (size_t i = 0; i < rec->n; i++)
		sample_print(sample_at(rec, i), rec->n_units, f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

int
recorder_add_to_flash(struct recorder *rec, cJSON *flash)
{
	_cleanup_free_ char *text = NULL;

	if (rec->interval_usec == 0)
		return 0;
	if (rec->sampler.last_usec == 0 ||
	    clock_boottime_usec() - rec->sampler.last_usec >= RECORDER_FRESH_USEC)
		take_sample(rec);
	text = print_all(rec);
	return text ? json_add_text(flash, FLASH_HISTORY_MEMBER, text) : -ENOMEM;
}

int
recorder_save(const struct recorder *rec)
{
	_cleanup_free_ char *text = NULL;

	if (rec->interval_usec == 0)
		return 0;
	text = print_all(rec);
	if (!text)
		return -ENOMEM;
	return io_write_file_atomic(
	    rec->state_dir_fd, HISTORY_FILE, text, strlen(text), FILE_MODE);
}

/* Whether TEXT begins with the line of column names that we would write. Cuts that line off. */
static bool
take_header(const struct recorder *rec, char **text)
{
	_cleanup_free_ char *header = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&header, &size);

	if (!f)
		return false;
	sample_print_header(rec->units, f);
	if (fclose(f) != 0 || !text_has_prefix(*text, header))
		return false;
	*text += size;
	return true;
}

int
recorder_load(struct recorder *rec)
{
	_cleanup_free_ char *data = NULL;
	struct sample s;
	char *text;
	char *line;
	int r;

	if (rec->interval_usec == 0)
		return 0;
	r = io_read_file(rec->state_dir_fd, HISTORY_FILE, TEXT_MAX_BYTES, &data, NULL);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	text = data;
	if (!take_header(rec, &text))
		return -EBADMSG;
	while ((line = strsep(&text, "\n"))) {
		if (*line == '\0')
			continue;
		if (sample_parse(line, rec->n_units, &s) < 0)
			r = -EBADMSG;
		else
			push(rec, &s);
	}
	return r;
}

size_t
recorder_count(const struct recorder *rec)
{
	return rec->n;
}
