/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/certs/certfile.h"
#include "capture/certs/scanner.h"
#include "capture/rootdir.h"
#include "lib/io.h"
#include "lib/text.h"

const char *
scanner_remedy(enum certscan_role role)
{
	switch (role) {
	case CERTSCAN_CA:
		return "remove its directory and restart microshift.service, which makes a new "
		       "one and signs everything below it again";
	case CERTSCAN_BUNDLE:
		return "remove it and restart microshift.service, which writes it anew";
	case CERTSCAN_KUBECONFIG:
	case CERTSCAN_KUBECONFIG_CA:
		return "restart microshift.service, which writes it anew; copies elsewhere "
		       "have to be copied again";
	case CERTSCAN_USER:
		return "replace it and restart microshift.service";
	case CERTSCAN_CRIO:
		return "replace it and restart crio.service";
	case CERTSCAN_KUBELET:
		return "remove it and restart microshift.service";
	default:
		return "remove its directory and restart microshift.service, which makes a new "
		       "one";
	}
}

/* MicroShift renews it without being asked to. */
static bool
is_managed(enum certscan_role role)
{
	return role != CERTSCAN_USER && role != CERTSCAN_CRIO && role != CERTSCAN_KUBELET;
}

static char *
stamp_of(const struct stat *st)
{
	return text_format("%" PRIu64 " %" PRIu64 " %" PRIu64 ".%09lu %" PRIu64 ".%09lu",
	    (uint64_t)st->st_ino, (uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
	    st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

int
scanner_stamp(int root_fd, const char *path, char **ret)
{
	_cleanup_close_ int fd = rootdir_openat(root_fd, path, O_PATH);
	struct stat st;

	*ret = fd >= 0 && fstat(fd, &st) == 0 ? stamp_of(&st) : strdup("");
	return *ret ? 0 : -ENOMEM;
}

int
scanner_note(struct scanner *s, const char *path)
{
	struct certscan *scan = s->scan;
	struct certscan_file *f;
	int r;

	if (scan->n_files >= CERTSCAN_FILES_MAX)
		return -E2BIG;
	f = reallocarray(scan->files, scan->n_files + 1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	scan->files = f;
	f += scan->n_files++;
	*f = (struct certscan_file){ .path = strdup(path) };
	r = scanner_stamp(s->root_fd, path, &f->stamp);
	if (r < 0 || !f->path)
		return -ENOMEM;
	return f->stamp[0] != '\0';
}

int
scanner_report(
    struct scanner *s, enum certscan_class class, const char *path, const char *format, ...)
{
	struct certscan_finding f = { .class = class, .path = (char *)path };
	va_list ap;
	int r;

	va_start(ap, format);
	r = certscan_report(s->scan, &f, format, ap);
	va_end(ap);
	return r;
}

static enum certscan_role
role_in_file(enum certscan_role role, size_t i)
{
	return i == 0 || role == CERTSCAN_BUNDLE || role == CERTSCAN_KUBECONFIG_CA
	    ? role
	    : CERTSCAN_CHAIN;
}

/* Adds certificate I of FILE to the scan. */
static int
add_certificate(struct scanner *s, const char *path, enum certscan_role role,
    const struct certfile *file, size_t i)
{
	struct certscan *scan = s->scan;
	struct certscan_certificate *c;

	if (scan->n_certificates >= CERTSCAN_CERTIFICATES_MAX)
		return -E2BIG;
	c = reallocarray(scan->certificates, scan->n_certificates + 1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	scan->certificates = c;
	c += scan->n_certificates++;
	*c = (struct certscan_certificate){
		.path = strdup(path),
		.number = (unsigned)i + 1,
		.role = role_in_file(role, i),
		.is_managed = is_managed(role),
	};
	return c->path ? certfile_describe(file, i, c) : -ENOMEM;
}

/* Takes FILE over, also on failure. */
static int
keep(struct scanner *s, const char *path, enum certscan_role role, struct certfile *file,
    const struct scanner_file **ret)
{
	_cleanup_(certfile_freep) struct certfile *owned = file;
	struct scanner_file *f;
	int r;

	f = reallocarray(s->files, s->n_files + 1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	s->files = f;
	f += s->n_files;
	*f = (struct scanner_file){
		.path = strdup(path),
		.role = role,
		.first = s->scan->n_certificates,
	};
	if (!f->path)
		return -ENOMEM;
	f->file = TAKE_PTR(owned);
	s->n_files++;
	for (size_t i = 0; i < certfile_count(f->file); i++) {
		r = add_certificate(s, path, role, f->file, i);
		if (r < 0)
			return r;
	}
	*ret = f;
	return 1;
}

int
scanner_add(struct scanner *s, const char *path, enum certscan_role role, const char *data,
    size_t size, const struct scanner_file **ret)
{
	struct certfile *file = NULL;
	int r;

	if (size == 0 && role == CERTSCAN_BUNDLE)
		return scanner_report(s, CERTSCAN_EMPTY_BUNDLE, path,
		    "The bundle is empty: nobody is trusted by it; %s.", scanner_remedy(role));
	if (size == 0)
		return scanner_report(s, CERTSCAN_EMPTY, path,
		    "The file is empty, as after a power cut or with a full disk; %s.",
		    scanner_remedy(role));
	r = certfile_parse(data, size, &file);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return scanner_report(s, CERTSCAN_UNPARSABLE, path, "%s; %s.",
		    r == -ENODATA ? "There is no certificate in it"
			: r == -E2BIG
			? "There are more certificates in it than in any real file"
			: "A certificate in it cannot be read",
		    scanner_remedy(role));
	return keep(s, path, role, file, ret);
}

/* Reports why PATH could not be read. */
static int
report_unread(struct scanner *s, const char *path, enum certscan_role role, int error)
{
	if (error == -ENOMEM)
		return error;
	if (error == -ENOENT || error == -ENOTDIR)
		return scanner_report(s, CERTSCAN_MISSING, path, "The file is missing; %s.",
		    scanner_remedy(role));
	return scanner_report(s, CERTSCAN_UNREADABLE, path,
	    "It cannot be read: %s; see who may read it and what it is, or %s.",
	    error == -EINVAL	  ? "it is no regular file"
		: error == -EFBIG ? "it is larger than any real one"
				  : strerror(-error),
	    scanner_remedy(role));
}

/* Reads PATH into *ret_data. Returns 1, 0 when it could not be and that is reported, or a
 * negative errno. */
static int
read_noted(struct scanner *s, const char *path, enum certscan_role role, char **ret_data,
    size_t *ret_size)
{
	int r;

	if (path[0] != '/')
		return scanner_report(s, CERTSCAN_MISSING, path,
		    "The configuration names it without its directory; write the whole path.");
	r = scanner_note(s, path);
	if (r < 0)
		return r;
	r = io_read_file(s->root_fd, path + 1, CERTSCAN_FILE_MAX_BYTES, ret_data, ret_size);
	return r < 0 ? report_unread(s, path, role, r) : 1;
}

int
scanner_load(struct scanner *s, const char *path, enum certscan_role role,
    const struct scanner_file **ret)
{
	const struct scanner_file *known = scanner_find(s, path);
	char *data = NULL;
	size_t size = 0;
	int r;

	if (known) {
		*ret = known;
		return 1;
	}
	r = read_noted(s, path, role, &data, &size);
	if (r <= 0)
		return r;
	r = scanner_add(s, path, role, data, size, ret);
	/* Some keep the key in the same file. */
	explicit_bzero(data, size);
	free(data);
	return r;
}

const struct scanner_file *
scanner_find(const struct scanner *s, const char *path)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (streq(s->files[i].path, path))
			return &s->files[i];
	return NULL;
}

struct certscan_certificate *
scanner_certificate(struct scanner *s, const struct scanner_file *f)
{
	return &s->scan->certificates[f->first];
}

int
scanner_compare_key(struct scanner *s, const struct scanner_file *f, const char *key_path,
    const char *key, size_t size)
{
	int r = certfile_has_key(f->file, key, size);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return scanner_report(s, CERTSCAN_UNPARSABLE, key_path,
		    "There is no private key in it; %s.", scanner_remedy(f->role));
	scanner_certificate(s, f)->key_matches = r > 0 ? CERTSCAN_YES : CERTSCAN_NO;
	if (r > 0)
		return 0;
	return scanner_report(s, CERTSCAN_KEY_MISMATCH, f->path,
	    "The key in '%s' is not the one of this certificate, nobody can use the two; %s.",
	    key_path, scanner_remedy(f->role));
}

int
scanner_check_key(struct scanner *s, const struct scanner_file *f, const char *key_path)
{
	char *data = NULL;
	size_t size = 0;
	int r;

	r = read_noted(s, key_path, f->role, &data, &size);
	if (r <= 0)
		return r;
	if (size == 0)
		r = scanner_report(s, CERTSCAN_EMPTY, key_path,
		    "The key is empty, as after a power cut or with a full disk; %s.",
		    scanner_remedy(f->role));
	else
		r = scanner_compare_key(s, f, key_path, data, size);
	explicit_bzero(data, size);
	free(data);
	return r;
}

void
scanner_done(struct scanner *s)
{
	for (size_t i = 0; i < s->n_files; i++) {
		free(s->files[i].path);
		certfile_free(s->files[i].file);
	}
	free(s->files);
	s->files = NULL;
	s->n_files = 0;
}
