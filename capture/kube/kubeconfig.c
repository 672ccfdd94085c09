/* SPDX-License-Identifier: Apache-2.0 */

/* A kubeconfig is three lists of named things (clusters, users, contexts) and the name of the
 * context in use. What is wanted is picked from its known places. Every copy of the text that
 * we can reach is cleared before it is freed. */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "capture/kube/kubeconfig.h"
#include "capture/kube/yamldoc.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/redact/base64.h"
#include "lib/text.h"

/* "user 'system:admin'", cut. */
#define WHERE_BYTES 160u

struct reader {
	const char *path;
	const struct yamldoc *document;
	char where[WHERE_BYTES]; /* what is being read, for messages */
	struct fault *reterr;
};

static void
clear_free(void *data, size_t size)
{
	if (data)
		explicit_bzero(data, size);
	free(data);
}

static void
blob_done(struct kube_blob *b)
{
	clear_free(b->data, b->size);
	*b = (struct kube_blob){ 0 };
}

/* A mistake in FIELD of what is being read. */
static int
bad(const struct reader *r, int code, const char *field, const char *what)
{
	return fault_set(r->reterr, code, "'%s': %s%s%s: %s", r->path, r->where,
	    r->where[0] ? ", " : "", field, what);
}

/* Yields the text of KEY, which stays the document's. Returns 1; 0 when it is missing, null or
 * empty; -EINVAL. */
static int
get_text(
    const struct reader *r, const struct yaml_node_s *map, const char *key, const char **ret)
{
	int n = yamldoc_text(yamldoc_get(r->document, map, key), ret);

	if (n == -EINVAL)
		return bad(r, n, key, "a text is expected");
	return n < 0 ? bad(r, -EINVAL, key, "has a NUL byte") : n;
}

/* Copies the text of KEY. Returns as get_text(), or -ENOMEM. */
static int
copy_text(const struct reader *r, const struct yaml_node_s *map, const char *key, char **ret)
{
	const char *s = NULL;
	int n;

	n = get_text(r, map, key, &s);
	if (n <= 0)
		return n;
	*ret = strdup(s);
	return *ret ? 1 : bad(r, -ENOMEM, key, "out of memory");
}

/* Finds the entry NAME in the list LIST and yields its member INNER: users: [{name, user}]. */
static int
find_named(struct reader *r, const struct yaml_node_s *root, const char *list,
    const char *inner, const char *name, const struct yaml_node_s **ret)
{
	const struct yaml_node_s *l = yamldoc_get(r->document, root, list), *entry;
	const char *found;
	int n;

	r->where[0] = '\0';
	if (!yamldoc_is_list(l))
		return bad(r, -EINVAL, list, "there is no such list");
	for (size_t i = 0; (entry = yamldoc_item(r->document, l, i)); i++) {
		n = get_text(r, entry, "name", &found);
		if (n < 0)
			return n;
		if (n == 0 || !streq(found, name))
			continue;
		(void)snprintf(r->where, sizeof(r->where), "%s '%s'", inner, name);
		entry = yamldoc_get(r->document, entry, inner);
		if (!yamldoc_is_map(entry))
			return bad(r, -EINVAL, inner, "is missing or no mapping");
		*ret = entry;
		return 0;
	}
	return fault_set(
	    r->reterr, -EINVAL, "'%s': %s: there is none named '%s'", r->path, list, name);
}

