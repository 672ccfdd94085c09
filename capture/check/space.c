/* SPDX-License-Identifier: Apache-2.0 */

/* Free space of the file systems that MicroShift writes to. */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "capture/check/check.h"
#include "capture/mounts.h"
#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/paths.h"
#include "lib/settings.h"
#include "lib/text.h"

/* The first one on a file system gives it its name. */
static const char *const places[] = { "/", "/var", "/var/lib/microshift", "/var/lib/kubelet",
	"/var/lib/containers", "/var/log", STATE_DIR };

/* Looking at a server that is gone would hang; a file system that is read-only, such as the
 * root of an image, is always full. */
static bool
is_of_interest(const struct mounts *mounts, const char *place)
{
	const struct mount *mount = mounts_find(mounts, place);

	return !mounts_is_remote(mounts, place) && mount && mount_is_writable(mount);
}

static void
look(const struct check_options *o, struct check *c, const char *place)
{
	struct finding f = { .trigger = TRIGGER_PRESSURE, .problem = "full" };
	struct statvfs vfs;
	uint64_t free_bytes;
	char left[16];
	char wanted[16];

	/* Without inodes there is no free space either; some file systems have none to count.
	 */
	if (statvfs(place, &vfs) < 0)
		return;
	free_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	if (free_bytes >= o->settings->min_free_bytes && (vfs.f_files == 0 || vfs.f_favail > 0))
		return;
	text_copy(f.subject, sizeof(f.subject), place);
	(void)text_format_bytes(free_bytes, left, sizeof(left));
	(void)text_format_bytes(o->settings->min_free_bytes, wanted, sizeof(wanted));
	if (vfs.f_files > 0 && vfs.f_favail == 0)
		check_add(c, &f, "The file system of %s has no inode left", place);
	else
		check_add(c, &f, "The file system of %s has %s left, MinFree= wants %s", place,
		    left, wanted);
}

void
check_space(const struct check_options *o, struct check *c)
{
	_cleanup_(mounts_done) struct mounts mounts = { 0 };
	_cleanup_close_ int root_fd = rootdir_open("");
	dev_t seen[ELEMENTSOF(places)];
	size_t n_seen = 0;

	if (root_fd < 0 || mounts_load(root_fd, MOUNTS_SELF, &mounts) < 0) {
		check_note(c, "disk space: cannot read the mounts");
		return;
	}
	for (size_t i = 0; i < ELEMENTSOF(places); i++) {
		struct stat st;
		size_t j;

		if (!is_of_interest(&mounts, places[i]) || stat(places[i], &st) < 0)
			continue;
		for (j = 0; j < n_seen && seen[j] != st.st_dev; j++)
			;
		if (j < n_seen)
			continue;
		seen[n_seen++] = st.st_dev;
		look(o, c, places[i]);
	}
}
