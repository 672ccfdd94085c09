/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "daemon/peer.h"
#include "lib/cleanup.h"

/* Groups of one user that are looked at; the kernel's own limit is 65536. */
#define GROUPS_MAX_COUNT 65536u
/* Enough for anyone but large sites, who get a second try. */
#define GROUPS_FEW_COUNT 64u

/* Not in every C library's headers yet; Linux 4.13. */
#ifndef SO_PEERGROUPS
# define SO_PEERGROUPS 59
#endif

gid_t
peer_group(const char *name)
{
	const struct group *g = name ? getgrnam(name) : NULL;

	return g ? g->gr_gid : (gid_t)-1;
}

static bool
contains(const gid_t *groups, size_t n, gid_t group)
{
	for (size_t i = 0; i < n; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* The supplementary groups of the peer when it connected. Returns 1 if GROUP is one of them, 0
 * if not, -ENOPROTOOPT when the kernel cannot tell. */
static int
is_in_peer_groups(int fd, gid_t group)
{
	_cleanup_free_ gid_t *groups = NULL;
	socklen_t size = GROUPS_FEW_COUNT * sizeof(gid_t);

	for (;;) {
		groups = malloc(size > 0 ? size : 1);
		if (!groups)
			return -ENOMEM;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
			return contains(groups, size / sizeof(gid_t), group);
		/* The kernel has stored how much it needs. */
		if (errno != ERANGE || size > GROUPS_MAX_COUNT * sizeof(gid_t))
			return -errno;
		free(groups);
		groups = NULL;
	}
}

/* The same from the user data base: what the peer would have if it logged in now. */
static int
is_in_user_groups(const struct peer *peer, gid_t group)
{
	_cleanup_free_ gid_t *groups = NULL;
	const struct passwd *pw = getpwuid(peer->uid);
	int n = GROUPS_FEW_COUNT;

	if (!pw)
		return 0;
	groups = malloc((size_t)n * sizeof(gid_t));
	if (!groups)
		return -ENOMEM;
	if (getgrouplist(pw->pw_name, peer->gid, groups, &n) < 0) {
		free(groups);
		groups = n > 0 && (unsigned)n <= GROUPS_MAX_COUNT
		    ? malloc((size_t)n * sizeof(gid_t))
		    : NULL;
		if (!groups || getgrouplist(pw->pw_name, peer->gid, groups, &n) < 0)
			return -ENOMEM;
	}
	return contains(groups, (size_t)n, group);
}

static int
is_member(int fd, const struct peer *peer, gid_t group)
{
	int r;

	if (group == (gid_t)-1)
		return 0;
	if (peer->gid == group)
		return 1;
	r = is_in_peer_groups(fd, group);
	return r == -ENOPROTOOPT ? is_in_user_groups(peer, group) : r;
}

int
peer_identify(int fd, gid_t group, struct peer *ret)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	struct peer peer;
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	peer = (struct peer){
		.pid = cred.pid,
		.uid = cred.uid,
		.gid = cred.gid,
		.access = ACCESS_NONE,
	};
	if (peer.uid == 0 || peer.uid == geteuid()) {
		peer.access = ACCESS_ROOT;
	} else {
		r = is_member(fd, &peer, group);
		if (r < 0)
			return r;
		peer.access = r > 0 ? ACCESS_MEMBER : ACCESS_NONE;
	}
	*ret = peer;
	return 0;
}
