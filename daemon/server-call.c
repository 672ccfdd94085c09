/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/loop.h"
#include "daemon/server-private.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/text.h"
#include "lib/varlink.h"

#define LOG_DOMAIN "server"

static void
server_call_free(struct server_call *call)
{
	if (!call)
		return;
	varlink_call_done(&call->message);
	cJSON_Delete(call->empty);
	free(call);
}

void
server_call_cancel(struct server_call *call)
{
	if (call && call->on_cancel)
		call->on_cancel(call, call->cancel_userdata);
	server_call_free(call);
}

const cJSON *
server_call_parameters(const struct server_call *call)
{
	return call->message.parameters ? call->message.parameters : call->empty;
}

uid_t
server_call_peer_uid(const struct server_call *call)
{
	return call->client->peer.uid;
}

pid_t
server_call_peer_pid(const struct server_call *call)
{
	return call->client->peer.pid;
}

enum access
server_call_peer_access(const struct server_call *call)
{
	return call->client->peer.access;
}

bool
server_call_wants_more(const struct server_call *call)
{
	return call->message.more;
}

void
server_call_keep(struct server_call *call, server_cancel_fn fn, void *userdata)
{
	assert(call->is_in_handler && !call->is_answered && fn);
	call->on_cancel = fn;
	call->cancel_userdata = userdata;
}

/* The last answer was given. */
static void
server_call_finish(struct server_call *call)
{
	struct server_client *c = call->client;

	call->is_answered = true;
	if (call->is_in_handler)
		return;
	assert(c->call == call);
	c->call = NULL;
	server_call_free(call);
	c->progressed = true;
	(void)loop_timer_arm(c->turn_timer, 0);
}

/* Consumes FD. */
static int
server_call_answer(struct server_call *call, cJSON *parameters, bool continues, int fd)
{
	_cleanup_close_ int owned_fd = fd;
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	assert(!call->is_answered && (!continues || call->message.more));
	if (call->message.oneway) {
		cJSON_Delete(parameters);
		server_call_finish(call);
		return 0;
	}
	r = varlink_reply_build(parameters, continues ? VARLINK_CONTINUES : 0, &data, &size);
	if (r == 0 && size > VARLINK_REPLY_MAX_BYTES) {
		r = -EMSGSIZE;
		if (!continues) {
			(void)server_call_fail(
			    call, PROTO_ERROR_TOO_LARGE, "the answer is too large");
			return r;
		}
	}
	if (r < 0)
		server_client_doom(call->client, "an answer cannot be made");
	else
		r = server_client_queue(call->client, TAKE_PTR(data), size, TAKE_FD(owned_fd));
	if (!continues)
		server_call_finish(call);
	return r;
}

int
server_call_reply(struct server_call *call, cJSON *parameters, bool continues)
{
	return server_call_answer(call, parameters, continues, -EBADF);
}

int
server_call_reply_fd(struct server_call *call, cJSON *parameters, int fd)
{
	return server_call_answer(call, parameters, false, fd);
}

int
server_call_error(struct server_call *call, enum proto_error error, cJSON *parameters)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	assert(!call->is_answered);
	if (call->message.oneway) {
		cJSON_Delete(parameters);
		server_call_finish(call);
		return 0;
	}
	r = varlink_error_build(proto_error_name(error), parameters, &data, &size);
	if (r < 0)
		server_client_doom(call->client, "out of memory");
	else
		r = server_client_queue(call->client, TAKE_PTR(data), size, -EBADF);
	server_call_finish(call);
	return r;
}

/* An error with one text. */
static int
server_call_error_text(
    struct server_call *call, enum proto_error error, const char *name, const char *value)
{
	cJSON *parameters = cJSON_CreateObject();

	if (parameters)
		(void)json_add_text(parameters, name, value);
	return server_call_error(call, error, parameters);
}

int
server_call_fail(struct server_call *call, enum proto_error error, const char *message)
{
	return server_call_error_text(call, error, "message", message);
}

int
server_call_invalid_parameter(struct server_call *call, const char *name)
{
	return server_call_error_text(call, PROTO_ERROR_INVALID_PARAMETER, "parameter", name);
}

static int
handle_get_info(struct server_call *call, void *userdata)
{
	static const char *const interfaces[] = { VARLINK_SERVICE, PROTO_INTERFACE };
	_cleanup_json_ cJSON *info = cJSON_CreateObject();

	(void)userdata;
	if (!info || json_add_text(info, "vendor", PROTO_VENDOR) < 0 ||
	    json_add_text(info, "product", PROTO_PRODUCT) < 0 ||
	    json_add_text(info, "version", PACKAGE_VERSION) < 0 ||
	    json_add_text(info, "url", PACKAGE_URL) < 0 ||
	    json_add_item(info, "interfaces",
		cJSON_CreateStringArray(interfaces, (int)ELEMENTSOF(interfaces))) < 0)
		return -ENOMEM;
	return server_call_reply(call, TAKE_PTR(info), false);
}

