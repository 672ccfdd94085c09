/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include "capture/cmdrun.h"
#include "capture/conditions.h"
#include "capture/pathglob.h"
#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/text.h"

/* `rpm -q NAME` takes milliseconds unless the database is locked or broken. */
#define RPM_TIMEOUT_USEC	 (3 * USEC_PER_SEC)
/* The OCI configuration of a container with many mounts is about 50 KiB. */
#define CONTAINER_CONF_MAX_BYTES (1024u * 1024u)

/* Where systemd looks for units, all of them: whether a unit exists does not depend on the
 * order. */
static const char *const unit_dirs[] = {
	"/etc/systemd/system",
	"/run/systemd/system",
	"/run/systemd/transient",
	"/run/systemd/generator",
	"/run/systemd/generator.early",
	"/run/systemd/generator.late",
	"/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",
	"/lib/systemd/system",
};

/* The OCI configuration of each running container: CRI-O (and podman), and containerd. */
static const char *const container_confs[] = {
	"/run/containers/storage/overlay-containers/*/userdata/config.json",
	"/run/containerd/io.containerd.runtime.v2.task/k8s.io/*/config.json",
};

/* The annotations in it that hold the name of the container in its pod. */
static const char *const name_annotations[] = {
	"io.kubernetes.container.name",
	"io.kubernetes.cri.container-name",
};

/* Looking conditions up. */
struct look {
	const struct conditions_context *ctx; /* borrowed */
	bool rpm_hangs;
	bool is_denied; /* something may be there that we have no right to see */
};

static int
on_found(const struct pathglob_entry *entry, void *userdata)
{
	const struct conditions_context *ctx = userdata;

	/* A link that leads nowhere is nothing. */
	return entry->type != PATHGLOB_SYMLINK || rootdir_exists(ctx->root_fd, entry->path);
}

static bool
path_exists(struct look *look, const char *pattern)
{
	struct pathglob_walk walk = {
		.root_fd = look->ctx->root_fd,
		.with_directories = true,
		.on_entry = on_found,
		.userdata = (void *)look->ctx,
	};
	int r = pathglob_walk(&walk, pattern);

	look->is_denied |= walk.is_denied;
	return r > 0;
}

/* Whether DIRECTORY holds NAME as more than a mask (empty, or a link to /dev/null). */
static bool
is_unit_file(int root_fd, const char *directory, const char *name)
{
	_cleanup_free_ char *path = text_format("%s/%s", directory, name);
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (!path)
		return false;
	fd = rootdir_openat(root_fd, path, O_PATH);
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static bool
unit_file_exists(int root_fd, const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(unit_dirs); i++) {
		_cleanup_free_ char *path = text_format("%s/%s", unit_dirs[i], name);

		if (is_unit_file(root_fd, unit_dirs[i], name))
			return true;
		/* The first directory that has the name decides: a mask hides the rest. */
		if (path && rootdir_exists(root_fd, path))
			return false;
	}
	return false;
}

bool
conditions_unit_exists(int root_fd, const char *unit)
{
	const char *suffix = strchr(unit, '.') ? "" : ".service";
	_cleanup_free_ char *name = text_format("%s%s", unit, suffix);
	_cleanup_free_ char *template = NULL;
	const char *at = strchr(unit, '@');

	if (!name || strchr(unit, '/'))
		return false;
	if (unit_file_exists(root_fd, name))
		return true;
	if (!at)
		return false;
	template = text_format("%.*s%s", (int)(at - unit) + 1, name, strrchr(name, '.'));
	return template && unit_file_exists(root_fd, template);
}

static bool
unit_exists(struct look *look, const char *unit)
{
	return conditions_unit_exists(look->ctx->root_fd, unit);
}

static bool
dpkg_has(struct look *look, const char *package)
{
	_cleanup_free_ char *plain = text_format("/var/lib/dpkg/info/%s.list", package);
	_cleanup_free_ char *with_arch = text_format("/var/lib/dpkg/info/%s:*.list", package);

	return plain && with_arch &&
	    (rootdir_exists(look->ctx->root_fd, plain) || path_exists(look, with_arch));
}

static bool
rpm_has(struct look *look, const char *package)
{
	const struct conditions_context *ctx = look->ctx;
	char *argv[] = { (char *)"rpm", (char *)"-q", (char *)"--quiet", (char *)package,
		NULL };
	struct cmdrun_spec spec = {
		.argv = argv,
		.deadline_usec = clock_monotonic_usec() + RPM_TIMEOUT_USEC,
		.end_usec = ctx->end_usec,
		.drop_stderr = true,
	};
	struct cmdrun_result result;

	if (!rootdir_exists(ctx->root_fd, "/var/lib/rpm") &&
	    !rootdir_exists(ctx->root_fd, "/usr/lib/sysimage/rpm"))
		return false;
	/* A lock that a dead process left makes it wait for ever, and all after it. */
	if (ctx->rpm_hangs && *ctx->rpm_hangs) {
		look->rpm_hangs = true;
		return false;
	}
	if (ctx->deadline_usec < spec.deadline_usec)
		spec.deadline_usec = ctx->deadline_usec;
	if (cmdrun(&spec, &result, NULL) < 0)
		return false;
	look->rpm_hangs = result.timed_out;
	if (ctx->rpm_hangs)
		*ctx->rpm_hangs |= result.timed_out;
	return result.exit_status == 0;
}

