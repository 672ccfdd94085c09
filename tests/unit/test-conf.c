/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/conf.h"
#include "lib/fault.h"
#include "lib/text.h"
#include "tests/lib/tmpdir.h"

/* Everything that was delivered and complained about, one line each. */
struct trace {
	char text[4096];
};

static void
add(struct trace *t, const char *format, ...)
{
	size_t n = strlen(t->text);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(t->text + n, sizeof(t->text) - n, format, ap);
	va_end(ap);
}

static int
on_item(const struct conf_item *item, void *userdata, struct fault *reterr)
{
	if (item->key && streq(item->key, "Bad"))
		return fault_set(reterr, -EINVAL, "bad value");
	if (!item->key && streq(item->section, "Unknown"))
		return fault_set(reterr, -EINVAL, "unknown section");
	if (item->key)
		add(userdata, "%u:%s.%s=%s\n", item->line, item->section, item->key,
		    item->value);
	return 0;
}

static void
on_problem(const char *file, unsigned line, const char *text, void *userdata)
{
	add(userdata, "!%s:%u:%s\n", file, line, text);
}

static void
check(const char *name, const char *input, const char *want, int problems)
{
	struct trace t = { 0 };
	struct conf_handlers h = { on_item, on_problem, &t };

	ok_int(conf_parse("f", input, strlen(input), &h), problems, "%s: problems", name);
	ok_str(t.text, want, "%s", name);
}

static void
test_syntax(void)
{
	check("assignment", "[A]\nK=v\n", "2:A.K=v\n", 0);
	check("white space is stripped", " [A] \n  K  =  a b \n", "2:A.K=a b\n", 0);
	check("value holds =", "[A]\nK=a=b\n", "2:A.K=a=b\n", 0);
	check("empty value", "[A]\nK=\n", "2:A.K=\n", 0);
	check("comments", "# x\n; y\n[A]\n#K=1\n\nK=2\n", "6:A.K=2\n", 0);
	check("continuation", "[A]\nK=a\\\nb\nL=c\n", "2:A.K=a b\n4:A.L=c\n", 0);
	check("comment inside continuation", "[A]\nK=a\\\n# no\nb\n", "2:A.K=a b\n", 0);
	check("no newline at the end", "[A]\nK=v", "2:A.K=v\n", 0);
	check("continuation at the end", "[A]\nK=v\\", "2:A.K=v\n", 0);
	check("CRLF", "[A]\r\nK=v\r\n", "2:A.K=v\n", 0);
	check("empty file", "", "", 0);
}

static void
test_mistakes(void)
{
	check("junk does not lose the rest", "[A]\njunk\nK=v\n",
	    "!f:2:neither a section, a comment nor Key=Value; line ignored\n3:A.K=v\n", 1);
	check("key outside of a section", "K=v\n[A]\nL=w\n",
	    "!f:1:assignment before the first [Section]; line ignored\n3:A.L=w\n", 1);
	check("open header", "[A\nK=v\n[B]\nL=w\n",
	    "!f:1:section header lacks its ']'; its keys are ignored\n4:B.L=w\n", 1);
	check("unknown section complains once", "[Unknown]\nK=v\nL=w\n[A]\nM=x\n",
	    "!f:1:unknown section\n5:A.M=x\n", 1);
	check("bad value", "[A]\nBad=1\nK=v\n", "!f:2:bad value\n3:A.K=v\n", 1);
	check("no key", "[A]\n=v\n", "!f:2:no key before '='; line ignored\n", 1);
	check("empty section", "[]\nK=v\n",
	    "!f:1:section name is empty or too long; its keys are ignored\n", 1);
}

static void
test_limits(void)
{
	static char big[CONF_LINE_MAX_BYTES * 2 + 64];
	struct trace t = { 0 };
	struct conf_handlers h = { on_item, on_problem, &t };
	size_t n;

	n = (size_t)sprintf(big, "[A]\nK=");
	memset(big + n, 'x', CONF_LINE_MAX_BYTES);
	n += CONF_LINE_MAX_BYTES;
	n += (size_t)sprintf(big + n, "\nL=w\n");
	ok_int(conf_parse("f", big, n, &h), 1, "a line of CONF_LINE_MAX_BYTES is a problem");
	ok_str(
	    t.text, "!f:2:line is too long; ignored\n3:A.L=w\n", "and only that line is lost");

	t.text[0] = '\0';
	ok_int(conf_parse("f", "[A]\nK=a\0b\nL=w\n", 14, &h), 1, "a NUL byte is a problem");
	ok_str(t.text, "!f:2:line holds a NUL byte; ignored\n3:A.L=w\n", "and only that line");
}

static void
test_files(void)
{
	_cleanup_tmpdir_ struct tmpdir tmp = tmpdir_make();
	_cleanup_free_ char *a = text_format("%s/a", tmp.path);
	_cleanup_free_ char *b = text_format("%s/b", tmp.path);
	_cleanup_free_ char *main_file = text_format("%s/main.conf", tmp.path);
	_cleanup_free_ char *huge = text_format("%s/huge.conf", tmp.path);
	const char *dirs[] = { a, b, "/nonexistent", NULL };
	struct trace t = { 0 };
	struct conf_handlers h = { on_item, on_problem, &t };

	assert(mkdirat(tmp.fd, "a", 0755) == 0 && mkdirat(tmp.fd, "b", 0755) == 0);
	tmpdir_put(&tmp, "main.conf", "[M]\nK=main\n");
	tmpdir_put(&tmp, "a/20-x.conf", "[A]\nK=a20\n");
	tmpdir_put(&tmp, "a/10-x.conf", "[A]\nK=a10\n");
	tmpdir_put(&tmp, "a/30-masked.conf", "[A]\nK=never\n");
	tmpdir_put(&tmp, "a/40-empty.conf", "[A]\nK=never\n");
	tmpdir_put(&tmp, "a/ignored.txt", "[A]\nK=never\n");
	tmpdir_put(&tmp, "b/20-x.conf", "[A]\nK=b20\n");
	tmpdir_put(&tmp, "b/40-empty.conf", "");
	assert(symlinkat("/dev/null", tmp.fd, "b/30-masked.conf") == 0);

	ok_int(conf_load(main_file, dirs, &h), 0, "main file and drop-ins are read");
	ok_str(t.text, "2:M.K=main\n2:A.K=a10\n2:A.K=b20\n",
	    "in order; a stronger directory replaces or masks a file of the same name");

	t.text[0] = '\0';
	ok_int(conf_read_file("/nonexistent/x.conf", &h), 0, "a missing file is no problem");
	ok_int(conf_read_file(tmp.path, &h), 1, "a directory is");

	{
		_cleanup_free_ char *data = calloc(1, CONF_FILE_MAX_BYTES + 1);

		assert(data);
		memset(data, '#', CONF_FILE_MAX_BYTES + 1);
		assert(io_write_file_atomic(
			   tmp.fd, "huge.conf", data, CONF_FILE_MAX_BYTES + 1, 0644) == 0);
		ok_int(
		    conf_read_file(huge, &h), 1, "a file above CONF_FILE_MAX_BYTES is refused");
	}
}

int
main(void)
{
	test_syntax();
	test_mistakes();
	test_limits();
	test_files();
	return tap_done();
}
