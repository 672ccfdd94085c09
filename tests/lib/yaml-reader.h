/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads YAML with libyaml and compares it with the values it was made of: texts equal byte by
 * byte, and no text that a reader would take for something else. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "capture/kube/scalar.h"
#include "capture/kube/value.h"

static inline bool
yaml_reader_text(const yaml_node_t *node, const char *text, size_t len)
{
	const char *read = (const char *)node->data.scalar.value;

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.length != len ||
	    memcmp(read, text, len) != 0)
		return false;
	return node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
	    !scalar_looks_typed(text, len);
}

static inline bool
yaml_reader_plain(const yaml_node_t *node, const char *text)
{
	if (node->type != YAML_SCALAR_NODE ||
	    node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	/* An exponent is put into the form that PyYAML takes. */
	return strpbrk(text, "eE") || strcmp((const char *)node->data.scalar.value, text) == 0;
}

static inline bool
yaml_reader_value(yaml_document_t *d, const yaml_node_t *node, const struct kube_value *want)
{
	const struct kube_value *child;

	switch (want->type) {
	case KUBE_NULL:
		return yaml_reader_plain(node, "null");
	case KUBE_TRUE:
		return node->type == YAML_SCALAR_NODE &&
		    strcmp((const char *)node->data.scalar.value, "true") == 0;
	case KUBE_FALSE:
		return node->type == YAML_SCALAR_NODE &&
		    strcmp((const char *)node->data.scalar.value, "false") == 0;
	case KUBE_NUMBER:
		return yaml_reader_plain(node, want->text);
	case KUBE_STRING:
		return yaml_reader_text(node, want->text, want->len);
	case KUBE_ARRAY: {
		const yaml_node_item_t *item = node->data.sequence.items.start;

		if (node->type != YAML_SEQUENCE_NODE ||
		    node->data.sequence.items.top - item != (ptrdiff_t)want->len)
			return false;
		KUBE_VALUE_FOREACH (child, want)
			if (!yaml_reader_value(d, yaml_document_get_node(d, *item++), child))
				return false;
		return true;
	}
	case KUBE_OBJECT:
		if (node->type != YAML_MAPPING_NODE ||
		    node->data.mapping.pairs.top - node->data.mapping.pairs.start !=
			(ptrdiff_t)want->len)
			return false;
		for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
		     p < node->data.mapping.pairs.top; p++) {
			const yaml_node_t *key = yaml_document_get_node(d, p->key);

			if (key->type != YAML_SCALAR_NODE)
				return false;
			KUBE_VALUE_FOREACH (child, want)
				if (yaml_reader_text(key, child->key, child->key_len))
					break;
			if (!child ||
			    !yaml_reader_value(d, yaml_document_get_node(d, p->value), child))
				return false;
		}
		return true;
	default:
		return false;
	}
}

/* True if TEXT[LEN] is one YAML document, and WANT, which may be NULL. */
static inline bool
yaml_reads_back(const char *text, size_t len, const struct kube_value *want)
{
	yaml_document_t document;
	yaml_parser_t parser;
	bool fine = false;

	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &document)) {
		const yaml_node_t *root = yaml_document_get_root_node(&document);

		fine = root && (!want || yaml_reader_value(&document, root, want));
		yaml_document_delete(&document);
		/* And nothing behind it. */
		if (fine && yaml_parser_load(&parser, &document)) {
			fine = !yaml_document_get_root_node(&document);
			yaml_document_delete(&document);
		}
	} else {
		(void)fprintf(stderr, "libyaml: %s at line %zu\n", parser.problem,
		    parser.problem_mark.line + 1);
	}
	yaml_parser_delete(&parser);
	return fine;
}