/* Decodes the base64 TEXT of FIELD. */
static int
decode_blob(const struct reader *r, const char *field, const char *text, struct kube_blob *ret)
{
	size_t length = strlen(text);
	struct kube_blob b = { 0 };

	if (strspn(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \n\r\t") !=
	    length)
		return bad(r, -EINVAL, field, "is not base64");
	b.data = malloc(length / 4 * 3 + 4);
	if (!b.data)
		return bad(r, -ENOMEM, field, "out of memory");
	b.size =
	    base64_decode((const uint8_t *)text, length, (uint8_t *)b.data, length / 4 * 3 + 3);
	b.data[b.size] = '\0';
	if (b.size == 0) {
		blob_done(&b);
		return bad(r, -EINVAL, field, "is empty");
	}
	*ret = b;
	return 0;
}

/* Reads the file NAME, relative to the kubeconfig's directory, that FIELD names. */
static int
read_blob(const struct reader *r, const char *field, const char *name, size_t max_bytes,
    struct kube_blob *ret)
{
	const char *slash = strrchr(r->path, '/');
	_cleanup_free_ char *path = NULL;
	struct kube_blob b = { 0 };
	int n;

	if (name[0] == '/' || !slash)
		path = strdup(name);
	else
		path = text_format("%.*s/%s", (int)(slash - r->path), r->path, name);
	if (!path)
		return bad(r, -ENOMEM, field, "out of memory");
	n = io_read_file(AT_FDCWD, path, max_bytes, &b.data, &b.size);
	if (n < 0)
		return fault_set(r->reterr, n, "'%s': %s, %s: cannot read '%s': %m", r->path,
		    r->where, field, path);
	if (b.size == 0) {
		blob_done(&b);
		return fault_set(r->reterr, -EINVAL, "'%s': %s, %s: '%s' is empty", r->path,
		    r->where, field, path);
	}
	*ret = b;
	return 0;
}

/* Loads FIELD-data, else the file that FIELD names; it must hold MARK. */
static int
load_pem(const struct reader *r, const struct yaml_node_s *map, const char *field,
    const char *mark, struct kube_blob *ret)
{
	struct kube_blob b = { 0 };
	const char *text = NULL;
	char data_field[48];
	int n;

	(void)snprintf(data_field, sizeof(data_field), "%s-data", field);
	n = get_text(r, map, data_field, &text);
	if (n < 0)
		return n;
	if (n > 0) {
		field = data_field;
		n = decode_blob(r, field, text, &b);
	} else {
		n = get_text(r, map, field, &text);
		if (n <= 0)
			return n;
		n = read_blob(r, field, text, KUBECONFIG_FILE_MAX_BYTES, &b);
	}
	if (n < 0)
		return n;
	if (!memmem(b.data, b.size, mark, strlen(mark))) {
		blob_done(&b);
		return fault_set(r->reterr, -EINVAL, "'%s': %s, %s: holds no PEM '%s'", r->path,
		    r->where, field, mark);
	}
	*ret = b;
	return 0;
}

static bool
is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcasecmp(host, "localhost") == 0;
}

