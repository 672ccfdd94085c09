/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "check"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "capture/check/check.h"
#include "capture/check/checkmode.h"
#include "capture/options.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "lib/proto.h"
#include "lib/text.h"
#include "lib/varlink-client.h"

/* It answers within milliseconds; the next check is due in a minute. */
#define DAEMON_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* Without the directory everything is read anew, which is only slower. */
static int
open_state(const struct options *o)
{
	_cleanup_free_ char *path =
	    text_format("%s/" CHECK_DIR, o->state_dir ? o->state_dir : STATE_DIR);
	int fd = -EBADF;
	int r;

	if (!path)
		return -ENOMEM;
	if (!o->tell)
		return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = io_open_dir(AT_FDCWD, path, 0700, &fd);
	if (r < 0)
		(void)log_warning_errno(
		    r, "Cannot open '%s', checking without memory: %m", path);
	return fd;
}

/* {"findings": […]}; what is printed, and the parameters of Checked. */
static cJSON *
findings_to_json(const struct check *c)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	cJSON *array = object ? cJSON_AddArrayToObject(object, "findings") : NULL;

	if (!array)
		return NULL;
	for (size_t i = 0; i < c->n_findings; i++) {
		cJSON *item = finding_to_json(&c->findings[i]);

		if (!item || !cJSON_AddItemToArray(array, item)) {
			cJSON_Delete(item);
			return NULL;
		}
	}
	return TAKE_PTR(object);
}

static void
print_text(const struct check *c)
{
	for (size_t i = 0; i < c->n_findings; i++)
		(void)printf("%s: %s\n", trigger_to_string(c->findings[i].trigger),
		    c->findings[i].message);
	if (c->n_left_out > 0)
		(void)printf("%zu more findings are left out\n", c->n_left_out);
	if (c->n_findings == 0)
		(void)puts("Nothing is wrong");
	for (char **note = c->notes; note && *note; note++)
		(void)printf("not checked: %s\n", *note);
}

static int
print_json(const struct check *c, bool pretty)
{
	const char *const none[] = { NULL };
	_cleanup_json_ cJSON *object = findings_to_json(c);
	_cleanup_free_ char *text = NULL;
	cJSON *notes;

	notes = cJSON_CreateStringArray(
	    c->notes ? (const char *const *)c->notes : none, (int)strv_length(c->notes));
	if (!object || json_add_uint(object, "left_out", c->n_left_out) < 0 ||
	    json_add_item(object, "not_checked", notes) < 0)
		return -ENOMEM;
	text = json_print(object, pretty);
	if (!text)
		return -ENOMEM;
	(void)puts(text);
	return 0;
}

/* When the daemon is away the next check tells the same. */
static void
tell_daemon(const struct check *c)
{
	_cleanup_(varlink_client_closep) struct varlink_client *client = NULL;
	cJSON *parameters = findings_to_json(c);
	struct fault fault = { 0 };
	int r;

	r = varlink_client_connect(SOCKET_PATH, DAEMON_TIMEOUT_USEC, &client, &fault);
	if (r < 0) {
		cJSON_Delete(parameters);
		log_info("Cannot reach the daemon, leaving it to the next check: %s",
		    fault_text(&fault));
		return;
	}
	r = varlink_client_call(client, proto_method_name(PROTO_CHECKED), parameters,
	    DAEMON_TIMEOUT_USEC, NULL, &fault);
	if (r < 0)
		log_warning("The daemon does not take what was found: %s", fault_text(&fault));
}

int
checkmode_run(const struct options *o, const struct settings *settings)
{
	_cleanup_close_ int state_fd = open_state(o);
	struct check_options options = {
		.root = "",
		.kubeconfig = o->kubeconfig,
		.settings = settings,
		.state_fd = state_fd,
		.remembers = o->tell,
	};
	_cleanup_(check_done) struct check c;

	check_run(&options, &c);
	if (o->json == OPTIONS_JSON_NONE)
		print_text(&c);
	else if (print_json(&c, o->json == OPTIONS_JSON_PRETTY) < 0) {
		log_error("Cannot print what was found: out of memory");
		return PROTO_EXIT_ERROR;
	}
	if (o->tell)
		tell_daemon(&c);
	return c.n_findings > 0 ? CHECK_EXIT_FOUND : PROTO_EXIT_OK;
}