static int
handle_get_description(struct server_call *call, void *userdata)
{
	const cJSON *parameters = server_call_parameters(call);
	_cleanup_json_ cJSON *answer = NULL;
	const char *interface = NULL;
	const char *description;

	(void)userdata;
	if (json_get_string(parameters, "interface", &interface) <= 0)
		return server_call_invalid_parameter(call, "interface");
	description = proto_description(interface);
	if (!description)
		return server_call_error_text(
		    call, PROTO_ERROR_INTERFACE_NOT_FOUND, "interface", interface);
	answer = cJSON_CreateObject();
	if (!answer || json_add_text(answer, "description", description) < 0)
		return -ENOMEM;
	return server_call_reply(call, TAKE_PTR(answer), false);
}

static const struct server_method service_methods[] = {
	{ VARLINK_SERVICE ".GetInfo", ACCESS_MEMBER, false, handle_get_info },
	{ VARLINK_SERVICE ".GetInterfaceDescription", ACCESS_MEMBER, false,
	    handle_get_description },
};

static const struct server_method *
find_method(const struct server_method *methods, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(methods[i].name, name))
			return &methods[i];
	return NULL;
}

/* Answers a call of something that is not there. */
static int
answer_unknown(struct server_call *call)
{
	const char *name = call->message.method;
	size_t length = (size_t)(strrchr(name, '.') - name);
	_cleanup_free_ char *interface = strndup(name, length);

	if (!interface)
		return -ENOMEM;
	if (!proto_description(interface))
		return server_call_error_text(
		    call, PROTO_ERROR_INTERFACE_NOT_FOUND, "interface", interface);
	return server_call_error_text(call, PROTO_ERROR_METHOD_NOT_FOUND, "method", name);
}

/* Finds the handler and runs it, unless the caller may not or the call cannot be. */
static int
run_handler(struct server_call *call)
{
	const struct server_options *o = &call->client->server->options;
	const struct server_method *m;
	void *userdata = NULL;

	/* Who may do nothing learns nothing, not even what there is. */
	if (call->client->peer.access < ACCESS_MEMBER)
		return server_call_error(call, PROTO_ERROR_PERMISSION_DENIED, NULL);
	m = find_method(service_methods, ELEMENTSOF(service_methods), call->message.method);
	if (!m) {
		m = find_method(o->methods, o->n_methods, call->message.method);
		userdata = o->userdata;
	}
	if (!m)
		return answer_unknown(call);
	if (call->client->peer.access < m->access)
		return server_call_error(call, PROTO_ERROR_PERMISSION_DENIED, NULL);
	if (call->message.upgrade)
		return server_call_error_text(
		    call, PROTO_ERROR_METHOD_NOT_IMPLEMENTED, "method", m->name);
	if (m->needs_more && !call->message.more)
		return server_call_error(call, PROTO_ERROR_EXPECTED_MORE, NULL);
	return m->handle(call, userdata);
}

/* Runs CALL, which its client owns now, and settles what the handler left open. */
static void
run_call(struct server_call *call)
{
	struct server_client *c = call->client;
	int r;

	call->is_in_handler = true;
	r = run_handler(call);
	if (r < 0)
		(void)log_warning_errno(r, "Call of %s by uid %u failed: %m",
		    call->message.method, (unsigned)c->peer.uid);
	if (!call->is_answered && (r < 0 || !call->on_cancel)) {
		if (r >= 0)
			log_error("Call of %s was not answered by its handler, answering %s",
			    call->message.method, proto_error_name(PROTO_ERROR_INTERNAL));
		call->on_cancel = NULL;
		(void)server_call_fail(
		    call, r < 0 ? proto_error_from_errno(r) : PROTO_ERROR_INTERNAL, NULL);
	}
	call->is_in_handler = false;
	if (call->is_answered) {
		c->call = NULL;
		server_call_free(call);
	}
}

void
server_call_run(struct server_client *c, const char *message, size_t size)
{
	struct server_call *call;
	struct fault fault;
	int r;

	call = calloc(1, sizeof(*call));
	if (!call) {
		server_client_doom(c, "out of memory");
		return;
	}
	call->client = c;
	r = varlink_call_parse(message, size, &call->message, &fault);
	if (r == 0 && !call->message.parameters) {
		call->empty = cJSON_CreateObject();
		r = call->empty ? 0 : fault_set(&fault, -ENOMEM, "out of memory");
	}
	if (r < 0) {
		server_client_doom(c, fault_text(&fault));
		server_call_free(call);
		return;
	}
	c->call = call;
	run_call(call);
}