/* Splits "host", "host:port", "[v6]:port" of LENGTH bytes. Returns 0, -EINVAL or -ENOMEM. */
static int
parse_authority(struct kubeconfig *k, const char *s, size_t length)
{
	static const char name_chars[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
	_cleanup_free_ char *authority = strndup(s, length);
	char *host = authority, *end;
	struct in6_addr six;
	uint64_t port;

	if (!authority)
		return -ENOMEM;
	if (host[0] == '[') {
		host++;
		end = strchr(host, ']');
		if (!end)
			return -EINVAL;
		*end++ = '\0';
		if (inet_pton(AF_INET6, host, &six) != 1)
			return -EINVAL;
	} else {
		end = host + strspn(host, name_chars);
	}
	if (*end == ':') {
		if (text_parse_uint(end + 1, &port) < 0 || port == 0 || port > 65535)
			return -EINVAL;
		k->port = (unsigned)port;
		*end = '\0';
	} else if (*end != '\0') {
		return -EINVAL;
	}
	if (host[0] == '\0')
		return -EINVAL;
	k->host = strdup(host);
	return k->host ? 0 : -ENOMEM;
}

static int
parse_server(const struct reader *r, const char *url, struct kubeconfig *k)
{
	const char *rest, *path;
	size_t length;
	int n;

	if (text_has_prefix(url, "https://")) {
		k->is_tls = true;
		k->port = 443;
		rest = url + strlen("https://");
	} else if (text_has_prefix(url, "http://")) {
		k->port = 80;
		rest = url + strlen("http://");
	} else {
		return bad(r, -EINVAL, "server", "is no https:// address");
	}
	for (const char *p = url; *p; p++)
		if (!isgraph((unsigned char)*p) || strchr("?#\\\"<>^`{|}", *p))
			return bad(r, -EINVAL, "server", "has a character that it cannot have");
	path = rest + strcspn(rest, "/");
	n = parse_authority(k, rest, (size_t)(path - rest));
	if (n < 0)
		return bad(r, n, "server", "has no host, or a port that is none");
	if (!k->is_tls && !is_loopback(k->host))
		return bad(r, -EOPNOTSUPP, "server",
		    "plain http is only used to this host, since credentials are sent");
	length = strlen(path);
	while (length > 0 && path[length - 1] == '/')
		length--;
	k->base_path = strndup(path, length);
	k->server = strndup(url, (size_t)(path - url) + length);
	return k->base_path && k->server ? 0 : bad(r, -ENOMEM, "server", "out of memory");
}

static int
read_cluster(const struct reader *r, const struct yaml_node_s *cluster, struct kubeconfig *k)
{
	const char *text = NULL;
	bool insecure = false;
	int n;

	n = get_text(r, cluster, "insecure-skip-tls-verify", &text);
	if (n < 0 || (n > 0 && text_parse_bool(text, &insecure) < 0))
		return bad(r, -EINVAL, "insecure-skip-tls-verify", "is neither true nor false");
	if (insecure)
		return bad(r, -EOPNOTSUPP, "insecure-skip-tls-verify",
		    "credentials are not sent to a server that is not verified");
	n = get_text(r, cluster, "proxy-url", &text);
	if (n != 0)
		return bad(r, -EOPNOTSUPP, "proxy-url", "the API is only asked directly");
	n = get_text(r, cluster, "server", &text);
	if (n <= 0)
		return n < 0 ? n : bad(r, -EINVAL, "server", "is missing");
	n = parse_server(r, text, k);
	if (n < 0)
		return n;
	n = copy_text(r, cluster, "tls-server-name", &k->tls_server_name);
	if (n < 0)
		return n;
	if (n > 0 &&
	    k->tls_server_name[strspn(k->tls_server_name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")])
		return bad(r, -EINVAL, "tls-server-name", "is no host name");
	return load_pem(
	    r, cluster, "certificate-authority", "-----BEGIN CERTIFICATE-----", &k->ca);
}

/* A token is one line of visible ASCII; around it white space is fine, as kubectl takes it. */
static int
check_token(const struct reader *r, const char *field, struct kube_blob *b)
{
	size_t start = 0, end = b->size;

	while (start < end && isspace((unsigned char)b->data[start]))
		start++;
	while (end > start && isspace((unsigned char)b->data[end - 1]))
		end--;
	if (start == end)
		return bad(r, -EINVAL, field, "is empty");
	for (size_t i = start; i < end; i++)
		if (!isascii((unsigned char)b->data[i]) || !isgraph((unsigned char)b->data[i]))
			return bad(r, -EINVAL, field, "has a character that no token has");
	memmove(b->data, b->data + start, end - start);
	explicit_bzero(b->data + (end - start), b->size - (end - start));
	b->size = end - start;
	return 0;
}

/* As in kubectl, the file wins. */
static int
read_token(const struct reader *r, const struct yaml_node_s *user, struct kubeconfig *k)
{
	const char *field = "tokenFile", *text = NULL;
	int n;

	n = get_text(r, user, field, &text);
	if (n < 0)
		return n;
	if (n > 0) {
		n = read_blob(r, field, text, KUBECONFIG_TOKEN_MAX_BYTES, &k->token);
	} else {
		field = "token";
		n = get_text(r, user, field, &text);
		if (n <= 0)
			return n;
		if (strlen(text) > KUBECONFIG_TOKEN_MAX_BYTES)
			return bad(r, -EINVAL, field, "is too long");
		k->token.data = strdup(text);
		k->token.size = strlen(text);
		n = k->token.data ? 0 : bad(r, -ENOMEM, field, "out of memory");
	}
	return n < 0 ? n : check_token(r, field, &k->token);
}

static int
read_user(const struct reader *r, const struct yaml_node_s *user, struct kubeconfig *k)
{
	/* What would run a program, talk to others, or be somebody else. */
	static const struct {
		const char *field, *reason;
	} refused[] = {
		{ "exec", "programs are not run to get credentials" },
		{ "auth-provider", "providers of credentials are not supported" },
		{ "username", "the API has no passwords since Kubernetes 1.19" },
		{ "password", "the API has no passwords since Kubernetes 1.19" },
		{ "as", "impersonation is not supported" },
		{ "as-uid", "impersonation is not supported" },
		{ "as-groups", "impersonation is not supported" },
	};
	const struct yaml_node_s *n;
	int q;

	for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
		n = yamldoc_get(r->document, user, refused[i].field);
		if (n && !yamldoc_is_null(n))
			return bad(r, -EOPNOTSUPP, refused[i].field, refused[i].reason);
	}
	q = load_pem(r, user, "client-certificate", "-----BEGIN CERTIFICATE-----", &k->cert);
	if (q < 0)
		return q;
	q = load_pem(r, user, "client-key", "PRIVATE KEY-----", &k->key);
	if (q < 0)
		return q;
	if (k->cert.data && !k->key.data)
		return bad(r, -EINVAL, "client-key", "is missing, but there is a certificate");
	if (k->key.data && !k->cert.data)
		return bad(r, -EINVAL, "client-certificate", "is missing, but there is a key");
	q = read_token(r, user, k);
	if (q < 0)
		return q;
	if (!k->cert.data && !k->token.data)
		return bad(r, -EINVAL, "client-certificate",
		    "there is neither certificate nor token to log in with");
	return 0;
}

/* Without current-context the only context there is is meant. */
static int
choose_context(const struct reader *r, const struct yaml_node_s *root, struct kubeconfig *k)
{
	const struct yaml_node_s *list;
	int n;

	n = copy_text(r, root, "current-context", &k->context);
	if (n != 0)
		return n < 0 ? n : 0;
	list = yamldoc_get(r->document, root, "contexts");
	if (!yamldoc_item(r->document, list, 1))
		n = copy_text(r, yamldoc_item(r->document, list, 0), "name", &k->context);
	if (n != 0)
		return n < 0 ? n : 0;
	return bad(
	    r, -EINVAL, "current-context", "is missing, and there is not just one context");
}

static int
read_document(struct reader *r, struct kubeconfig *k)
{
	const struct yaml_node_s *root = yamldoc_root(r->document);
	const struct yaml_node_s *context = NULL, *cluster = NULL, *user = NULL;
	const char *cluster_name, *user_name, *kind = "Config";
	int n;

	if (!yamldoc_is_map(root))
		return fault_set(r->reterr, -EINVAL, "'%s': is no kubeconfig", r->path);
	n = get_text(r, root, "kind", &kind);
	if (n < 0 || !streq(kind, "Config"))
		return bad(r, -EINVAL, "kind", "is not Config");
	n = choose_context(r, root, k);
	if (n < 0)
		return n;
	n = find_named(r, root, "contexts", "context", k->context, &context);
	if (n < 0)
		return n;
	n = get_text(r, context, "cluster", &cluster_name);
	if (n <= 0)
		return n < 0 ? n : bad(r, -EINVAL, "cluster", "is missing");
	n = get_text(r, context, "user", &user_name);
	if (n <= 0)
		return n < 0 ? n : bad(r, -EINVAL, "user", "is missing");
	n = find_named(r, root, "clusters", "cluster", cluster_name, &cluster);
	if (n < 0)
		return n;
	n = read_cluster(r, cluster, k);
	if (n < 0)
		return n;
	n = find_named(r, root, "users", "user", user_name, &user);
	if (n < 0)
		return n;
	return read_user(r, user, k);
}

int
kubeconfig_parse(const char *path, const char *data, size_t size, struct kubeconfig **ret,
    struct fault *reterr)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *k = calloc(1, sizeof(*k));
	_cleanup_(yamldoc_freep) struct yamldoc *document = NULL;
	struct reader r = { .path = path, .reterr = reterr };
	int n;

	if (size > KUBECONFIG_MAX_BYTES)
		return fault_set(reterr, -EINVAL, "'%s': is larger than any kubeconfig", path);
	if (!k || !(k->path = strdup(path)))
		return fault_set(reterr, -ENOMEM, "'%s': out of memory", path);
	n = yamldoc_parse(path, data, size, &document, reterr);
	if (n < 0)
		return n;
	r.document = document;
	n = read_document(&r, k);
	if (n < 0)
		return n;
	*ret = TAKE_PTR(k);
	return 0;
}

int
kubeconfig_load(const char *path, struct kubeconfig **ret, struct fault *reterr)
{
	size_t size = 0;
	char *data = NULL;
	int r;

	r = io_read_file(AT_FDCWD, path, KUBECONFIG_MAX_BYTES, &data, &size);
	if (r < 0)
		return fault_set(reterr, r, "Cannot read the kubeconfig '%s': %m", path);
	r = kubeconfig_parse(path, data, size, ret, reterr);
	clear_free(data, size);
	return r;
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends PATH, which is consumed, if there is such a file. */
static int
append_if_there(char ***paths, char *path)
{
	int r;

	if (!path)
		return -ENOMEM;
	r = access(path, F_OK) < 0 ? 0 : strv_append(paths, path);
	free(path);
	return r;
}

int
kubeconfig_candidates(const char *dir, char ***ret_paths)
{
	_cleanup_(strv_freep) char **paths = NULL;
	_cleanup_closedir_ DIR *d = NULL;
	const struct dirent *entry;
	size_t first;
	int r;

	r = append_if_there(&paths, text_format("%s/kubeconfig", dir));
	if (r < 0)
		return r;
	first = strv_length(paths);
	r = io_opendir(AT_FDCWD, dir, &d);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	while (d && (entry = readdir(d)) && strv_length(paths) < KUBECONFIG_CANDIDATES_MAX) {
		if (entry->d_name[0] == '.')
			continue;
		r = append_if_there(
		    &paths, text_format("%s/%s/kubeconfig", dir, entry->d_name));
		if (r < 0)
			return r;
	}
	if (paths)
		qsort(
		    paths + first, strv_length(paths) - first, sizeof(*paths), compare_strings);
	*ret_paths = TAKE_PTR(paths);
	return 0;
}

int
kubeconfig_loopback(unsigned port, struct kubeconfig **ret)
{
	_cleanup_(kubeconfig_freep) struct kubeconfig *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->host = strdup("127.0.0.1");
	k->port = port;
	k->server = text_format("http://127.0.0.1:%u", port);
	k->base_path = strdup("");
	if (!k->host || !k->server || !k->base_path)
		return -ENOMEM;
	*ret = TAKE_PTR(k);
	return 0;
}

void
kubeconfig_free(struct kubeconfig *k)
{
	if (!k)
		return;
	blob_done(&k->token);
	blob_done(&k->key);
	blob_done(&k->cert);
	blob_done(&k->ca);
	free(k->tls_server_name);
	free(k->base_path);
	free(k->host);
	free(k->server);
	free(k->context);
	free(k->path);
	free(k);
}
