/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The names to be replaced: hosts, domains, users, keywords.
 *
 * Names are words: they are not found within longer ones, but "_", "-" and "." end a word, so
 * that "edge1" is found in "edge1-eth0" and "sosreport-edge1-2026". Words that half of all
 * text is made of ("microshift", "node", "default") are no names of anybody, and replacing
 * them would ruin the report; they are refused. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/clean/alias.h"
#include "lib/cleanup.h"

/* Shorter names are in too many words; sos has the same limit for host names. */
#define DICTIONARY_NAME_MIN_BYTES 3u
/* Longest name: that of a host, RFC 1035. */
#define DICTIONARY_NAME_MAX_BYTES 253u
/* Most names: the users and hosts of a site; each costs a little time at every byte. */
#define DICTIONARY_NAMES_MAX	  4096u
/* Bytes by which a name is found. */
#define DICTIONARY_HEAD_BYTES	  3u

struct dictionary_name {
	enum alias_kind kind;
	size_t len;
	char *text;		      /* owned, in lower case */
	struct dictionary_name *next; /* longest first; owned */
};

struct dictionary;

/* The caller owns *ret (dictionary_free()). Returns 0 or -ENOMEM. */
int dictionary_new(struct dictionary **ret);
void dictionary_free(struct dictionary *d);
DEFINE_CLEANUP(struct dictionary *, dictionary_free);

/* Adds NAME. Returns 1; 0 when it was there; -EINVAL when it is too short or long, has other
 * characters than letters, digits, '.', '-', '_' and blanks between, or no letter;
 * -EADDRNOTAVAIL when it is a word that is never replaced; -ENOSPC; -ENOMEM. */
int dictionary_add(struct dictionary *d, enum alias_kind kind, const char *name);

size_t dictionary_size(const struct dictionary *d);

/* The name with number I, in order of addition. */
const struct dictionary_name *dictionary_get(const struct dictionary *d, size_t i);

/* A list with all names that begin as TEXT, DICTIONARY_HEAD_BYTES of it, longest first; others
 * may be in it. */
const struct dictionary_name *dictionary_find(const struct dictionary *d, const uint8_t *text);

/* True for a word that is in every report. */
bool dictionary_is_common(const char *word, size_t len);
