/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "capture/certs/certfile.h"
#include "capture/certs/scanner.h"
#include "capture/certs/tree.h"
#include "capture/pathglob.h"
#include "capture/rootdir.h"
#include "lib/text.h"

#define BUNDLES	 TREE_CERTS_DIR "/ca-bundle/"
#define TOKEN_CA BUNDLES "service-account-token-ca.crt"
#define SERVICE_NETWORK_SERVING                                                                \
 "kube-apiserver-service-network-signer/"                                                      \
 "kube-apiserver-service-network-serving/server.crt"
#define BUNDLES_LIMIT 2

/* The signers below the directory, and the bundles that hold them; where there is none, who
 * trusts the signer has its ca.crt itself. */
static const struct {
	const char *dir;
	const char *bundles[BUNDLES_LIMIT];
} signers[] = {
	{ "admin-kubeconfig-signer", { TREE_CLIENT_CA, TREE_KUBELET_CA } },
	{ "aggregator-signer", { NULL } },
	{ "etcd-signer", { NULL } },
	{ "ingress-ca", { NULL } },
	{ "kube-apiserver-external-signer", { NULL } },
	{ "kube-apiserver-localhost-signer", { TOKEN_CA } },
	{ "kube-apiserver-service-network-signer", { TOKEN_CA } },
	{ "kube-apiserver-to-kubelet-client-signer", { TREE_CLIENT_CA, TREE_KUBELET_CA } },
	{ "kube-control-plane-signer", { TREE_CLIENT_CA, TREE_KUBELET_CA } },
	{ "kubelet-csr-signer-signer", { TREE_CLIENT_CA, TREE_KUBELET_CA } },
	{ "kubelet-csr-signer-signer/csr-signer", { TREE_CLIENT_CA, TREE_KUBELET_CA } },
	{ "service-ca", { NULL } },
};

/* Without these MicroShift does not work. Versions may have more of them. */
static const char *const needed[] = {
	"admin-kubeconfig-signer/admin-kubeconfig-client/client.crt",
	"aggregator-signer/aggregator-client/client.crt",
	"ca-bundle/client-ca.crt",
	"ca-bundle/kubelet-ca.crt",
	"ca-bundle/service-account-token-ca.crt",
	"etcd-signer/apiserver-etcd-client/client.crt",
	"etcd-signer/etcd-peer/peer.crt",
	"etcd-signer/etcd-serving/peer.crt",
	"ingress-ca/router-default-serving/server.crt",
	"kube-apiserver-external-signer/kube-external-serving/server.crt",
	"kube-apiserver-localhost-signer/kube-apiserver-localhost-serving/server.crt",
	SERVICE_NETWORK_SERVING,
	"kube-apiserver-to-kubelet-client-signer/kube-apiserver-to-kubelet-client/client.crt",
	"kube-control-plane-signer/cluster-policy-controller/client.crt",
	"kube-control-plane-signer/kube-controller-manager/client.crt",
	"kube-control-plane-signer/kube-scheduler/client.crt",
	"kube-control-plane-signer/route-controller-manager/client.crt",
	"kubelet-csr-signer-signer/csr-signer/kubelet-client/client.crt",
	"kubelet-csr-signer-signer/csr-signer/kubelet-server/server.crt",
	"service-ca/route-controller-manager-serving/server.crt",
};

/* What a file is for, by its name. */
static enum certscan_role
role_of(const char *path)
{
	static const struct {
		const char *name;
		enum certscan_role role;
	} roles[] = {
		{ "/ca.crt", CERTSCAN_CA },
		{ "/client.crt", CERTSCAN_CLIENT },
		{ "/peer.crt", CERTSCAN_PEER },
		{ "/server.crt", CERTSCAN_SERVING },
	};
	const char *name = strrchr(path, '/');

	for (size_t i = 0; i < ELEMENTSOF(roles); i++)
		if (streq(name, roles[i].name))
			return roles[i].role;
	return CERTSCAN_BUNDLE;
}

