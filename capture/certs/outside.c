/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "capture/certs/certfile.h"
#include "capture/certs/nodeconf.h"
#include "capture/certs/outside.h"
#include "capture/certs/scanner.h"
#include "capture/certs/tree.h"
#include "capture/kube/kubeconfig.h"
#include "capture/pathglob.h"
#include "capture/rootdir.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/text.h"

#define RESOURCES_DIR	 "/var/lib/microshift/resources"
#define KUBELET_CONFIG	 RESOURCES_DIR "/kubelet/config/config.yaml"
#define NODE_NAME_FILE	 "/var/lib/microshift/.nodename"
#define NODE_NAME_BYTES	 256u
#define CONFIG_FILE	 "/etc/microshift/config.yaml"
#define CONFIG_DIR	 "/etc/microshift/config.d"
#define CRIO_CONFIG_FILE "/etc/crio/crio.conf"
#define CRIO_CONFIG_DIR	 "/etc/crio/crio.conf.d"

/* What a walk over configuration files collects, and for whom. */
struct reading {
	struct scanner *s;
	const char *suffix; /* of the paths that are read, where a directory is walked */
	size_t max_bytes;
	int (*on_file)(struct reading *r, const char *path, const char *data, size_t size);
	struct nodeconf conf;
	struct nodeconf_tls tls;
};

/* Reads PATH, if it is there, for r->on_file(). */
static int
read_config(struct reading *r, const char *path)
{
	char *data = NULL;
	size_t size = 0;
	int n;

	n = scanner_note(r->s, path);
	if (n <= 0)
		return n;
	n = io_read_file(r->s->root_fd, path + 1, r->max_bytes, &data, &size);
	if (n < 0)
		return n == -ENOMEM
		    ? n
		    : scanner_report(r->s, CERTSCAN_UNREADABLE, path,
			  "It cannot be read: %s; see who may read it and what it is.",
			  strerror(-n));
	n = r->on_file(r, path, data, size);
	explicit_bzero(data, size);
	free(data);
	return n;
}

static int
on_entry(const struct pathglob_entry *entry, void *userdata)
{
	struct reading *r = userdata;
	int n = 0;

	if (entry->type == PATHGLOB_DIR)
		n = scanner_note(r->s, entry->path);
	else if (text_has_suffix(entry->path, r->suffix))
		n = read_config(r, entry->path);
	return n < 0 ? n : 0;
}

/* Reads what is in DIR, sorted. */
static int
walk(struct reading *r, const char *dir)
{
	struct pathglob_walk w = {
		.root_fd = r->s->root_fd,
		.with_directories = true,
		.on_entry = on_entry,
		.userdata = r,
	};

	if (!rootdir_exists(r->s->root_fd, dir))
		return scanner_note(r->s, dir);
	return pathglob_walk(&w, dir);
}

/* The signer in the tree that has the name of F's issuer; NULL = none. */
static const struct scanner_file *
find_namesake(const struct scanner *s, const struct certfile *f)
{
	for (size_t i = 0; i < s->n_files; i++)
		if (s->files[i].role == CERTSCAN_CA &&
		    certfile_names_issuer(f, s->files[i].file))
			return &s->files[i];
	return NULL;
}

/* Whether the API takes the client. */
static int
check_client(struct scanner *s, const struct scanner_file *f)
{
	const struct scanner_file *bundle = scanner_find(s, TREE_CLIENT_CA), *signer;
	struct certscan_certificate *c = scanner_certificate(s, f);
	const char *reason;
	int r;

	if (!bundle)
		return 0;
	c->trusted_by = strdup(bundle->path);
	r = c->trusted_by ? certfile_leads_to(f->file, bundle->file, NULL, &reason) : -ENOMEM;
	if (r < 0)
		return r;
	c->is_trusted = r > 0 ? CERTSCAN_YES : CERTSCAN_NO;
	signer = find_namesake(s, f->file);
	/* That the bundle lacks the signer is said of the bundle. */
	if (r > 0 || (signer && certfile_is_signed_by(f->file, signer->file)))
		return 0;
	if (signer)
		return scanner_report(s, CERTSCAN_CA_REPLACED, f->path,
		    "The authority of its client certificate, '%s', was made anew; the API does "
		    "not take the old one; %s.",
		    signer->path, scanner_remedy(f->role));
	return scanner_report(s, CERTSCAN_UNTRUSTED, f->path,
	    "The API does not take its client certificate, '%s' does not trust it: %s; %s.",
	    bundle->path, reason, scanner_remedy(f->role));
}

