/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/client.h"
#include "ctl/reply.h"
#include "ctl/verb.h"
#include "lib/json.h"

static int
delete_one(const struct options *o, struct varlink_client *c, const char *id, bool is_first)
{
	_cleanup_json_ cJSON *reply = NULL;
	int status;

	(void)is_first;
	status = client_call(c, PROTO_DELETE, client_id_parameters(id), &reply);
	if (status != PROTO_EXIT_OK)
		return status;
	if (o->json != JSON_OFF && output_json(stdout, reply, o->json) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	/* The whole ID, because the beginning of one was perhaps another's. */
	if (o->json == JSON_OFF)
		(void)printf("Deleted %s.\n", reply_text(reply, "id"));
	return PROTO_EXIT_OK;
}

int
verb_delete(const struct options *o, char **arguments, int n_arguments)
{
	return client_for_each_id(o, arguments, n_arguments, delete_one);
}