static int
on_entry(const struct pathglob_entry *entry, void *userdata)
{
	struct scanner *s = userdata;
	const struct scanner_file *f;
	int r;

	if (text_has_suffix(entry->name, ".crt")) {
		r = scanner_load(s, entry->path, role_of(entry->path), &f);
	} else if (entry->type == PATHGLOB_DIR) {
		_cleanup_close_ int fd =
		    openat(entry->dir_fd, entry->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = scanner_note(s, entry->path);
		if (r >= 0 && fd < 0)
			r = scanner_report(s, CERTSCAN_UNREADABLE, entry->path,
			    "The directory cannot be read: %s; it belongs to root, mode 0700 "
			    "or 0755.",
			    strerror(errno));
	} else {
		return 0;
	}
	return r < 0 ? r : 0;
}

/* The same directory's file NAME, or that of UP directories above; NULL when out of memory. */
static char *
beside(const char *path, unsigned up, const char *name)
{
	size_t length = strlen(path);

	for (unsigned i = 0; i <= up; i++)
		while (length > 0 && path[--length] != '/')
			;
	return text_format("%.*s/%s", (int)length, path, name);
}

/* "…/client.key" for "…/client.crt". */
static char *
key_path_of(const char *path)
{
	return text_format("%.*s.key", (int)(strlen(path) - strlen(".crt")), path);
}

/* The first bundle that holds the signers of PATH's topmost directory, else the signer there.
 */
static char *
truster_of(const char *path)
{
	const char *relative = path + strlen(TREE_CERTS_DIR "/");
	size_t length = strcspn(relative, "/");

	for (size_t i = 0; i < ELEMENTSOF(signers); i++)
		if (strlen(signers[i].dir) == length &&
		    strncmp(signers[i].dir, relative, length) == 0 && signers[i].bundles[0])
			return strdup(signers[i].bundles[0]);
	return text_format(TREE_CERTS_DIR "/%.*s/ca.crt", (int)length, relative);
}

/* Whether who has to trust F does; CA (NULL = F signs itself) is its signer. What a bundle
 * lacks is reported for the bundle, see check_bundles(). */
static int
check_trust(struct scanner *s, const struct scanner_file *f, const struct scanner_file *ca)
{
	struct certscan_certificate *c = scanner_certificate(s, f);
	const struct scanner_file *truster;
	const char *reason = NULL;
	int r;

	c->trusted_by = truster_of(f->path);
	if (!c->trusted_by)
		return -ENOMEM;
	truster = scanner_find(s, c->trusted_by);
	if (!truster || truster == f)
		return 0;
	r = certfile_leads_to(f->file, truster->file, ca ? ca->file : NULL, &reason);
	if (r < 0)
		return r;
	c->is_trusted = r > 0 ? CERTSCAN_YES : CERTSCAN_NO;
	if (r > 0 || !ca || certfile_leads_to(ca->file, truster->file, NULL, &reason) == 0)
		return 0;
	return scanner_report(s, CERTSCAN_UNTRUSTED, f->path, "'%s' does not trust it: %s; %s.",
	    truster->path, reason, scanner_remedy(f->role));
}

/* Whether the signer in the directory above signed F. Returns 1, 0 when not and that is
 * reported, or when there is none; a negative errno. */
static int
check_signer(
    struct scanner *s, const struct scanner_file *f, const struct scanner_file **ret_ca)
{
	_cleanup_free_ char *path = beside(f->path, 1, "ca.crt");
	const struct scanner_file *ca;

	if (!path)
		return -ENOMEM;
	ca = scanner_find(s, path);
	if (!ca)
		return 0;
	*ret_ca = ca;
	if (certfile_is_signed_by(f->file, ca->file))
		return 1;
	scanner_certificate(s, f)->is_trusted = CERTSCAN_NO;
	if (certfile_names_issuer(f->file, ca->file))
		return scanner_report(s, CERTSCAN_CA_REPLACED, f->path,
		    "Its authority '%s' was made anew; it is still from the old one, whom nobody "
		    "trusts any more; %s.",
		    path, scanner_remedy(f->role));
	return scanner_report(s, CERTSCAN_UNTRUSTED, f->path,
	    "It was not signed by its authority '%s' but by '%s', whom nobody trusts; %s.",
	    path, scanner_certificate(s, f)->issuer, scanner_remedy(f->role));
}

static bool
is_topmost(const char *path)
{
	return strchr(strchr(path + strlen(TREE_CERTS_DIR "/"), '/') + 1, '/') == NULL;
}

static int
check_file(struct scanner *s, const struct scanner_file *f)
{
	_cleanup_free_ char *key_path = key_path_of(f->path);
	const struct scanner_file *ca = NULL;
	int r;

	r = key_path ? scanner_check_key(s, f, key_path) : -ENOMEM;
	if (r < 0 || (f->role == CERTSCAN_CA && is_topmost(f->path)))
		return r < 0 ? r : check_trust(s, f, NULL);
	r = check_signer(s, f, &ca);
	return r <= 0 ? r : check_trust(s, f, ca);
}

/* Whether each bundle holds the signers that it has to. */
static int
check_bundles(struct scanner *s)
{
	for (size_t i = 0; i < BUNDLES_LIMIT * ELEMENTSOF(signers); i++) {
		const char *dir = signers[i / BUNDLES_LIMIT].dir;
		const char *path = signers[i / BUNDLES_LIMIT].bundles[i % BUNDLES_LIMIT];
		_cleanup_free_ char *ca_path = text_format(TREE_CERTS_DIR "/%s/ca.crt", dir);
		const struct scanner_file *bundle, *ca;
		const char *reason;
		int r;

		if (!ca_path)
			return -ENOMEM;
		bundle = path ? scanner_find(s, path) : NULL;
		ca = scanner_find(s, ca_path);
		if (!bundle || !ca)
			continue;
		r = certfile_leads_to(ca->file, bundle->file, NULL, &reason);
		if (r == 0)
			r = scanner_report(s, CERTSCAN_UNTRUSTED, path,
			    "The authority '%s' is not in this bundle: whatever it signed is "
			    "refused; %s.",
			    ca_path, scanner_remedy(CERTSCAN_BUNDLE));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Reports the file RELATIVE unless it was looked at: then what is wrong was said. */
static int
check_needed(struct scanner *s, const char *relative)
{
	_cleanup_free_ char *path = text_format(TREE_CERTS_DIR "/%s", relative);
	const struct scanner_file *f;
	int r;

	if (!path)
		return -ENOMEM;
	for (size_t i = 0; i < s->scan->n_files; i++)
		if (streq(s->scan->files[i].path, path))
			return 0;
	r = scanner_load(s, path, role_of(path), &f);
	return r < 0 ? r : 0;
}

static int
check_all_needed(struct scanner *s)
{
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(signers) && r == 0; i++) {
		_cleanup_free_ char *relative = text_format("%s/ca.crt", signers[i].dir);

		r = relative ? check_needed(s, relative) : -ENOMEM;
	}
	for (size_t i = 0; i < ELEMENTSOF(needed) && r == 0; i++)
		r = check_needed(s, needed[i]);
	return r;
}

int
tree_scan(struct scanner *s)
{
	struct pathglob_walk walk = {
		.root_fd = s->root_fd,
		.with_directories = true,
		.on_entry = on_entry,
		.userdata = s,
	};
	size_t n;
	int r;

	if (!rootdir_exists(s->root_fd, TREE_CERTS_DIR))
		return scanner_note(s, TREE_CERTS_DIR);
	r = pathglob_walk(&walk, TREE_CERTS_DIR);
	n = s->n_files;
	if (r < 0 || n == 0)
		return r;
	for (size_t i = 0; i < n && r >= 0; i++)
		if (s->files[i].role != CERTSCAN_BUNDLE)
			r = check_file(s, &s->files[i]);
	if (r >= 0)
		r = check_bundles(s);
	return r < 0 ? r : check_all_needed(s);
}
