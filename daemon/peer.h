/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who is at the other end of a Unix socket, and what that lets it do. */

#include <sys/types.h>

#include "lib/proto.h"

struct peer {
	pid_t pid; /* 0 when it is not in our PID name space; for logs only, it may be reused */
	uid_t uid;
	gid_t gid;
	enum access access;
};

/* The group whose members get ACCESS_MEMBER; (gid_t)-1 when there is no such group. */
gid_t peer_group(const char *name);

/* Asks the kernel about the peer of FD, as it was when it connected. GROUP as above. Returns 0
 * or negative errno. */
int peer_identify(int fd, gid_t group, struct peer *ret);
