/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/namepattern.h"
#include "lib/paths.h"
#include "lib/settings.h"
#include "lib/text.h"
#include "lib/unitname.h"

/* As many as one would type. */
#define WORDS_MAX    64u
/* Each is compared with each namespace. */
#define PATTERNS_MAX 64u

enum key_type {
	KEY_UNITS,
	KEY_PROFILE,
	KEY_COMPRESSION,
	KEY_PATTERNS,
	KEY_BOOL,
	KEY_WORDS,
	KEY_PATH,
	KEY_COUNT,
	KEY_BYTES,
	KEY_USEC,
};

struct key {
	const char *section;
	const char *name;
	enum key_type type;
	size_t offset;
	const char *default_value;
	uint64_t min; /* of numbers, in their unit */
	uint64_t max;
	const char *help;
};

#define FIELD(member) offsetof(struct settings, member)
#define KIB	      (UINT64_C(1) << 10)
#define MIB	      (UINT64_C(1) << 20)

/* clang-format off */
static const struct key keys[] = {
	{ "Watch", "Units", KEY_UNITS, FIELD(units), "microshift.service", 0, 0,
	  "Units whose unrequested ends are captured. The first one is MicroShift." },
	{ "Watch", "Neighbours", KEY_UNITS, FIELD(neighbours), "crio.service openvswitch.service ovsdb-server.service ovs-vswitchd.service microshift-ovs-init.service microshift-etcd.scope", 0, 0,
	  "Units that MicroShift stands on: only their failures are captured." },

	{ "Capture", "DefaultProfile", KEY_PROFILE, FIELD(default_profile), "full", 0, 0,
	  "Profile of a request that names none: flash, crash, startup, cert, pressure, final or full." },
	{ "Capture", "Compression", KEY_COMPRESSION, FIELD(compression), "zstd", 0, 0,
	  "Compression of archives: zstd, xz or gzip." },

	{ "Clean", "Enabled", KEY_BOOL, FIELD(clean), "no", 0, 0,
	  "Whether names and addresses are replaced in all reports; a request can ask for it, too." },
	{ "Clean", "Keywords", KEY_WORDS, FIELD(clean_keywords), "", 0, 0,
	  "Words that are replaced besides what is known." },
	{ "Clean", "Domains", KEY_WORDS, FIELD(clean_domains), "", 0, 0,
	  "Domains whose hosts are replaced besides those that are known." },
	{ "Clean", "KeyFile", KEY_PATH, FIELD(clean_key_file), "", 0, 0,
	  "File with a key that machines share whose reports are to have equal aliases." },

	{ "Kube", "Namespaces", KEY_PATTERNS, FIELD(namespaces), "kube-* openshift-*", 0, 0,
	  "Namespaces that are collected: globs, or regular expressions between slashes." },
	{ "Kube", "AddNamespaces", KEY_PATTERNS, FIELD(add_namespaces), "", 0, 0,
	  "Namespaces that are collected besides these." },
	{ "Kube", "FailingPods", KEY_BOOL, FIELD(failing_pods), "yes", 0, 0,
	  "Whether namespaces with a failing pod are collected too." },
	{ "Kube", "MaxLogBytes", KEY_BYTES, FIELD(max_log_bytes), "64M", 0, UINT64_C(1) << 40,
	  "Most bytes of container logs, all together; each container gets a fair share." },
	{ "Kube", "TailLines", KEY_COUNT, FIELD(tail_lines), "10000", 1, 10000000,
	  "Most lines of one container log, the newest." },
	{ "Kube", "LastGood", KEY_BOOL, FIELD(last_good), "yes", 0, 0,
	  "Whether a copy of the cluster's state is kept, for reports that find no API." },
	{ "Kube", "LastGoodMaxBytes", KEY_BYTES, FIELD(last_good_max_bytes), "8M", 64 * KIB, UINT64_C(1) << 30,
	  "Most disk space of that copy." },

	{ "Check", "Confirmations", KEY_COUNT, FIELD(confirmations), "3", 1, 60,
	  "Checks in a row that must find a problem before it is captured; there is one each minute." },
	{ "Check", "SettleSec", KEY_USEC, FIELD(settle_usec), "5min", 0, USEC_PER_DAY,
	  "MicroShift must be up for so long before it is a problem that it does not answer." },
	{ "Check", "MinFree", KEY_BYTES, FIELD(min_free_bytes), "640M", 0, UINT64_MAX,
	  "Free disk space that MicroShift needs, on each of its file systems; 0 for none." },
	{ "Check", "MaxMemoryPressure", KEY_COUNT, FIELD(max_memory_pressure), "20", 1, 100,
	  "Most percent of a minute in which all processes wait for memory; 100 for any." },
	{ "Check", "KubeletPort", KEY_COUNT, FIELD(kubelet_port), "10248", 0, 65535,
	  "Port of the kubelet's health check on this machine; 0 when it has none." },

	{ "Recorder", "Enabled", KEY_BOOL, FIELD(recorder_enabled), "yes", 0, 0,
	  "Whether memory, pressure, disk space and load of the last hour are kept for reports." },
	{ "Recorder", "IntervalSec", KEY_USEC, FIELD(recorder_interval_usec), "10s", USEC_PER_SEC, USEC_PER_HOUR,
	  "Time from sample to sample; the daemon wakes up for each." },
	{ "Recorder", "KeepSec", KEY_USEC, FIELD(recorder_keep_usec), "1h", USEC_PER_MINUTE, USEC_PER_DAY,
	  "How far the samples go back; at most 360 are kept." },

	{ "Limits", "CoolDownSec", KEY_USEC, FIELD(cool_down_usec), "10min", 0, USEC_PER_DAY,
	  "After a report the same problem is only counted for this long; the pause grows six-fold each time, up to a day." },
	{ "Limits", "MaxPerHour", KEY_COUNT, FIELD(max_per_hour), "6", 1, 1000,
	  "Most automatic captures in an hour, all problems together." },
	{ "Limits", "Burst", KEY_COUNT, FIELD(burst), "3", 1, 1000,
	  "Most automatic captures at once; then one each hour/MaxPerHour." },
	{ "Limits", "MaxPerDay", KEY_COUNT, FIELD(max_per_day), "24", 1, 1000,
	  "Most automatic captures in a day." },
	{ "Limits", "MaxRequestsPerHour", KEY_COUNT, FIELD(max_requests_per_hour), "30", 1, 10000,
	  "Most reports on request in an hour; root is not limited by it." },
	{ "Limits", "MaxQueued", KEY_COUNT, FIELD(max_queued), "8", 1, 100,
	  "Most requests that wait or run; one capture runs at a time." },

	{ "Spool", "MaxReports", KEY_COUNT, FIELD(max_reports), "40", 1, 10000,
	  "Most automatic reports that are kept." },
	{ "Spool", "MaxPerKey", KEY_COUNT, FIELD(max_per_key), "3", 1, 10000,
	  "Most reports of one problem: the latest, the first, the worst, then the newest." },
	{ "Spool", "MaxUse", KEY_BYTES, FIELD(max_use_bytes), "256M", MIB, UINT64_MAX,
	  "Most disk space of all reports together." },
	{ "Spool", "KeepFree", KEY_BYTES, FIELD(keep_free_bytes), "512M", 0, UINT64_MAX,
	  "Disk space left free on the file system of the spool." },
	{ "Spool", "MaxAge", KEY_USEC, FIELD(max_age_usec), "30d", USEC_PER_MINUTE, USEC_INFINITY,
	  "Older reports are removed, except the last of each problem." },
	{ "Spool", "MaxManualReports", KEY_COUNT, FIELD(max_manual_reports), "10", 1, 10000,
	  "Most reports on request that are kept." },
	{ "Spool", "ManualUse", KEY_BYTES, FIELD(manual_use_bytes), "64M", MIB, UINT64_MAX,
	  "Most disk space of reports on request; a part of MaxUse." },

	{ "Server", "MaxConnections", KEY_COUNT, FIELD(max_connections), "32", 2, 1024,
	  "Most clients at a time." },
	{ "Server", "MaxConnectionsPerUser", KEY_COUNT, FIELD(max_connections_per_user), "8", 1, 1024,
	  "Most clients of one user at a time; root is not limited by it." },
	{ "Server", "IdleTimeoutSec", KEY_USEC, FIELD(idle_timeout_usec), "10s", USEC_PER_SEC, USEC_PER_HOUR,
	  "A client that says nothing for this long, and waits for nothing, is disconnected." },
};
/* clang-format on */

