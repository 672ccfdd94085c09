/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/confirm.h"
#include "daemon/crashloop.h"
#include "daemon/limiter.h"
#include "daemon/runlog.h"
#include "daemon/runtrack.h"
#include "daemon/state.h"
#include "lib/failpoint.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/paths.h"

#define STATE_VERSION 1u
#define STATE_MODE    0600

static int
add_units(cJSON *object, const struct state *state)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();

	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < state->n_units; i++) {
		_cleanup_json_ cJSON *unit = runtrack_state_to_json(&state->units[i]);

		if (!unit || !cJSON_AddItemToArray(array, unit))
			return -ENOMEM;
		(void)TAKE_PTR(unit);
	}
	return json_add_item(object, "units", TAKE_PTR(array));
}

int
state_save(int state_dir_fd, const struct state *state)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	int r;

	if (!object || json_add_uint(object, "version", STATE_VERSION) < 0 ||
	    json_add_uint(object, "sequence", state->sequence) < 0 ||
	    json_add_item(object, "keys", limiter_to_json(state->limiter)) < 0 ||
	    json_add_item(object, "runs", runlog_to_json(state->runlog)) < 0 ||
	    json_add_item(object, "problems", confirm_to_json(state->confirm)) < 0 ||
	    json_add_item(object, "loops", crashloop_to_json(state->loops, state->boot_id)) <
		0 ||
	    add_units(object, state) < 0)
		return -ENOMEM;
	text = json_print(object, false);
	if (!text)
		return -ENOMEM;
	r = io_write_file_atomic(state_dir_fd, STATE_FILE, text, strlen(text), STATE_MODE);
	return r < 0 ? r : failpoint("state-saved");
}

static void
load_units(struct state *state, const cJSON *array)
{
	const cJSON *item;

	state->n_units = 0;
	cJSON_ArrayForEach (item, array) {
		if (state->n_units == state->max_units)
			return;
		if (runtrack_state_from_json(item, &state->units[state->n_units], NULL) >= 0)
			state->n_units++;
	}
}

int
state_load(int state_dir_fd, struct state *state)
{
	_cleanup_json_ cJSON *object = NULL;
	_cleanup_free_ char *data = NULL;
	uint64_t version = 0;
	size_t size;
	int r;

	state->n_units = 0;
	r = io_read_file(state_dir_fd, STATE_FILE, STATE_MAX_BYTES, &data, &size);
	if (r < 0)
		return r;
	r = json_parse(data, size, &object, NULL);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || json_get_uint(object, "version", &version) <= 0 || version > STATE_VERSION)
		return -EBADMSG;
	limiter_from_json(state->limiter, cJSON_GetObjectItemCaseSensitive(object, "keys"));
	runlog_from_json(state->runlog, cJSON_GetObjectItemCaseSensitive(object, "runs"));
	confirm_from_json(state->confirm, cJSON_GetObjectItemCaseSensitive(object, "problems"));
	crashloop_from_json(
	    state->loops, cJSON_GetObjectItemCaseSensitive(object, "loops"), state->boot_id);
	load_units(state, cJSON_GetObjectItemCaseSensitive(object, "units"));
	return json_get_uint(object, "sequence", &state->sequence) < 0 ? -EBADMSG : 0;
}
