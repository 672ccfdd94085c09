/* SPDX-License-Identifier: Apache-2.0 */

#include "capture/kube/layout.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/text.h"

/* "~" and 16 hexadecimal digits. */
#define HASH_BYTES 17u

/* A path as it grows. */
struct path {
	char text[KUBE_LAYOUT_PATH_BYTES];
	size_t len;
	int error; /* 0, 1 when a component was cut, or negative errno; the first error stays */
};

/* FNV-1a with 64 bits: two long names of a cluster meet once in 10^12 clusters. */
static uint64_t
hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

static bool
is_component(const char *s)
{
	if (is_empty(s) || streq(s, ".") || streq(s, ".."))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '/')
			return false;
	return true;
}

static void
put(struct path *p, const char *text, size_t len)
{
	if (p->error < 0)
		return;
	if (len >= sizeof(p->text) - p->len) {
		p->error = -ENAMETOOLONG;
		return;
	}
	memcpy(p->text + p->len, text, len);
	p->len += len;
	p->text[p->len] = '\0';
}

/* Appends the component NAME and SUFFIX, with a slash in front unless it is the first. */
static void
add(struct path *p, const char *name, const char *suffix)
{
	size_t suffix_len = strlen(suffix);
	char digits[HASH_BYTES + 1];
	size_t len;

	if (p->error >= 0 && !is_component(name))
		p->error = -EINVAL;
	if (p->error < 0)
		return;
	if (p->len > 0)
		put(p, "/", 1);
	len = strlen(name);
	if (len + suffix_len <= KUBE_LAYOUT_NAME_MAX) {
		put(p, name, len);
		put(p, suffix, suffix_len);
		return;
	}
	/* Not in the middle of a character. */
	len = KUBE_LAYOUT_NAME_MAX - suffix_len - HASH_BYTES;
	while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
		len--;
	(void)snprintf(digits, sizeof(digits), "~%016llx", (unsigned long long)hash(name));
	put(p, name, len);
	put(p, digits, HASH_BYTES);
	put(p, suffix, suffix_len);
	if (p->error == 0)
		p->error = 1;
}

static int
path_done(const struct path *p, char **ret)
{
	char *copy;

	if (p->error < 0)
		return p->error;
	copy = strdup(p->text);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return p->error;
}

/* "namespaces/NS/GROUP" or "cluster-scoped-resources/GROUP" */
static void
add_group(struct path *p, const char *ns, const char *group)
{
	add(p, ns ? "namespaces" : "cluster-scoped-resources", "");
	if (ns)
		add(p, ns, "");
	add(p, is_empty(group) ? "core" : group, "");
}

int
kube_layout_list(const char *ns, const char *group, const char *plural, char **ret)
{
	struct path p = { .len = 0 };

	add_group(&p, ns, group);
	add(&p, plural, ".yaml");
	return path_done(&p, ret);
}

int
kube_layout_object(
    const char *ns, const char *group, const char *plural, const char *name, char **ret)
{
	struct path p = { .len = 0 };

	add_group(&p, ns, group);
	add(&p, plural, "");
	add(&p, name, ".yaml");
	return path_done(&p, ret);
}

int
kube_layout_namespace(const char *ns, char **ret)
{
	struct path p = { .len = 0 };

	add(&p, "namespaces", "");
	add(&p, ns, "");
	add(&p, ns, ".yaml");
	return path_done(&p, ret);
}

/* "namespaces/NS/pods/POD" */
static void
add_pod(struct path *p, const char *ns, const char *pod)
{
	add(p, "namespaces", "");
	add(p, ns, "");
	add(p, "pods", "");
	add(p, pod, "");
}

int
kube_layout_pod(const char *ns, const char *pod, char **ret)
{
	struct path p = { .len = 0 };

	add_pod(&p, ns, pod);
	add(&p, pod, ".yaml");
	return path_done(&p, ret);
}

/* "namespaces/NS/pods/POD/C/C/logs" */
static void
add_logs(struct path *p, const char *ns, const char *pod, const char *container)
{
	add_pod(p, ns, pod);
	add(p, container, "");
	add(p, container, "");
	add(p, "logs", "");
}

int
kube_layout_log(
    const char *ns, const char *pod, const char *container, enum kube_log which, char **ret)
{
	static const char *const names[_KUBE_LOG_COUNT] = {
		[KUBE_LOG_CURRENT] = "current",
		[KUBE_LOG_PREVIOUS] = "previous",
		[KUBE_LOG_CURRENT_INSECURE] = "current.insecure",
		[KUBE_LOG_PREVIOUS_INSECURE] = "previous.insecure",
	};
	struct path p = { .len = 0 };

	add_logs(&p, ns, pod, container);
	add(&p, names[which], ".log");
	return path_done(&p, ret);
}

int
kube_layout_rotated_log(
    const char *ns, const char *pod, const char *container, const char *name, char **ret)
{
	struct path p = { .len = 0 };

	add_logs(&p, ns, pod, container);
	add(&p, "rotated", "");
	add(&p, name, "");
	return path_done(&p, ret);
}
