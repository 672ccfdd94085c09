/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* SHA-256 of a finished archive. */

#include <stdint.h>

#include "lib/report.h"

/* Reads FD from its start to its end. Returns 0 or negative errno. RET_BYTES (may be NULL) is
 * how long it is. */
int digest_file(int fd, char ret_sha256[SHA256_BYTES], uint64_t *ret_bytes);
