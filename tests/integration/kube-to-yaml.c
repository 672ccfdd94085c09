/* SPDX-License-Identifier: Apache-2.0 */

/* For tests: one JSON object a line on stdin becomes a YAML document, ended by a NUL. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/kube/json.h"
#include "capture/kube/yaml.h"
#include "lib/fault.h"

static int
on_text(const void *data, size_t len, void *userdata)
{
	return fwrite(data, 1, len, userdata) == len ? 0 : -EIO;
}

int
main(void)
{
	_cleanup_(kube_yaml_freep) struct kube_yaml *y = NULL;
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (kube_yaml_new(on_text, stdout, &y) < 0)
		return EXIT_FAILURE;
	while ((len = getline(&line, &room, stdin)) > 0) {
		_cleanup_(kube_json_freep) struct kube_json *p = NULL;
		struct fault f;
		int r;

		r = kube_json_new(KUBE_JSON_DOCUMENT, NULL, &p);
		if (r >= 0)
			r = kube_json_feed(p, line, (size_t)len, &f);
		if (r >= 0)
			r = kube_json_finish(p, &f);
		if (r < 0) {
			(void)fprintf(stderr, "%s\n", fault_text(&f));
			return EXIT_FAILURE;
		}
		if (kube_yaml_document(y, kube_json_head(p)) < 0)
			return EXIT_FAILURE;
		(void)putchar('\0');
	}
	return EXIT_SUCCESS;
}
