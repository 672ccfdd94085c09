/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/newfile.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* Whoever makes a copy decides who may read it. */
#define MODE 0600

void
newfile_done(struct newfile *f)
{
	if (f->temporary && f->dir_fd >= 0)
		(void)unlinkat(f->dir_fd, f->temporary, 0);
	f->fd = close_fd(f->fd);
	f->dir_fd = close_fd(f->dir_fd);
	free(f->temporary);
	free(f->path);
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return text_has_suffix(path, "/") || (stat(path, &st) >= 0 && S_ISDIR(st.st_mode));
}

static int
open_directory(struct newfile *f)
{
	const char *slash = strrchr(f->path, '/');
	_cleanup_free_ char *dir = NULL;

	f->name = slash ? slash + 1 : f->path;
	if (!slash)
		dir = strdup(".");
	else
		dir = strndup(f->path, slash == f->path ? 1 : (size_t)(slash - f->path));
	if (!dir)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		return complain(PROTO_EXIT_ERROR, "cannot open the directory '%s': %s", dir,
		    strerror(errno));
	return PROTO_EXIT_OK;
}

int
newfile_open(const char *output, const char *name, bool force, struct newfile *ret)
{
	int status;

	*ret = (struct newfile){ .dir_fd = -EBADF, .fd = -EBADF };
	if (output && is_directory(output))
		ret->path = text_format(
		    "%s%s%s", output, text_has_suffix(output, "/") ? "" : "/", name);
	else
		ret->path = strdup(output ? output : name);
	if (!ret->path)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	status = open_directory(ret);
	if (status != PROTO_EXIT_OK)
		return status;
	if (!force && faccessat(ret->dir_fd, ret->name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
		return complain(
		    PROTO_EXIT_ERROR, "'%s' exists already; --force replaces it", ret->path);
	ret->temporary = text_format(".#%s.%d", ret->name, (int)getpid());
	if (!ret->temporary)
		return complain(PROTO_EXIT_ERROR, "out of memory");
	ret->fd = openat(ret->dir_fd, ret->temporary,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (ret->fd < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot create '%s': %s", ret->path, strerror(errno));
	return PROTO_EXIT_OK;
}

int
newfile_commit(struct newfile *f, bool force)
{
	if (fsync(f->fd) < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot write '%s': %s", f->path, strerror(errno));
	if (renameat2(
		f->dir_fd, f->temporary, f->dir_fd, f->name, force ? 0 : RENAME_NOREPLACE) < 0)
		return complain(
		    PROTO_EXIT_ERROR, "cannot create '%s': %s", f->path, strerror(errno));
	free(f->temporary);
	f->temporary = NULL;
	return PROTO_EXIT_OK;
}