/* Whether the authority it trusts is the one that is there now. */
static int
check_server_ca(struct scanner *s, const struct scanner_file *f)
{
	struct certscan_certificate *c = scanner_certificate(s, f);
	const struct scanner_file *signer = find_namesake(s, f->file);

	if (!signer)
		return 0;
	c->trusted_by = strdup(signer->path);
	if (!c->trusted_by)
		return -ENOMEM;
	if (streq(scanner_certificate(s, signer)->sha256, c->sha256)) {
		c->is_trusted = CERTSCAN_YES;
		return 0;
	}
	c->is_trusted = CERTSCAN_NO;
	return scanner_report(s, CERTSCAN_CA_REPLACED, f->path,
	    "The authority that it expects of the server, '%s', was made anew; it refuses the "
	    "server; %s.",
	    signer->path, scanner_remedy(f->role));
}

/* The client certificate in K, if it logs in with one, and its key. */
static int
check_login(struct scanner *s, const struct kubeconfig *k)
{
	const struct scanner_file *f;
	int r;

	if (!k->cert.data)
		return 0;
	r = scanner_add(s, k->path, CERTSCAN_KUBECONFIG, k->cert.data, k->cert.size, &f);
	if (r <= 0)
		return r;
	r = check_client(s, f);
	return r < 0 ? r : scanner_compare_key(s, f, k->path, k->key.data, k->key.size);
}

static int
on_kubeconfig(struct reading *r, const char *path, const char *data, size_t size)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *k = NULL;
	const struct scanner_file *f;
	struct fault fault;
	int n;

	if (size == 0)
		return scanner_report(r->s, CERTSCAN_EMPTY, path,
		    "The kubeconfig is empty, as after a power cut or with a full disk; %s.",
		    scanner_remedy(CERTSCAN_KUBECONFIG));
	n = kubeconfig_parse(path, data, size, &k, &fault);
	if (n < 0)
		return n == -ENOMEM
		    ? n
		    : scanner_report(r->s, CERTSCAN_UNPARSABLE, path, "%s; %s.",
			  fault_text(&fault), scanner_remedy(CERTSCAN_KUBECONFIG));
	n = check_login(r->s, k);
	if (n < 0 || !k->ca.data)
		return n;
	n = scanner_add(r->s, path, CERTSCAN_KUBECONFIG_CA, k->ca.data, k->ca.size, &f);
	return n > 0 ? check_server_ca(r->s, f) : n;
}

int
outside_scan_kubeconfigs(struct scanner *s)
{
	/* Without these nothing talks to the API. */
	static const char *const needed[] = { "kubeadmin", "kube-controller-manager",
		"kube-scheduler", "kubelet" };
	struct reading r = {
		.s = s,
		.suffix = "/kubeconfig",
		.max_bytes = KUBECONFIG_MAX_BYTES,
		.on_file = on_kubeconfig,
	};
	int n = walk(&r, RESOURCES_DIR);

	/* Before the first start there is nothing. */
	for (size_t i = 0; i < ELEMENTSOF(needed) && n >= 0 && s->n_files > 0; i++) {
		_cleanup_free_ char *path =
		    text_format(RESOURCES_DIR "/%s/kubeconfig", needed[i]);

		if (!path)
			return -ENOMEM;
		if (!rootdir_exists(s->root_fd, path))
			n = scanner_report(s, CERTSCAN_MISSING, path,
			    "The kubeconfig is missing; %s.",
			    scanner_remedy(CERTSCAN_KUBECONFIG));
	}
	return n;
}

/* A certificate and its key where somebody else has put them; CA_PATH may be NULL. */
static int
check_pair(struct scanner *s, enum certscan_role role, const struct nodeconf_tls *tls,
    const struct scanner_file **ret)
{
	const struct scanner_file *f = NULL;
	int r;

	r = is_empty(tls->cert_path) || scanner_find(s, tls->cert_path)
	    ? 0
	    : scanner_load(s, tls->cert_path, role, &f);
	if (r > 0 && !is_empty(tls->key_path))
		r = scanner_check_key(s, f, tls->key_path);
	if (r >= 0 && ret)
		*ret = f;
	if (r < 0 || is_empty(tls->ca_path))
		return r;
	return scanner_load(s, tls->ca_path, CERTSCAN_BUNDLE, &f);
}

static int
on_microshift_config(struct reading *r, const char *path, const char *data, size_t size)
{
	struct fault fault;
	int n = nodeconf_merge(&r->conf, path, data, size, &fault);

	if (n < 0 && n != -ENOMEM)
		return scanner_report(r->s, CERTSCAN_UNPARSABLE, path,
		    "%s; MicroShift does not start with it.", fault_text(&fault));
	return n;
}

