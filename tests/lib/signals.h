/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Recorded signals of PID 1 about one unit, one JSON object a line; see
 * tests/data/signals/README. */

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"

/* Calls FN for each signal in tests/data/signals/NAME. */
static inline void
signals_for_each(
    const char *name, void (*fn)(const cJSON *signal, void *userdata), void *userdata)
{
	const char *top = getenv("top_srcdir");
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *line = NULL;
	char path[512];
	size_t size = 0;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/tests/data/signals/%s", top ? top : ".", name);
	f = fopen(path, "re");
	assert(f);
	while ((n = getline(&line, &size, f)) > 0) {
		_cleanup_json_ cJSON *signal = NULL;

		assert(json_parse(line, (size_t)n, &signal, NULL) == 0);
		fn(signal, userdata);
	}
}

/* The interface of a PropertiesChanged without its prefix ("Unit", "Service"), or NULL. */
static inline const char *
signal_interface(const cJSON *signal)
{
	const cJSON *interface = cJSON_GetObjectItemCaseSensitive(signal, "interface");

	return interface ? strrchr(interface->valuestring, '.') + 1 : NULL;
}
