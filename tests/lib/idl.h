/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A small reader of Varlink interface descriptions, and a check of values against them. It
 * aborts on what it does not understand: descriptions are ours. */

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/json.h"
#include "lib/varlink.h"

enum idl_kind {
	IDL_BOOL,
	IDL_INT,
	IDL_FLOAT,
	IDL_STRING,
	IDL_OBJECT,
	IDL_NAME, /* of a type of the interface */
	IDL_ENUM, /* fields have names only */
	IDL_STRUCT,
	IDL_ARRAY, /* of inner */
	IDL_MAP,   /* of inner */
	IDL_MAYBE, /* inner or null or missing */
};

struct idl_type {
	enum idl_kind kind;
	char name[64]; /* of IDL_NAME */
	struct idl_type *inner;
	struct idl_field *fields;
	size_t n_fields;
};

struct idl_field {
	char name[64];
	struct idl_type *type; /* NULL in an enum */
};

/* A type, method or error. */
struct idl_member {
	char keyword[8];
	char name[64];
	struct idl_type *input; /* of a method; else the type itself */
	struct idl_type *output;
};

struct idl {
	const char *at;
	char name[128];
	struct idl_member members[64];
	size_t n_members;
};

static struct idl_type *idl_read_type(struct idl *idl);

/* Zeroed, and alive until the test ends: the pool keeps leak checkers content. */
static inline void *
idl_alloc(size_t n, size_t size)
{
	static void *volatile pool[1024]; /* or the compiler drops it */
	static size_t used;
	void *p = calloc(n, size);

	assert(p && used < ELEMENTSOF(pool));
	pool[used++] = p;
	return p;
}

static inline void
idl_skip(struct idl *idl)
{
	for (;;) {
		while (isspace((unsigned char)*idl->at))
			idl->at++;
		if (*idl->at != '#')
			return;
		while (*idl->at && *idl->at != '\n')
			idl->at++;
	}
}

static inline bool
idl_take(struct idl *idl, const char *token)
{
	idl_skip(idl);
	if (strncmp(idl->at, token, strlen(token)) != 0)
		return false;
	idl->at += strlen(token);
	return true;
}

static inline void
idl_word(struct idl *idl, char *buf, size_t size)
{
	size_t n = 0;

	idl_skip(idl);
	while (isalnum((unsigned char)*idl->at) || strchr("._-", *idl->at)) {
		if (*idl->at == '\0' || strncmp(idl->at, "->", 2) == 0)
			break;
		assert(n + 1 < size);
		buf[n++] = *idl->at++;
	}
	buf[n] = '\0';
	assert(n > 0);
}

static inline struct idl_type *
idl_type_new(enum idl_kind kind)
{
	struct idl_type *t = idl_alloc(1, sizeof(*t));

	t->kind = kind;
	return t;
}

/* Behind the opening parenthesis. */
static inline struct idl_type *
idl_read_fields(struct idl *idl)
{
	struct idl_type *t = idl_type_new(IDL_STRUCT);

	t->fields = idl_alloc(64, sizeof(*t->fields));
	while (!idl_take(idl, ")")) {
		struct idl_field *f = &t->fields[t->n_fields++];

		assert(t->n_fields < 64);
		idl_word(idl, f->name, sizeof(f->name));
		assert(varlink_field_name_is_valid(f->name));
		if (idl_take(idl, ":"))
			f->type = idl_read_type(idl);
		else
			t->kind = IDL_ENUM;
		for (size_t i = 0; i + 1 < t->n_fields; i++)
			assert(strcmp(t->fields[i].name, f->name) != 0);
		if (!idl_take(idl, ",")) {
			assert(idl_take(idl, ")"));
			break;
		}
	}
	for (size_t i = 0; i < t->n_fields; i++)
		assert((t->fields[i].type == NULL) == (t->kind == IDL_ENUM));
	return t;
}

static struct idl_type *
idl_read_type(struct idl *idl)
{
	static const struct {
		const char *name;
		enum idl_kind kind;
	} words[] = { { "bool", IDL_BOOL }, { "int", IDL_INT }, { "float", IDL_FLOAT },
		{ "string", IDL_STRING }, { "object", IDL_OBJECT } };
	struct idl_type *t;

	if (idl_take(idl, "?") || idl_take(idl, "[]") || idl_take(idl, "[string]")) {
		t = idl_type_new(idl->at[-1] == '?' ? IDL_MAYBE
			: idl->at[-2] == '['	    ? IDL_ARRAY
						    : IDL_MAP);
		t->inner = idl_read_type(idl);
		return t;
	}
	if (idl_take(idl, "("))
		return idl_read_fields(idl);
	t = idl_type_new(IDL_NAME);
	idl_word(idl, t->name, sizeof(t->name));
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (strcmp(words[i].name, t->name) == 0)
			t->kind = words[i].kind;
	if (t->kind == IDL_NAME)
		assert(varlink_member_name_is_valid(t->name));
	return t;
}

static inline const struct idl_member *
idl_find(const struct idl *idl, const char *keyword, const char *name)
{
	for (size_t i = 0; i < idl->n_members; i++)
		if (strcmp(idl->members[i].keyword, keyword) == 0 &&
		    strcmp(idl->members[i].name, name) == 0)
			return &idl->members[i];
	return NULL;
}

