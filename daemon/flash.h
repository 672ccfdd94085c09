/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The cheap facts at the moment of a trigger: memory, pressure, load, disk space. Some reads of
 * /proc and statvfs, no fork, well under a millisecond: it happens before anything slow starts.
 */

typedef struct cJSON cJSON;

/* STATE_DIR_FD is on the file system of the spool. A new object that the caller owns; NULL when
 * out of memory. What cannot be read is left out. */
cJSON *flash_take(int state_dir_fd);
