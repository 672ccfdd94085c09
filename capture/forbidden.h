/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Files whose content never goes into a report, whatever a definition in collect.d says. A
 * definition can forbid more, not less. The list is in collect.d(5) too. */

#include <stdbool.h>

/* True if the file at PATH (absolute, without symbolic links) must not be read. */
bool forbidden_path(const char *path);

/* The patterns (pathglob.h), NULL-terminated; for tests and documentation checks. */
extern const char *const forbidden_patterns[];
