/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/sink/exportfile.h"
#include "lib/clean/clean.h"
#include "tests/lib/export-reader.h"
#include "tests/lib/lab.h"

#define BOOT "11111111111111111111111111111111"
#define PATH "sos_commands/logs/journal.export.zst"

static void
add(struct exportfile *x, const char *field)
{
	assert(exportfile_field(x, field, strlen(field)) == 0);
}

static void
begin(struct exportfile *x)
{
	assert(exportfile_entry(x, 1795353000000000, 42, BOOT) == 0);
}

/* Ends the archive and returns what is in the member. */
static char *
content(struct lab *lab, size_t *ret_size)
{
	const struct read_entry *e;

	lab_close(lab);
	e = lab_find(lab, PATH);
	assert(e);
	return export_unpack(e->data, e->size, ret_size);
}

static bool
is_value(const char *data, size_t size, size_t entry, const char *name, const char *value)
{
	struct export_field f;

	if (!export_find(data, size, entry, name, &f))
		return false;
	if (f.size == strlen(value) && memcmp(f.value, value, f.size) == 0)
		return true;
	printf("# %s of entry %zu: '%.*s'\n", name, entry, (int)f.size, f.value);
	return false;
}

static void
test_format(void)
{
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *data = NULL;
	static const char nul[] = "BINARY=a\0b\nc=\xff";
	struct exportfile *x;
	size_t size;

	lab_open(&lab);
	ok_int(exportfile_begin(lab.bundle, PATH, &x), 0, "a file");
	begin(x);
	add(x, "PRIORITY=6");
	add(x, "EMPTY=");
	assert(exportfile_field(x, nul, sizeof(nul) - 1) == 0);
	begin(x);
	add(x, "MESSAGE=tab\tand \xc3\xa4");
	ok(exportfile_bytes(x) > 100, "counts");
	ok_int(exportfile_end(x), 0, "is stored");
	data = content(&lab, &size);
	ok(strncmp(data,
	       "__REALTIME_TIMESTAMP=1795353000000000\n__MONOTONIC_TIMESTAMP=42\n"
	       "_BOOT_ID=" BOOT "\nPRIORITY=6\nEMPTY=\nBINARY\n\x08",
	       130) == 0,
	    "text where it can be, else with its length");
	ok_int(export_count(data, size), 2, "two entries");
	ok(is_value(data, size, 1, "MESSAGE", "tab\tand \xc3\xa4"), "UTF-8");
}

static void
test_left_out(void)
{
	static const char *const fields[] = { "COREDUMP=\x7f"
					      "ELF memory",
		"COREDUMP_ENVIRON=HOME=/root", "_BOOT_ID=" BOOT, "lower=x", "1DIGIT=x", "=x",
		"NOTHING",
		"A234567890123456789012345678901234567890123456789012345678901234X=x" };
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *data = NULL;
	struct export_reader r = { 0 };
	struct export_field f;
	struct exportfile *x;
	unsigned n = 0;

	lab_open(&lab);
	assert(exportfile_begin(lab.bundle, PATH, &x) == 0);
	begin(x);
	for (size_t i = 0; i < ELEMENTSOF(fields); i++)
		add(x, fields[i]);
	add(x, "A23456789012345678901234567890123456789012345678901234567890123_=x");
	assert(exportfile_end(x) == 0);
	data = content(&lab, &r.size);
	r.data = data;
	while (export_next(&r, &f))
		n += f.name_size > 0;
	ok_int(n, 4, "memory, environment and bad names are left out");
}

/* Each value is filtered, and its length is that of what came out. */
static void
test_redaction(void)
{
	static const char binary[] = "DATA=\n{\"password\":\"hunter2\"}\n\0after";
	static const char want[] = "\n{\"password\":\"[REDACTED:password]\"}\n\0after";
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *data = NULL;
	struct export_field f;
	struct exportfile *x;
	size_t size;

	lab_open(&lab);
	assert(exportfile_begin(lab.bundle, PATH, &x) == 0);
	begin(x);
	add(x, "MESSAGE=login with password=hunter2 failed\nsecond line");
	add(x, "_CMDLINE=tool --token hunter2hunter2");
	add(x, "DB_PASSWORD=hunter2");
	assert(exportfile_field(x, binary, sizeof(binary) - 1) == 0);
	add(x, "AKIAIOSFODNN7EXAMPLE=x");
	add(x, "PRIORITY=3");
	assert(exportfile_end(x) == 0);
	data = content(&lab, &size);
	ok(!memmem(data, size, "hunter2", 7), "no secret is left");
	ok(is_value(data, size, 0, "MESSAGE",
	       "login with password=[REDACTED:password] failed\nsecond line"),
	    "in a message");
	ok(is_value(data, size, 0, "DB_PASSWORD", "[REDACTED:password]"), "by its name");
	ok(export_find(data, size, 0, "DATA", &f) && f.size == sizeof(want) - 1 &&
		memcmp(f.value, want, f.size) == 0,
	    "in a binary value");
	ok(is_value(data, size, 0, "PRIORITY", "3"), "the fields behind it can be read");
	ok(lab.ctx.record->n_files == 1 && lab.ctx.record->files[0].redactions >= 4,
	    "what was removed is counted");
}

