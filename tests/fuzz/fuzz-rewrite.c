/* SPDX-License-Identifier: Apache-2.0 */

/* Filtering an archive of any bytes: whatever it is, it ends, and what comes out is an archive
 * whose names stay below its top, without what was planted. */

#undef NDEBUG
#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/rewrite.h"
#include "lib/cleanup.h"
#include "lib/io.h"

/* Unpacked; a bomb would only take time. */
#define MEMBER_MAX_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(const char *name)
{
	assert(
	    !name || (name[0] != '/' && strncmp(name, "../", 3) != 0 && !strstr(name, "/../")));
	assert(!name || !strstr(name, "edge1/"));
}

/* What was written is read again. */
static void
check_output(int fd)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;

	assert(a && lseek(fd, 0, SEEK_SET) == 0 && tree_support_formats(a) == 0);
	assert(archive_read_open_fd(a, fd, 10240) == ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK) {
		mode_t type = archive_entry_filetype(e);

		check_name(archive_entry_pathname(e));
		check_name(archive_entry_hardlink(e));
		assert(archive_entry_hardlink(e) || type == AE_IFREG || type == AE_IFDIR ||
		    type == AE_IFLNK);
	}
	archive_read_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct prf_key key = { "fuzz" };
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	_cleanup_(tree_closep) struct tree *tree = NULL;
	_cleanup_close_ int in_fd = memfd_create("in", MFD_CLOEXEC);
	_cleanup_close_ int out_fd = memfd_create("out", MFD_CLOEXEC);
	struct rewrite_options options = { .max_member_bytes = MEMBER_MAX_BYTES };
	struct rewrite_stats stats;

	assert(clean_rules_new(&key, &rules) == 0);
	assert(clean_rules_add(rules, ALIAS_HOST, "edge1") == 1);
	options.rules = rules;
	options.spill_dir_fd = AT_FDCWD;
	assert(in_fd >= 0 && out_fd >= 0 && io_write_all(in_fd, data, size) == 0);
	if (tree_open(in_fd, "in", &tree, NULL) < 0)
		return 0;
	if (rewrite_run(tree, out_fd, &options, &stats, NULL) == 0)
		check_output(out_fd);
	return 0;
}
