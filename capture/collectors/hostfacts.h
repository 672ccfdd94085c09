/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Facts about the machine that a person knows as output of df, free, ip and the like, written
 * in that form from /proc, /sys and system calls: no process is started, nothing waits for a
 * server that is gone. Files and links at the top are named as sos names them. */

struct collector_context;

/* Adds TEXT as sos_commands/PLUGIN/NAME; LINK, unless NULL, is a link to it at the top of the
 * report, where sos readers look. Returns as bundle_add(). */
int hostfacts_add(struct collector_context *ctx, const char *plugin, const char *name,
    const char *text, const char *link);

/* df, df -i and mount, for the mounts of PID 1. Network file systems are listed, never asked.
 * Return as bundle_add(). */
int hostfs_add(struct collector_context *ctx);

/* Addresses and the IPv4 routing table. */
int hostnet_add(struct collector_context *ctx);

/* Processes, by memory. */
int hostps_add(struct collector_context *ctx);

/* The kernel's parameters, as `sysctl -a`. */
int hostsysctl_add(struct collector_context *ctx);