static inline void
idl_read_member(struct idl *idl)
{
	struct idl_member *m = &idl->members[idl->n_members];

	assert(idl->n_members < ELEMENTSOF(idl->members));
	idl_word(idl, m->keyword, sizeof(m->keyword));
	idl_word(idl, m->name, sizeof(m->name));
	assert(varlink_member_name_is_valid(m->name));
	/* Types, methods and errors share one name space. */
	for (size_t i = 0; i < idl->n_members; i++)
		assert(strcmp(idl->members[i].name, m->name) != 0);
	idl->n_members++;
	assert(idl_take(idl, "("));
	m->input = idl_read_fields(idl);
	if (strcmp(m->keyword, "method") != 0) {
		assert(strcmp(m->keyword, "type") == 0 || strcmp(m->keyword, "error") == 0);
		return;
	}
	assert(idl_take(idl, "->") && idl_take(idl, "("));
	m->output = idl_read_fields(idl);
}

/* Aborts unless every type that T names exists. */
static inline void
idl_resolve(const struct idl *idl, const struct idl_type *t)
{
	if (t->kind == IDL_NAME)
		assert(idl_find(idl, "type", t->name));
	if (t->inner)
		idl_resolve(idl, t->inner);
	for (size_t i = 0; t->kind == IDL_STRUCT && i < t->n_fields; i++)
		idl_resolve(idl, t->fields[i].type);
}

static inline struct idl *
idl_parse(const char *text)
{
	struct idl *idl = idl_alloc(1, sizeof(*idl));

	assert(idl);
	idl->at = text;
	assert(idl_take(idl, "interface"));
	idl_word(idl, idl->name, sizeof(idl->name));
	assert(varlink_interface_name_is_valid(idl->name));
	for (idl_skip(idl); *idl->at; idl_skip(idl))
		idl_read_member(idl);
	for (size_t i = 0; i < idl->n_members; i++) {
		idl_resolve(idl, idl->members[i].input);
		if (idl->members[i].output)
			idl_resolve(idl, idl->members[i].output);
	}
	return idl;
}

static bool idl_fits(const struct idl *idl, const struct idl_type *t, const cJSON *value);

static inline bool
idl_complain(const cJSON *value, const char *what)
{
	(void)printf("# '%s': %s\n", value && value->string ? value->string : "a value", what);
	return false;
}

static inline bool
idl_struct_fits(const struct idl *idl, const struct idl_type *t, const cJSON *value)
{
	const cJSON *item;
	size_t i;

	if (!cJSON_IsObject(value))
		return idl_complain(value, "not an object");
	cJSON_ArrayForEach (item, value) {
		for (i = 0; i < t->n_fields && strcmp(t->fields[i].name, item->string) != 0;
		     i++)
			;
		if (i == t->n_fields)
			return idl_complain(item, "not in the description");
	}
	for (i = 0; i < t->n_fields; i++) {
		item = cJSON_GetObjectItemCaseSensitive(value, t->fields[i].name);
		if (!item && t->fields[i].type->kind != IDL_MAYBE) {
			(void)printf("# '%s' is missing\n", t->fields[i].name);
			return false;
		}
		if (item && !idl_fits(idl, t->fields[i].type, item))
			return false;
	}
	return true;
}

static inline bool
idl_all_fit(const struct idl *idl, const struct idl_type *t, const cJSON *value)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, value)
		if (!idl_fits(idl, t->inner, item))
			return false;
	return true;
}

static bool
idl_fits(const struct idl *idl, const struct idl_type *t, const cJSON *value)
{
	switch (t->kind) {
	case IDL_BOOL:
		return cJSON_IsBool(value) || idl_complain(value, "not a bool");
	case IDL_INT:
		return (cJSON_IsNumber(value) &&
			   value->valuedouble == (double)(long long)value->valuedouble) ||
		    idl_complain(value, "not an int");
	case IDL_FLOAT:
		return cJSON_IsNumber(value) || idl_complain(value, "not a float");
	case IDL_STRING:
		return cJSON_IsString(value) || idl_complain(value, "not a string");
	case IDL_OBJECT:
		return cJSON_IsObject(value) || idl_complain(value, "not an object");
	case IDL_NAME:
		return idl_fits(idl, idl_find(idl, "type", t->name)->input, value);
	case IDL_ENUM:
		for (size_t i = 0; cJSON_IsString(value) && i < t->n_fields; i++)
			if (strcmp(t->fields[i].name, value->valuestring) == 0)
				return true;
		return idl_complain(value, "not one of the words");
	case IDL_STRUCT:
		return idl_struct_fits(idl, t, value);
	case IDL_ARRAY:
		return cJSON_IsArray(value) ? idl_all_fit(idl, t, value)
					    : idl_complain(value, "not an array");
	case IDL_MAP:
		return cJSON_IsObject(value) ? idl_all_fit(idl, t, value)
					     : idl_complain(value, "not a map");
	case IDL_MAYBE:
		return cJSON_IsNull(value) || idl_fits(idl, t->inner, value);
	}
	return false;
}
