/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>

#include "capture/collector.h"
#include "capture/kube/crilog.h"
#include "capture/kube/layout.h"
#include "capture/kube/logshare.h"
#include "capture/kube/namespaces.h"
#include "capture/kube/nodelogs.h"
#include "capture/kube/requestlog.h"
#include "capture/kube/run.h"
#include "capture/rootdir.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/settings.h"
#include "lib/text.h"

#define READ_BYTES     (64u * 1024u)
/* Of one container; the kubelet keeps 5. */
#define ROTATED_MAX    16u
/* Containers of all pods of a node; the kubelet's own limit is 250 pods. */
#define CONTAINERS_MAX 4096u

DEFINE_CLEANUP(struct archive *, archive_read_free);

static int
open_dir_at(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int
open_pods(const struct collector_context *ctx)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);

	return root_fd < 0 ? root_fd
			   : rootdir_openat(root_fd, NODELOGS_DIR, O_RDONLY | O_DIRECTORY);
}

bool
nodelogs_exist(const struct collector_context *ctx)
{
	_cleanup_close_ int fd = open_pods(ctx);

	return fd >= 0;
}

/* The names in DIR_FD that WANT takes, sorted as they come. The caller owns *ret. */
static int
list_names(int dir_fd, bool (*want)(const char *name), size_t max, char ***ret)
{
	_cleanup_(strv_freep) char **names = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *entry;
	size_t n = 0;
	int r;

	r = io_opendir(dir_fd, ".", &dir);
	if (r < 0)
		return r;
	while ((entry = readdir(dir)) && n < max) {
		if (entry->d_name[0] == '.' || !want(entry->d_name))
			continue;
		r = strv_append(&names, entry->d_name);
		if (r < 0)
			return r;
		n++;
	}
	*ret = TAKE_PTR(names);
	return 0;
}

static bool
is_any(const char *name)
{
	(void)name;
	return true;
}

/* "3.log": *RET_NUMBER is 3. */
static bool
read_number(const char *name, unsigned *ret_number)
{
	char tail[8];
	char end;

	return sscanf(name, "%9u%7s%c", ret_number, tail, &end) == 2 && streq(tail, ".log");
}

static bool
is_rotated(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return n > 0 && text_has_prefix(name + n, ".log.") && !text_has_suffix(name, ".tmp");
}

/* The newest log of a container, or the one before it. Returns 0 or -ENOENT. */
static int
find_log(int dir_fd, bool previous, char *buf, size_t size)
{
	_cleanup_(strv_freep) char **names = NULL;
	bool has_best = false, has_second = false;
	unsigned best = 0, second = 0;
	int r;

	r = list_names(dir_fd, is_any, CONTAINERS_MAX, &names);
	if (r < 0)
		return r;
	for (char **name = names; name && *name; name++) {
		unsigned n;

		if (!read_number(*name, &n))
			continue;
		if (!has_best || n > best) {
			has_second = has_best;
			second = best;
			has_best = true;
			best = n;
		} else if (!has_second || n > second) {
			has_second = true;
			second = n;
		}
	}
	if (!(previous ? has_second : has_best))
		return -ENOENT;
	(void)snprintf(buf, size, "%u.log", previous ? second : best);
	return 0;
}

/* Reads a file, plain or gzip, through the conversion into a member. */
struct copy {
	struct kube_run *run;
	struct bundle_member *member; /* owned */
	uint64_t bytes;
};

static int
on_text(const void *data, size_t size, void *userdata)
{
	struct copy *c = userdata;

	c->bytes += size;
	return bundle_member_write(c->member, data, size);
}

static int
check_time(const struct copy *c)
{
	return collector_must_stop(c->run->ctx) ? -ETIME : 0;
}

