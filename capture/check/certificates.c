/* SPDX-License-Identifier: Apache-2.0 */

/* What the scan of certificates finds. What it read is kept from check to check, so that most
 * of them only look whether a file has changed. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "capture/certs/certscan.h"
#include "capture/check/check.h"
#include "capture/check/signers.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/settings.h"
#include "lib/text.h"

#define SCAN_FILE	       "certificates.json"
#define SIGNERS_FILE	       "signers.json"
#define FILE_MODE	       0600
/* A dozen paths with a digest each. */
#define SIGNERS_MAX_BYTES      (64u * 1024u)
/* The rest of FINDINGS_MAX is for what else is found. More of them tell nothing new. */
#define CERTIFICATES_FOUND_MAX 20u
/* A change is told for longer than it takes to confirm it: the daemon may be away meanwhile. */
#define REPLACED_EXTRA_CHECKS  10u

static struct certscan *
load_scan(const struct check_options *o)
{
	_cleanup_free_ char *data = NULL;
	struct certscan *scan;
	size_t size;

	if (o->state_fd < 0 ||
	    io_read_file(o->state_fd, SCAN_FILE, CERTSCAN_JSON_MAX_BYTES, &data, &size) < 0 ||
	    certscan_parse(data, size, &scan, NULL) < 0)
		return NULL;
	return scan;
}

/* Losing it costs time, once. */
static void
save_json(const struct check_options *o, const char *name, const cJSON *json)
{
	_cleanup_free_ char *text = json ? json_print(json, false) : NULL;

	if (text && o->state_fd >= 0 && o->remembers)
		(void)io_write_file_atomic(o->state_fd, name, text, strlen(text), FILE_MODE);
}

static int
scan_all(const struct check_options *o, struct certscan **ret, struct fault *reterr)
{
	_cleanup_(strv_freep) char **addresses = NULL;
	char hostname[256] = "";
	struct certscan_options options = {
		.root = o->root,
		.now_usec = clock_realtime_usec(),
	};

	if (certscan_host_addresses(&addresses) >= 0)
		options.addresses = addresses;
	if (gethostname(hostname, sizeof(hostname) - 1) >= 0)
		options.hostname = hostname;
	return certscan_run(&options, load_scan(o), ret, reterr);
}

static void
add_findings(struct check *c, const struct certscan *scan, enum certscan_severity severity)
{
	for (size_t i = 0; i < scan->n_findings; i++) {
		const struct certscan_finding *found = &scan->findings[i];
		struct finding f = { .trigger = TRIGGER_CERTIFICATE };
		char date[CLOCK_TEXT_BYTES];

		if (found->severity != severity)
			continue;
		if (c->n_findings >= CERTIFICATES_FOUND_MAX) {
			c->n_left_out++;
			continue;
		}
		text_copy(f.subject, sizeof(f.subject), found->path);
		text_copy(f.problem, sizeof(f.problem), certscan_class_name(found->class));
		if (found->not_after_usec > 0)
			text_copy(f.detail, sizeof(f.detail),
			    clock_format_utc(found->not_after_usec, date));
		check_add(c, &f, "%s: %s", found->path, found->text);
	}
}

static void
compare_signers(const struct check_options *o, struct check *c, const struct certscan *scan)
{
	struct finding f = {
		.trigger = TRIGGER_CERTIFICATE,
		.subject = "/var/lib/microshift/certs",
		.problem = FINDING_REPLACED,
	};
	_cleanup_json_ cJSON *state = NULL;
	_cleanup_json_ cJSON *next = NULL;
	_cleanup_free_ char *data = NULL;
	uint64_t replaced;
	size_t size;

	if (o->state_fd >= 0 &&
	    io_read_file(o->state_fd, SIGNERS_FILE, SIGNERS_MAX_BYTES, &data, &size) >= 0)
		(void)json_parse(data, size, &state, NULL);
	if (signers_update(state, scan, o->settings->confirmations + REPLACED_EXTRA_CHECKS,
		&next, &replaced) < 0)
		return;
	if (!cJSON_Compare(state, next, true))
		save_json(o, SIGNERS_FILE, next);
	if (replaced == 0)
		return;
	text_copy(f.detail, sizeof(f.detail), scan->signers_sha256);
	check_add(c, &f,
	    "%u of MicroShift's long-lived authorities were made anew: kubeconfigs that were "
	    "handed out before are void",
	    (unsigned)replaced);
}

void
check_certificates(const struct check_options *o, struct check *c)
{
	_cleanup_(certscan_freep) struct certscan *scan = NULL;
	_cleanup_json_ cJSON *json = NULL;
	struct fault fault = { 0 };

	if (scan_all(o, &scan, &fault) < 0) {
		check_note(c, "certificates: %s", fault_text(&fault));
		return;
	}
	if (scan->was_read && o->remembers) {
		json = certscan_to_json(scan);
		save_json(o, SCAN_FILE, json);
	}
	compare_signers(o, c, scan);
	add_findings(c, scan, CERTSCAN_ERROR);
	add_findings(c, scan, CERTSCAN_WARNING);
}
