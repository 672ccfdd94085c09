/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The filter that replaces identities by aliases: addresses, names of hosts, domains and users,
 * words that were asked for. It stands behind lib/redact, which removes secrets.
 *
 * Text goes in in pieces of any size and comes out through a callback. The same value gets the
 * same alias wherever it stands, in every text filtered under the same key; see alias.h for
 * what aliases look like and what they keep. Addresses are known by their shape; names are not,
 * so they have to be told before the first text: see seeds.h.
 *
 * Promises, each with a test:
 *  - the output does not depend on how the input is cut into pieces;
 *  - filtering a filtered text changes nothing;
 *  - memory is bounded, whatever comes in;
 *  - what is replaced was a word, and its alias is one: quotes, colons, ports, prefix lengths
 *    stay, JSON stays JSON and YAML stays YAML.
 *
 * Any bytes are accepted, but only text in UTF-8 is cleaned: who has something else must not
 * let it pass for clean, see text_is_binary(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/clean/alias.h"
#include "lib/cleanup.h"

/* How far ahead of a place anything is decided: more than the longest name and what may be
 * asked about its surroundings. */
#define CLEAN_WINDOW_BYTES   1024u
/* How far back: the labels before a domain. */
#define CLEAN_HISTORY_BYTES  512u
/* Text held; also the largest piece handed to the callback. */
#define CLEAN_BUFFER_BYTES   (64u * 1024u)
/* Addresses of this machine that are taken for addresses also where versions stand. */
#define CLEAN_KNOWN_IPV4_MAX 64u

enum clean_kind {
	CLEAN_IPV4,
	CLEAN_IPV6,
	CLEAN_MAC,
	CLEAN_HOST,
	CLEAN_DOMAIN,
	CLEAN_USER,
	CLEAN_KEYWORD,
	_CLEAN_KIND_COUNT,
};

/* Key, names, and what is looked for. Complete before the first filter is made of it, and not
 * changed while there is one. */
struct clean_rules;
struct clean;

/* The caller owns *ret (clean_rules_free()). Returns 0 or -ENOMEM. */
int clean_rules_new(const struct prf_key *key, struct clean_rules **ret);
void clean_rules_free(struct clean_rules *r);
DEFINE_CLEANUP(struct clean_rules *, clean_rules_free);

/* Adds a name. A domain is also found where its dots were replaced by "-" or "_", and by the
 * label alone that somebody registered. Returns as dictionary_add(). */
int clean_rules_add(struct clean_rules *r, enum alias_kind kind, const char *name);

/* Tells that ADDRESS (host byte order) is one. More than CLEAN_KNOWN_IPV4_MAX are forgotten. */
void clean_rules_add_ipv4(struct clean_rules *r, uint32_t address);

const struct prf_key *clean_rules_key(const struct clean_rules *r);

/* The names, see dictionary.h; borrowed. */
struct dictionary;
const struct dictionary *clean_rules_names(const struct clean_rules *r);

/* Takes cleaned text. Returns 0 or a negative errno, which ends the filtering. */
typedef int (*clean_write_fn)(const void *data, size_t len, void *userdata);

/* Makes a filter; RULES is borrowed until clean_free(). Returns 0 or -ENOMEM. */
int clean_new(
    const struct clean_rules *rules, clean_write_fn fn, void *userdata, struct clean **ret);
void clean_free(struct clean *c);
DEFINE_CLEANUP(struct clean *, clean_free);

/* Told of each identity: where in the text it begins, in bytes of the input. */
typedef void (*clean_found_fn)(enum clean_kind kind, uint64_t offset, void *userdata);

/* From here on FN is called for everything that is replaced. */
void clean_set_found(struct clean *c, clean_found_fn fn, void *userdata);

/* As redact_write() and redact_finish(). */
int clean_write(struct clean *c, const void *data, size_t len);
int clean_finish(struct clean *c);

/* Aliases written for KIND, and for all kinds, since C was made. */
uint64_t clean_count(const struct clean *c, enum clean_kind kind);
uint64_t clean_count_all(const struct clean *c);

/* Cleans the short text TEXT, the path of a member for one, into BUF[SIZE]. Returns 0;
 * -ENAMETOOLONG when it does not fit; -ENOMEM. */
int clean_text(const struct clean_rules *rules, const char *text, char *buf, size_t size);

/* "ipv4", "host", … */
const char *clean_kind_to_string(enum clean_kind kind);
