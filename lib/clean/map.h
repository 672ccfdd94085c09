/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The file that makes aliases the same in all reports of a machine: the key they are computed
 * with, and every name that was ever known, so that a host that was renamed does not appear in
 * clear. Who has it can undo the cleaning; it is for root alone and never in a report.
 *
 *	{ "version": 1, "key": "0f1e…", "names": [ { "kind": "host", "name": "edge1",
 *	  "alias": "host-phjxhqnc" }, … ] }
 *
 * The alias is for people who look one up; it is not read. */

#include <stddef.h>

struct clean_rules;
struct fault;

/* In the state directory. */
#define CLEAN_MAP_FILE "clean-map.json"

/* Names of up to 253 bytes, DICTIONARY_NAMES_MAX of them, with their aliases. */
#define CLEAN_MAP_MAX_BYTES (4u * 1024u * 1024u)

/* Longest key file; any text is a key, "openssl rand -hex 32" makes a good one. */
#define CLEAN_KEY_FILE_MAX_BYTES 4096u
/* Shorter ones could be guessed. */
#define CLEAN_KEY_FILE_MIN_BYTES 16u

/* Makes rules from the file NAME in DIR_FD; without it, with a new random key and no names.
 * KEY_FILE (NULL: none) has the key instead: machines that share it share aliases. Returns 1;
 * 0 when there is no such file; -EPERM when others than its owner may read it; other negative
 * errno. The caller owns *ret (clean_rules_free()). */
int clean_map_load(int dir_fd, const char *name, const char *key_file, struct clean_rules **ret,
    struct fault *reterr);

/* Replaces the file NAME in DIR_FD, mode 0600. */
int clean_map_save(
    int dir_fd, const char *name, const struct clean_rules *rules, struct fault *reterr);
