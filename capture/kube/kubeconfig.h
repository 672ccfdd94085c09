/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A kubeconfig, reduced to what one client needs: the server and the credentials of the current
 * context. Entries that would run programs, trust anybody or send credentials in clear are
 * refused with the reason, never left out silently. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/cleanup.h"

struct fault;

/* A kubeconfig has some 10 KB; a merged one of an administrator rarely 100 KB. */
#define KUBECONFIG_MAX_BYTES	   (1024u * 1024u)
/* Each of CA bundle, certificate, key; and a token file (service account tokens have 1 KB). */
#define KUBECONFIG_FILE_MAX_BYTES  (1024u * 1024u)
#define KUBECONFIG_TOKEN_MAX_BYTES (64u * 1024u)
/* MicroShift writes one per name of the host. */
#define KUBECONFIG_CANDIDATES_MAX  32u
/* Where MicroShift keeps them: this directory's kubeconfig, then those of its directories. */
#define KUBECONFIG_DIR		   "/var/lib/microshift/resources/kubeadmin"

/* Bytes that are cleared when freed; a NUL follows the last one. */
struct kube_blob {
	char *data; /* owned, NULL = none */
	size_t size;
};

struct kubeconfig {
	char *path;		/* of the file, for messages */
	char *context;		/* name of the current context */
	char *server;		/* "https://localhost:6443", no slash at the end */
	char *host;		/* "localhost"; an IPv6 address without brackets */
	unsigned port;		/* 6443 */
	char *base_path;	/* "" or "/prefix" */
	char *tls_server_name;	/* NULL = host */
	bool is_tls;		/* false: plain HTTP to loopback */
	struct kube_blob ca;	/* PEM; none = the system's authorities */
	struct kube_blob cert;	/* PEM; with key */
	struct kube_blob key;	/* PEM */
	struct kube_blob token; /* bearer */
};

/* Reads the file PATH. Returns 0; -ENOENT, -EACCES … when it cannot be read, -EINVAL when
 * something in it is wrong, -EOPNOTSUPP when it wants what we refuse; *reterr names file and
 * field. The caller owns *ret (kubeconfig_free()). */
int kubeconfig_load(const char *path, struct kubeconfig **ret, struct fault *reterr);

/* The same from memory: PATH is for messages, and its directory for relative file names. */
int kubeconfig_parse(const char *path, const char *data, size_t size, struct kubeconfig **ret,
    struct fault *reterr);

/* Lists the kubeconfigs that exist in DIR (normally KUBECONFIG_DIR): its own, then those of its
 * directories, sorted. Returns 0 or negative errno; a directory that is missing gives an empty
 * list (NULL). The caller owns *ret_paths (strv_free()). */
int kubeconfig_candidates(const char *dir, char ***ret_paths);

/* One that no file has: a server at PORT of 127.0.0.1 without TLS, which asks for no
 * credentials. Returns 0 or -ENOMEM. The caller owns *ret. */
int kubeconfig_loopback(unsigned port, struct kubeconfig **ret);

void kubeconfig_free(struct kubeconfig *k);

DEFINE_CLEANUP(struct kubeconfig *, kubeconfig_free);
