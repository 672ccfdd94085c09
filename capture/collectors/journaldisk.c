/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "capture/collector.h"
#include "capture/collectors/journaldisk.h"
#include "capture/notes.h"
#include "capture/rootdir.h"
#include "capture/sink/bundle.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/text.h"

/* Files that are looked at; journald keeps 100 (SystemMaxFiles=), also for each user. */
#define FILES_MAX	1000u
/* Bad ones that are named; the notes have a limit of their own. */
#define FILES_NAMED_MAX 10u

/* Where fields of the header are. */
#define OFFSET_HEADER_SIZE 88u
#define OFFSET_ARENA_SIZE  96u

/* What was found. */
struct search {
	struct collector_context *ctx;
	unsigned n_files;
	unsigned n_bad;
	unsigned n_set_aside;
};

const char *
journaldisk_check(const uint8_t *header, size_t size, uint64_t file_size)
{
	static const char signature[8] = { 'L', 'P', 'K', 'S', 'H', 'H', 'R', 'H' };
	uint64_t header_size, arena_size;

	if (size < JOURNALDISK_HEADER_BYTES)
		return "it is too short for a journal file";
	if (memcmp(header, signature, sizeof(signature)) != 0)
		return "it does not begin as a journal file does";
	memcpy(&header_size, header + OFFSET_HEADER_SIZE, sizeof(header_size));
	memcpy(&arena_size, header + OFFSET_ARENA_SIZE, sizeof(arena_size));
	header_size = le64toh(header_size);
	arena_size = le64toh(arena_size);
	if (header_size > file_size || arena_size > file_size - header_size)
		return "its end is missing";
	return NULL;
}

/* What is wrong with the file FD; NULL when it may be fine. */
static const char *
check_content(int fd)
{
	uint8_t header[JOURNALDISK_HEADER_BYTES];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is no regular file";
	n = pread(fd, header, sizeof(header), 0);
	return n < 0 ? strerror(errno)
		     : journaldisk_check(header, (size_t)n, (uint64_t)st.st_size);
}

static void
check_file(struct search *search, int dir_fd, const char *dir, const char *name)
{
	_cleanup_close_ int fd =
	    openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *problem = NULL;

	if (fd >= 0)
		problem = check_content(fd);
	else if (errno != ENOENT) /* else vacuumed since the directory was read */
		problem = strerror(errno);
	if (problem && search->n_bad++ < FILES_NAMED_MAX)
		(void)notes_add(search->ctx, "journal file %s/%s: %s", dir, name, problem);
	search->n_set_aside += text_has_suffix(name, ".journal~");
}

/* Looks at the files of one machine ID. */
static void
check_directory(struct search *search, int parent_fd, const char *parent, const char *name)
{
	_cleanup_free_ char *path = text_format("%s/%s", parent, name);
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	if (!path || io_opendir(parent_fd, name, &dir) < 0)
		return;
	while (search->n_files < FILES_MAX && (entry = readdir(dir)))
		if (text_has_suffix(entry->d_name, ".journal") ||
		    text_has_suffix(entry->d_name, ".journal~")) {
			search->n_files++;
			check_file(search, dirfd(dir), path, entry->d_name);
		}
}

static void
check_files(struct search *search, int root_fd, const char *path)
{
	_cleanup_close_ int fd = rootdir_openat(root_fd, path, O_RDONLY | O_DIRECTORY);
	_cleanup_closedir_ DIR *dir = NULL;
	struct dirent *entry;

	if (fd < 0 || io_opendir(fd, ".", &dir) < 0)
		return;
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.')
			check_directory(search, fd, path, entry->d_name);
}

static void
add_usage(struct collector_context *ctx, sd_journal *j, bool is_foreign)
{
	char line[128], size[32];
	uint64_t bytes;

	if (sd_journal_get_usage(j, &bytes) < 0)
		return;
	if (bytes == 0) {
		(void)notes_add(ctx, "this machine has no journal files");
		return;
	}
	if (is_foreign)
		(void)notes_add(ctx,
		    "no file in /var/log/journal has the ID of this machine (/etc/machine-id); those "
		    "of other IDs were read");
	(void)snprintf(line, sizeof(line),
	    "Archived and active journals take up %s in the file system.\n",
	    text_format_bytes(bytes, size, sizeof(size)));
	(void)bundle_add(
	    ctx->bundle, "sos_commands/logs/journalctl_--disk-usage", line, strlen(line), NULL);
}

void
journaldisk_add(struct collector_context *ctx, sd_journal *j, bool is_foreign)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	struct search search = { .ctx = ctx };

	add_usage(ctx, j, is_foreign);
	if (root_fd < 0)
		return;
	check_files(&search, root_fd, "/var/log/journal");
	check_files(&search, root_fd, "/run/log/journal");
	if (search.n_bad > FILES_NAMED_MAX)
		(void)notes_add(ctx, "%u more journal files cannot be read",
		    search.n_bad - FILES_NAMED_MAX);
	if (search.n_set_aside > 0)
		(void)notes_add(ctx,
		    "journald has set %u journal files aside (*.journal~): it was not shut down "
		    "properly, or they were corrupt",
		    search.n_set_aside);
	if (search.n_files > 0 && !rootdir_exists(root_fd, "/var/log/journal"))
		(void)notes_add(ctx,
		    "the journal is volatile: /var/log/journal does not exist, so nothing "
		    "from before this boot is there");
}
