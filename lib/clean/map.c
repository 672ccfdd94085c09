/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "lib/clean/clean.h"
#include "lib/clean/dictionary.h"
#include "lib/clean/map.h"
#include "lib/fault.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/text.h"

#define MAP_VERSION 1
#define MAP_MODE    0600

static const char *const kind_names[_ALIAS_KIND_COUNT] = {
	[ALIAS_HOST] = "host",
	[ALIAS_DOMAIN] = "domain",
	[ALIAS_USER] = "user",
	[ALIAS_KEYWORD] = "keyword",
};

static int
kind_from_string(const char *s, enum alias_kind *ret)
{
	for (size_t i = 0; i < _ALIAS_KIND_COUNT; i++)
		if (streq(s, kind_names[i])) {
			*ret = (enum alias_kind)i;
			return 0;
		}
	return -EINVAL;
}

static int
new_key(struct prf_key *ret, struct fault *reterr)
{
	if (getrandom(ret->bytes, sizeof(ret->bytes), 0) != (ssize_t)sizeof(ret->bytes))
		return fault_set(reterr, -EIO, "the kernel gives no random numbers");
	return 0;
}

/* Any text becomes a key. */
static int
read_key_file(const char *path, struct prf_key *ret, struct fault *reterr)
{
	static const struct prf_key halves[2] = { { "key file, half 1" },
		{ "key file, half 2" } };
	_cleanup_free_ char *text = NULL;
	const char *stripped;
	int r;

	r = io_read_file(AT_FDCWD, path, CLEAN_KEY_FILE_MAX_BYTES, &text, NULL);
	if (r < 0)
		return fault_set(reterr, r, "cannot read the key '%s': %m", path);
	stripped = text_strip(text);
	if (strlen(stripped) < CLEAN_KEY_FILE_MIN_BYTES)
		return fault_set(reterr, -EINVAL,
		    "the key '%s' is too short; 'openssl rand -hex 32' makes one", path);
	for (size_t i = 0; i < ELEMENTSOF(halves); i++) {
		uint64_t half = prf(&halves[i], stripped, strlen(stripped));

		memcpy(ret->bytes + 8 * i, &half, sizeof(half));
	}
	explicit_bzero(text, strlen(text));
	return 0;
}

static int
parse_key(const char *hex, struct prf_key *ret)
{
	if (strlen(hex) != 2 * PRF_KEY_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < PRF_KEY_BYTES; i++)
		if (sscanf(hex + 2 * i, "%2" SCNx8, &ret->bytes[i]) != 1)
			return -EINVAL;
	return 0;
}

static int
read_names(const cJSON *map, struct clean_rules *rules)
{
	const cJSON *names = cJSON_GetObjectItemCaseSensitive(map, "names");
	const cJSON *item;

	cJSON_ArrayForEach (item, names) {
		const char *name;
		const char *kind_name;
		enum alias_kind kind;

		if (json_get_string(item, "name", &name) <= 0 ||
		    json_get_string(item, "kind", &kind_name) <= 0 ||
		    kind_from_string(kind_name, &kind) < 0)
			return -EINVAL;
		if (clean_rules_add(rules, kind, name) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

static int
parse_map(const char *text, size_t size, const struct prf_key *key, struct clean_rules **ret,
    struct fault *reterr)
{
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	_cleanup_json_ cJSON *map = NULL;
	struct prf_key stored;
	const char *hex;
	int version;
	int r;

	r = json_parse(text, size, &map, reterr);
	if (r < 0)
		return r;
	if (json_get_int(map, "version", &version) <= 0 || version != MAP_VERSION ||
	    json_get_string(map, "key", &hex) <= 0 || parse_key(hex, &stored) < 0)
		return fault_set(reterr, -EINVAL, "it has no key of version %d", MAP_VERSION);
	r = clean_rules_new(key ? key : &stored, &rules);
	if (r >= 0)
		r = read_names(map, rules);
	if (r < 0)
		return fault_set(
		    reterr, r, r == -EINVAL ? "'names' is malformed" : "out of memory");
	*ret = TAKE_PTR(rules);
	return 0;
}

/* A key that others could read is none. */
static int
check_mode(int dir_fd, const char *name, struct fault *reterr)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, 0) < 0)
		return -errno;
	if ((st.st_mode & 077) != 0)
		return fault_set(reterr, -EPERM,
		    "others may read '%s': anybody of them could undo the cleaning; make "
		    "it mode 0600",
		    name);
	return 0;
}

