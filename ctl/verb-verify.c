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
#include "ctl/rewrite.h"
#include "ctl/subject.h"
#include "ctl/verb.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/redact/own.h"
#include "lib/text.h"

static int
set_seeds(struct options *o, const char *value, struct fault *reterr)
{
	if (is_empty(value))
		return fault_set(reterr, -EINVAL, "--seeds needs a file");
	o->seeds = value;
	return 0;
}

const struct option_def verify_options[] = {
	{ 0, "seeds", "FILE", false,
	    "look for these names, too, and for addresses; a map of "
	    "clean, or a list",
	    set_seeds },
	{ 0 },
};

struct verification {
	const struct options *options;
	cJSON *findings; /* owned; NULL without --json */
	uint64_t found;
	uint64_t unreadable;
	bool is_out_of_memory;
};

static void
verification_done(struct verification *v)
{
	cJSON_Delete(v->findings);
}

static int
add_finding(struct verification *v, const char *what, const char *place, uint64_t offset,
    const char *rule)
{
	cJSON *item = cJSON_CreateObject();

	if (!item || !cJSON_AddItemToArray(v->findings, item)) {
		cJSON_Delete(item);
		return -ENOMEM;
	}
	if (json_add_text(item, "what", what) < 0 || json_add_text(item, "place", place) < 0 ||
	    json_add_text(item, "rule", rule) < 0)
		return -ENOMEM;
	return offset == REWRITE_NO_OFFSET ? 0 : json_add_uint(item, "offset", offset);
}

static void
on_found(enum rewrite_finding finding, const char *place, uint64_t offset, const char *rule,
    void *userdata)
{
	static const char *const names[] = {
		[REWRITE_SECRET] = "secret",
		[REWRITE_IDENTITY] = "identity",
		[REWRITE_UNREADABLE] = "unreadable",
	};
	struct verification *v = userdata;
	char *safe;

	if (finding == REWRITE_UNREADABLE)
		v->unreadable++;
	else
		v->found++;
	if (v->findings) {
		if (add_finding(v, names[finding], place, offset, rule) < 0)
			v->is_out_of_memory = true;
		return;
	}
	safe = strdup(place);
	if (!safe) {
		v->is_out_of_memory = true;
		return;
	}
	(void)printf("%s: %s: %s", output_make_safe(safe), names[finding], rule);
	if (offset != REWRITE_NO_OFFSET)
		(void)printf(", byte %" PRIu64, offset);
	(void)printf("\n");
	free(safe);
}

static int
say_json(struct verification *v, const struct rewrite_stats *stats)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || json_add_uint(object, "members", stats->members) < 0 ||
	    json_add_uint(object, "bytes", stats->bytes) < 0 ||
	    json_add_uint(object, "found", v->found) < 0 ||
	    json_add_uint(object, "unreadable", v->unreadable) < 0 ||
	    json_add_item(object, "findings", TAKE_PTR(v->findings)) < 0 ||
	    output_json(stdout, object, v->options->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	return PROTO_EXIT_OK;
}

static int
say_result(struct verification *v, const struct rewrite_stats *stats)
{
	int status = PROTO_EXIT_OK;

	if (v->is_out_of_memory)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	if (v->options->json != JSON_OFF)
		status = say_json(v, stats);
	else if (!v->options->no_legend)
		(void)printf("%s%" PRIu64 " members: %" PRIu64 " findings, %" PRIu64
			     " members could not be looked at\n",
		    v->found + v->unreadable > 0 ? "\n" : "", stats->members, v->found,
		    v->unreadable);
	if (status != PROTO_EXIT_OK)
		return status;
	if (v->found > 0)
		return PROTO_EXIT_FOUND;
	return v->unreadable > 0 ? PROTO_EXIT_PARTIAL : PROTO_EXIT_OK;
}

static int
verify_tree(const struct options *o, const struct subject *s, struct tree *tree,
    const struct clean_rules *rules)
{
	_cleanup_(verification_done) struct verification v = { .options = o };
	struct rewrite_options options = {
		.rules = rules,
		.spill_dir_fd = AT_FDCWD,
		.found = on_found,
		.userdata = &v,
	};
	_cleanup_(redact_own_freep) struct redact_own *own = NULL;
	struct rewrite_stats stats;
	struct fault fault = { 0 };
	int status = cleanrules_own(&own);

	if (status != PROTO_EXIT_OK)
		return status;
	options.own = own;
	if (o->json != JSON_OFF && !(v.findings = cJSON_CreateArray()))
		return complain(PROTO_EXIT_ERROR, "out of memory");
	if (rewrite_run(tree, -1, &options, &stats, &fault) < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot verify '%s': %s", s->path, fault_text(&fault));
	return say_result(&v, &stats);
}

int
verb_verify(const struct options *o, char **arguments, int n_arguments)
{
	_cleanup_interrupt_ struct interrupt interrupt;
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	_cleanup_(tree_closep) struct tree *tree = NULL;
	_cleanup_subject_ struct subject s;
	int status;

	(void)n_arguments;
	interrupt_hold(&interrupt);
	status = subject_open(o, arguments[0], &s);
	if (status == PROTO_EXIT_OK)
		status = cleanrules_for_verify(o, &rules);
	if (status == PROTO_EXIT_OK)
		status = subject_read(&s, &tree);
	return status == PROTO_EXIT_OK ? verify_tree(o, &s, tree, rules) : status;
}
