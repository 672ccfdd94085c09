/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cleanrules.h"
#include "ctl/client.h"
#include "ctl/interrupt.h"
#include "ctl/newfile.h"
#include "ctl/rewrite.h"
#include "ctl/subject.h"
#include "ctl/verb.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/redact/own.h"
#include "lib/text.h"

#define CLEANED_SUFFIX "-cleaned"

static int
set_output(struct options *o, const char *value, struct fault *reterr)
{
	if (is_empty(value))
		return fault_set(reterr, -EINVAL, "-o needs a file or directory");
	o->output = value;
	return 0;
}

static int
set_map(struct options *o, const char *value, struct fault *reterr)
{
	if (is_empty(value) || text_has_suffix(value, "/"))
		return fault_set(reterr, -EINVAL, "--map needs a file");
	o->map = value;
	return 0;
}

static int
add_word(
    const char *words[OPTION_WORDS_MAX], const char *value, const char *what, struct fault *f)
{
	size_t n = 0;

	while (words[n])
		n++;
	if (n + 1 == OPTION_WORDS_MAX)
		return fault_set(f, -E2BIG, "at most %u %s", OPTION_WORDS_MAX - 1, what);
	words[n] = value;
	return 0;
}

static int
set_keyword(struct options *o, const char *value, struct fault *reterr)
{
	return add_word(o->keywords, value, "keywords", reterr);
}

static int
set_domain(struct options *o, const char *value, struct fault *reterr)
{
	return add_word(o->domains, value, "domains", reterr);
}

static int
set_report(struct options *o, const char *value, struct fault *reterr)
{
	(void)value;
	(void)reterr;
	o->report = true;
	return 0;
}

const struct option_def clean_options[] = {
	{ 'o', "output", "PATH", false, "write to this file, or into this directory",
	    set_output },
	{ 0, "map", "FILE", false, "keep key and names in FILE, for equal aliases later",
	    set_map },
	{ 0, "keyword", "WORD", false, "replace this word, too (may be repeated)",
	    set_keyword },
	{ 0, "domain", "NAME", false, "replace hosts in this domain, too (may be repeated)",
	    set_domain },
	{ 0, "report", NULL, false, "say how much of what was replaced", set_report },
	{ 'f', "force", NULL, false, "replace a file that is there already", option_set_force },
	{ 0 },
};

/* The live line. */
struct progress {
	bool is_live; /* stderr is a terminal */
	unsigned percent;
};

static void
on_progress(uint64_t done, uint64_t total, void *userdata)
{
	struct progress *p = userdata;
	unsigned percent = total > 0 ? (unsigned)(done * 100 / total) : 0;

	if (!p->is_live || percent == p->percent)
		return;
	p->percent = percent;
	(void)fprintf(stderr, "\r\033[KCleaning, %u %%", percent);
	(void)fflush(stderr);
}

/* "NAME-cleaned.tar.zst" from NAME.tar.zst, and without the names in it. */
static int
cleaned_name(const struct clean_rules *rules, const char *name, bool is_directory, char *buf,
    size_t size)
{
	const char *suffix = is_directory ? NULL : strstr(name, ".tar");
	_cleanup_free_ char *wanted = NULL;

	if (!suffix)
		suffix = name + strlen(name);
	wanted = text_format("%.*s" CLEANED_SUFFIX "%s", (int)(suffix - name), name, suffix);
	return wanted ? clean_text(rules, wanted, buf, size) : -ENOMEM;
}

