/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <yaml.h>

#include "capture/kube/yamldoc.h"
#include "lib/fault.h"
#include "lib/text.h"

/* Nesting, and columns of indentation. */
#define DEPTH_MAX  64u
#define MARGIN_MAX 256u

struct yamldoc {
	yaml_document_t document;
};

/* libyaml's scanner looks at every open level for each token, so its time is the square of the
 * depth: 400 KB of brackets take minutes. Real files are 5 deep. Brackets in texts count too.
 */
static bool
is_too_deep(const char *data, size_t size)
{
	size_t depth = 0, margin = 0;
	bool in_margin = true;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n' || data[i] == '\r') {
			in_margin = true;
			margin = 0;
			continue;
		}
		/* A block cannot be deeper than it is indented: "- - - x". */
		in_margin = in_margin && strchr(" \t-?:", data[i]) && data[i] != '\0';
		if (in_margin && ++margin > MARGIN_MAX)
			return true;
		if (data[i] == '[' || data[i] == '{')
			depth++;
		else if ((data[i] == ']' || data[i] == '}') && depth > 0)
			depth--;
		if (depth > DEPTH_MAX)
			return true;
	}
	return false;
}

static void
clear_parser(yaml_parser_t *p)
{
	if (p->buffer.start)
		explicit_bzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
	if (p->raw_buffer.start)
		explicit_bzero(
		    p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
	yaml_parser_delete(p);
}

int
yamldoc_parse(
    const char *path, const char *data, size_t size, struct yamldoc **ret, struct fault *reterr)
{
	struct yamldoc *d;
	yaml_parser_t parser;
	int r = 0;

	if (is_too_deep(data, size))
		return fault_set(
		    reterr, -EINVAL, "'%s': is nested deeper than any such file", path);
	d = malloc(sizeof(*d));
	if (!d || !yaml_parser_initialize(&parser)) {
		free(d);
		return fault_set(reterr, -ENOMEM, "'%s': out of memory", path);
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)data, size);
	if (!yaml_parser_load(&parser, &d->document)) {
		free(d);
		r = fault_set(reterr, parser.error == YAML_MEMORY_ERROR ? -ENOMEM : -EINVAL,
		    "'%s': line %zu: not YAML: %s", path, parser.problem_mark.line + 1,
		    parser.problem ? parser.problem : "it cannot be read");
	} else {
		*ret = d;
	}
	clear_parser(&parser);
	return r;
}

/* libyaml does not say const, but only looks. */
static const yaml_node_t *
node_at(const struct yamldoc *d, int index)
{
	return yaml_document_get_node((yaml_document_t *)&d->document, index);
}

const yaml_node_t *
yamldoc_root(const struct yamldoc *d)
{
	return yaml_document_get_root_node((yaml_document_t *)&d->document);
}

const yaml_node_t *
yamldoc_get(const struct yamldoc *d, const yaml_node_t *map, const char *key)
{
	yaml_node_pair_t *pair;
	const yaml_node_t *k;

	if (!yamldoc_is_map(map))
		return NULL;
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		k = node_at(d, pair->key);
		if (k && k->type == YAML_SCALAR_NODE &&
		    streq((const char *)k->data.scalar.value, key))
			return node_at(d, pair->value);
	}
	return NULL;
}

const yaml_node_t *
yamldoc_item(const struct yamldoc *d, const yaml_node_t *list, size_t i)
{
	if (!yamldoc_is_list(list) ||
	    i >= (size_t)(list->data.sequence.items.top - list->data.sequence.items.start))
		return NULL;
	return node_at(d, list->data.sequence.items.start[i]);
}

bool
yamldoc_is_map(const yaml_node_t *n)
{
	return n && n->type == YAML_MAPPING_NODE;
}

bool
yamldoc_is_list(const yaml_node_t *n)
{
	return n && n->type == YAML_SEQUENCE_NODE;
}

bool
yamldoc_is_null(const yaml_node_t *n)
{
	const char *s;

	if (n->type != YAML_SCALAR_NODE || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	s = (const char *)n->data.scalar.value;
	return s[0] == '\0' || streq(s, "~") || streq(s, "null");
}

int
yamldoc_text(const yaml_node_t *n, const char **ret)
{
	const char *s;

	if (!n || yamldoc_is_null(n))
		return 0;
	if (n->type != YAML_SCALAR_NODE)
		return -EINVAL;
	s = (const char *)n->data.scalar.value;
	if (strlen(s) != n->data.scalar.length)
		return -EILSEQ;
	if (s[0] == '\0')
		return 0;
	*ret = s;
	return 1;
}

void
yamldoc_free(struct yamldoc *d)
{
	yaml_node_t *n;

	if (!d)
		return;
	for (n = d->document.nodes.start; n < d->document.nodes.top; n++)
		if (n->type == YAML_SCALAR_NODE)
			explicit_bzero(n->data.scalar.value, n->data.scalar.length);
	yaml_document_delete(&d->document);
	free(d);
}
