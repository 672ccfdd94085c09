/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clean/clean.h"
#include "lib/clean/dictionary.h"
#include "lib/clean/seeds.h"
#include "lib/text.h"

/* Words of a line that are looked at. */
#define WORDS_MAX	 32u
/* Lines of a log that are looked at for the host that wrote it. */
#define LOG_LINES_MAX	 100u
/* Accounts of people, login.defs(5). */
#define UID_PEOPLE_FIRST 1000u
#define UID_PEOPLE_LAST	 60000u

/* One line of a file, its words in order. Returns 0 or -ENOMEM. */
typedef int (*line_fn)(struct clean_rules *rules, char **words, size_t n);

/* A name that is refused is none that can be replaced; only lack of memory ends. */
static int
learn(struct clean_rules *rules, enum alias_kind kind, const char *name)
{
	return clean_rules_add(rules, kind, name) == -ENOMEM ? -ENOMEM : 0;
}

static bool
is_address(const char *s)
{
	struct in6_addr address;

	return inet_pton(AF_INET, s, &address) == 1 || inet_pton(AF_INET6, s, &address) == 1;
}

static int
learn_domain(struct clean_rules *rules, const char *domain)
{
	while (*domain == '.' || *domain == '~')
		domain++;
	/* A domain of one label is a word like any other: "lan", "plant". */
	return strchr(domain, '.') ? learn(rules, ALIAS_DOMAIN, domain) : 0;
}

int
seeds_learn_host(struct clean_rules *rules, const char *name)
{
	const char *dot = strchr(name, '.');
	_cleanup_free_ char *label = NULL;
	int r;

	if (is_address(name) || dot == name)
		return 0;
	label = dot ? strndup(name, (size_t)(dot - name)) : strdup(name);
	if (!label)
		return -ENOMEM;
	r = learn(rules, ALIAS_HOST, label);
	return r >= 0 && dot ? learn_domain(rules, dot + 1) : r;
}

static int
on_hostname(struct clean_rules *rules, char **words, size_t n)
{
	return n == 1 ? seeds_learn_host(rules, words[0]) : 0;
}

/* "Linux edge1 5.14.0-427.el9.x86_64 …" */
static int
on_uname(struct clean_rules *rules, char **words, size_t n)
{
	return n > 2 && streq(words[0], "Linux") ? seeds_learn_host(rules, words[1]) : 0;
}

static int
on_hosts(struct clean_rules *rules, char **words, size_t n)
{
	struct in_addr address;
	int r = 0;

	if (n < 2 || !is_address(words[0]))
		return 0;
	if (inet_pton(AF_INET, words[0], &address) == 1)
		clean_rules_add_ipv4(rules, ntohl(address.s_addr));
	for (size_t i = 1; i < n && r >= 0 && words[i][0] != '#'; i++)
		r = seeds_learn_host(rules, words[i]);
	return r;
}

static int
on_resolv_conf(struct clean_rules *rules, char **words, size_t n)
{
	int r = 0;

	if (n < 2 || !(streq(words[0], "search") || streq(words[0], "domain")))
		return 0;
	for (size_t i = 1; i < n && r >= 0; i++)
		r = learn_domain(rules, words[i]);
	return r;
}

static bool
is_person(const char *uid)
{
	uint64_t value;

	return text_parse_uint(uid, &value) >= 0 && value >= UID_PEOPLE_FIRST &&
	    value <= UID_PEOPLE_LAST;
}

/* "jdoe:x:1000:1000:John Doe:/home/jdoe:/bin/bash" */
static int
on_passwd(struct clean_rules *rules, char **words, size_t n)
{
	_cleanup_(strv_freep) char **fields = NULL;

	if (n == 0)
		return 0;
	if (strv_split(words[0], ":", &fields) < 0)
		return -ENOMEM;
	return strv_length(fields) > 3 && is_person(fields[2])
	    ? learn(rules, ALIAS_USER, fields[0])
	    : 0;
}

/* "1000 jdoe 12 0 0 …" */
static int
on_lslogins(struct clean_rules *rules, char **words, size_t n)
{
	return n > 1 && is_person(words[0]) ? learn(rules, ALIAS_USER, words[1]) : 0;
}

/* "jdoe  pts/0  10.0.0.5  Mon …" */
static int
on_last(struct clean_rules *rules, char **words, size_t n)
{
	bool terminal =
	    n > 3 && (text_has_prefix(words[1], "pts/") || text_has_prefix(words[1], "tty"));

	return terminal ? learn(rules, ALIAS_USER, words[0]) : 0;
}

/* "hostnameOverride: edge1", "  baseDomain: acme.example" */
static int
on_config(struct clean_rules *rules, char **words, size_t n)
{
	char *value;

	if (n < 2)
		return 0;
	value = words[1] + strspn(words[1], "\"'");
	value[strcspn(value, "\"'")] = '\0';
	if (streq(words[0], "hostnameOverride:"))
		return seeds_learn_host(rules, value);
	return streq(words[0], "baseDomain:") ? learn_domain(rules, value) : 0;
}

