/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/procfile.h"
#include "daemon/sample.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* The longest are a time and the name of a state. */
#define CELL_BYTES  24u
#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"

enum column_type {
	COLUMN_NUMBER,
	COLUMN_CENTI, /* hundredths, printed with a point */
	COLUMN_STATE,
};

struct column {
	const char *name;
	enum column_type type;
};

#define CGROUP_COLUMNS(name)                                                                   \
 { name "_memory_kib", COLUMN_NUMBER }, { name "_cpu_percent", COLUMN_CENTI },                 \
     { name "_read_kib_per_s", COLUMN_NUMBER },                                                \
 {                                                                                             \
  name "_write_kib_per_s", COLUMN_NUMBER                                                       \
 }

/* In the order of enum sample_value, up to the units. */
static const struct column columns[] = {
	{ "psi_cpu_some_percent", COLUMN_CENTI },
	{ "psi_memory_some_percent", COLUMN_CENTI },
	{ "psi_memory_full_percent", COLUMN_CENTI },
	{ "psi_io_some_percent", COLUMN_CENTI },
	{ "psi_io_full_percent", COLUMN_CENTI },
	{ "load_1min", COLUMN_CENTI },
	{ "mem_available_kib", COLUMN_NUMBER },
	{ "mem_free_kib", COLUMN_NUMBER },
	{ "mem_dirty_kib", COLUMN_NUMBER },
	{ "mem_slab_kib", COLUMN_NUMBER },
	{ "swap_free_kib", COLUMN_NUMBER },
	{ "disk_spool_kib", COLUMN_NUMBER },
	{ "disk_microshift_kib", COLUMN_NUMBER },
	{ "disk_log_kib", COLUMN_NUMBER },
	{ "disk_root_kib", COLUMN_NUMBER },
	CGROUP_COLUMNS("microshift"),
	CGROUP_COLUMNS("etcd"),
	CGROUP_COLUMNS("crio"),
	CGROUP_COLUMNS("kubepods"),
};
_Static_assert(ELEMENTSOF(columns) == SAMPLE_UNITS, "a column for each value");

/* ActiveState, as org.freedesktop.systemd1(5) lists it. */
static const char *const states[] = { "active", "reloading", "inactive", "failed", "activating",
	"deactivating", "maintenance", "refreshing" };

void
sample_clear(struct sample *s)
{
	*s = (struct sample){ 0 };
	for (size_t i = 0; i < SAMPLE_VALUE_COUNT; i++)
		s->values[i] = SAMPLE_ABSENT;
}

void
sample_set(struct sample *s, size_t value, uint64_t number)
{
	assert(value < SAMPLE_VALUE_COUNT);
	s->values[value] = number < SAMPLE_ABSENT ? (uint32_t)number : SAMPLE_ABSENT - 1;
}

uint32_t
sample_unit_state(const char *active_state)
{
	for (uint32_t i = 0; i < ELEMENTSOF(states); i++)
		if (streq(states[i], active_state))
			return i;
	return SAMPLE_ABSENT;
}

/* States and restart counts alternate behind the table. */
static enum column_type
column_type(size_t i)
{
	if (i < SAMPLE_UNITS)
		return columns[i].type;
	return (i - SAMPLE_UNITS) % 2 == 0 ? COLUMN_STATE : COLUMN_NUMBER;
}

static size_t
count_values(size_t n_units)
{
	assert(n_units <= SAMPLE_UNITS_MAX);
	return SAMPLE_UNITS + 2 * n_units;
}

void
sample_print_header(char *const *units, FILE *f)
{
	(void)fprintf(f, "time,boot,uptime_s");
	for (size_t i = 0; i < ELEMENTSOF(columns); i++)
		(void)fprintf(f, ",%s", columns[i].name);
	/* A name of a unit has neither commas nor quotes; see unit_name_is_valid(). */
	for (size_t i = 0; i < SAMPLE_UNITS_MAX && units && units[i]; i++)
		(void)fprintf(f, ",%s_state,%s_restarts", units[i], units[i]);
	(void)fputc('\n', f);
}

static void
print_value(uint32_t value, enum column_type type, FILE *f)
{
	(void)fputc(',', f);
	if (value == SAMPLE_ABSENT)
		return;
	switch (type) {
	case COLUMN_NUMBER:
		(void)fprintf(f, "%" PRIu32, value);
		break;
	case COLUMN_CENTI:
		(void)fprintf(f, "%" PRIu32 ".%02" PRIu32, value / 100, value % 100);
		break;
	case COLUMN_STATE:
		(void)fputs(states[value], f);
		break;
	}
}

void
sample_print(const struct sample *s, size_t n_units, FILE *f)
{
	time_t seconds = (time_t)s->time_sec;
	char when[CELL_BYTES];
	struct tm tm;

	(void)strftime(when, sizeof(when), TIME_FORMAT, gmtime_r(&seconds, &tm));
	(void)fprintf(f, "%s,%08" PRIx32 ",%" PRIu32, when, s->boot, s->boottime_sec);
	for (size_t i = 0; i < count_values(n_units); i++)
		print_value(s->values[i], column_type(i), f);
	(void)fputc('\n', f);
}

/* Copies the next cell, and goes past its comma; *P is NULL behind the last one. */
static int
take_cell(const char **p, char cell[CELL_BYTES])
{
	size_t length;

	if (!*p)
		return -EINVAL;
	length = strcspn(*p, ",");
	if (length >= CELL_BYTES)
		return -EINVAL;
	(void)memcpy(cell, *p, length);
	cell[length] = '\0';
	*p = (*p)[length] == ',' ? *p + length + 1 : NULL;
	return 0;
}

static int
take_time(const char **p, uint32_t *ret)
{
	struct tm tm = { 0 };
	char cell[CELL_BYTES];
	const char *end;
	time_t seconds;

	if (take_cell(p, cell) < 0)
		return -EINVAL;
	end = strptime(cell, TIME_FORMAT, &tm);
	if (!end || *end != '\0')
		return -EINVAL;
	seconds = timegm(&tm);
	if (seconds < 0 || seconds > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)seconds;
	return 0;
}

static int
take_boot(const char **p, uint32_t *ret)
{
	char cell[CELL_BYTES];

	if (take_cell(p, cell) < 0 || strlen(cell) != 8 ||
	    strspn(cell, "0123456789abcdef") != 8)
		return -EINVAL;
	*ret = (uint32_t)strtoul(cell, NULL, 16);
	return 0;
}

static int
take_value(const char **p, enum column_type type, uint32_t *ret)
{
	char cell[CELL_BYTES];
	uint64_t value = SAMPLE_ABSENT;
	int r;

	r = take_cell(p, cell);
	if (r < 0)
		return r;
	if (cell[0] == '\0')
		r = 0;
	else if (type == COLUMN_STATE)
		value = sample_unit_state(cell);
	else if (type == COLUMN_CENTI)
		r = procfile_centi(cell, "", &value);
	else
		r = text_parse_uint(cell, &value);
	if (r < 0 || value > SAMPLE_ABSENT)
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

int
sample_parse(const char *line, size_t n_units, struct sample *ret)
{
	struct sample s;

	sample_clear(&s);
	if (take_time(&line, &s.time_sec) < 0 || take_boot(&line, &s.boot) < 0 ||
	    take_value(&line, COLUMN_NUMBER, &s.boottime_sec) < 0)
		return -EINVAL;
	for (size_t i = 0; i < count_values(n_units); i++)
		if (take_value(&line, column_type(i), &s.values[i]) < 0)
			return -EINVAL;
	if (line)
		return -EINVAL;
	*ret = s;
	return 0;
}
