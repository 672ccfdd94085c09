/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/options.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/paths.h"
#include "lib/reportid.h"
#include "lib/text.h"

/* A daemon that is being started by its socket reads us a moment later. */
#define CONNECT_TIMEOUT_USEC (10 * USEC_PER_SEC)
/* What the daemon takes for the newest report. */
#define LATEST_ID	     "latest"
/* Room for one sentence. */
#define SENTENCE_MAX_BYTES   1024u

int
complain(enum proto_exit status, const char *format, ...)
{
	char text[SENTENCE_MAX_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	/* Half of what is said comes from the other side. */
	(void)fprintf(stderr, "msupportctl: %s\n", output_make_safe(text));
	return (int)status;
}

static void
hint(const char *text)
{
	(void)fprintf(stderr, "%s\n", text);
}

enum proto_exit
client_exit_status(int r, enum proto_error e)
{
	if (r >= 0)
		return PROTO_EXIT_OK;
	if (e != PROTO_ERROR_NONE)
		return proto_error_to_exit(e);
	switch (r) {
	case -ENOENT:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EPIPE:
	case -ETIMEDOUT:
		return PROTO_EXIT_UNREACHABLE;
	case -EACCES:
	case -EPERM:
		return PROTO_EXIT_DENIED;
	default:
		return PROTO_EXIT_ERROR;
	}
}

static void
hint_unreachable(void)
{
	hint("  Is it running?             systemctl status microshift-supportd.socket\n"
	     "  Take a report without it:  msupportctl collect --direct");
}

static void
hint_denied(void)
{
	hint("  Become root, or have yourself added to the group and log in again:\n"
	     "  usermod -aG " SUPPORT_GROUP " USER");
}

static int
explain_connect(const char *path, int r, const struct fault *fault)
{
	enum proto_exit status = client_exit_status(r, PROTO_ERROR_NONE);

	if (status == PROTO_EXIT_DENIED) {
		(void)complain(status, "you may not talk to microshift-supportd at '%s'", path);
		hint_denied();
	} else if (r == -ENOENT || r == -ECONNREFUSED) {
		(void)complain(status, "microshift-supportd does not listen at '%s'", path);
		hint_unreachable();
	} else {
		(void)complain(
		    status, "cannot talk to microshift-supportd: %s", fault_text(fault));
		if (status == PROTO_EXIT_UNREACHABLE)
			hint_unreachable();
	}
	return (int)status;
}

int
client_connect(const struct options *o, struct varlink_client **ret)
{
	struct fault fault = { 0 };
	int r;

	r = varlink_client_connect(o->socket_path, CONNECT_TIMEOUT_USEC, ret, &fault);
	if (r < 0)
		return explain_connect(o->socket_path, r, &fault);
	return PROTO_EXIT_OK;
}

/* The sentence that the service sent with its error, or OTHERWISE. */
static const char *
error_message(const struct varlink_client *c, const char *otherwise)
{
	const cJSON *parameters = varlink_client_last_error_parameters(c);
	const char *message = NULL;

	if (parameters && json_get_string(parameters, "message", &message) > 0 &&
	    !is_empty(message))
		return message;
	return otherwise;
}

static const char *
error_id(const struct varlink_client *c)
{
	const cJSON *parameters = varlink_client_last_error_parameters(c);
	const char *id = NULL;

	if (parameters && json_get_string(parameters, "id", &id) > 0)
		return id;
	return "";
}

static int
explain_not_found(const struct varlink_client *c)
{
	const char *id = error_id(c);

	if (streq(id, "latest"))
		return complain(PROTO_EXIT_NOT_FOUND, "there are no reports yet");
	if (is_empty(id))
		return complain(
		    PROTO_EXIT_NOT_FOUND, "%s", error_message(c, "there is no such report"));
	return complain(PROTO_EXIT_NOT_FOUND,
	    "there is no report '%s'; 'msupportctl list' shows what there is", id);
}

static int
explain_busy(const struct varlink_client *c, const char *otherwise)
{
	const cJSON *parameters = varlink_client_last_error_parameters(c);
	uint64_t retry_usec = 0;
	char span[32];

	if (parameters && json_get_uint(parameters, "retry_usec", &retry_usec) > 0 &&
	    retry_usec > 0)
		return complain(PROTO_EXIT_BUSY, "%s; try again in %s",
		    error_message(c, otherwise),
		    clock_format_span(retry_usec, span, sizeof(span)));
	return complain(PROTO_EXIT_BUSY, "%s; try again later", error_message(c, otherwise));
}

static int
explain_permission(enum proto_method method)
{
	if (proto_method_access(method) == ACCESS_ROOT)
		return complain(PROTO_EXIT_DENIED, "only root may do this");
	(void)complain(PROTO_EXIT_DENIED, "you may not use microshift-supportd");
	hint_denied();
	return PROTO_EXIT_DENIED;
}

static int
explain_error(const struct varlink_client *c, enum proto_method method, enum proto_error e,
    const struct fault *fault)
{
	enum proto_exit status = proto_error_to_exit(e);

	switch (e) {
	case PROTO_ERROR_NOT_FOUND:
		return explain_not_found(c);
	case PROTO_ERROR_AMBIGUOUS:
		return complain(status,
		    "more than one report ID begins with '%s'; give more of it", error_id(c));
	case PROTO_ERROR_BUSY:
		return explain_busy(c, "too many requests are waiting");
	case PROTO_ERROR_RATE_LIMITED:
		return explain_busy(c, "too many requests");
	case PROTO_ERROR_PERMISSION_DENIED:
		return explain_permission(method);
	case PROTO_ERROR_DENIED:
		return complain(
		    status, "%s", error_message(c, "microshift-supportd refuses this now"));
	case PROTO_ERROR_INTERNAL:
		(void)complain(
		    status, "%s", error_message(c, "microshift-supportd met an error"));
		hint("  Its journal says more:  journalctl -u microshift-supportd.service");
		return (int)status;
	case PROTO_ERROR_INTERFACE_NOT_FOUND:
	case PROTO_ERROR_METHOD_NOT_FOUND:
	case PROTO_ERROR_METHOD_NOT_IMPLEMENTED:
		(void)complain(status,
		    "the running microshift-supportd cannot do this; it may "
		    "be of an older version");
		hint("  systemctl restart microshift-supportd.service");
		return (int)status;
	default:
		return complain(status, "%s", error_message(c, fault_text(fault)));
	}
}

int
client_explain(
    const struct varlink_client *c, enum proto_method method, int r, const struct fault *fault)
{
	enum proto_error e = varlink_client_last_error(c);
	enum proto_exit status = client_exit_status(r, e);

	if (e != PROTO_ERROR_NONE)
		return explain_error(c, method, e, fault);
	if (r == -ENOMEM)
		return complain(status, "out of memory");
	if (r == -ETIMEDOUT)
		return complain(status, "microshift-supportd does not answer");
	if (r == -ECONNRESET || r == -EPIPE) {
		(void)complain(status, "microshift-supportd went away without an answer");
		hint("  Why:  systemctl status microshift-supportd.service");
		return (int)status;
	}
	return complain(status, "cannot talk to microshift-supportd: %s", fault_text(fault));
}

int
client_call(struct varlink_client *c, enum proto_method method, cJSON *parameters, cJSON **ret)
{
	struct fault fault = { 0 };
	int r;

	r = varlink_client_call(
	    c, proto_method_name(method), parameters, VARLINK_CALL_TIMEOUT_USEC, ret, &fault);
	if (r < 0)
		return client_explain(c, method, r, &fault);
	return PROTO_EXIT_OK;
}

int
client_open_report(struct varlink_client *c, const char *id, cJSON **ret, int *ret_fd)
{
	struct fault fault = { 0 };
	_cleanup_json_ cJSON *parameters = client_id_parameters(id);
	int r;

	if (!parameters || json_add_bool(parameters, "fetch", true) < 0)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	r = varlink_client_call_fd(c, proto_method_name(PROTO_OPEN), TAKE_PTR(parameters),
	    VARLINK_CALL_TIMEOUT_USEC, ret, ret_fd, &fault);
	if (r < 0)
		return client_explain(c, PROTO_OPEN, r, &fault);
	return PROTO_EXIT_OK;
}

cJSON *
client_id_parameters(const char *id)
{
	_cleanup_json_ cJSON *parameters = cJSON_CreateObject();

	if (!parameters || json_add_text(parameters, "id", id) < 0)
		return NULL;
	return TAKE_PTR(parameters);
}

bool
client_is_id(const char *s)
{
	return report_id_is_prefix(s) || streq(s, LATEST_ID);
}

int
client_for_each_id(const struct options *o, char *const *ids, int n_ids, client_report_fn fn)
{
	_cleanup_(varlink_client_closep) struct varlink_client *c = NULL;
	int result;

	for (int i = 0; i < n_ids; i++)
		if (!client_is_id(ids[i]))
			return complain(PROTO_EXIT_USAGE,
			    "'%s' is no report ID, nor the start of one, nor '" LATEST_ID
			    "'; see 'msupportctl list'",
			    ids[i]);
	result = client_connect(o, &c);
	if (result != PROTO_EXIT_OK)
		return result;
	for (int i = 0; i < n_ids; i++) {
		int status = fn(o, c, ids[i], i == 0);

		if (result == PROTO_EXIT_OK)
			result = status;
	}
	return result;
}
