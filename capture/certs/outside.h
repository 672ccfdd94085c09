/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Certificates outside of MicroShift's own tree: in its kubeconfigs, those its configuration
 * names, those of kubelet and CRI-O. */

struct scanner;

/* Reads and checks them; after tree_scan(), whose signers and bundles it compares with. Sets
 * node_name and node_ip of the scan as far as files name them. Return 0, -ENOMEM, -E2BIG. */
int outside_scan_kubeconfigs(struct scanner *s);
int outside_scan_configuration(struct scanner *s);
int outside_scan_kubelet(struct scanner *s);
int outside_scan_crio(struct scanner *s);
