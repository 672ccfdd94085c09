/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capture/lastgood-state.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/paths.h"
#include "lib/text.h"

#define STATE_VERSION	1u
#define STATE_MODE	0600
/* It has 200 bytes. */
#define STATE_MAX_BYTES 4096u

/* 64 bits are more than a JSON number holds. */
static int
parse_fingerprint(const cJSON *object, uint64_t *ret)
{
	const char *text;
	char *end;

	if (json_get_string(object, "fingerprint", &text) <= 0 || strlen(text) != 16 ||
	    strspn(text, "0123456789abcdef") != 16)
		return -EBADMSG;
	*ret = strtoull(text, &end, 16);
	return 0;
}

int
lastgood_state_load(int dir_fd, struct lastgood_state *ret)
{
	_cleanup_json_ cJSON *object = NULL;
	_cleanup_free_ char *data = NULL;
	struct lastgood_state state;
	uint64_t version;
	size_t size;
	int r;

	r = io_read_file(dir_fd, STATE_FILE, STATE_MAX_BYTES, &data, &size);
	if (r < 0)
		return r;
	r = json_parse(data, size, &object, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	if (json_get_uint(object, "version", &version) <= 0 || version != STATE_VERSION ||
	    json_get_uint(object, "taken_usec", &state.taken_usec) <= 0 ||
	    json_get_uint(object, "checked_usec", &state.checked_usec) <= 0 ||
	    json_get_uint(object, "archive_bytes", &state.archive_bytes) <= 0 ||
	    parse_fingerprint(object, &state.fingerprint) < 0)
		return -EBADMSG;
	*ret = state;
	return 0;
}

int
lastgood_state_save(int dir_fd, const struct lastgood_state *state)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	char fingerprint[17];

	(void)snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, state->fingerprint);
	if (!object || json_add_uint(object, "version", STATE_VERSION) < 0 ||
	    json_add_uint(object, "taken_usec", state->taken_usec) < 0 ||
	    json_add_uint(object, "checked_usec", state->checked_usec) < 0 ||
	    json_add_uint(object, "archive_bytes", state->archive_bytes) < 0 ||
	    json_add_text(object, "fingerprint", fingerprint) < 0)
		return -ENOMEM;
	text = json_print(object, true);
	if (!text)
		return -ENOMEM;
	return io_write_file_atomic(dir_fd, STATE_FILE, text, strlen(text), STATE_MODE);
}