static int
copy_plain(struct copy *c, int fd, uint64_t max_bytes)
{
	_cleanup_free_ char *buf = malloc(READ_BYTES);
	struct crilog cri;
	struct stat st;
	uint64_t left;
	int r = 0;

	if (!buf)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	left = (uint64_t)st.st_size;
	/* The text is a little shorter than the file; the member keeps its tail. */
	if (left > max_bytes) {
		if (lseek(fd, (off_t)(left - max_bytes), SEEK_SET) < 0)
			return -errno;
		left = max_bytes;
	}
	crilog_init(&cri, on_text, c);
	while (left > 0 && r >= 0) {
		ssize_t n = read(fd, buf, left < READ_BYTES ? (size_t)left : READ_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		left -= (uint64_t)n;
		r = crilog_feed(&cri, buf, (size_t)n);
		if (r >= 0)
			r = check_time(c);
	}
	return r < 0 ? r : crilog_finish(&cri);
}

static int
copy_gzip(struct copy *c, int fd)
{
	_cleanup_(archive_read_freep) struct archive *a = archive_read_new();
	_cleanup_free_ char *buf = malloc(READ_BYTES);
	struct archive_entry *entry;
	struct crilog cri;
	int r = 0;

	if (!a || !buf)
		return -ENOMEM;
	if (archive_read_support_filter_gzip(a) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open_fd(a, fd, READ_BYTES) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return -EBADMSG;
	crilog_init(&cri, on_text, c);
	while (r >= 0) {
		la_ssize_t n = archive_read_data(a, buf, READ_BYTES);

		if (n < 0)
			return -EBADMSG;
		if (n == 0)
			return crilog_finish(&cri);
		r = crilog_feed(&cri, buf, (size_t)n);
		if (r >= 0)
			r = check_time(c);
	}
	return r;
}

/* Copies the file NAME of DIR_FD to PATH of the tree. */
static int
add_file(struct kube_run *run, int dir_fd, const char *name, const char *path,
    uint64_t max_bytes, uint64_t *ret_bytes)
{
	struct bundle_member_options options = {
		.max_bytes = max_bytes,
		.keep = BUNDLE_KEEP_TAIL,
	};
	struct copy c = { .run = run };
	_cleanup_close_ int fd = -EBADF;
	int error;
	int r;

	*ret_bytes = 0;
	if (max_bytes == 0)
		return -EDQUOT;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = kube_run_begin(run, path, &options, &c.member);
	if (r < 0)
		return r;
	error =
	    text_has_suffix(name, ".gz") ? copy_gzip(&c, fd) : copy_plain(&c, fd, max_bytes);
	if (error < 0 && c.bytes == 0) {
		bundle_member_abort(c.member);
		return error;
	}
	r = kube_run_end(run, c.member);
	*ret_bytes = c.bytes;
	return r < 0 ? r : error;
}

/* True when NAME is the directory NAMESPACE_POD_UID. */
static bool
is_pod(const char *name, const char *namespace, const char *pod)
{
	size_t n = strlen(namespace);
	size_t m = strlen(pod);

	return strncmp(name, namespace, n) == 0 && name[n] == '_' &&
	    strncmp(name + n + 1, pod, m) == 0 && name[n + 1 + m] == '_';
}

/* Opens the directory of the container. A pod of that name may have been there before, under
 * another UID: the one written to last counts. */
static int
open_container(
    struct kube_run *run, const char *namespace, const char *pod, const char *container)
{
	_cleanup_(strv_freep) char **names = NULL;
	_cleanup_close_ int pods_fd = open_pods(run->ctx);
	_cleanup_close_ int best_fd = -EBADF;
	time_t best_time = 0;
	int r;

	if (pods_fd < 0)
		return pods_fd;
	if (strchr(container, '/') || container[0] == '.')
		return -ENOENT;
	r = list_names(pods_fd, is_any, CONTAINERS_MAX, &names);
	if (r < 0)
		return r;
	for (char **name = names; name && *name; name++) {
		_cleanup_close_ int pod_fd = -EBADF;
		_cleanup_close_ int fd = -EBADF;
		struct stat st;

		if (!is_pod(*name, namespace, pod))
			continue;
		pod_fd = open_dir_at(pods_fd, *name);
		fd = pod_fd < 0 ? pod_fd : open_dir_at(pod_fd, container);
		if (fd < 0 || fstat(fd, &st) < 0)
			continue;
		if (best_fd >= 0 && st.st_mtime < best_time)
			continue;
		best_time = st.st_mtime;
		(void)close_fd(best_fd);
		best_fd = TAKE_FD(fd);
	}
	return best_fd < 0 ? -ENOENT : TAKE_FD(best_fd);
}

int
nodelogs_add(struct kube_run *run, const char *path, const char *namespace, const char *pod,
    const char *container, bool previous, uint64_t max_bytes, uint64_t *ret_bytes)
{
	_cleanup_close_ int dir_fd = open_container(run, namespace, pod, container);
	char name[32];
	int r;

	*ret_bytes = 0;
	if (dir_fd < 0)
		return dir_fd;
	r = find_log(dir_fd, previous, name, sizeof(name));
	return r < 0 ? r : add_file(run, dir_fd, name, path, max_bytes, ret_bytes);
}

/* One container found in the directory. */
struct place {
	char *directory; /* owned: of the pod */
	char *namespace; /* owned */
	char *pod;	 /* owned */
	char *container; /* owned */
};

static void
place_done(struct place *p)
{
	free(p->directory);
	free(p->namespace);
	free(p->pod);
	free(p->container);
	*p = (struct place){ 0 };
}

struct places {
	struct place *items; /* owned */
	size_t n_items;
};

static void
places_done(struct places *p)
{
	for (size_t i = 0; i < p->n_items; i++)
		place_done(&p->items[i]);
	free(p->items);
}

static int
add_place(struct places *p, const char *directory, const char *container)
{
	const char *first = strchr(directory, '_');
	const char *second = first ? strchr(first + 1, '_') : NULL;
	struct place *items;
	struct place place = { 0 };

	if (!second)
		return 0;
	place.directory = strdup(directory);
	place.namespace = strndup(directory, (size_t)(first - directory));
	place.pod = strndup(first + 1, (size_t)(second - first - 1));
	place.container = strdup(container);
	items = reallocarray(p->items, p->n_items + 1, sizeof(*items));
	if (items)
		p->items = items;
	if (!items || !place.directory || !place.namespace || !place.pod || !place.container) {
		place_done(&place);
		return -ENOMEM;
	}
	p->items[p->n_items++] = place;
	return 0;
}

/* All containers of the namespaces that are wanted. */
static int
find_places(struct kube_run *run, int pods_fd, struct places *ret)
{
	_cleanup_(strv_freep) char **pods = NULL;
	int r;

	r = list_names(pods_fd, is_any, CONTAINERS_MAX, &pods);
	for (char **pod = pods; pod && *pod && r >= 0; pod++) {
		_cleanup_free_ char *namespace = strndup(*pod, strcspn(*pod, "_"));
		_cleanup_(strv_freep) char **containers = NULL;
		_cleanup_close_ int fd = -EBADF;

		if (!namespace)
			return -ENOMEM;
		if (!namespaces_wanted(run->ctx, namespace))
			continue;
		fd = open_dir_at(pods_fd, *pod);
		if (fd < 0 || list_names(fd, is_any, CONTAINERS_MAX, &containers) < 0)
			continue;
		for (char **c = containers; c && *c && r >= 0; c++)
			if (ret->n_items < CONTAINERS_MAX)
				r = add_place(ret, *pod, *c);
	}
	return r;
}

struct node {
	struct kube_run *run; /* borrowed */
	struct logshare share;
};

static void
log_file(const struct node *n, const struct place *p, const char *name, uint64_t bytes, int r)
{
	requestlog_note(n->run->namespace_log, "%s/%s/%s/%s in %s: %s, %llu bytes",
	    NODELOGS_DIR, p->directory, p->container, name, p->namespace,
	    r < 0 ? strerror(-r) : "ok, from this node instead of the API",
	    (unsigned long long)bytes);
	if (r < 0)
		kube_run_problem(n->run, r, "%s/%s/%s/%s: %s", NODELOGS_DIR, p->directory,
		    p->container, name, strerror(-r));
}

static void
add_place_file(
    struct node *n, const struct place *p, int dir_fd, const char *name, const char *path)
{
	uint64_t share = logshare_take(&n->share);
	uint64_t bytes;
	int r;

	if (kube_run_has(n->run, path))
		r = -EEXIST;
	else
		r = add_file(n->run, dir_fd, name, path, share, &bytes);
	if (r == -EEXIST)
		bytes = 0;
	logshare_return(&n->share, share, bytes);
	log_file(n, p, name, bytes, r);
}

static void
add_rotated(struct node *n, const struct place *p, int dir_fd)
{
	_cleanup_(strv_freep) char **names = NULL;

	if (list_names(dir_fd, is_rotated, ROTATED_MAX, &names) < 0)
		return;
	for (char **name = names; name && *name; name++) {
		_cleanup_free_ char *plain = strdup(*name);
		_cleanup_free_ char *path = NULL;

		/* It is stored as text, so that what is secret in it can be found. */
		if (plain && text_has_suffix(plain, ".gz"))
			plain[strlen(plain) - strlen(".gz")] = '\0';
		if (!plain ||
		    kube_layout_rotated_log(p->namespace, p->pod, p->container, plain, &path) <
			0)
			continue;
		logshare_add(&n->share);
		add_place_file(n, p, dir_fd, *name, path);
	}
}

static void
add_container(struct node *n, int pods_fd, const struct place *p)
{
	_cleanup_close_ int pod_fd = open_dir_at(pods_fd, p->directory);
	_cleanup_close_ int dir_fd = pod_fd < 0 ? pod_fd : open_dir_at(pod_fd, p->container);

	if (dir_fd < 0)
		return;
	for (int previous = 0; previous < 2; previous++) {
		_cleanup_free_ char *path = NULL;
		char name[32];
		int r;

		r = find_log(dir_fd, previous, name, sizeof(name));
		if (r >= 0)
			r = kube_layout_log(p->namespace, p->pod, p->container,
			    previous ? KUBE_LOG_PREVIOUS : KUBE_LOG_CURRENT, &path);
		if (r >= 0)
			add_place_file(n, p, dir_fd, name, path);
		else if (n->share.waiting > 0)
			/* Its share goes to the others. */
			n->share.waiting--;
	}
	add_rotated(n, p, dir_fd);
}

int
nodelogs_add_all(struct kube_run *run, uint64_t max_bytes)
{
	_cleanup_(places_done) struct places places = { 0 };
	_cleanup_close_ int pods_fd = open_pods(run->ctx);
	struct node node = { .run = run };
	int r;

	if (pods_fd < 0)
		return pods_fd;
	r = find_places(run, pods_fd, &places);
	if (r < 0)
		return r;
	if (max_bytes > run->ctx->settings->max_log_bytes)
		max_bytes = run->ctx->settings->max_log_bytes;
	logshare_init(&node.share, max_bytes, (uint64_t)places.n_items * 2);
	for (size_t i = 0; i < places.n_items; i++) {
		if (collector_must_stop(run->ctx)) {
			kube_run_problem(run, -ETIME,
			    "logs of %zu containers in %s are missing: the time was over",
			    places.n_items - i, NODELOGS_DIR);
			break;
		}
		add_container(&node, pods_fd, &places.items[i]);
	}
	return (int)places.n_items;
}