static int
check_user_certificate(struct scanner *s, const struct nodeconf_certificate *c)
{
	struct nodeconf_tls tls = { .cert_path = c->cert_path, .key_path = c->key_path };
	const struct scanner_file *f = NULL;
	int r = 0;

	r = check_pair(s, CERTSCAN_USER, &tls, &f);
	for (char *const *name = c->names; r >= 0 && f && name && *name; name++)
		if (!certfile_is_for(f->file, *name))
			r = scanner_report(s, CERTSCAN_WRONG_NAME, f->path,
			    "It is to be used for '%s' but is not made for that name, clients "
			    "will refuse it; %s.",
			    *name, scanner_remedy(CERTSCAN_USER));
	return r;
}

/* MicroShift's own note of the node's name, from its first start. */
static int
read_node_name(struct scanner *s, char **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = scanner_note(s, NODE_NAME_FILE);

	if (r <= 0 ||
	    io_read_file(s->root_fd, &NODE_NAME_FILE[1], NODE_NAME_BYTES, &text, NULL) < 0)
		return r < 0 ? r : 0;
	*ret = strdup(text_strip(text));
	return *ret ? 0 : -ENOMEM;
}

/* An address as it is written in the names of a certificate; what is none stays as it is. */
static char *
canonical_address(const char *text)
{
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	char buf[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (inet_pton(family, text, &address) != 1 ||
	    !inet_ntop(family, &address, buf, sizeof(buf)))
		return strdup(text);
	return strdup(buf);
}

/* Hands what the configuration says of the node to the scan. */
static int
take_node(struct scanner *s, struct nodeconf *conf)
{
	int r = conf->node_name ? 0 : read_node_name(s, &conf->node_name);
	uint64_t port;

	if (r < 0)
		return r;
	if (conf->node_name) {
		free(s->scan->node_name);
		s->scan->node_name = TAKE_PTR(conf->node_name);
	}
	s->scan->ingress_secret = TAKE_PTR(conf->ingress_secret);
	if (conf->api_port && text_parse_uint(conf->api_port, &port) == 0 && port > 0 &&
	    port <= UINT16_MAX)
		s->scan->api_port = port;
	if (!conf->node_ip)
		return 0;
	free(s->scan->node_ip);
	s->scan->node_ip = canonical_address(conf->node_ip);
	if (!s->scan->node_ip)
		return -ENOMEM;
	/* Then MicroShift leaves it out of the certificate: pods must not get that one. */
	s->scan->is_node_ip_served =
	    !conf->advertise_ip || !streq(conf->advertise_ip, s->scan->node_ip);
	return 0;
}

int
outside_scan_configuration(struct scanner *s)
{
	struct reading r = {
		.s = s,
		.suffix = ".yaml",
		.max_bytes = NODECONF_MAX_BYTES,
		.on_file = on_microshift_config,
	};
	int n;

	n = read_config(&r, CONFIG_FILE);
	if (n >= 0)
		n = walk(&r, CONFIG_DIR);
	if (n >= 0)
		n = take_node(s, &r.conf);
	for (size_t i = 0; n >= 0 && i < r.conf.n_certificates; i++)
		n = check_user_certificate(s, &r.conf.certificates[i]);
	nodeconf_done(&r.conf);
	return n < 0 ? n : 0;
}

static int
on_kubelet_config(struct reading *r, const char *path, const char *data, size_t size)
{
	struct fault fault;
	int n = nodeconf_kubelet(path, data, size, &r->tls, &fault);

	if (n < 0 && n != -ENOMEM)
		return scanner_report(r->s, CERTSCAN_UNPARSABLE, path,
		    "%s; restart microshift.service, which writes it anew.",
		    fault_text(&fault));
	return n;
}

static int
on_crio_config(struct reading *r, const char *path, const char *data, size_t size)
{
	(void)path;
	(void)size;
	return nodeconf_crio(&r->tls, data);
}

/* Those of ROLE that the configuration in FILE and DIR (NULL = none) names. */
static int
scan_tls(struct reading *r, enum certscan_role role, const char *file, const char *dir)
{
	int n;

	n = read_config(r, file);
	if (n >= 0 && dir)
		n = walk(r, dir);
	if (n >= 0 && r->tls.is_enabled)
		n = check_pair(r->s, role, &r->tls, NULL);
	nodeconf_tls_done(&r->tls);
	return n < 0 ? n : 0;
}

int
outside_scan_kubelet(struct scanner *s)
{
	struct reading r = {
		.s = s, .max_bytes = NODECONF_MAX_BYTES, .on_file = on_kubelet_config
	};

	return scan_tls(&r, CERTSCAN_KUBELET, KUBELET_CONFIG, NULL);
}

int
outside_scan_crio(struct scanner *s)
{
	struct reading r = {
		.s = s,
		.suffix = ".conf",
		.max_bytes = NODECONF_MAX_BYTES,
		.on_file = on_crio_config,
	};

	return scan_tls(&r, CERTSCAN_CRIO, CRIO_CONFIG_FILE, CRIO_CONFIG_DIR);
}
