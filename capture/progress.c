/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "progress"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/progress.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/proto.h"
#include "lib/text.h"
#include "lib/varlink-client.h"

/* A daemon on the same machine accepts and reads at once, or is in trouble. The time is taken
 * from the capture. */
#define DAEMON_TIMEOUT_USEC (500 * USEC_PER_MSEC)

struct progress {
	char *id;		       /* owned */
	struct varlink_client *client; /* owned; NULL without daemon */
	bool to_stderr;
	bool is_terminal;
};

int
progress_open(const struct progress_options *options, struct progress **ret)
{
	_cleanup_progress_ struct progress *p = calloc(1, sizeof(*p));
	struct fault fault;

	if (!p)
		return -ENOMEM;
	p->id = strdup(options->id);
	if (!p->id)
		return -ENOMEM;
	p->to_stderr = options->to_stderr;
	p->is_terminal = isatty(STDERR_FILENO);
	if (options->socket_path &&
	    varlink_client_connect(
		options->socket_path, DAEMON_TIMEOUT_USEC, &p->client, &fault) < 0)
		log_debug(
		    "Cannot reach the daemon, going on without it: %s", fault_text(&fault));
	*ret = TAKE_PTR(p);
	return 0;
}

void
progress_close(struct progress *p)
{
	if (!p)
		return;
	varlink_client_close(p->client);
	free(p->id);
	free(p);
}

static void
tell_person(const struct progress *p, const char *collector, uint64_t done, uint64_t total,
    uint64_t bytes)
{
	char text[32];

	(void)text_format_bytes(bytes, text, sizeof(text));
	if (p->is_terminal && collector)
		/* To the start of the line, and clear it. */
		(void)fprintf(stderr, "\r\033[K[%2llu/%llu] %s (%s so far)",
		    (unsigned long long)done + 1, (unsigned long long)total, collector, text);
	else if (p->is_terminal)
		(void)fprintf(stderr, "\r\033[K");
	else if (collector)
		(void)fprintf(stderr, "[%2llu/%llu] %s\n", (unsigned long long)done + 1,
		    (unsigned long long)total, collector);
	(void)fflush(stderr);
}

static int
add_parameters(cJSON *object, const struct progress *p, const char *collector, uint64_t done,
    uint64_t total, uint64_t bytes)
{
	int r;

	r = json_add_text(object, "id", p->id);
	if (r >= 0)
		r = json_add_text(object, "collector", collector);
	if (r >= 0)
		r = json_add_uint(object, "done", done);
	if (r >= 0)
		r = json_add_uint(object, "total", total);
	return r < 0 ? r : json_add_uint(object, "bytes", bytes);
}

static void
tell_daemon(
    struct progress *p, const char *collector, uint64_t done, uint64_t total, uint64_t bytes)
{
	_cleanup_json_ cJSON *parameters = cJSON_CreateObject();
	struct fault fault;

	if (!parameters || add_parameters(parameters, p, collector, done, total, bytes) < 0)
		return;
	if (varlink_client_send(p->client, proto_method_name(PROTO_PROGRESS),
		TAKE_PTR(parameters), VARLINK_ONEWAY, DAEMON_TIMEOUT_USEC, &fault) >= 0)
		return;
	log_debug("Cannot tell the daemon, going on without it: %s", fault_text(&fault));
	varlink_client_close(p->client);
	p->client = NULL;
}

void
progress_step(
    struct progress *p, const char *collector, uint64_t done, uint64_t total, uint64_t bytes)
{
	if (!p)
		return;
	if (p->to_stderr)
		tell_person(p, collector, done, total, bytes);
	if (p->client)
		tell_daemon(p, collector, done, total, bytes);
}
