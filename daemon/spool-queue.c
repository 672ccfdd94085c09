/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/spool-private.h"
#include "daemon/spool.h"
#include "daemon/tombstone.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/text.h"

#define LOG_DOMAIN "spool"

#define RECORD_SUFFIX ".json"

void
spool_note_sequence(struct spool *s, const char *id)
{
	uint64_t sequence = report_id_sequence(id);

	if (sequence > s->max_sequence)
		s->max_sequence = sequence;
}

/* If NAME is "ID.json" of a valid ID, copies the ID. */
static bool
id_of_record(const char *name, char id[REPORT_ID_BYTES])
{
	size_t n = strlen(name);

	if (!text_has_suffix(name, RECORD_SUFFIX) ||
	    n - strlen(RECORD_SUFFIX) >= REPORT_ID_BYTES)
		return false;
	text_copy(id, n - strlen(RECORD_SUFFIX) + 1, name);
	return report_id_is_valid(id);
}

void
spool_record_name(const char *id, char name[SPOOL_NAME_BYTES])
{
	(void)snprintf(
	    name, SPOOL_NAME_BYTES, "%.*s" RECORD_SUFFIX, (int)REPORT_ID_BYTES - 1, id);
}

int
spool_for_each_record(struct spool *s, int dir_fd,
    int (*fn)(struct spool *s, const char *name, const char *id, void *userdata),
    void *userdata)
{
	_cleanup_closedir_ DIR *dir = NULL;
	int r;

	r = io_opendir(dir_fd, ".", &dir);
	if (r < 0)
		return r;
	for (struct dirent *de = readdir(dir); de; de = readdir(dir)) {
		char id[REPORT_ID_BYTES];

		if (io_is_temporary_name(de->d_name))
			(void)unlinkat(dir_fd, de->d_name, 0);
		else if (id_of_record(de->d_name, id)) {
			r = fn(s, de->d_name, id, userdata);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int
spool_enqueue(struct spool *s, const struct request *req)
{
	_cleanup_json_ cJSON *object = NULL;
	_cleanup_free_ char *text = NULL;
	char name[SPOOL_NAME_BYTES];
	int r;

	object = request_to_json(req);
	text = object ? json_print(object, false) : NULL;
	if (!text)
		return -ENOMEM;
	spool_record_name(req->id, name);
	r = io_write_file_atomic(s->queue_fd, name, text, strlen(text), SPOOL_FILE_MODE);
	if (r < 0)
		return r;
	spool_note_sequence(s, req->id);
	return 0;
}

void
spool_dequeue(struct spool *s, const char *id)
{
	char name[SPOOL_NAME_BYTES];

	spool_record_name(id, name);
	if (unlinkat(s->queue_fd, name, 0) < 0 && errno != ENOENT)
		(void)log_warning_errno(-errno, "Cannot remove request '%s', ignoring: %m", id);
	/* Best effort: a request that comes back after a power cut finds its report committed.
	 */
	(void)io_sync_dir(s->queue_fd);
	(void)io_remove_tree(s->incoming_fd, id);
}

struct request_list {
	struct request *requests;
	size_t n;
};

static void
bury_damaged(struct spool *s, const char *id, const char *reason)
{
	struct request req = { .trigger = TRIGGER_REQUEST };

	text_copy(req.id, sizeof(req.id), id);
	spool_bury(s, &req, reason);
}

static int
load_request(struct spool *s, const char *name, const char *id, void *userdata)
{
	struct request_list *list = userdata;
	_cleanup_free_ char *data = NULL;
	struct request req = { 0 };
	struct request *grown;
	struct fault fault = { 0 };
	size_t size;
	int r;

	spool_note_sequence(s, id);
	r = io_read_file(s->queue_fd, name, REQUEST_MAX_BYTES, &data, &size);
	if (r >= 0)
		r = request_parse(data, size, &req, &fault);
	else
		(void)fault_set(&fault, r, "%m");
	if (r >= 0 && !streq(req.id, id)) {
		request_done(&req);
		r = fault_set(&fault, -EINVAL, "another ID inside");
	}
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		log_warning(
		    "Request '%s' is damaged (%s), giving it up", id, fault_text(&fault));
		bury_damaged(s, id, "the request was damaged");
		return 0;
	}
	grown = reallocarray(list->requests, list->n + 1, sizeof(*grown));
	if (!grown) {
		request_done(&req);
		return -ENOMEM;
	}
	list->requests = grown;
	grown[list->n++] = req;
	return 0;
}

static int
compare_requests(const void *a, const void *b)
{
	uint64_t x = report_id_sequence(((const struct request *)a)->id);
	uint64_t y = report_id_sequence(((const struct request *)b)->id);

	return x < y ? -1 : x > y;
}

int
spool_read_queue(struct spool *s, struct request **ret, size_t *ret_n)
{
	struct request_list list = { 0 };
	int r;

	r = spool_for_each_record(s, s->queue_fd, load_request, &list);
	if (r < 0) {
		for (size_t i = 0; i < list.n; i++)
			request_done(&list.requests[i]);
		free(list.requests);
		return r;
	}
	if (list.n > 1)
		qsort(list.requests, list.n, sizeof(*list.requests), compare_requests);
	*ret = list.requests;
	*ret_n = list.n;
	return 0;
}

void
spool_bury(struct spool *s, const struct request *req, const char *reason)
{
	tombstone_add_request(s->state_fd, req, reason);
	spool_dequeue(s, req->id);
}
