/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "capture/forbidden.h"
#include "capture/pathglob.h"

const char *const forbidden_patterns[] = {
	/* MicroShift's keys, certificates and kubeconfigs, its database and its copies of all
	 * of these. Metadata of certificates is collected by other means. */
	"/var/lib/microshift*/certs",
	"/var/lib/microshift*/**/certs",
	"/var/lib/microshift*/etcd",
	"/var/lib/microshift*/**/etcd",
	"/var/lib/microshift*/**/kubeconfig",
	"/var/lib/microshift*/**/service-account-key",
	"/var/lib/kubelet/pki",
	"/var/lib/kubelet/pods/*/volumes",
	"/**/kubeadmin-password",
	/* Registry credentials. */
	"/etc/crio/openshift-pull-secret",
	"/**/*pull-secret*",
	"/**/.docker/config.json",
	"/**/.dockercfg",
	"/etc/containers/auth.json",
	"/run/containers/*/auth.json",
	"/run/user/*/containers/auth.json",
	/* Accounts. */
	"/etc/shadow*",
	"/etc/gshadow*",
	"/etc/security/opasswd",
	"/**/.kube/config",
	"/**/.ssh/id_*",
	"/**/.netrc",
	"/**/.pgpass",
	/* Private keys by the name they usually have. */
	"/**/*.key",
	"/**/*-key.pem",
	"/**/*.p12",
	"/**/*.pfx",
	"/**/*.jks",
	"/**/*.keytab",
	"/etc/ssh/ssh_host_*_key",
	"/etc/pki/**/private",
	"/etc/ssl/private",
	"/etc/luks-keys",
	"/etc/NetworkManager/system-connections",
	"/etc/wireguard",
	"/etc/ipsec.secrets",
	"/etc/ipsec.d",
	/* The map of our own cleaning, and sos's. */
	"/**/clean-map.json",
	"/etc/sos/cleaner",
	/* Reading these blocks, has side effects, or is memory. */
	"/proc/kcore",
	"/proc/kmsg",
	"/proc/kpage*",
	"/proc/sysrq-trigger",
	"/proc/*/mem",
	"/proc/*/environ",
	"/proc/*/pagemap",
	"/proc/*/root",
	"/proc/*/cwd",
	"/proc/net/rpc/*/channel",
	"/proc/net/rpc/*/flush",
	"/sys/kernel/**/trace_pipe",
	"/sys/kernel/security",
	NULL,
};

bool
forbidden_path(const char *path)
{
	for (size_t i = 0; forbidden_patterns[i]; i++)
		if (pathglob_match(forbidden_patterns[i], path))
			return true;
	return false;
}
