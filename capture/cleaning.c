/* SPDX-License-Identifier: Apache-2.0 */
#define LOG_DOMAIN "cleaning"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "capture/cleaning.h"
#include "capture/rootdir.h"
#include "lib/clean/clean.h"
#include "lib/clean/map.h"
#include "lib/clean/seeds.h"
#include "lib/cleanup.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/settings.h"
#include "lib/text.h"

/* HOST_NAME_MAX is 64; a domain may follow. */
#define HOSTNAME_BYTES 256u

/* Reads the rules of the map. What cannot be read must not end a capture. */
static int
load_rules(int state_fd, const char *key_file, struct clean_rules **ret, struct fault *reterr)
{
	struct fault fault = { 0 };
	int r = -ENOENT;

	if (state_fd >= 0 || key_file)
		r = clean_map_load(state_fd >= 0 ? state_fd : AT_FDCWD,
		    state_fd >= 0 ? CLEAN_MAP_FILE : "", key_file, ret, &fault);
	if (r >= 0)
		return 0;
	if (r != -ENOENT || fault.code < 0)
		log_warning("%s; the aliases of this report are its own", fault_text(&fault));
	r = clean_map_load(AT_FDCWD, "", NULL, ret, reterr);
	return r < 0 ? r : 0;
}

static int
learn_file(struct clean_rules *rules, int root_fd, const char *path)
{
	_cleanup_close_ int fd = rootdir_openat(root_fd, path, O_RDONLY | O_NONBLOCK);
	_cleanup_free_ char *text = malloc(SEEDS_FILE_MAX_BYTES);
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = fd < 0 ? 0 : read(fd, text, SEEDS_FILE_MAX_BYTES);
	return n > 0 ? seeds_learn_file(rules, path + 1, text, (size_t)n) : 0;
}

static int
learn_machine(struct clean_rules *rules, const char *root)
{
	static const char *const files[] = { "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
		"/etc/passwd", "/etc/microshift/config.yaml" };
	_cleanup_close_ int root_fd = rootdir_open(root);
	char hostname[HOSTNAME_BYTES] = "";
	int r = 0;

	if (root_fd < 0)
		return root_fd;
	for (size_t i = 0; i < ELEMENTSOF(files) && r >= 0; i++)
		r = learn_file(rules, root_fd, files[i]);
	if (r >= 0 && gethostname(hostname, sizeof(hostname) - 1) >= 0)
		r = seeds_learn_host(rules, hostname);
	return r;
}

/* Addresses of this machine are ones also where others would be versions. */
static void
learn_addresses(struct clean_rules *rules)
{
	struct ifaddrs *list = NULL;

	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		const struct sockaddr_in *address = (const void *)i->ifa_addr;

		if (address && address->sin_family == AF_INET && !(i->ifa_flags & IFF_LOOPBACK))
			clean_rules_add_ipv4(rules, ntohl(address->sin_addr.s_addr));
	}
	freeifaddrs(list);
}

/* What the administrator asked for and cannot be had is said, and nothing else is done less. */
static int
add_words(struct clean_rules *rules, enum alias_kind kind, char *const *words)
{
	for (; words && *words; words++) {
		int r = clean_rules_add(rules, kind, *words);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			log_warning("'%s' is no name that can be replaced, ignoring", *words);
	}
	return 0;
}

int
cleaning_prepare(int state_fd, const char *root, const struct settings *settings,
    struct clean_rules **ret, struct fault *reterr)
{
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	struct fault fault = { 0 };
	int r;

	r = load_rules(state_fd, settings->clean_key_file, &rules, reterr);
	if (r < 0)
		return r;
	r = learn_machine(rules, root);
	if (r >= 0)
		r = add_words(rules, ALIAS_KEYWORD, settings->clean_keywords);
	if (r >= 0)
		r = add_words(rules, ALIAS_DOMAIN, settings->clean_domains);
	if (r < 0)
		return fault_set(reterr, r, "Cannot learn the names to be replaced: %m");
	learn_addresses(rules);
	if (state_fd >= 0 && clean_map_save(state_fd, CLEAN_MAP_FILE, rules, &fault) < 0)
		log_warning("%s; later reports may have other aliases", fault_text(&fault));
	*ret = TAKE_PTR(rules);
	return 0;
}
