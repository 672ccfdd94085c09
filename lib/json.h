/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Checked access to cJSON values: missing and wrong types are told apart, numbers keep 53 bits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/cleanup.h"

struct fault;

/* JSON nested deeper than this is refused before cJSON sees it, so that its recursion (and ours
 * over the result) stays within a small stack. Our own documents are at most 6 deep. */
#define JSON_DEPTH_MAX 32u

DEFINE_CLEANUP(cJSON *, cJSON_Delete);
#define _cleanup_json_ _cleanup_(cJSON_Deletep)

/* Parses exactly one JSON text of SIZE bytes (white space around it is fine). Returns 0,
 * -EINVAL (with the byte offset in *reterr) or -ENOMEM. The caller owns *ret (cJSON_Delete()).
 */
int json_parse(const char *data, size_t size, cJSON **ret, struct fault *reterr);

/* Getters. All return 1 when found, 0 when the member is missing or null (*ret is then
 * untouched), -EINVAL when it has another type or does not fit. Strings stay owned by OBJECT.
 */
int json_get_string(const cJSON *object, const char *name, const char **ret);
int json_get_uint(const cJSON *object, const char *name, uint64_t *ret);
int json_get_int(const cJSON *object, const char *name, int *ret);
int json_get_bool(const cJSON *object, const char *name, bool *ret);

/* Copies the string member NAME into BUF[SIZE]; too long is -EINVAL. Returns as the getters. */
int json_get_text(const cJSON *object, const char *name, char *buf, size_t size);

/* Reads an array of strings into a new strv. Returns as the getters, or -ENOMEM. */
int json_get_strv(const cJSON *object, const char *name, char ***ret);

/* Adders; all return 0 or -ENOMEM. Empty or NULL strings are left out by json_add_text(). */
int json_add_text(cJSON *object, const char *name, const char *value);
int json_add_uint(cJSON *object, const char *name, uint64_t value);
int json_add_int(cJSON *object, const char *name, int value);
int json_add_bool(cJSON *object, const char *name, bool value);

/* Adds L as an array of strings; NULL is left out. */
int json_add_strv(cJSON *object, const char *name, char *const *l);

/* Adds ITEM, which is consumed also on failure (ITEM NULL gives -ENOMEM). */
int json_add_item(cJSON *object, const char *name, cJSON *item);

/* Prints VALUE (compact, or indented when PRETTY) into a new string; NULL when out of memory.
 */
char *json_print(const cJSON *value, bool pretty);
