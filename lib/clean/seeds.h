/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where names are known from before the first byte is cleaned: files of a machine, or of a
 * report of one. Both have the same paths, so both are read by the same functions.
 *
 *	etc/hostname, hostname(1), uname(1), proc/sys/kernel/hostname	the host, its domain
 *	etc/hosts		hosts, their domains, addresses
 *	etc/resolv.conf		domains that are searched
 *	etc/passwd, lslogins(1), last(1)	people: accounts from UID 1000 on
 *	etc/microshift/config.yaml	host name, base domain
 *	logs in the format of syslog	the host that wrote them
 *	cluster-scoped-resources/core/nodes/NAME.yaml	nodes
 *	home/NAME/, sosreport-NAME-…	people, the host
 */

#include <stdbool.h>
#include <stddef.h>

struct clean_rules;

/* Most of a file that is read; the host of a log is in its first lines. */
#define SEEDS_FILE_MAX_BYTES (256u * 1024u)

/* Learns from the path of a member or file, relative to the root of the machine or to the top
 * of a report. Returns 0 or -ENOMEM. */
int seeds_learn_path(struct clean_rules *rules, const char *path);

/* True if the file at PATH tells something. */
bool seeds_wants(const char *path);

/* Learns from the first bytes DATA[LEN] of the file at PATH. What is malformed teaches nothing.
 * Returns 0 or -ENOMEM. */
int seeds_learn_file(struct clean_rules *rules, const char *path, const char *data, size_t len);

/* Learns the name of a host: "edge1", or "edge1.plant3.acme.example" and with it the domain.
 */
int seeds_learn_host(struct clean_rules *rules, const char *name);
