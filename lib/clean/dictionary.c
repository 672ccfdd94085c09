/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clean/dictionary.h"
#include "lib/redact/view.h"
#include "lib/text.h"

#define BUCKETS_COUNT 1024u /* a power of two */

struct dictionary {
	struct dictionary_name *buckets[BUCKETS_COUNT]; /* owned */
	const struct dictionary_name *order[DICTIONARY_NAMES_MAX];
	size_t n;
};

/* Words of the system, of Kubernetes and of this product that stand in every report: names of
 * accounts that come with a distribution, of hosts that nobody named, of domains that are
 * everybody's. In order. */
static const char *const common_words[] = {
	"admin",
	"administrator",
	"api",
	"api-int",
	"apps",
	"audit",
	"centos",
	"client",
	"cloud",
	"cloud-user",
	"cluster",
	"cluster.local",
	"com",
	"company",
	"config",
	"containers",
	"core",
	"corp",
	"corporate",
	"crio",
	"daemon",
	"data",
	"debian",
	"default",
	"dev",
	"develop",
	"device",
	"docker.io",
	"domain",
	"ec2-user",
	"edge",
	"etcd",
	"example",
	"example.com",
	"example.net",
	"example.org",
	"false",
	"fedora",
	"gcr.io",
	"ghcr.io",
	"github.com",
	"gitlab.com",
	"guest",
	"home",
	"host",
	"images",
	"info",
	"infra",
	"internal",
	"intra",
	"intranet",
	"invalid",
	"ip6-localhost",
	"ip6-loopback",
	"journal",
	"k8s.io",
	"kernel",
	"kube",
	"kubelet",
	"kubernetes",
	"kubernetes.io",
	"lab",
	"labs",
	"lan",
	"linux",
	"local",
	"local-domain",
	"localdomain",
	"localdomain4",
	"localdomain6",
	"localhost",
	"localhost4",
	"localhost6",
	"login",
	"main",
	"master",
	"microshift",
	"name",
	"namespace",
	"net",
	"network",
	"nobody",
	"node",
	"null",
	"office",
	"openshift",
	"openshift.io",
	"operator",
	"org",
	"ovn",
	"pod",
	"podman",
	"pods",
	"prod",
	"production",
	"quay.io",
	"redacted",
	"redhat",
	"redhat.com",
	"redhat.io",
	"registry",
	"root",
	"server",
	"servers",
	"service",
	"staging",
	"svc",
	"system",
	"systemd",
	"test",
	"token",
	"true",
	"ubuntu",
	"unknown",
	"user",
	"vagrant",
	"worker",
	"www",
	"x-k8s.io",
};

int
dictionary_new(struct dictionary **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void
names_free(struct dictionary_name *n)
{
	while (n) {
		struct dictionary_name *next = n->next;

		free(n->text);
		free(n);
		n = next;
	}
}

void
dictionary_free(struct dictionary *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < BUCKETS_COUNT; i++)
		names_free(d->buckets[i]);
	free(d);
}

static size_t
bucket(const uint8_t *text)
{
	uint32_t h = 0;

	for (size_t i = 0; i < DICTIONARY_HEAD_BYTES; i++)
		h = h * 37 + (uint32_t)to_lower(text[i]);
	return h & (BUCKETS_COUNT - 1);
}

static int
compare_word(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

bool
dictionary_is_common(const char *word, size_t len)
{
	char text[DICTIONARY_NAME_MAX_BYTES + 1];

	if (len >= sizeof(text))
		return false;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)to_lower(word[i]);
	text[len] = '\0';
	return bsearch(text, common_words, ELEMENTSOF(common_words), sizeof(common_words[0]),
	    compare_word);
}

/* A number would stay valid JSON and YAML only as a number. */
static bool
is_name_text(const char *name, size_t len)
{
	bool letter = false;

	if (len < DICTIONARY_NAME_MIN_BYTES || len > DICTIONARY_NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (!is_name(c) && c < 0x80 && !(c == ' ' && i > 0 && i + 1 < len))
			return false;
		letter = letter || (!is_digit(c) && is_name(c)) || c >= 0x80;
	}
	/* What begins or ends in a separator would never be a word. */
	return letter && (is_alnum((unsigned char)name[0]) || (name[0] & 0x80)) &&
	    (is_alnum((unsigned char)name[len - 1]) || (name[len - 1] & 0x80));
}

static int
new_name(enum alias_kind kind, const char *text, size_t len, struct dictionary_name **ret)
{
	struct dictionary_name *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->text = strndup(text, len);
	if (!n->text) {
		free(n);
		return -ENOMEM;
	}
	for (size_t i = 0; i < len; i++)
		n->text[i] = (char)to_lower((unsigned char)text[i]);
	n->kind = kind;
	n->len = len;
	*ret = n;
	return 0;
}

int
dictionary_add(struct dictionary *d, enum alias_kind kind, const char *name)
{
	size_t len = strlen(name);
	struct dictionary_name **place;
	struct dictionary_name *n;
	int r;

	if (!is_name_text(name, len))
		return -EINVAL;
	if (dictionary_is_common(name, len) ||
	    alias_name_length((const uint8_t *)name, len) == len)
		return -EADDRNOTAVAIL;
	r = new_name(kind, name, len, &n);
	if (r < 0)
		return r;
	place = &d->buckets[bucket((const uint8_t *)n->text)];
	while (*place && (*place)->len > len)
		place = &(*place)->next;
	for (const struct dictionary_name *o = *place; o && o->len == len; o = o->next)
		if (streq(o->text, n->text)) {
			names_free(n);
			return 0;
		}
	if (d->n == DICTIONARY_NAMES_MAX) {
		names_free(n);
		return -ENOSPC;
	}
	n->next = *place;
	*place = n;
	d->order[d->n++] = n;
	return 1;
}

size_t
dictionary_size(const struct dictionary *d)
{
	return d->n;
}

const struct dictionary_name *
dictionary_get(const struct dictionary *d, size_t i)
{
	return d->order[i];
}

const struct dictionary_name *
dictionary_find(const struct dictionary *d, const uint8_t *text)
{
	return d->buckets[bucket(text)];
}
