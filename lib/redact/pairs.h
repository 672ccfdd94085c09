/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Pairs of a telling name and a value, in every way they are usually written:
 *
 *	password=x   PASSWORD: "x"   "password":"x"   \"password\": \"x\"   --password x
 *	<password>x</password>   {"name":"DB_PASSWORD","value":"x"}   password: |   password 'x'
 */

#include "lib/redact/key.h"
#include "lib/redact/match.h"

/* Most white space between a name and its value. */
#define PAIR_BLANKS_MAX 160u

/* Asked at a word of redact_anchors, anywhere within a name. */
enum verdict pair_match(struct view *v, size_t at, struct finding *ret);

/* The value at I of KEY, a key of YAML or JSON that has a secret for other reasons than its
 * name. */
enum verdict pair_match_value(
    struct view *v, const struct key *key, size_t i, struct finding *ret);
