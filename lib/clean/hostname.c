/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/clean/hostname.h"
#include "lib/cleanup.h"

/* How far the user and password of a URL are looked over. */
#define USERINFO_MAX_BYTES 256u
/* Longest name before the "@" of an e-mail address, RFC 5321. */
#define LOCAL_MAX_BYTES	   64u

/* Domains that say nothing about who runs the machine: registries, projects, distributions,
 * and those inside of a cluster. */
static const char *const public_domains[] = {
	"almalinux.org",
	"apache.org",
	"bootstrapcdn.com",
	"centos.org",
	"cloudflare.com",
	"cluster.local",
	"cncf.io",
	"coredns.io",
	"coreos.com",
	"cri-o.io",
	"debian.org",
	"docker.com",
	"docker.io",
	"etcd.io",
	"example.com",
	"example.net",
	"example.org",
	"fedoraproject.org",
	"fontawesome.com",
	"freedesktop.org",
	"gcr.io",
	"ghcr.io",
	"github.com",
	"github.io",
	"githubusercontent.com",
	"gnu.org",
	"go.dev",
	"golang.org",
	"google.com",
	"googleapis.com",
	"grpc.io",
	"haproxy.org",
	"ietf.org",
	"jquery.com",
	"jsdelivr.net",
	"k8s.io",
	"kernel.org",
	"kubernetes.io",
	"letsencrypt.org",
	"libvirt.org",
	"localdomain",
	"man7.org",
	"mozilla.org",
	"netfilter.org",
	"ntp.org",
	"opencontainers.org",
	"openshift.com",
	"openshift.io",
	"openshift.org",
	"openssl.org",
	"ovn.org",
	"quay.io",
	"redhat.com",
	"redhat.io",
	"rockylinux.org",
	"svc",
	"systemd.io",
	"topolvm.io",
	"ubuntu.com",
	"unpkg.com",
	"w3.org",
};

static bool
is_label(int c)
{
	return is_alnum(c) || c == '-';
}

/* A word may begin at I: no letter or digit before it but one that belongs to an escape. */
static bool
is_start(const struct view *v, size_t i)
{
	return !(is_alnum(view_before(v, i)) || view_before(v, i) >= 0x80) ||
	    view_is_word_start(v, i);
}

static bool
is_end(struct view *v, size_t i)
{
	return !is_alnum(view_at(v, i)) && view_at(v, i) < 0x80;
}

static bool
stands(struct view *v, size_t at, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (to_lower(view_at(v, at + i)) != (unsigned char)text[i])
			return false;
	return is_end(v, at + len);
}

/* Where the name that ends at END begins: labels and dots, not before LOW. */
static size_t
host_start(const struct view *v, size_t low, size_t end)
{
	size_t i = end;

	while (i > low && end - i < DICTIONARY_NAME_MAX_BYTES &&
	    (is_label(view_before(v, i)) ||
		(view_before(v, i) == '.' && is_label(view_before(v, i - 1)))))
		i--;
	/* The letter of "\n" is none of the name. */
	if (i > v->low && i < end && v->data[i - 1] == '\\')
		i++;
	while (i < end && !is_alnum(v->data[i]))
		i++;
	return i;
}

/* Where the name that begins at I ends. */
static size_t
host_end(struct view *v, size_t i)
{
	size_t start = i;

	while (i - start < DICTIONARY_NAME_MAX_BYTES &&
	    (is_label(view_at(v, i)) || (view_at(v, i) == '.' && is_label(view_at(v, i + 1)))))
		i++;
	while (i > start && v->data[i - 1] == '-')
		i--;
	return i;
}