/* "Nov 22 13:02:44 edge1 kubelet[123]: …", "2026-11-22T13:02:44+0000 edge1 kubelet[123]: …" */
static int
on_log(struct clean_rules *rules, char **words, size_t n)
{
	size_t host = n > 0 && words[0][0] >= '0' && words[0][0] <= '9' ? 1 : 3;

	if (n < host + 2 || !strchr(words[host - 1], ':') ||
	    words[host + 1][strlen(words[host + 1]) - 1] != ':')
		return 0;
	return seeds_learn_host(rules, words[host]);
}

static const struct source {
	const char *suffix; /* of the path, from a slash on */
	bool is_prefix;	    /* of the last component, rather */
	line_fn on_line;
} sources[] = {
	{ "/etc/hostname", false, on_hostname },
	{ "/hostname", false, on_hostname },
	{ "/hostname_-f", false, on_hostname },
	{ "/proc/sys/kernel/hostname", false, on_hostname },
	{ "/proc/sys/kernel/domainname", false, on_resolv_conf },
	{ "/uname", false, on_uname },
	{ "/uname_-a", false, on_uname },
	{ "/etc/hosts", false, on_hosts },
	{ "/etc/resolv.conf", false, on_resolv_conf },
	{ "/etc/passwd", false, on_passwd },
	{ "/getent_passwd", false, on_passwd },
	{ "/lslogins", true, on_lslogins },
	{ "/last", true, on_last },
	{ "/etc/microshift/config.yaml", false, on_config },
	{ "/microshift_show-config_-m_effective", false, on_config },
	{ "/journalctl", true, on_log },
	{ "/messages", true, on_log },
	{ "/secure", true, on_log },
	{ "/syslog", true, on_log },
};

static bool
is_source(const struct source *s, const char *path)
{
	const char *base = strrchr(path, '/');

	if (s->is_prefix)
		return base && text_has_prefix(base, s->suffix);
	return text_has_suffix(path, s->suffix) || streq(path, s->suffix + 1);
}

static const struct source *
find_source(const char *path)
{
	for (size_t i = 0; i < ELEMENTSOF(sources); i++)
		if (is_source(&sources[i], path))
			return &sources[i];
	return NULL;
}

bool
seeds_wants(const char *path)
{
	return find_source(path);
}

static size_t
split_line(char *line, char *words[WORDS_MAX])
{
	char *rest = NULL;
	size_t n = 0;

	for (char *w = strtok_r(line, " \t\r", &rest); w && n < WORDS_MAX;
	     w = strtok_r(NULL, " \t\r", &rest))
		words[n++] = w;
	return n;
}

int
seeds_learn_file(struct clean_rules *rules, const char *path, const char *data, size_t len)
{
	const struct source *source = find_source(path);
	_cleanup_free_ char *text = NULL;
	char *words[WORDS_MAX];
	char *rest = NULL;
	size_t lines = 0;
	int r = 0;

	if (!source)
		return 0;
	text = strndup(data, len);
	if (!text)
		return -ENOMEM;
	for (char *line = strtok_r(text, "\n", &rest); line && r >= 0;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (source->on_line == on_log && ++lines > LOG_LINES_MAX)
			break;
		r = source->on_line(rules, words, split_line(line, words));
	}
	return r;
}

/* The component of PATH behind the directory MARK ("/home/"), without END (may be NULL), with
 * which it has to end. Returns NULL if there is none. */
static char *
component_behind(const char *path, const char *mark, const char *end)
{
	const char *found = strstr(path, mark);
	size_t n;

	if (text_has_prefix(path, mark + 1))
		path += strlen(mark) - 1;
	else if (found)
		path = found + strlen(mark);
	else
		return NULL;
	n = strcspn(path, "/");
	if (end && (n <= strlen(end) || strncmp(path + n - strlen(end), end, strlen(end)) != 0))
		return NULL;
	return strndup(path, end ? n - strlen(end) : n);
}

/* "sosreport-edge1-12345-2026-11-22-abcdefg": the name of the host may have dashes itself, so
 * it ends before the first number that a dash precedes. */
static char *
sos_host(const char *path)
{
	const char *name = text_has_prefix(path, "sosreport-") ? path + 10 : NULL;
	size_t n = 0;

	if (!name)
		return NULL;
	while (name[n] && name[n] != '/' && name[n] != '.' &&
	    !(name[n] == '-' && name[n + 1] >= '0' && name[n + 1] <= '9'))
		n++;
	return strndup(name, n);
}

int
seeds_learn_path(struct clean_rules *rules, const char *path)
{
	_cleanup_free_ char *node =
	    component_behind(path, "/cluster-scoped-resources/core/nodes/", ".yaml");
	_cleanup_free_ char *user = component_behind(path, "/home/", NULL);
	_cleanup_free_ char *host = sos_host(path);
	int r = 0;

	if (node)
		r = seeds_learn_host(rules, node);
	if (r >= 0 && user)
		r = learn(rules, ALIAS_USER, user);
	if (r >= 0 && host)
		r = seeds_learn_host(rules, host);
	return r;
}
