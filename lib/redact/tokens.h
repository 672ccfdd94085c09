/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Secrets that show what they are wherever they stand. Each function is asked at the anchor of
 * its rule and says whether such a secret begins there. */

#include "lib/redact/match.h"

/* Three parts of base64url with dots, the first a JSON object. */
enum verdict token_match_jwt(struct view *v, size_t at, struct finding *ret);

/* One of redact_prefixes. */
enum verdict token_match_prefix(struct view *v, size_t at, struct finding *ret);

/* crypt(5): "$6$salt$hash" and relatives. */
enum verdict token_match_hash(struct view *v, size_t at, struct finding *ret);

/* "Bearer TOKEN", "Basic BASE64" outside of a header. */
enum verdict token_match_bearer(struct view *v, size_t at, struct finding *ret);
enum verdict token_match_basic(struct view *v, size_t at, struct finding *ret);

/* "://user:password@host". */
enum verdict token_match_url(struct view *v, size_t at, struct finding *ret);

/* PKCS#1 or PKCS#8 of an RSA key in base64, without "-----BEGIN" before it. */
enum verdict token_match_der(struct view *v, size_t at, struct finding *ret);

/* "-u user:password", "--user user:password" of curl and others. */
enum verdict token_match_user(struct view *v, size_t at, struct finding *ret);

/* A text of redact_own. */
enum verdict token_match_literal(struct view *v, size_t at, struct finding *ret);

/* "sshpass -p PASSWORD", "mysql -pPASSWORD", "redis-cli -a PASSWORD". */
enum verdict token_match_program(struct view *v, size_t at, struct finding *ret);
