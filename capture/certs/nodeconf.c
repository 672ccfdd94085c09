/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "capture/certs/nodeconf.h"
#include "capture/kube/yamldoc.h"
#include "lib/fault.h"
#include "lib/text.h"

/* Replaces *VALUE by the text TEXT. */
static int
set_text(char **value, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*value);
	*value = copy;
	return 0;
}

/* Replaces *VALUE by the text of the member KEY, if it has one. What is no text counts as not
 * given: MicroShift itself complains about that. */
static int
take_text(const struct yamldoc *d, const struct yaml_node_s *map, const char *key, char **value)
{
	const char *text;

	if (yamldoc_text(yamldoc_get(d, map, key), &text) <= 0)
		return 0;
	return set_text(value, text);
}

static void
certificate_done(struct nodeconf_certificate *c)
{
	free(c->cert_path);
	free(c->key_path);
	strv_free(c->names);
	*c = (struct nodeconf_certificate){ 0 };
}

static void
drop_certificates(struct nodeconf *conf)
{
	for (size_t i = 0; i < conf->n_certificates; i++)
		certificate_done(&conf->certificates[i]);
	free(conf->certificates);
	conf->certificates = NULL;
	conf->n_certificates = 0;
}

static int
take_names(const struct yamldoc *d, const struct yaml_node_s *list, char ***names)
{
	const struct yaml_node_s *item;
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && (item = yamldoc_item(d, list, i)); i++)
		if (yamldoc_text(item, &text) > 0)
			r = strv_append(names, text);
	return r;
}

static int
take_certificate(struct nodeconf *conf, const struct yamldoc *d, const struct yaml_node_s *item)
{
	struct nodeconf_certificate *c;
	const char *cert, *key = "";

	if (yamldoc_text(yamldoc_get(d, item, "certPath"), &cert) <= 0)
		return 0;
	(void)yamldoc_text(yamldoc_get(d, item, "keyPath"), &key);
	if (conf->n_certificates >= NODECONF_CERTIFICATES_MAX)
		return -E2BIG;
	c = reallocarray(conf->certificates, conf->n_certificates + 1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	conf->certificates = c;
	c += conf->n_certificates++;
	*c =
	    (struct nodeconf_certificate){ .cert_path = strdup(cert), .key_path = strdup(key) };
	if (!c->cert_path || !c->key_path)
		return -ENOMEM;
	return take_names(d, yamldoc_get(d, item, "names"), &c->names);
}

static int
take_certificates(
    struct nodeconf *conf, const struct yamldoc *d, const struct yaml_node_s *list)
{
	const struct yaml_node_s *item;
	int r = 0;

	if (!list)
		return 0;
	drop_certificates(conf);
	for (size_t i = 0; r == 0 && (item = yamldoc_item(d, list, i)); i++)
		r = take_certificate(conf, d, item);
	return r;
}

int
nodeconf_merge(struct nodeconf *conf, const char *path, const char *data, size_t size,
    struct fault *reterr)
{
	_cleanup_(yamldoc_freep) struct yamldoc *d = NULL;
	const struct yaml_node_s *root, *node, *api;
	int r;

	r = yamldoc_parse(path, data, size, &d, reterr);
	if (r < 0)
		return r;
	root = yamldoc_root(d);
	node = yamldoc_get(d, root, "node");
	api = yamldoc_get(d, root, "apiServer");
	r = take_text(d, node, "hostnameOverride", &conf->node_name);
	if (r == 0)
		r = take_text(d, node, "nodeIP", &conf->node_ip);
	if (r == 0)
		r = take_text(d, api, "advertiseAddress", &conf->advertise_ip);
	if (r == 0)
		r = take_text(d, api, "port", &conf->api_port);
	if (r == 0)
		r = take_text(d, yamldoc_get(d, root, "ingress"), "certificateSecret",
		    &conf->ingress_secret);
	if (r == 0)
		r = take_certificates(conf, d, yamldoc_get(d, api, "namedCertificates"));
	return r < 0 ? fault_set(reterr, r, "'%s': apiServer.namedCertificates: %m", path) : 0;
}

int
nodeconf_kubelet(const char *path, const char *data, size_t size, struct nodeconf_tls *ret,
    struct fault *reterr)
{
	_cleanup_(yamldoc_freep) struct yamldoc *d = NULL;
	const struct yaml_node_s *root, *x509;
	int r;

	r = yamldoc_parse(path, data, size, &d, reterr);
	if (r < 0)
		return r;
	root = yamldoc_root(d);
	x509 = yamldoc_get(d, yamldoc_get(d, root, "authentication"), "x509");
	ret->is_enabled = true;
	r = take_text(d, root, "tlsCertFile", &ret->cert_path);
	if (r == 0)
		r = take_text(d, root, "tlsPrivateKeyFile", &ret->key_path);
	if (r == 0)
		r = take_text(d, x509, "clientCAFile", &ret->ca_path);
	return r < 0 ? fault_set(reterr, r, "'%s': %m", path) : 0;
}

/* Splits "key = value" in place; the quotes of TOML around a string are taken off, what is
 * behind it is a comment. Returns the value, NULL when LINE is none. */
static char *
split_line(char *line, char **ret_key)
{
	char *equals = strchr(line, '='), *value;

	line = text_strip(line);
	if (!equals || *line == '#' || *line == '[')
		return NULL;
	*equals = '\0';
	*ret_key = text_strip(line);
	value = text_strip(equals + 1);
	if (*value == '"' || *value == '\'') {
		char quote = *value++;

		value[strcspn(value, (const char[]){ quote, '\0' })] = '\0';
		return value;
	}
	value[strcspn(value, " \t#")] = '\0';
	return value;
}

static int
take_crio_line(struct nodeconf_tls *tls, const char *key, const char *value)
{
	if (streq(key, "stream_enable_tls"))
		tls->is_enabled = streq(value, "true");
	else if (streq(key, "stream_tls_cert"))
		return set_text(&tls->cert_path, value);
	else if (streq(key, "stream_tls_key"))
		return set_text(&tls->key_path, value);
	else if (streq(key, "stream_tls_ca"))
		return set_text(&tls->ca_path, value);
	return 0;
}

int
nodeconf_crio(struct nodeconf_tls *tls, const char *data)
{
	_cleanup_free_ char *copy = strdup(data);
	char *rest = copy, *line, *key, *value;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		value = split_line(line, &key);
		if (value)
			r = take_crio_line(tls, key, value);
	}
	return r;
}

void
nodeconf_done(struct nodeconf *conf)
{
	drop_certificates(conf);
	free(conf->node_name);
	free(conf->node_ip);
	free(conf->advertise_ip);
	free(conf->api_port);
	free(conf->ingress_secret);
	*conf = (struct nodeconf){ 0 };
}

void
nodeconf_tls_done(struct nodeconf_tls *tls)
{
	free(tls->cert_path);
	free(tls->key_path);
	free(tls->ca_path);
	*tls = (struct nodeconf_tls){ 0 };
}
