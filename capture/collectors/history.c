/* SPDX-License-Identifier: Apache-2.0 */

/* The hour before: the ring of the daemon's flight recorder, which came with the request. The
 * columns are described in microshift-supportd(8). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/collectors/history.h"
#include "capture/sink/bundle.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/report.h"
#include "lib/text.h"

#define CSV_PATH  "sos_commands/microshift-support/history.csv"
#define JSON_PATH "sos_commands/microshift-support/history.json"

/* Numbers become numbers; an ID of hexadecimal digits may look like one. */
static bool
is_number(const char *name, const char *cell)
{
	return !streq(name, "boot") && cell[strspn(cell, "0123456789.")] == '\0';
}

static int
add_cell(cJSON *sample, const char *name, const char *cell)
{
	if (cell[0] == '\0')
		return 0;
	if (is_number(name, cell))
		return json_add_item(sample, name, cJSON_CreateNumber(strtod(cell, NULL)));
	return json_add_text(sample, name, cell);
}

static int
print_line(char *line, char *const *names, const char *separator, FILE *f)
{
	_cleanup_json_ cJSON *sample = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	const char *cell;

	if (!sample)
		return -ENOMEM;
	while ((cell = strsep(&line, ","))) {
		if (!*names)
			return -EBADMSG;
		if (add_cell(sample, *names++, cell) < 0)
			return -ENOMEM;
	}
	text = json_print(sample, false);
	if (!text)
		return -ENOMEM;
	(void)fprintf(f, "%s%s", separator, text);
	return 0;
}

int
history_print_json(char *csv, FILE *f)
{
	_cleanup_(strv_freep) char **names = NULL;
	const char *separator = "\n";
	char *line = strsep(&csv, "\n");
	int r;

	r = strv_split(line, ",", &names);
	if (r < 0)
		return r;
	(void)fputs("{\"samples\": [", f);
	while (r >= 0 && names && (line = strsep(&csv, "\n"))) {
		if (line[0] == '\0')
			continue;
		r = print_line(line, names, separator, f);
		separator = ",\n";
	}
	(void)fputs("\n]}\n", f);
	return r;
}

static const char *
find_text(const struct request *req)
{
	const char *text = NULL;

	(void)json_get_string(req->flash, FLASH_HISTORY_MEMBER, &text);
	return text;
}

static bool
applies(const struct collector *c, const struct collector_context *ctx, struct fault *reterr)
{
	(void)c;
	if (find_text(ctx->request))
		return true;
	fault_set(reterr, -ENOENT,
	    "the request brought none: it is not the daemon's, or [Recorder] Enabled=no");
	return false;
}

static int
add_json(struct bundle *b, const char *csv)
{
	_cleanup_free_ char *copy = strdup(csv);
	_cleanup_free_ char *json = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&json, &size);
	int bad;
	int r;

	if (!f)
		return -ENOMEM;
	bad = copy ? history_print_json(copy, f) : -ENOMEM;
	if (fclose(f) != 0 || bad == -ENOMEM)
		return -ENOMEM;
	r = bundle_add(b, JSON_PATH, json, size, NULL);
	return r < 0 ? r : bad;
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	const char *csv = find_text(ctx->request);
	int r;

	(void)c;
	r = bundle_add(ctx->bundle, CSV_PATH, csv, strlen(csv), NULL);
	if (r >= 0)
		r = add_json(ctx->bundle, csv);
	if (r >= 0)
		return OUTCOME_OK;
	fault_set(reterr, r,
	    r == -EBADMSG ? "the history is damaged" : "cannot store the history: %m");
	return r == -EBADMSG || r == -EDQUOT ? OUTCOME_PARTIAL : OUTCOME_FAILED;
}

const struct collector history_collector = {
	.name = "history",
	.description =
	    "The last hour before: pressure, memory, disk space, cgroups, unit states",
	.profiles = PROFILE_MASK_ALL,
	/* Right after the flash: it is in memory already. */
	.priority = 1,
	.applies = applies,
	.run = run,
};
