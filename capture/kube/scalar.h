/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a plain YAML scalar would be read as, and the order of keys, by the rules of the readers
 * and of the writer that `oc` has (go-yaml v2). Pure functions. */

#include <stdbool.h>
#include <stddef.h>

/* True if a reader would take the plain scalar TEXT[LEN] for something else than a string:
 * go-yaml as `oc` has it, PyYAML, libyaml's users by the YAML 1.1 types. */
bool scalar_looks_typed(const char *text, size_t len);

/* The order of keys as go-yaml writes them: "natural", k9 before k10. Every character beyond
 * ASCII counts as a letter. Returns <0, 0, >0. */
int scalar_compare_keys(const char *a, size_t a_len, const char *b, size_t b_len);
