/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/certs/certfile.h"
#include "capture/certs/certscan.h"
#include "capture/certs/judge.h"
#include "capture/certs/outside.h"
#include "capture/certs/scanner.h"
#include "capture/certs/tree.h"
#include "capture/rootdir.h"
#include "lib/fault.h"
#include "lib/text.h"

static const char *const class_names[_CERTSCAN_CLASS_COUNT] = {
	[CERTSCAN_EXPIRED] = "expired",
	[CERTSCAN_NOT_YET_VALID] = "not-yet-valid",
	[CERTSCAN_EXPIRING] = "expiring",
	[CERTSCAN_ROTATION_OVERDUE] = "rotation-overdue",
	[CERTSCAN_KEY_MISMATCH] = "key-mismatch",
	[CERTSCAN_UNTRUSTED] = "untrusted",
	[CERTSCAN_CA_REPLACED] = "ca-replaced",
	[CERTSCAN_WRONG_NAME] = "wrong-name",
	[CERTSCAN_EMPTY] = "empty",
	[CERTSCAN_EMPTY_BUNDLE] = "empty-bundle",
	[CERTSCAN_UNPARSABLE] = "unparsable",
	[CERTSCAN_UNREADABLE] = "unreadable",
	[CERTSCAN_MISSING] = "missing",
	[CERTSCAN_CLOCK] = "clock",
};

static const char *const role_names[_CERTSCAN_ROLE_COUNT] = {
	[CERTSCAN_CA] = "ca",
	[CERTSCAN_CLIENT] = "client",
	[CERTSCAN_SERVING] = "serving",
	[CERTSCAN_PEER] = "peer",
	[CERTSCAN_BUNDLE] = "bundle",
	[CERTSCAN_CHAIN] = "chain",
	[CERTSCAN_KUBECONFIG] = "kubeconfig",
	[CERTSCAN_KUBECONFIG_CA] = "kubeconfig-ca",
	[CERTSCAN_USER] = "user",
	[CERTSCAN_CRIO] = "crio",
	[CERTSCAN_KUBELET] = "kubelet",
};

const char *
certscan_class_name(enum certscan_class c)
{
	return class_names[c];
}

const char *
certscan_severity_name(enum certscan_severity s)
{
	return s == CERTSCAN_ERROR ? "error" : "warning";
}

const char *
certscan_role_name(enum certscan_role r)
{
	return role_names[r];
}

static enum certscan_severity severity_of(enum certscan_class class)
{
	return class == CERTSCAN_EXPIRING || class == CERTSCAN_ROTATION_OVERDUE
	    ? CERTSCAN_WARNING
	    : CERTSCAN_ERROR;
}

static bool
was_said(const struct certscan *s, const struct certscan_finding *f)
{
	for (size_t i = 0; i < s->n_findings; i++)
		if (s->findings[i].class == f->class && streq(s->findings[i].path, f->path) &&
		    streq(s->findings[i].text, f->text))
			return true;
	return false;
}

int
certscan_report(
    struct certscan *s, const struct certscan_finding *f, const char *format, va_list ap)
{
	_cleanup_free_ char *path = strdup(f->path);
	_cleanup_free_ char *text = NULL;
	struct certscan_finding new = *f, *grown;

	if (vasprintf(&text, format, ap) < 0 || !path)
		return -ENOMEM;
	new.severity = severity_of(f->class);
	new.path = path;
	new.text = text;
	if (was_said(s, &new))
		return 0;
	grown = reallocarray(s->findings, s->n_findings + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->findings = grown;
	s->findings[s->n_findings++] = new;
	(void)TAKE_PTR(path);
	(void)TAKE_PTR(text);
	return 0;
}

/* One number for all authorities that live for ten years. */
static int
digest_signers(struct certscan *s)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	bool any = false;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_certificates; i++) {
		const struct certscan_certificate *c = &s->certificates[i];

		if (c->role != CERTSCAN_CA || c->is_short_lived)
			continue;
		any = true;
		(void)fprintf(f, "%s %s\n", c->path, c->sha256);
	}
	if (fclose(f) != 0)
		return -ENOMEM;
	if (any)
		certfile_digest(text, size, s->signers_sha256);
	return 0;
}