int
clean_map_load(int dir_fd, const char *name, const char *key_file, struct clean_rules **ret,
    struct fault *reterr)
{
	_cleanup_free_ char *text = NULL;
	struct prf_key key;
	size_t size;
	int r;

	r = key_file ? read_key_file(key_file, &key, reterr) : new_key(&key, reterr);
	if (r < 0)
		return r;
	r = check_mode(dir_fd, name, reterr);
	if (r == -ENOENT) {
		r = clean_rules_new(&key, ret);
		return r < 0 ? fault_set(reterr, r, "out of memory") : 0;
	}
	if (r == -EPERM)
		return r;
	r = io_read_file(dir_fd, name, CLEAN_MAP_MAX_BYTES, &text, &size);
	if (r < 0)
		return fault_set(reterr, r, "cannot read '%s': %m", name);
	r = parse_map(text, size, key_file ? &key : NULL, ret, reterr);
	explicit_bzero(text, size);
	if (r < 0) {
		fault_wrap(reterr, "cannot use the map '%s'", name);
		return r;
	}
	return 1;
}

static int
add_name(cJSON *names, const struct prf_key *key, const struct dictionary_name *n)
{
	cJSON *item = cJSON_CreateObject();
	char alias[ALIAS_NAME_BYTES];
	int r;

	if (!item)
		return -ENOMEM;
	if (!cJSON_AddItemToArray(names, item)) {
		cJSON_Delete(item);
		return -ENOMEM;
	}
	r = json_add_text(item, "kind", kind_names[n->kind]);
	if (r >= 0)
		r = json_add_text(item, "name", n->text);
	/* Of a domain every label has its own. */
	if (r < 0 || strchr(n->text, '.'))
		return r;
	alias_name(key, n->kind, (const uint8_t *)n->text, n->len, alias);
	return json_add_text(item, "alias", alias);
}

static int
make_map(const struct clean_rules *rules, cJSON **ret)
{
	const struct dictionary *names = clean_rules_names(rules);
	const struct prf_key *key = clean_rules_key(rules);
	_cleanup_json_ cJSON *map = cJSON_CreateObject();
	char hex[2 * PRF_KEY_BYTES + 1];
	cJSON *list = NULL;
	int r;

	for (size_t i = 0; i < PRF_KEY_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", key->bytes[i]);
	if (!map || json_add_int(map, "version", MAP_VERSION) < 0 ||
	    json_add_text(map, "key", hex) < 0 ||
	    !(list = cJSON_AddArrayToObject(map, "names")))
		return -ENOMEM;
	for (size_t i = 0; i < dictionary_size(names); i++) {
		r = add_name(list, key, dictionary_get(names, i));
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(map);
	return 0;
}

int
clean_map_save(
    int dir_fd, const char *name, const struct clean_rules *rules, struct fault *reterr)
{
	_cleanup_json_ cJSON *map = NULL;
	_cleanup_free_ char *text = NULL;
	int r = make_map(rules, &map);

	if (r >= 0)
		text = json_print(map, true);
	if (!text)
		return fault_set(reterr, -ENOMEM, "out of memory");
	r = io_write_file_atomic(dir_fd, name, text, strlen(text), MAP_MODE);
	explicit_bzero(text, strlen(text));
	return r < 0 ? fault_set(reterr, r, "cannot write the map '%s': %m", name) : 0;
}
