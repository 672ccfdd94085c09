/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "capture/kube/crilog.h"

void
crilog_init(struct crilog *c, crilog_write_fn fn, void *userdata)
{
	*c = (struct crilog){ .write = fn, .userdata = userdata };
}

/* True when HEAD is "TIME STREAM TAGS "; *RET_TIME is the length of TIME. */
static bool
is_head(const char *head, size_t n, size_t *ret_time, bool *ret_part)
{
	const char *end = head + n;
	const char *first = memchr(head, ' ', n);
	const char *second = first ? memchr(first + 1, ' ', (size_t)(end - first - 1)) : NULL;
	size_t n_stream = second ? (size_t)(second - first - 1) : 0;

	if (!second || second + 2 >= end || n_stream != strlen("stdout") ||
	    (memcmp(first + 1, "stdout", n_stream) != 0 &&
		memcmp(first + 1, "stderr", n_stream) != 0))
		return false;
	/* Tags are separated by colons; the first one says whether the line ends here. */
	if ((second[1] != 'P' && second[1] != 'F') || (second[2] != ' ' && second[2] != ':'))
		return false;
	*ret_time = (size_t)(first - head);
	*ret_part = second[1] == 'P';
	return true;
}

/* The head is complete (its third space came) or is none. */
static int
end_head(struct crilog *c)
{
	size_t n_time = 0;
	int r = 0;

	c->in_text = true;
	c->is_part = false;
	if (!is_head(c->head, c->n_head, &n_time, &c->is_part)) {
		/* What follows a part that never ended is a line of its own. */
		if (c->was_part)
			r = c->write("\n", 1, c->userdata);
		if (r >= 0 && c->n_head > 0)
			r = c->write(c->head, c->n_head, c->userdata);
	} else if (!c->was_part) {
		r = c->write(c->head, n_time, c->userdata);
		if (r >= 0)
			r = c->write(" ", 1, c->userdata);
	}
	c->was_part = false;
	c->n_head = 0;
	return r;
}

static bool
has_whole_head(const struct crilog *c)
{
	size_t n_spaces = 0;

	for (size_t i = 0; i < c->n_head; i++)
		n_spaces += c->head[i] == ' ';
	return n_spaces == 3 || c->n_head == sizeof(c->head);
}

static int
end_line(struct crilog *c)
{
	int r = 0;

	/* An empty text may come without the space behind the tags. */
	if (!c->in_text && c->n_head > 0) {
		if (c->n_head < sizeof(c->head))
			c->head[c->n_head++] = ' ';
		if (!has_whole_head(c))
			c->n_head--;
		r = end_head(c);
	}
	if (r >= 0 && !c->is_part)
		r = c->write("\n", 1, c->userdata);
	c->was_part = c->is_part;
	c->is_part = false;
	c->in_text = false;
	return r;
}

int
crilog_feed(struct crilog *c, const void *data, size_t size)
{
	const char *s = data;
	const char *end = s + size;
	int r = 0;

	while (s < end && r >= 0) {
		if (c->in_text) {
			const char *newline = memchr(s, '\n', (size_t)(end - s));
			size_t n = (size_t)((newline ? newline : end) - s);

			if (n > 0)
				r = c->write(s, n, c->userdata);
			s += n;
			if (newline && r >= 0) {
				r = end_line(c);
				s++;
			}
		} else if (*s == '\n') {
			r = end_line(c);
			s++;
		} else {
			c->head[c->n_head++] = *s++;
			if (has_whole_head(c))
				r = end_head(c);
		}
	}
	return r;
}

int
crilog_finish(struct crilog *c)
{
	int r = 0;

	if (!c->in_text && c->n_head > 0)
		r = end_head(c);
	return r;
}
