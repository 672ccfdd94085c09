/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>

#include "capture/collector.h"
#include "capture/collectors/hostfacts.h"
#include "capture/pathglob.h"
#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/text.h"

#define SYSCTL_DIR	 "/proc/sys"
#define SYSCTL_MAX_BYTES 4096u
/* A plain machine has 1,000; each network interface adds 80. */
#define SYSCTL_LINES_MAX 20000u

/* Secret, or different at every look. */
static const char *const left_out[] = {
	SYSCTL_DIR "/net/ipv6/conf/*/stable_secret",
	SYSCTL_DIR "/net/ipv4/tcp_fastopen_key",
	SYSCTL_DIR "/kernel/random/uuid",
	/* One for each pod; the settings are those of "default". */
	SYSCTL_DIR "/net/ipv[46]/conf/veth*",
	SYSCTL_DIR "/net/ipv[46]/neigh/veth*",
};

struct dump {
	struct collector_context *ctx;
	FILE *f;
	unsigned n_lines;
};

/* "net.ipv4.ip_forward = 1"; dots in a name become slashes, as sysctl(8) has it. */
static void
print_value(FILE *f, const char *path, char *value)
{
	char *rest = value, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (*line == '\0' && !rest && line != value)
			break;
		for (const char *p = path + strlen(SYSCTL_DIR) + 1; *p; p++)
			(void)fputc(*p == '/' ? '.' : *p == '.' ? '/' : *p, f);
		(void)fprintf(f, " = %s\n", line);
	}
}

static int
on_entry(const struct pathglob_entry *entry, void *userdata)
{
	_cleanup_free_ char *value = NULL;
	struct dump *d = userdata;

	if (collector_must_stop(d->ctx) || d->n_lines >= SYSCTL_LINES_MAX)
		return 1;
	if (entry->type != PATHGLOB_FILE)
		return 0;
	for (size_t i = 0; i < ELEMENTSOF(left_out); i++)
		if (pathglob_match(left_out[i], entry->path))
			return 0;
	if (io_read_file(entry->dir_fd, entry->name, SYSCTL_MAX_BYTES, &value, NULL) < 0)
		return 0;
	d->n_lines++;
	print_value(d->f, entry->path, value);
	return 0;
}

int
hostsysctl_add(struct collector_context *ctx)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	_cleanup_free_ char *text = NULL;
	struct dump dump = { .ctx = ctx };
	struct pathglob_walk walk = {
		.root_fd = root_fd,
		.on_entry = on_entry,
		.userdata = &dump,
	};
	size_t size = 0;
	int r;

	if (root_fd < 0)
		return root_fd;
	dump.f = open_memstream(&text, &size);
	if (!dump.f)
		return -ENOMEM;
	r = pathglob_walk(&walk, SYSCTL_DIR);
	if (fclose(dump.f) != 0 || r < 0)
		return -ENOMEM;
	return dump.n_lines > 0 ? hostfacts_add(ctx, "kernel", "sysctl -a", text, NULL) : 0;
}
