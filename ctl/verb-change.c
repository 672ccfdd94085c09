/* SPDX-License-Identifier: Apache-2.0 */

/* The verbs that change one thing about a report and say of which: delete, pin, unpin,
 * cancel. */

#include "ctl/client.h"
#include "ctl/reply.h"
#include "ctl/verb.h"
#include "lib/json.h"

/* Calls METHOD for ID and says that it is DONE. */
static int
change(const struct options *o, struct varlink_client *c, enum proto_method method,
    const char *id, const char *done)
{
	_cleanup_json_ cJSON *reply = NULL;
	int status;

	status = client_call(c, method, client_id_parameters(id), &reply);
	if (status != PROTO_EXIT_OK)
		return status;
	if (o->json != JSON_OFF && output_json(stdout, reply, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	/* The whole ID, because the beginning of one was perhaps another's. */
	if (o->json == JSON_OFF)
		(void)printf("%s %s.\n", done, reply_text(reply, "id"));
	return PROTO_EXIT_OK;
}

static int
delete_one(const struct options *o, struct varlink_client *c, const char *id, bool is_first)
{
	(void)is_first;
	return change(o, c, PROTO_DELETE, id, "Deleted");
}

static int
pin_one(const struct options *o, struct varlink_client *c, const char *id, bool is_first)
{
	(void)is_first;
	return change(o, c, PROTO_PIN, id, "Pinned");
}

static int
unpin_one(const struct options *o, struct varlink_client *c, const char *id, bool is_first)
{
	(void)is_first;
	return change(o, c, PROTO_UNPIN, id, "Unpinned");
}

static int
cancel_one(const struct options *o, struct varlink_client *c, const char *id, bool is_first)
{
	(void)is_first;
	return change(o, c, PROTO_CANCEL, id, "Cancelled");
}

int
verb_cancel(const struct options *o, char **arguments, int n_arguments)
{
	return client_for_each_id(o, arguments, n_arguments, cancel_one);
}

int
verb_delete(const struct options *o, char **arguments, int n_arguments)
{
	return client_for_each_id(o, arguments, n_arguments, delete_one);
}

int
verb_pin(const struct options *o, char **arguments, int n_arguments)
{
	return client_for_each_id(o, arguments, n_arguments, pin_one);
}

int
verb_unpin(const struct options *o, char **arguments, int n_arguments)
{
	return client_for_each_id(o, arguments, n_arguments, unpin_one);
}
