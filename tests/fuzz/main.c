/* SPDX-License-Identifier: Apache-2.0 */

/* Replays a corpus through a fuzz target without libFuzzer, one TAP line per file, so that
 * every compiler and sanitizer sees every input that once was interesting. The corpus of
 * fuzz-NAME is tests/fuzz/corpus/fuzz-NAME; other files can be given as arguments. */

#include "tests/lib/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/text.h"

/* No corpus file may be larger; libFuzzer's own default is 1 MiB. */
#define INPUT_MAX_BYTES (4u * 1024u * 1024u)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay(const char *path)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_free_ char *exact = NULL;
	size_t size = 0;
	int r;

	r = io_read_file(AT_FDCWD, path, INPUT_MAX_BYTES, &data, &size);
	if (!ok(r >= 0, "read %s", path))
		return;
	/* An allocation of exactly this size lets the sanitizer see a read one byte too far. */
	exact = malloc(size ? size : 1);
	assert(exact);
	memcpy(exact, data, size);
	ok(LLVMFuzzerTestOneInput((const uint8_t *)exact, size) == 0, "replay %s", path);
}

static void
replay_directory(const char *path)
{
	_cleanup_closedir_ DIR *dir = opendir(path);
	int n = 0;

	if (!ok(dir != NULL, "open corpus %s", path))
		return;
	for (struct dirent *de = readdir(dir); de; de = readdir(dir)) {
		_cleanup_free_ char *file = NULL;

		if (de->d_name[0] == '.')
			continue;
		file = text_format("%s/%s", path, de->d_name);
		assert(file);
		replay(file);
		n++;
	}
	ok(n > 0, "corpus %s is not empty", path);
}

int
main(int argc, char *argv[])
{
	_cleanup_free_ char *corpus = NULL;
	const char *srcdir = getenv("top_srcdir");
	const char *name = strrchr(argv[0], '/');

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			replay(argv[i]);
		return tap_done();
	}
	corpus = text_format(
	    "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name ? name + 1 : argv[0]);
	assert(corpus);
	replay_directory(corpus);
	return tap_done();
}