static int
say_json(const struct options *o, const char *path, const struct rewrite_stats *stats)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	cJSON *secrets = object ? cJSON_AddObjectToObject(object, "secrets") : NULL;
	cJSON *identities = object ? cJSON_AddObjectToObject(object, "identities") : NULL;
	int r = secrets && identities ? 0 : -ENOMEM;

	for (size_t i = 0; i < _REDACT_KIND_COUNT && r >= 0; i++)
		r = json_add_uint(
		    secrets, redact_kind_to_string((enum redact_kind)i), stats->secrets[i]);
	for (size_t i = 0; i < _CLEAN_KIND_COUNT && r >= 0; i++)
		r = json_add_uint(
		    identities, clean_kind_to_string((enum clean_kind)i), stats->identities[i]);
	if (r < 0 || json_add_text(object, "path", path) < 0 ||
	    json_add_uint(object, "members", stats->members) < 0 ||
	    json_add_uint(object, "bytes", stats->bytes) < 0 ||
	    json_add_uint(object, "not_filtered", stats->not_filtered) < 0 ||
	    json_add_uint(object, "left_out", stats->left_out) < 0 ||
	    output_json(stdout, object, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}

static void
print_counts(const struct rewrite_stats *stats)
{
	for (size_t i = 0; i < _REDACT_KIND_COUNT; i++)
		if (stats->secrets[i] > 0)
			(void)printf("  %-20s %10" PRIu64 " removed\n",
			    redact_kind_to_string((enum redact_kind)i), stats->secrets[i]);
	for (size_t i = 0; i < _CLEAN_KIND_COUNT; i++)
		if (stats->identities[i] > 0)
			(void)printf("  %-20s %10" PRIu64 " replaced\n",
			    clean_kind_to_string((enum clean_kind)i), stats->identities[i]);
}

static int
say_done(const struct options *o, const char *path, const struct rewrite_stats *stats)
{
	if (stats->not_filtered > 0)
		(void)complain(PROTO_EXIT_OK,
		    "%" PRIu64 " members could not be filtered and are left out; each has a "
		    "note in its place, NAME.left-out",
		    stats->not_filtered);
	if (stats->left_out > 0)
		(void)complain(PROTO_EXIT_OK,
		    "%" PRIu64 " entries are no files or not safe, and are left out",
		    stats->left_out);
	if (o->json != JSON_OFF)
		return say_json(o, path, stats);
	(void)printf("%s\n", path);
	if (o->report)
		print_counts(stats);
	return PROTO_EXIT_OK;
}

/* Filters S into FD. */
static int
filter(const struct subject *s, const struct clean_rules *rules, int dir_fd, int fd,
    struct rewrite_stats *stats)
{
	_cleanup_(redact_own_freep) struct redact_own *own = NULL;
	_cleanup_(tree_closep) struct tree *tree = NULL;
	struct progress progress = { .is_live = isatty(STDERR_FILENO), .percent = 100 };
	struct rewrite_options options = {
		.rules = rules,
		.spill_dir_fd = dir_fd,
		.progress = on_progress,
		.userdata = &progress,
	};
	struct fault fault = { 0 };
	int status;
	int r;

	status = cleanrules_own(&own);
	if (status == PROTO_EXIT_OK)
		status = subject_read(s, &tree);
	if (status != PROTO_EXIT_OK)
		return status;
	options.own = own;
	r = rewrite_run(tree, fd, &options, stats, &fault);
	if (progress.is_live)
		(void)fprintf(stderr, "\r\033[K");
	if (r < 0)
		return complain(PROTO_EXIT_ERROR, "cannot clean '%s': %s", s->path,
		    r == -EINTR ? "interrupted, nothing is left behind" : fault_text(&fault));
	return PROTO_EXIT_OK;
}

static int
clean_archive(const struct options *o, const struct subject *s, const struct clean_rules *rules,
    const char *name)
{
	_cleanup_newfile_ struct newfile f;
	struct rewrite_stats stats;
	int status;

	status = newfile_open(o->output, name, o->force, &f);
	if (status == PROTO_EXIT_OK)
		status = filter(s, rules, f.dir_fd, f.fd, &stats);
	if (status == PROTO_EXIT_OK)
		status = newfile_commit(&f, o->force);
	if (status == PROTO_EXIT_OK)
		status = cleanrules_keep(o, rules);
	return status == PROTO_EXIT_OK ? say_done(o, f.path, &stats) : status;
}

/* Unpacks what FD holds as PATH, a new directory. */
static int
unpack(int fd, int dir_fd, const char *path, const char *top)
{
	const char *slash = strrchr(path, '/');
	struct extract_options options = { .name = slash ? slash + 1 : path, .top = top };
	struct extract_stats stats;
	struct fault fault = { 0 };

	if (extract_archive(fd, dir_fd, &options, &stats, &fault) < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot create '%s': %s", path, fault_text(&fault));
	return PROTO_EXIT_OK;
}

/* A directory is packed first, so that it appears whole or not at all. */
static int
clean_directory(const struct options *o, const struct subject *s,
    const struct clean_rules *rules, const char *name)
{
	_cleanup_free_ char *parent = NULL;
	_cleanup_close_ int dir_fd = -EBADF;
	_cleanup_close_ int fd = -EBADF;
	const char *path = o->output ? o->output : name;
	const char *slash = strrchr(path, '/');
	struct rewrite_stats stats;
	char top[EXTRACT_PATH_BYTES];
	int status;

	if (clean_text(rules, s->name, top, sizeof(top)) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!parent)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	dir_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return complain(PROTO_EXIT_ERROR, "cannot open the directory '%s': %s", parent,
		    strerror(errno));
	if (faccessat(dir_fd, slash ? slash + 1 : path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
		return complain(PROTO_EXIT_ERROR, "'%s' exists already", path);
	fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot write in '%s': %s", parent, strerror(errno));
	status = filter(s, rules, dir_fd, fd, &stats);
	if (status == PROTO_EXIT_OK)
		status = unpack(fd, dir_fd, path, top);
	if (status == PROTO_EXIT_OK)
		status = cleanrules_keep(o, rules);
	return status == PROTO_EXIT_OK ? say_done(o, path, &stats) : status;
}

static int
clean_subject(const struct options *o, const struct subject *s)
{
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	_cleanup_(tree_closep) struct tree *tree = NULL;
	char name[EXTRACT_PATH_BYTES];
	bool is_directory;
	int status;

	status = subject_read(s, &tree);
	if (status != PROTO_EXIT_OK)
		return status;
	is_directory = tree_is_directory(tree);
	status = cleanrules_for_clean(o, s, &rules);
	if (status != PROTO_EXIT_OK)
		return status;
	if (cleaned_name(rules, s->name, is_directory, name, sizeof(name)) < 0)
		return complain(PROTO_EXIT_ERROR, "'%s' is too long a name", s->name);
	return is_directory ? clean_directory(o, s, rules, name)
			    : clean_archive(o, s, rules, name);
}

int
verb_clean(const struct options *o, char **arguments, int n_arguments)
{
	_cleanup_interrupt_ struct interrupt interrupt;
	_cleanup_subject_ struct subject s;
	int status;

	(void)n_arguments;
	interrupt_hold(&interrupt);
	status = subject_open(o, arguments[0], &s);
	return status == PROTO_EXIT_OK ? clean_subject(o, &s) : status;
}
