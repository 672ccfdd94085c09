/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/collectfiles.h"
#include "capture/registry.h"
#include "lib/fault.h"
#include "lib/text.h"

static void
drop(const struct collector *c)
{
	if (c->free)
		c->free(c);
}

static bool
contains(const struct collector_list *list, const char *name)
{
	for (size_t i = 0; i < list->n_items; i++)
		if (streq(list->items[i]->name, name))
			return true;
	return false;
}

static bool
is_wanted(const struct registry_options *o, const struct collector *c)
{
	if (o->all)
		return true;
	if (strv_length(o->only) > 0)
		return strv_contains(o->only, c->name);
	return c->profiles & PROFILE_BIT(o->profile);
}

static int
compare(const void *a, const void *b)
{
	const struct collector *x = *(const struct collector *const *)a;
	const struct collector *y = *(const struct collector *const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The file that masks the collector NAME, or NULL. */
static const char *
find_mask(const struct collector_list *list, const char *name)
{
	char masked[COLLECTDEF_NAME_MAX + 1];

	for (char **path = list->masked; path && *path; path++) {
		collectfiles_name_of(*path, masked);
		if (streq(masked, name))
			return *path;
	}
	return NULL;
}

/* Moves what is wanted from ALL to *RET. */
static int
select_wanted(
    const struct registry_options *o, struct collector_list *all, struct collector_list *ret)
{
	for (size_t i = 0; i < all->n_items; i++) {
		const struct collector *c = all->items[i];
		int r;

		if (!is_wanted(o, c) || find_mask(all, c->name)) {
			drop(c);
		} else {
			r = collector_list_add(ret, c);
			if (r < 0)
				return r;
		}
		all->items[i] = NULL;
	}
	return 0;
}

static int
load_all(const struct registry_options *o, struct collector_list *all, struct fault *reterr)
{
	for (size_t i = 0; builtin_collectors[i]; i++) {
		int r = collector_list_add(all, builtin_collectors[i]);

		if (r < 0)
			return fault_set(reterr, r, "Cannot list the collectors: %m");
	}
	return declared_load(o->dirs, all, reterr);
}

static int
check_only(
    const struct registry_options *o, const struct collector_list *list, struct fault *reterr)
{
	for (size_t i = 0; i < strv_length(o->only); i++) {
		const char *mask = find_mask(list, o->only[i]);

		if (contains(list, o->only[i]))
			continue;
		return fault_set(reterr, -ENOENT, "There is no collector '%s'%s%s", o->only[i],
		    mask ? ", it is masked by " : "", mask ? mask : "");
	}
	return 0;
}

int
registry_load(
    const struct registry_options *options, struct collector_list *ret, struct fault *reterr)
{
	struct collector_list all = { 0 };
	struct collector_list wanted = { 0 };
	int r;

	r = load_all(options, &all, reterr);
	if (r >= 0) {
		r = select_wanted(options, &all, &wanted);
		if (r < 0)
			(void)fault_set(reterr, r, "Cannot list the collectors: %m");
	}
	/* What was moved is NULL now. */
	for (size_t i = 0; i < all.n_items; i++)
		if (all.items[i])
			drop(all.items[i]);
	wanted.problems = TAKE_PTR(all.problems);
	wanted.n_problems = all.n_problems;
	wanted.masked = TAKE_PTR(all.masked);
	all.n_items = all.n_problems = 0;
	collector_list_done(&all);
	if (r < 0) {
		collector_list_done(&wanted);
		return r;
	}
	if (wanted.n_items > 0)
		qsort(wanted.items, wanted.n_items, sizeof(*wanted.items), compare);
	*ret = wanted;
	return check_only(options, ret, reterr);
}
