/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Names inside a report, as sos forms them, so that its readers find what they look for. Pure
 * functions. */

#include <stdbool.h>
#include <stddef.h>

/* Longest path of a member below the top directory, and its NUL. */
#define LAYOUT_PATH_BYTES 1024u
/* Longest component: NAME_MAX less room for ".999". */
#define LAYOUT_NAME_MAX	  251u

/* True for a path that a member may have: relative, no empty, "." or ".." component, no
 * control characters, components and the whole not too long. */
bool layout_path_is_valid(const char *path);

/* True if the symbolic link PATH → TARGET stays below the top directory. */
bool layout_link_is_valid(const char *path, const char *target);

/* "sos_commands/COLLECTOR/MANGLED" for the command ARGV: leading /usr/bin and the like
 * stripped, everything but letters, digits, "_-./" to "_", "/" to ".", cut to LAYOUT_NAME_MAX.
 * `journalctl --no-pager --unit microshift` → journalctl_--no-pager_--unit_microshift. Returns
 * 0 or -EINVAL when nothing is left of the name. */
int layout_command_path(const char *collector, char *const *argv, char buf[LAYOUT_PATH_BYTES]);

/* "sos_commands/COLLECTOR/NAME"; NAME is mangled in the same way. */
int layout_collector_path(const char *collector, const char *name, char buf[LAYOUT_PATH_BYTES]);

/* Where a file of the machine goes: "/etc/microshift/config.yaml" → the same without the first
 * slash; "//", "." are cleaned; -EINVAL for "..", and for what is not absolute. Control
 * characters become "_". */
int layout_file_path(const char *host_path, char buf[LAYOUT_PATH_BYTES]);
