/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/collector.h"
#include "capture/collectors/journalunits.h"
#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "lib/cleanup.h"
#include "lib/report.h"
#include "lib/settings.h"
#include "lib/text.h"

void
journalunits_done(struct journal_units *units)
{
	for (size_t i = 0; i < units->n_items; i++) {
		free(units->items[i].unit);
		free(units->items[i].path);
	}
	free(units->items);
	*units = (struct journal_units){ 0 };
}

/* The file of UNIT in sos_commands/PLUGIN/. */
static int
path_of(const char *plugin, const char *unit, char **ret_path)
{
	_cleanup_free_ char *name = NULL;
	size_t size = strlen(unit);
	char path[LAYOUT_PATH_BYTES];
	int r;

	/* sos leaves out ".service", as people do. */
	if (text_has_suffix(unit, ".service"))
		size -= strlen(".service");
	name = text_format("journalctl --no-pager --unit %.*s", (int)size, unit);
	if (!name)
		return -ENOMEM;
	r = layout_collector_path(plugin, name, path);
	if (r < 0)
		return r;
	*ret_path = strdup(path);
	return *ret_path ? 0 : -ENOMEM;
}

int
journalunits_add(
    struct journal_units *units, const char *plugin, const char *unit, size_t *ret_index)
{
	_cleanup_free_ char *full =
	    text_format("%s%s", unit, strchr(unit, '.') ? "" : ".service");
	_cleanup_free_ char *path = NULL;
	struct journal_unit *items;
	int r;

	if (!full)
		return -ENOMEM;
	for (size_t i = 0; i < units->n_items; i++)
		if (streq(units->items[i].unit, full)) {
			*ret_index = i;
			return 0;
		}
	r = path_of(plugin, full, &path);
	if (r < 0)
		return r;
	items = reallocarray(units->items, units->n_items + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	units->items = items;
	*ret_index = units->n_items++;
	items[*ret_index] = (struct journal_unit){ TAKE_PTR(full), TAKE_PTR(path) };
	return 0;
}

/* "microshift" for everything of MicroShift, otherwise the name of the unit. */
static void
plugin_of(const char *unit, char buf[UNIT_NAME_BYTES])
{
	text_copy(buf, UNIT_NAME_BYTES, unit);
	if (text_has_prefix(unit, "microshift"))
		text_copy(buf, UNIT_NAME_BYTES, "microshift");
	for (char *p = buf; *p; p++)
		if (*p == '.' || *p == '@') {
			*p = '\0';
			break;
		}
}

static int
add_watched(struct journal_units *units, const char *unit)
{
	char plugin[UNIT_NAME_BYTES];
	size_t i;

	plugin_of(unit, plugin);
	return journalunits_add(units, plugin, unit, &i);
}

int
journalunits_list(
    const struct collector_context *ctx, struct journal_units *ret, size_t *ret_watched)
{
	const char *failed = ctx->request->event.unit;
	size_t index;
	int r = 0;

	/* The one that failed first; it may be none of those that are watched now. */
	if (*failed)
		r = add_watched(ret, failed);
	for (char **unit = ctx->settings->units; r >= 0 && unit && *unit; unit++)
		r = add_watched(ret, *unit);
	*ret_watched = ret->n_items;
	for (size_t i = 0; ctx->collectors && i < ctx->collectors->n_items; i++) {
		const struct collector *c = ctx->collectors->items[i];

		for (char *const *unit = c->journal_units; r >= 0 && unit && *unit; unit++)
			r = journalunits_add(ret, c->plugin, *unit, &index);
	}
	return r;
}

int
journalunits_stored(
    const struct collector_context *ctx, const struct journal_units *units, const char ***ret)
{
	const char **stored = calloc(units->n_items + 1, sizeof(*stored));
	size_t n = 0;

	if (!stored)
		return -ENOMEM;
	for (size_t i = 0; i < units->n_items; i++)
		if (bundle_contains(ctx->bundle, units->items[i].path))
			stored[n++] = units->items[i].unit;
	*ret = stored;
	return 0;
}
