/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* MicroShift's own tree of signers, certificates and bundles, below CERTSCAN_CERTS_DIR: which
 * there have to be, who signs whom, and who trusts whom. The rules are those of
 * pkg/cmd/init.go and pkg/util/cryptomaterial of MicroShift. */

#define TREE_CERTS_DIR	"/var/lib/microshift/certs"
#define TREE_CLIENT_CA	TREE_CERTS_DIR "/ca-bundle/client-ca.crt"
#define TREE_KUBELET_CA TREE_CERTS_DIR "/ca-bundle/kubelet-ca.crt"
/* Its names have to be those of the node. */
#define TREE_EXTERNAL_SERVING                                                                  \
 TREE_CERTS_DIR "/kube-apiserver-external-signer/kube-external-serving/server.crt"
#define TREE_KUBELET_SERVING                                                                   \
 TREE_CERTS_DIR "/kubelet-csr-signer-signer/csr-signer/kubelet-server/server.crt"

struct scanner;

/* Reads and checks the tree; one that does not exist or holds no certificate is fine,
 * MicroShift makes it when it starts. Returns 0, -ENOMEM, -E2BIG. */
int tree_scan(struct scanner *s);
