/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Hides the values of environment variables in JSON, whatever they are called; their names
 * stay.
 *
 * For what a container runtime says of its containers: `crictl inspect` prints the environment
 * twice, as {"key": NAME, "value": VALUE} in `envs` (k8s.io/cri-api, api.proto: KeyValue) and
 * as "NAME=VALUE" in the `env` of the OCI runtime's specification, `inspecti` as `Env` of the
 * image. Annotations that embed a manifest, environment included, are hidden whole.
 *
 * A lexer, not a parser: everything else is passed on byte for byte, so JSON stays JSON with
 * its numbers, order and spacing, text that is no JSON stays as it is, and no memory is needed.
 * The output does not depend on how the input is cut into pieces. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deeper nesting is not followed, and every string in it is hidden. `crictl inspect` has 10. */
#define ENVFILTER_DEPTH_MAX 64u
/* Bytes of a key that are looked at; more than the longest one that matters. */
#define ENVFILTER_KEY_BYTES 64u

/* Takes what is left. Returns 0 or a negative errno, which ends the filtering. */
typedef int (*envfilter_write_fn)(const void *data, size_t size, void *userdata);

enum envfilter_string {
	ENVFILTER_NONE,	  /* outside of strings */
	ENVFILTER_KEY,	  /* in the key of a member */
	ENVFILTER_SHOWN,  /* in a value that is passed on */
	ENVFILTER_PAIR,	  /* in "NAME=VALUE", before the "=" */
	ENVFILTER_BEFORE, /* where a value that is hidden begins */
	ENVFILTER_HIDDEN, /* in it */
};

struct envfilter_level {
	bool is_object;
	bool is_list; /* the array of the variables */
	bool is_item; /* one variable in it, as an object */
};

/* Open, so that it needs no allocation; nobody else looks inside. */
struct envfilter {
	envfilter_write_fn write;
	void *userdata;
	struct envfilter_level levels[ENVFILTER_DEPTH_MAX];
	size_t depth;
	char key[ENVFILTER_KEY_BYTES]; /* of the member that is read; cut */
	size_t key_size;
	bool after_colon;
	enum envfilter_string string;
	bool escaped; /* the next byte follows a backslash */
	uint64_t n_hidden;
};

void envfilter_init(struct envfilter *f, envfilter_write_fn write, void *userdata);

/* Filters DATA[SIZE]; nothing is held back, there is nothing to finish. Returns 0 or the error
 * of `write`. */
int envfilter_feed(struct envfilter *f, const void *data, size_t size);

/* Number of values that were hidden. */
uint64_t envfilter_count(const struct envfilter *f);
