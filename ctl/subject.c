/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/client.h"
#include "ctl/options.h"
#include "ctl/reply.h"
#include "ctl/subject.h"
#include "ctl/tree.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"

void
subject_done(struct subject *s)
{
	s->fd = close_fd(s->fd);
	free(s->path);
}

static int
open_report(const struct options *o, const char *id, struct subject *s)
{
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	_cleanup_json_ cJSON *reply = NULL;
	int status;

	status = client_connect(o, &c);
	if (status == PROTO_EXIT_OK)
		status = client_open_report(c, id, &reply, &s->fd);
	if (status != PROTO_EXIT_OK)
		return status;
	s->path = strdup(reply_text(reply, "name"));
	if (!s->path || is_empty(s->path) || strchr(s->path, '/'))
		return complain(PROTO_EXIT_ERROR, "'%s' is no name for a file", s->path);
	s->name = s->path;
	return PROTO_EXIT_OK;
}

int
subject_open(const struct options *o, const char *argument, struct subject *ret)
{
	const char *slash;
	struct stat st;

	*ret = (struct subject){ .fd = -EBADF };
	if (stat(argument, &st) < 0) {
		if (errno == ENOENT && client_is_id(argument))
			return open_report(o, argument, ret);
		return complain(PROTO_EXIT_NOT_FOUND,
		    "cannot open '%s': %s; it is no report ID either", argument,
		    strerror(errno));
	}
	ret->path = realpath(argument, NULL);
	if (!ret->path)
		return complain(
		    PROTO_EXIT_ERROR, "cannot open '%s': %s", argument, strerror(errno));
	slash = strrchr(ret->path, '/');
	ret->name = slash ? slash + 1 : ret->path;
	if (is_empty(ret->name))
		return complain(PROTO_EXIT_USAGE, "'%s' has no name", argument);
	return PROTO_EXIT_OK;
}

int
subject_read(const struct subject *s, struct tree **ret)
{
	struct fault fault = { 0 };

	if (tree_open(s->fd, s->path, ret, &fault) < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot read '%s': %s", s->path, fault_text(&fault));
	return PROTO_EXIT_OK;
}