static bool
has_suffix(const uint8_t *name, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	if (len < n || (len > n && name[len - n - 1] != '.'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (to_lower(name[len - n + i]) != suffix[i])
			return false;
	return true;
}

static bool
is_public(const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < ELEMENTSOF(public_domains); i++)
		if (has_suffix(name, len, public_domains[i]))
			return true;
	return false;
}

/* Bytes at the end of NAME[LEN] that stay: ".com", ".co.uk"; 0 if it has one label only. */
static size_t
top_length(const uint8_t *name, size_t len)
{
	static const char *const second[] = { "ac.", "co.", "com.", "edu.", "gov.", "net.",
		"org." };
	size_t i = len;

	while (i > 0 && name[i - 1] != '.')
		i--;
	if (i == 0)
		return 0;
	for (size_t k = 0; k < ELEMENTSOF(second) && len - i == 2; k++) {
		size_t n = strlen(second[k]);

		if (i > n + 1 && name[i - n - 1] == '.' &&
		    memcmp(name + i - n, second[k], n) == 0)
			return len - (i - n) + 1;
	}
	return len - i + 1;
}

size_t
registered_label(const char *name, size_t len, const char **ret)
{
	size_t end = len - top_length((const uint8_t *)name, len);
	size_t start = end;

	if (end == len)
		return 0;
	while (start > 0 && name[start - 1] != '.')
		start--;
	*ret = name + start;
	return end - start;
}

/* Appends the alias of LABEL[LEN]. */
static void
add_label(const struct prf_key *key, enum alias_kind kind, const uint8_t *label, size_t len,
    struct span *ret)
{
	char alias[ALIAS_NAME_BYTES];

	if (len == 0 || dictionary_is_common((const char *)label, len) ||
	    alias_name_length(label, len) == len) {
		span_add(ret, label, len);
		return;
	}
	alias_name(key, kind, label, len, alias);
	span_add(ret, alias, strlen(alias));
}

/* Replaces the name of RET label by label, the first as FIRST. */
static void
replace_labels(const struct prf_key *key, const struct view *v, enum alias_kind first,
    size_t start, size_t end, struct span *ret)
{
	const uint8_t *name = v->data + start;
	size_t len = end - start;
	size_t top = top_length(name, len);
	enum alias_kind kind = first;
	size_t i = 0;

	while (i < len - top) {
		size_t n = 0;

		while (i + n < len - top && name[i + n] != '.')
			n++;
		add_label(key, kind, name + i, n, ret);
		i += n;
		if (i < len - top)
			span_add(ret, &name[i++], 1);
		kind = ALIAS_DOMAIN;
	}
	span_add(ret, name + i, len - i);
}

static bool
is_changed(const struct view *v, const struct span *s)
{
	return s->len != s->end - s->start || memcmp(s->text, v->data + s->start, s->len) != 0;
}

/* The domain NAME at AT, with the labels before it. */
static bool
domain_match(const struct prf_key *key, const struct dictionary_name *name, struct view *v,
    size_t low, size_t at, struct span *ret)
{
	size_t start = at > low && v->data[at - 1] == '.' ? host_start(v, low, at) : at;
	bool host = start < at;

	span_begin(ret, host ? CLEAN_HOST : CLEAN_DOMAIN, start, at + name->len);
	replace_labels(key, v, host ? ALIAS_HOST : ALIAS_DOMAIN, start, ret->end, ret);
	return is_changed(v, ret);
}

static enum clean_kind
kind_of(enum alias_kind kind)
{
	static const enum clean_kind kinds[_ALIAS_KIND_COUNT] = {
		[ALIAS_HOST] = CLEAN_HOST,
		[ALIAS_DOMAIN] = CLEAN_DOMAIN,
		[ALIAS_USER] = CLEAN_USER,
		[ALIAS_KEYWORD] = CLEAN_KEYWORD,
	};

	return kinds[kind];
}

bool
name_match(const struct prf_key *key, const struct dictionary *d, struct view *v, size_t low,
    size_t at, struct span *ret)
{
	const struct dictionary_name *n = dictionary_find(d, v->data + at);

	if (!n || !is_start(v, at))
		return false;
	while (n && !stands(v, at, n->text, n->len))
		n = n->next;
	if (!n || alias_name_length(v->data + at, v->end - at) > 0)
		return false;
	if (n->kind == ALIAS_DOMAIN && memchr(n->text, '.', n->len))
		return domain_match(key, n, v, low, at, ret);
	span_begin(ret, kind_of(n->kind), at, at + n->len);
	if (n->kind == ALIAS_HOST && memchr(n->text, '.', n->len))
		replace_labels(key, v, ALIAS_HOST, at, ret->end, ret);
	else
		add_label(key, n->kind, v->data + at, n->len, ret);
	return is_changed(v, ret);
}

/* True if NAME[LEN] can be that of a host somewhere: labels with letters at the end. */
static bool
is_foreign_host(const uint8_t *name, size_t len)
{
	static const char *const units[] = { "automount", "conf", "device", "mount", "path",
		"scope", "service", "slice", "socket", "swap", "target", "timer" };
	size_t top = top_length(name, len);

	if (top < 3 || top == len || is_public(name, len))
		return false;
	for (size_t i = len - top + 1; i < len; i++)
		if (!is_alnum(name[i]) || is_digit(name[i]))
			return name[i] == '.';
	for (size_t i = 0; i < ELEMENTSOF(units); i++)
		if (has_suffix(name, len, units[i]))
			return false;
	return true;
}

/* Where the host of the URL begins whose "://" ends at I. */
static size_t
behind_userinfo(struct view *v, size_t i)
{
	for (size_t n = 0; n < USERINFO_MAX_BYTES; n++) {
		int c = view_at(v, i + n);

		if (c == '@')
			return i + n + 1;
		if (c == VIEW_NONE || c == '/' || c == '?' || c == '#' || is_quote(c) ||
		    is_blank(c) || is_record_end(c))
			break;
	}
	return i;
}

bool
url_host_match(const struct prf_key *key, struct view *v, size_t at, struct span *ret)
{
	size_t start = behind_userinfo(v, at + 3);
	size_t end = host_end(v, start);
	size_t top;

	if (!is_foreign_host(v->data + start, end - start))
		return false;
	top = top_length(v->data + start, end - start);
	span_begin(ret, CLEAN_HOST, start, end);
	replace_labels(key, v,
	    memchr(v->data + start, '.', end - start - top) ? ALIAS_HOST : ALIAS_DOMAIN, start,
	    end, ret);
	return is_changed(v, ret);
}

/* Something that was replaced before: an address, say, stood right before the name. */
static bool
ends_in_alias(const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (alias_name_length(name + i, len - i) == len - i)
			return true;
	return false;
}

static bool
is_local(int c)
{
	return is_name(c) || c == '+';
}

/* Where the name before the "@" at AT begins; AT if it is none: an address, or the rest of
 * something that was replaced. */
static size_t
local_start(const struct view *v, size_t low, size_t at)
{
	size_t start = at;
	size_t letter = 0;

	while (start > low && at - start < LOCAL_MAX_BYTES && is_local(view_before(v, start)))
		start--;
	if (start > v->low && start < at && v->data[start - 1] == '\\')
		start++;
	for (size_t i = at; i > start && v->data[i - 1] != '.'; i--)
		letter += !is_digit(v->data[i - 1]);
	return letter == 0 || ends_in_alias(v->data + start, at - start) ? at : start;
}

bool
email_match(const struct prf_key *key, struct view *v, size_t low, size_t at, struct span *ret)
{
	size_t end = host_end(v, at + 1);
	size_t start = local_start(v, low, at);

	if (!is_local(view_before(v, at)) || !is_foreign_host(v->data + at + 1, end - at - 1))
		return false;
	span_begin(ret, CLEAN_USER, start, end);
	add_label(key, ALIAS_USER, v->data + start, at - start, ret);
	span_add(ret, "@", 1);
	replace_labels(key, v, ALIAS_DOMAIN, at + 1, end, ret);
	return is_changed(v, ret);
}
