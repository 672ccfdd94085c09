/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "lib/spill.h"
#include "tests/lib/tmpdir.h"

struct collected {
	char *data;
	size_t size;
};

static int
on_data(const void *data, size_t size, void *userdata)
{
	struct collected *c = userdata;

	c->data = realloc(c->data, c->size + size + 1);
	assert(c->data);
	memcpy(c->data + c->size, data, size);
	c->size += size;
	return 0;
}

static int
on_data_refuse(const void *data, size_t size, void *userdata)
{
	(void)data;
	(void)size;
	(void)userdata;
	return -EPIPE;
}

/* Byte N of the test stream. */
static char
byte_at(uint64_t n)
{
	return (char)('A' + (n * 7 + n / 251) % 26);
}

static void
write_stream(struct spill *s, uint64_t total, size_t piece)
{
	char *buf = malloc(piece);

	assert(buf);
	for (uint64_t done = 0; done < total;) {
		size_t n = total - done < piece ? (size_t)(total - done) : piece;

		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(done + i);
		assert(spill_write(s, buf, n) >= 0);
		done += n;
	}
	free(buf);
}

/* True when S holds exactly the bytes from FIRST on. */
static bool
holds(struct spill *s, uint64_t first, uint64_t size)
{
	struct collected c = { 0 };
	bool same =
	    spill_size(s) == size && spill_read(s, 0, size, on_data, &c) == 0 && c.size == size;

	for (size_t i = 0; same && i < c.size; i++)
		same = c.data[i] == byte_at(first + i);
	free(c.data);
	return same;
}

static void
test_case(uint64_t max_bytes, bool keep_tail, uint64_t total, size_t piece)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_spill_ struct spill *s = NULL;
	uint64_t held = total < max_bytes ? total : max_bytes;

	assert(spill_new(t.fd, max_bytes, keep_tail, &s) == 0);
	write_stream(s, total, piece);
	ok(holds(s, keep_tail ? total - held : 0, held) && spill_dropped(s) == total - held,
	    "%s of %llu bytes, limit %llu, in pieces of %zu", keep_tail ? "tail" : "head",
	    (unsigned long long)total, (unsigned long long)max_bytes, piece);
}

static void
test_window(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_spill_ struct spill *s = NULL;
	struct collected c = { 0 };

	assert(spill_new(t.fd, 10, true, &s) == 0);
	assert(spill_write(s, "0123456789abcde", 15) == 0);
	ok_int(spill_read(s, 2, 5, on_data, &c), 0, "a window across the end of the ring");
	ok(c.size == 5 && memcmp(c.data, "789ab", 5) == 0, "its bytes are in order");
	ok_int(spill_read(s, 0, 10, on_data_refuse, NULL), -EPIPE,
	    "the reader's error is passed on");
	free(c.data);
}

static void
test_full(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_spill_ struct spill *s = NULL;

	assert(spill_new(t.fd, 4, false, &s) == 0);
	ok_int(spill_write(s, "abc", 3), 0, "below the limit");
	ok_int(spill_write(s, "def", 3), 1, "beyond it the end is dropped");
	ok(spill_size(s) == 4 && spill_dropped(s) == 2, "and counted");
}

static void
test_no_name(void)
{
	_cleanup_tmpdir_ struct tmpdir t = tmpdir_make();
	_cleanup_spill_ struct spill *s = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	int n = 0;

	assert(spill_new(t.fd, UINT64_MAX, false, &s) == 0);
	write_stream(s, SPILL_MEMORY_BYTES + 1, 65536);
	dir = opendir(t.path);
	assert(dir);
	while (readdir(dir))
		n++;
	ok_int(n, 2, "the file has no name");
}

int
main(void)
{
	static const size_t pieces[] = { 1000, 65536, 3 * SPILL_MEMORY_BYTES };

	for (size_t i = 0; i < ELEMENTSOF(pieces); i++) {
		test_case(100, false, 5000, pieces[i]);
		test_case(100, true, 5000, pieces[i]);
		test_case(SPILL_MEMORY_BYTES, true, 3 * SPILL_MEMORY_BYTES + 17, pieces[i]);
		test_case(SPILL_MEMORY_BYTES + 1, true, 3 * SPILL_MEMORY_BYTES + 17, pieces[i]);
		test_case(2 * SPILL_MEMORY_BYTES, true, 5 * SPILL_MEMORY_BYTES + 1, pieces[i]);
		test_case(2 * SPILL_MEMORY_BYTES, true, 2 * SPILL_MEMORY_BYTES - 1, pieces[i]);
		test_case(2 * SPILL_MEMORY_BYTES, false, 5 * SPILL_MEMORY_BYTES, pieces[i]);
		test_case(UINT64_MAX, false, 2 * SPILL_MEMORY_BYTES, pieces[i]);
	}
	test_window();
	test_full();
	test_no_name();
	return tap_done();
}