struct scale {
	uint64_t factor;
	const char *unit;
};

static const struct scale byte_scales[] = {
	{ UINT64_C(1) << 40, "T" },
	{ UINT64_C(1) << 30, "G" },
	{ MIB, "M" },
	{ KIB, "K" },
	{ 1, "" },
};

static const struct scale usec_scales[] = {
	{ USEC_PER_DAY, "d" },
	{ USEC_PER_HOUR, "h" },
	{ USEC_PER_MINUTE, "min" },
	{ USEC_PER_SEC, "s" },
	{ USEC_PER_MSEC, "ms" },
	{ 1, "us" },
};

static const char *const compression_names[_COMPRESSION_COUNT] = {
	[COMPRESSION_ZSTD] = "zstd",
	[COMPRESSION_XZ] = "xz",
	[COMPRESSION_GZIP] = "gzip",
};

const char *
compression_to_string(enum compression c)
{
	assert(c < _COMPRESSION_COUNT);
	return compression_names[c];
}

const char *
compression_suffix(enum compression c)
{
	static const char *const suffixes[_COMPRESSION_COUNT] = {
		[COMPRESSION_ZSTD] = "zst",
		[COMPRESSION_XZ] = "xz",
		[COMPRESSION_GZIP] = "gz",
	};

	assert(c < _COMPRESSION_COUNT);
	return suffixes[c];
}