static int
read_all(struct certscan *s, int root_fd)
{
	static int (*const parts[])(struct scanner *) = { tree_scan, outside_scan_kubeconfigs,
		outside_scan_configuration, outside_scan_kubelet, outside_scan_crio };
	struct scanner scanner = { .scan = s, .root_fd = root_fd };
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(parts) && r >= 0; i++)
		r = parts[i](&scanner);
	if (r == -E2BIG)
		r = scanner_report(&scanner, CERTSCAN_UNREADABLE, TREE_CERTS_DIR,
		    "There are more files or certificates than on any real system; what was "
		    "found until then is listed.");
	scanner_done(&scanner);
	return r < 0 ? r : digest_signers(s);
}

/* True if every file that S has looked at is as it was. */
static bool
is_unchanged(const struct certscan *s, int root_fd)
{
	bool same = s->n_files > 0;

	for (size_t i = 0; i < s->n_files && same; i++) {
		_cleanup_free_ char *stamp = NULL;

		same = scanner_stamp(root_fd, s->files[i].path, &stamp) == 0 &&
		    streq(stamp, s->files[i].stamp);
	}
	return same;
}

static int
read_anew(int root_fd, struct certscan **ret)
{
	_cleanup_(certscan_freep) struct certscan *s = calloc(1, sizeof(*s));
	int r;

	if (!s || !(s->node_name = strdup("")) || !(s->node_ip = strdup("")))
		return -ENOMEM;
	s->was_read = true;
	s->api_port = CERTSCAN_API_PORT;
	r = read_all(s, root_fd);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int
certscan_run(const struct certscan_options *options, struct certscan *previous,
    struct certscan **ret, struct fault *reterr)
{
	_cleanup_(certscan_freep) struct certscan *s = previous;
	_cleanup_close_ int root_fd = rootdir_open(options->root);
	int r = 0;

	if (root_fd < 0)
		return fault_set(reterr, root_fd, "Cannot look at certificates: %m");
	if (s && is_unchanged(s, root_fd)) {
		s->was_read = false;
	} else {
		certscan_free(TAKE_PTR(s));
		r = read_anew(root_fd, &s);
	}
	if (r == 0)
		r = judge(s, options);
	if (r < 0)
		return fault_set(reterr, r, "Cannot look at certificates: %m");
	*ret = TAKE_PTR(s);
	return 0;
}

static bool
is_reachable(const struct sockaddr *a)
{
	const struct sockaddr_in6 *six = (const void *)a;
	const struct sockaddr_in *four = (const void *)a;

	if (a && a->sa_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 != 127 &&
		    ntohl(four->sin_addr.s_addr) >> 16 != 0xa9fe;
	return a && a->sa_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) &&
	    !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr);
}

int
certscan_host_addresses(char ***ret)
{
	_cleanup_(strv_freep) char **list = NULL;
	struct ifaddrs *all = NULL;
	char text[NI_MAXHOST];
	int r = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i && r == 0; i = i->ifa_next) {
		socklen_t size = i->ifa_addr && i->ifa_addr->sa_family == AF_INET6
		    ? sizeof(struct sockaddr_in6)
		    : sizeof(struct sockaddr_in);

		if (is_reachable(i->ifa_addr) &&
		    getnameinfo(
			i->ifa_addr, size, text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
			r = strv_append(&list, text);
	}
	freeifaddrs(all);
	if (r == 0)
		*ret = TAKE_PTR(list);
	return r;
}

void
certscan_certificate_done(struct certscan_certificate *c)
{
	free(c->path);
	free(c->subject);
	free(c->issuer);
	free(c->serial);
	strv_free(c->names);
	free(c->key_type);
	free(c->trusted_by);
}

void
certscan_free(struct certscan *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_certificates; i++)
		certscan_certificate_done(&s->certificates[i]);
	free(s->certificates);
	for (size_t i = 0; i < s->n_findings; i++) {
		free(s->findings[i].path);
		free(s->findings[i].text);
	}
	free(s->findings);
	for (size_t i = 0; i < s->n_files; i++) {
		free(s->files[i].path);
		free(s->files[i].stamp);
	}
	free(s->files);
	free(s->node_name);
	free(s->node_ip);
	free(s->ingress_secret);
	free(s);
}
