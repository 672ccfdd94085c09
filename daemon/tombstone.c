/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/reserve.h"
#include "daemon/tombstone.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/report.h"
#include "lib/text.h"

#define LOG_DOMAIN "tombstone"
#define FILE_MODE  0640

static void
trim(int state_dir_fd)
{
	_cleanup_free_ char *data = NULL;
	struct stat st;
	const char *keep;
	size_t size;

	if (fstatat(state_dir_fd, TOMBSTONES_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_size < (off_t)TOMBSTONES_MAX_BYTES)
		return;
	if (io_read_file(
		state_dir_fd, TOMBSTONES_FILE, 2 * TOMBSTONES_MAX_BYTES, &data, &size) < 0)
		return;
	keep = memchr(data + size / 2, '\n', size - size / 2);
	keep = keep ? keep + 1 : data + size;
	(void)io_write_file_atomic(
	    state_dir_fd, TOMBSTONES_FILE, keep, (size_t)(data + size - keep), FILE_MODE);
}

/* A line that is moved twice is better than one that is lost. */
static void
move_reserve(int state_dir_fd)
{
	_cleanup_free_ char *lines = NULL;
	size_t size;

	if (reserve_read(state_dir_fd, &lines, &size) < 0 || size == 0)
		return;
	if (io_append_file(state_dir_fd, TOMBSTONES_FILE, lines, size, FILE_MODE) >= 0)
		(void)reserve_clear(state_dir_fd);
}

static int
add_line(int state_dir_fd, const char *line)
{
	int r;

	trim(state_dir_fd);
	r = io_append_file(state_dir_fd, TOMBSTONES_FILE, line, strlen(line), FILE_MODE);
	if (r == -ENOSPC || r == -EDQUOT)
		return reserve_append(state_dir_fd, line, strlen(line));
	if (r >= 0)
		move_reserve(state_dir_fd);
	return r;
}

struct tombstone {
	const char *id;
	uint64_t created_usec;
	const char *trigger;
	const char *key;
	const char *reason_of_report;
	const struct unit_event *event;
};

static void
add(int state_dir_fd, const struct tombstone *t, const char *reason)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *line = NULL;
	int r;

	if (!object || json_add_uint(object, "time_usec", clock_realtime_usec()) < 0 ||
	    json_add_text(object, "id", t->id) < 0 ||
	    json_add_uint(object, "created_usec", t->created_usec) < 0 ||
	    json_add_text(object, "trigger", t->trigger) < 0 ||
	    json_add_text(object, "key", t->key) < 0 ||
	    json_add_text(object, "report", t->reason_of_report) < 0 ||
	    json_add_text(object, "reason", reason) < 0)
		return;
	if (t->event->unit[0] != '\0' &&
	    json_add_item(object, "event", unit_event_to_json(t->event)) < 0)
		return;
	text = json_print(object, false);
	line = text ? text_format("%s\n", text) : NULL;
	if (!line)
		return;
	r = add_line(state_dir_fd, line);
	if (r < 0)
		(void)log_warning_errno(
		    r, "Cannot leave a tombstone for '%s', ignoring: %m", t->id);
}

void
tombstone_prepare(int state_dir_fd)
{
	int r = reserve_prepare(state_dir_fd);

	if (r < 0)
		(void)log_warning_errno(r, "Cannot allocate '" RESERVE_FILE "', ignoring: %m");
	move_reserve(state_dir_fd);
}

void
tombstone_add_report(int state_dir_fd, const struct report *report, const char *reason)
{
	struct tombstone t = {
		.id = report->id,
		.created_usec = report->created_usec,
		.trigger = trigger_to_string(report->trigger),
		.key = report->key,
		.reason_of_report = report->reason,
		.event = &report->event,
	};

	add(state_dir_fd, &t, reason);
}

void
tombstone_add_request(int state_dir_fd, const struct request *req, const char *reason)
{
	struct tombstone t = {
		.id = req->id,
		.created_usec = req->created_usec,
		.trigger = trigger_to_string(req->trigger),
		.key = req->key,
		.reason_of_report = req->reason,
		.event = &req->event,
	};

	add(state_dir_fd, &t, reason);
}