int
compression_from_string(const char *s, enum compression *ret)
{
	for (unsigned c = 0; c < _COMPRESSION_COUNT; c++) {
		if (streq(compression_names[c], s)) {
			*ret = (enum compression)c;
			return 0;
		}
	}
	return -EINVAL;
}

/* A later assignment replaces an earlier one: a drop-in that names one unit means that unit. */
static int
set_units(const struct key *k, char ***units, const char *value, struct fault *reterr)
{
	_cleanup_(strv_freep) char **words = NULL;
	int r;

	r = strv_split(value, " \t", &words);
	if (r < 0)
		return r;
	if (!words && k->offset == FIELD(units))
		return fault_set(reterr, -EINVAL, "Units= names no unit");
	if (strv_length(words) > SETTINGS_UNITS_MAX)
		return fault_set(reterr, -ERANGE, "more than %u units", SETTINGS_UNITS_MAX);
	for (char **w = words; w && *w; w++)
		if (!unit_name_is_valid(*w) || !unit_name_has_runs(*w))
			return fault_set(reterr, -EINVAL,
			    "'%s' is not a unit name (NAME.service or NAME.scope)", *w);
	strv_free(*units);
	*units = TAKE_PTR(words);
	return 0;
}

static int
set_patterns(const struct key *k, char ***patterns, const char *value, struct fault *reterr)
{
	_cleanup_(strv_freep) char **words = NULL;
	int r;

	r = strv_split(value, " \t", &words);
	if (r < 0)
		return r;
	for (char **w = words; w && *w; w++) {
		r = name_pattern_check(*w, reterr);
		if (r < 0) {
			fault_wrap(reterr, "%s=", k->name);
			return r;
		}
	}
	if (strv_length(words) > PATTERNS_MAX)
		return fault_set(reterr, -ERANGE, "more than %u patterns", PATTERNS_MAX);
	strv_free(*patterns);
	*patterns = TAKE_PTR(words);
	return 0;
}

static int
set_words(const struct key *k, char ***words, const char *value, struct fault *reterr)
{
	_cleanup_(strv_freep) char **list = NULL;
	int r;

	r = strv_split(value, " \t", &list);
	if (r < 0)
		return r;
	if (strv_length(list) > WORDS_MAX)
		return fault_set(
		    reterr, -ERANGE, "%s= has more than %u words", k->name, WORDS_MAX);
	strv_free(*words);
	*words = TAKE_PTR(list);
	return 0;
}