static bool
package_exists(struct look *look, const char *package)
{
	/* Names of packages never begin with a dash or hold a slash: neither an option for rpm
	 * nor a way out of the directory. */
	if (package[0] == '-' || strchr(package, '/'))
		return false;
	return dpkg_has(look, package) || rpm_has(look, package);
}

static int
match_container(const struct pathglob_entry *entry, void *userdata)
{
	const char *pattern = userdata;
	_cleanup_json_ cJSON *config = NULL;
	_cleanup_free_ char *text = NULL;
	const cJSON *annotations;
	size_t size;

	if (entry->type != PATHGLOB_FILE ||
	    io_read_file(entry->dir_fd, entry->name, CONTAINER_CONF_MAX_BYTES, &text, &size) <
		0 ||
	    json_parse(text, size, &config, NULL) < 0)
		return 0;
	annotations = cJSON_GetObjectItemCaseSensitive(config, "annotations");
	for (size_t i = 0; i < ELEMENTSOF(name_annotations); i++) {
		const char *name;

		if (json_get_string(annotations, name_annotations[i], &name) > 0 &&
		    fnmatch(pattern, name, 0) == 0)
			return 1;
	}
	return 0;
}

static bool
container_runs(struct look *look, const char *pattern)
{
	struct pathglob_walk walk = {
		.root_fd = look->ctx->root_fd,
		.on_entry = match_container,
		.userdata = (void *)pattern,
	};
	bool runs = false;

	for (size_t i = 0; i < ELEMENTSOF(container_confs) && !runs; i++)
		runs = pathglob_walk(&walk, container_confs[i]) > 0;
	look->is_denied |= walk.is_denied;
	return runs;
}

typedef bool (*condition_fn)(struct look *look, const char *value);

/* Kinds of conditions; the names are the keys in the file. */
static const struct kind {
	const char *key;
	size_t offset;
	condition_fn holds;
} kinds[] = {
	{ "PathExists", offsetof(struct conditions, path_exists), path_exists },
	{ "UnitExists", offsetof(struct conditions, unit_exists), unit_exists },
	{ "Container", offsetof(struct conditions, container), container_runs },
	/* Last: the only one that may run a program. */
	{ "Package", offsetof(struct conditions, package), package_exists },
};

static char **
list_of(const struct conditions *c, const struct kind *kind)
{
	return *(char **const *)((const char *)c + kind->offset);
}

/* The word that must not hold but does, or NULL. */
static const char *
find_veto(const struct conditions *c, struct look *look, const struct kind *kind)
{
	for (char **word = list_of(c, kind); word && *word; word++)
		if (**word == '!' && kind->holds(look, *word + 1))
			return *word;
	return NULL;
}

static bool
one_holds(const struct conditions *c, struct look *look, const struct kind *kind,
    const char **example)
{
	for (char **word = list_of(c, kind); word && *word; word++) {
		if (**word == '!')
			continue;
		if (!*example)
			*example = *word;
		if (kind->holds(look, *word))
			return true;
	}
	return false;
}

bool
conditions_hold(
    const struct conditions *c, const struct conditions_context *ctx, struct fault *reterr)
{
	struct look look = { .ctx = ctx };
	const char *example = NULL;

	for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
		const char *veto = find_veto(c, &look, &kinds[i]);

		if (veto) {
			fault_set(reterr, -ENOENT, "%s=%s does not hold", kinds[i].key, veto);
			return false;
		}
	}
	for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
		if (one_holds(c, &look, &kinds[i], &example))
			return true;
	if (!example)
		return true;
	if (look.rpm_hangs)
		fault_set(reterr, -ETIME,
		    "nothing of its [Condition] is here, such as %s, but rpm does not answer",
		    example);
	else if (look.is_denied)
		fault_set(reterr, -EACCES,
		    "nothing of its [Condition] can be seen without root, such as %s", example);
	else
		fault_set(
		    reterr, -ENOENT, "nothing of its [Condition] is here, such as %s", example);
	return false;
}

void
conditions_done(struct conditions *c)
{
	for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
		strv_free(list_of(c, &kinds[i]));
	*c = (struct conditions){ 0 };
}
