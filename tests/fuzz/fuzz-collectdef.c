/* SPDX-License-Identifier: Apache-2.0 */

/* Definitions of collectors: never crash; whatever they say, what is left can be used: names
 * that are file names, patterns that can be matched, commands that have a program. */

#undef NDEBUG
#include <assert.h>
#include <stdint.h>

#include "capture/collectdef.h"
#include "capture/collector.h"
#include "capture/pathglob.h"
#include "lib/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_patterns(char *const *list)
{
	assert(strv_length(list) <= COLLECTDEF_LIST_MAX);
	for (; list && *list; list++) {
		assert(pathglob_is_valid(*list));
		(void)pathglob_match(
		    *list, "/var/lib/microshift/certs/ca-bundle/client-ca.crt");
		(void)pathglob_match(*list, *list);
	}
}

static void
check_commands(const struct collectdef *def)
{
	assert(def->n_commands <= COLLECTDEF_COMMANDS_MAX);
	for (size_t i = 0; i < def->n_commands; i++) {
		const struct collectdef_command *c = &def->commands[i];

		assert(c->argv && c->argv[0] && c->argv[0][0] != '\0');
		assert(c->name[0] != '\0' && c->name[0] != '.' && !strchr(c->name, '/'));
		assert(strlen(c->name) < 256);
		assert(!c->directory || (*c->directory != '.' && !strchr(c->directory, '/')));
		assert(c->max_items > 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(collectdef_freep) struct collectdef *def = NULL;

	if (collectdef_parse("fuzz", "fuzz.conf", (const char *)data, size, NULL, NULL, &def) <
	    0)
		return 0;
	assert(def->plugin[0] != '\0' && !strchr(def->plugin, '/'));
	assert((def->profiles & ~PROFILE_MASK_ALL) == 0);
	assert(def->priority <= COLLECTDEF_PRIORITY_MAX);
	assert(def->max_files > 0 && def->max_file_bytes > 0);
	check_patterns(def->copy);
	check_patterns(def->forbid);
	check_patterns(def->list);
	check_commands(def);
	return 0;
}