static int
set_path(const struct key *k, char **path, const char *value, struct fault *reterr)
{
	char *copy = NULL;

	if (!is_empty(value) && value[0] != '/')
		return fault_set(
		    reterr, -EINVAL, "%s='%s' is not an absolute path", k->name, value);
	if (!is_empty(value) && !(copy = strdup(value)))
		return -ENOMEM;
	free(*path);
	*path = copy;
	return 0;
}

static int
set_number(const struct key *k, uint64_t *number, const char *value, struct fault *reterr)
{
	uint64_t v;
	int r;

	if (k->type == KEY_BYTES)
		r = text_parse_bytes(value, &v);
	else if (k->type == KEY_USEC)
		r = text_parse_usec(value, &v);
	else
		r = text_parse_uint(value, &v);
	if (r < 0)
		return fault_set(reterr, r, "%s='%s' is not a %s", k->name, value,
		    k->type == KEY_BYTES      ? "size (such as 64M)"
			: k->type == KEY_USEC ? "time span (such as 10min)"
					      : "number");
	if (v < k->min || v > k->max)
		return fault_set(reterr, -ERANGE,
		    "%s=%s is outside %" PRIu64 " to %" PRIu64 " %s", k->name, value, k->min,
		    k->max,
		    k->type == KEY_BYTES      ? "bytes"
			: k->type == KEY_USEC ? "microseconds"
					      : "");
	*number = v;
	return 0;
}

static int
set_key(struct settings *s, const struct key *k, const char *value, struct fault *reterr)
{
	char *p = (char *)s + k->offset;

	switch (k->type) {
	case KEY_UNITS:
		return set_units(k, (char ***)(void *)p, value, reterr);
	case KEY_PROFILE:
		if (profile_from_string(value, (enum profile *)(void *)p) < 0)
			return fault_set(
			    reterr, -EINVAL, "%s='%s' is not a profile", k->name, value);
		return 0;
	case KEY_COMPRESSION:
		if (compression_from_string(value, (enum compression *)(void *)p) < 0)
			return fault_set(
			    reterr, -EINVAL, "%s='%s' is not zstd, xz or gzip", k->name, value);
		return 0;
	case KEY_PATTERNS:
		return set_patterns(k, (char ***)(void *)p, value, reterr);
	case KEY_WORDS:
		return set_words(k, (char ***)(void *)p, value, reterr);
	case KEY_PATH:
		return set_path(k, (char **)(void *)p, value, reterr);
	case KEY_BOOL:
		if (text_parse_bool(value, (bool *)p) < 0)
			return fault_set(
			    reterr, -EINVAL, "%s='%s' is not yes or no", k->name, value);
		return 0;
	case KEY_COUNT:
	case KEY_BYTES:
	case KEY_USEC:
		return set_number(k, (uint64_t *)(void *)p, value, reterr);
	}
	assert(false);
	return -EINVAL;
}

int
settings_set(struct settings *s, const char *section, const char *key, const char *value,
    struct fault *reterr)
{
	bool section_known = false;

	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		if (!streq(keys[i].section, section))
			continue;
		section_known = true;
		if (!key)
			return 0;
		if (streq(keys[i].name, key))
			return set_key(s, &keys[i], value, reterr);
	}
	if (!section_known)
		return fault_set(
		    reterr, -EINVAL, "unknown section [%s]; its keys are ignored", section);
	return fault_set(reterr, -EINVAL, "unknown key %s= in [%s]; ignored", key, section);
}

int
settings_new(struct settings **ret)
{
	_cleanup_(settings_freep) struct settings *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		r = set_key(s, &keys[i], keys[i].default_value, NULL);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(s);
	return 0;
}

void
settings_free(struct settings *s)
{
	if (!s)
		return;
	free(s->clean_key_file);
	strv_free(s->clean_domains);
	strv_free(s->clean_keywords);
	strv_free(s->add_namespaces);
	strv_free(s->namespaces);
	strv_free(s->neighbours);
	strv_free(s->units);
	free(s);
}

bool
settings_is_neighbour(const struct settings *s, const char *unit)
{
	return strv_contains(s->neighbours, unit) && !strv_contains(s->units, unit);
}