/* A program prints a private key, a line for each entry, with others between. */
static void
test_key_in_lines(void)
{
	static const char *const lines[] = { "dump:", "-----BEGIN RSA PRIVATE KEY-----",
		"MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MaW9yqtWw5T3fXjv", "unrelated",
		"Kx7PBvq9cTz0Rw3q7VQ0bQ==", "-----END RSA PRIVATE KEY-----", "done" };
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *data = NULL;
	struct exportfile *x;
	size_t size;

	lab_open(&lab);
	assert(exportfile_begin(lab.bundle, PATH, &x) == 0);
	for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
		_cleanup_free_ char *field = text_format("MESSAGE=%s", lines[i]);

		begin(x);
		add(x, field);
		add(x, "PRIORITY=6");
	}
	assert(exportfile_end(x) == 0);
	data = content(&lab, &size);
	ok_int(export_count(data, size), ELEMENTSOF(lines), "each entry is there");
	ok(!strstr(data, "MIIEpA") && !strstr(data, "Kx7PBv"), "no line of the key");
	ok(is_value(data, size, 1, "MESSAGE", "[REDACTED:private-key]"), "but a marker");
	ok(is_value(data, size, 0, "MESSAGE", "dump:"), "what is before stays");
	ok(is_value(data, size, 6, "MESSAGE", "done"), "and what is after");
	ok(is_value(data, size, 4, "PRIORITY", "6"), "and other fields");
}

static void
test_huge(void)
{
	enum { SIZE = EXPORTFILE_VALUE_MAX_BYTES + 12345 };
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *huge = malloc(SIZE + 8);
	struct export_field f;
	struct exportfile *x;
	size_t size;

	assert(huge);
	memcpy(huge, "MESSAGE=", 8);
	memset(huge + 8, 'x', SIZE);
	lab_open(&lab);
	assert(exportfile_begin(lab.bundle, PATH, &x) == 0);
	begin(x);
	assert(exportfile_field(x, huge, 8 + 768 * 1024) == 0);
	begin(x);
	assert(exportfile_field(x, huge, 8 + SIZE) == 0);
	memcpy(huge, "HUGE__O=", 8);
	assert(exportfile_field(x, huge, 8 + SIZE) == 0);
	assert(exportfile_end(x) == 0);
	data = content(&lab, &size);
	ok(export_find(data, size, 0, "MESSAGE", &f) && f.size == 768 * 1024,
	    "768 KiB are no problem");
	for (size_t i = 0; i < 2; i++) {
		static const char mark[] =
		    " [microshift-support: cut here, 12345 bytes left out]";

		ok(export_find(data, size, 1, i == 0 ? "MESSAGE" : "HUGE__O", &f) &&
			f.size == EXPORTFILE_VALUE_MAX_BYTES + sizeof(mark) - 1 &&
			memcmp(f.value + EXPORTFILE_VALUE_MAX_BYTES, mark, sizeof(mark) - 1) ==
			    0,
		    "more is cut");
	}
}

/* A part of a compressed file cannot be read: all or nothing. */
static void
test_no_room(void)
{
	_cleanup_lab_ struct lab lab;
	struct exportfile *x;
	uint64_t seed = 1;

	lab_open(&lab);
	bundle_set_scope(lab.bundle, lab.ctx.record, 1000, lab.ctx.deadline_usec);
	assert(exportfile_begin(lab.bundle, PATH, &x) == 0);
	for (size_t i = 0; i < 2000; i++) {
		_cleanup_free_ char *field = NULL;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		field = text_format("MESSAGE=%016" PRIx64, seed);
		if (exportfile_entry(x, 1795353000000000 + i, i, BOOT) == 0)
			(void)exportfile_field(x, field, strlen(field));
	}
	ok(exportfile_end(x) < 0, "more than fits");
	lab_close(&lab);
	ok(!lab_find(&lab, PATH), "is not stored");
}

/* In a report that is cleaned: names in messages and fields; lengths are right; what is no text
 * is left out. */
static void
test_clean(void)
{
	static const struct prf_key key = { "test" };
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *data = NULL;
	struct export_field f;
	char alias[32];
	char message[96];
	struct exportfile *x;
	size_t size;

	assert(clean_rules_new(&key, &rules) == 0);
	assert(clean_rules_add(rules, ALIAS_HOST, "edge1") == 1);
	assert(clean_text(rules, "edge1", alias, sizeof(alias)) == 0);
	lab_open_cleaned(&lab, rules);
	assert(exportfile_begin(lab.bundle, PATH, &x) == 0);
	begin(x);
	add(x, "_HOSTNAME=edge1");
	add(x, "MESSAGE=edge1 \xc3\xa4\n127.0.0.1 password=hunter2");
	assert(exportfile_field(x, "BINARY=\1\2\3\4\5\6\7", 14) == 0);
	ok_int(exportfile_end(x), 0, "a cleaned file");
	data = content(&lab, &size);
	ok(is_value(data, size, 0, "_HOSTNAME", alias), "a field");
	(void)snprintf(message, sizeof(message),
	    "%s \xc3\xa4\n127.0.0.1 password=[REDACTED:password]", alias);
	ok(is_value(data, size, 0, "MESSAGE", message), "a message");
	ok(!export_find(data, size, 0, "BINARY", &f), "no text");
}

int
main(void)
{
	test_format();
	test_clean();
	test_left_out();
	test_redaction();
	test_key_in_lines();
	test_huge();
	test_no_room();
	return tap_done();
}
