/* SPDX-License-Identifier: Apache-2.0 */

/* Configuration files: never crash, and what settings_dump() writes reads back without a
 * problem. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/conf.h"
#include "lib/log.h"
#include "lib/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_item(const struct conf_item *item, void *userdata, struct fault *reterr)
{
	return settings_set(userdata, item->section, item->key, item->value, reterr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(settings_freep) struct settings *s = NULL;
	_cleanup_(settings_freep) struct settings *again = NULL;
	struct conf_handlers handlers = { .on_item = on_item };
	_cleanup_free_ char *dump = NULL;
	size_t dump_size = 0;
	FILE *f;

	log_set_sink(LOG_SINK_NONE);
	if (settings_new(&s) < 0 || settings_new(&again) < 0)
		return 0;
	handlers.userdata = s;
	(void)conf_parse("input", (const char *)data, size, &handlers);

	f = open_memstream(&dump, &dump_size);
	assert(f);
	settings_dump(s, false, f);
	assert(fclose(f) == 0);
	handlers.userdata = again;
	assert(conf_parse("dump", dump, dump_size, &handlers) == 0);
	return 0;
}