int
settings_watched(const struct settings *s, char ***ret)
{
	_cleanup_(strv_freep) char **units = NULL;
	int r;

	r = strv_copy(s->units, &units);
	for (char **n = s->neighbours; r >= 0 && n && *n; n++)
		if (!strv_contains(units, *n))
			r = strv_append(&units, *n);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(units);
	return 0;
}

/* conf_handlers has one userdata for both callbacks. */
struct load {
	struct settings *settings;
	conf_problem_fn on_problem;
	void *userdata;
};

static int
on_item(const struct conf_item *item, void *userdata, struct fault *reterr)
{
	struct load *load = userdata;

	return settings_set(load->settings, item->section, item->key, item->value, reterr);
}

static void
on_problem_item(const char *file, unsigned line, const char *text, void *userdata)
{
	struct load *load = userdata;

	if (load->on_problem)
		load->on_problem(file, line, text, load->userdata);
}

int
settings_load(
    const char *file, conf_problem_fn on_problem, void *userdata, struct settings **ret)
{
	static const char *const dirs[] = {
		CONF_DIR_VENDOR "/supportd.conf.d",
		CONF_DIR_ADMIN "/supportd.conf.d",
		CONF_DIR_RUN "/supportd.conf.d",
		NULL,
	};
	_cleanup_(settings_freep) struct settings *s = NULL;
	struct load load = { .on_problem = on_problem, .userdata = userdata };
	struct conf_handlers handlers = {
		.on_item = on_item,
		.on_problem = on_problem_item,
		.userdata = &load,
	};
	int r;

	r = settings_new(&s);
	if (r < 0)
		return r;
	load.settings = s;
	r = file ? conf_read_file(file, &handlers) : conf_load(CONF_FILE, dirs, &handlers);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return r;
}

/* Prints V in the largest unit that divides it, so that what is dumped reads back the same. */
static void
print_scaled(FILE *f, uint64_t v, const struct scale *scales)
{
	if (v == UINT64_MAX) {
		(void)fprintf(f, "infinity");
		return;
	}
	while (v == 0 ? scales->factor != 1 : v % scales->factor != 0)
		scales++;
	(void)fprintf(f, "%" PRIu64 "%s", v / scales->factor, scales->unit);
}

static void
print_words(char *const *words, FILE *f)
{
	for (char *const *w = words; w && *w; w++)
		(void)fprintf(f, "%s%s", w == words ? "" : " ", *w);
}

static void
print_value(const struct settings *s, const struct key *k, FILE *f)
{
	const char *p = (const char *)s + k->offset;

	switch (k->type) {
	case KEY_UNITS:
	case KEY_PATTERNS:
	case KEY_WORDS:
		print_words(*(char *const *const *)(const void *)p, f);
		break;
	case KEY_PATH:
		(void)fprintf(f, "%s",
		    *(char *const *)(const void *)p ? *(char *const *)(const void *)p : "");
		break;
	case KEY_BOOL:
		(void)fprintf(f, "%s", *(const bool *)p ? "yes" : "no");
		break;
	case KEY_PROFILE:
		(void)fprintf(
		    f, "%s", profile_to_string(*(const enum profile *)(const void *)p));
		break;
	case KEY_COMPRESSION:
		(void)fprintf(
		    f, "%s", compression_to_string(*(const enum compression *)(const void *)p));
		break;
	case KEY_COUNT:
		(void)fprintf(f, "%" PRIu64, *(const uint64_t *)(const void *)p);
		break;
	case KEY_BYTES:
		print_scaled(f, *(const uint64_t *)(const void *)p, byte_scales);
		break;
	case KEY_USEC:
		print_scaled(f, *(const uint64_t *)(const void *)p, usec_scales);
		break;
	}
}

void
settings_dump(const struct settings *s, bool help, FILE *f)
{
	const char *section = "";

	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		if (!streq(section, keys[i].section)) {
			(void)fprintf(f, "%s[%s]\n", i == 0 ? "" : "\n", keys[i].section);
			section = keys[i].section;
		}
		if (help)
			(void)fprintf(f, "# %s\n#", keys[i].help);
		(void)fprintf(f, "%s=", keys[i].name);
		print_value(s, &keys[i], f);
		(void)fprintf(f, "\n");
	}
}
