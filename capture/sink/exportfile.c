/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/sink/bundle-internal.h"
#include "capture/sink/compressor.h"
#include "capture/sink/exportfile.h"
#include "lib/filter.h"
#include "lib/redact/redact.h"
#include "lib/text.h"

/* Longest name that journald takes. */
#define NAME_MAX_BYTES	   64u
/* What the filter may add to a value: markers are longer than what they stand for. */
#define VALUE_GROWTH_BYTES (64u * 1024u)
#define BUFFER_BYTES	   (NAME_MAX_BYTES + EXPORTFILE_VALUE_MAX_BYTES + VALUE_GROWTH_BYTES)

struct exportfile {
	struct bundle_member *member;  /* owned */
	struct compressor *compressor; /* owned */
	struct filter *messages;       /* owned; one text, a record for each message */
	struct filter *fields;	       /* owned; a text for each "NAME=value" */
	char *buffer;		       /* owned, [BUFFER_BYTES]; what the filter gave */
	size_t size;		       /* bytes in it */
	uint64_t bytes;		       /* written, before compression */
	bool is_open;		       /* there is a record that has to be ended */
	bool has_message;
	int error; /* sticky */
};

static int
on_filtered(const void *data, size_t size, void *userdata)
{
	struct exportfile *x = userdata;
	size_t room = BUFFER_BYTES - x->size;

	if (size > room)
		size = room;
	memcpy(x->buffer + x->size, data, size);
	x->size += size;
	return 0;
}

static int
on_compressed(const void *data, size_t size, void *userdata)
{
	return bundle_member_write(userdata, data, size);
}

static int
make_filters(struct exportfile *x, const struct bundle *b)
{
	int r;

	r = bundle_new_filter(b, &x->messages);
	if (r >= 0)
		r = bundle_new_filter(b, &x->fields);
	if (r < 0)
		return r;
	filter_set_output(x->messages, on_filtered, x);
	filter_set_output(x->fields, on_filtered, x);
	return 0;
}

int
exportfile_begin(struct bundle *b, const char *path, struct exportfile **ret)
{
	static const struct bundle_member_options options = { .is_whole = true };
	_cleanup_(exportfile_abortp) struct exportfile *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return -ENOMEM;
	x->buffer = malloc(BUFFER_BYTES);
	if (!x->buffer)
		return -ENOMEM;
	r = make_filters(x, b);
	if (r < 0)
		return r;
	r = bundle_member_begin(b, path, &options, &x->member);
	if (r < 0)
		return r;
	x->member->is_packed = true;
	r = compressor_new(COMPRESSION_ZSTD, on_compressed, x->member, &x->compressor);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(x);
	return 0;
}

static int
put(struct exportfile *x, const void *data, size_t size)
{
	if (x->error < 0)
		return x->error;
	x->bytes += size;
	x->error = compressor_write(x->compressor, data, size);
	return x->error;
}

static int
end_entry(struct exportfile *x)
{
	if (!x->is_open)
		return x->error;
	x->is_open = false;
	return put(x, "\n", 1);
}

int
exportfile_entry(
    struct exportfile *x, uint64_t realtime_usec, uint64_t monotonic_usec, const char *boot_id)
{
	char head[160];
	int n;

	(void)end_entry(x);
	n = snprintf(head, sizeof(head),
	    "__REALTIME_TIMESTAMP=%" PRIu64 "\n__MONOTONIC_TIMESTAMP=%" PRIu64
	    "\n_BOOT_ID=%s\n",
	    realtime_usec, monotonic_usec, boot_id);
	if (n < 0 || (size_t)n >= sizeof(head))
		return -EINVAL;
	x->is_open = true;
	x->has_message = false;
	return put(x, head, (size_t)n);
}

/* As journal_field_valid() in systemd's src/libsystemd/sd-journal/journal-file.c. */
static bool
is_valid_name(const char *name, size_t size)
{
	if (size == 0 || size > NAME_MAX_BYTES || (*name >= '0' && *name <= '9'))
		return false;
	for (size_t i = 0; i < size; i++)
		if (name[i] != '_' && (name[i] < 'A' || name[i] > 'Z') &&
		    (name[i] < '0' || name[i] > '9'))
			return false;
	return true;
}

static bool
is_name(const char *name, size_t size, const char *wanted)
{
	return size == strlen(wanted) && memcmp(name, wanted, size) == 0;
}

/* What never leaves, or is there already. */
static bool
is_left_out(const char *name, size_t size)
{
	return is_name(name, size, "COREDUMP") || is_name(name, size, "COREDUMP_ENVIRON") ||
	    is_name(name, size, "_BOOT_ID");
}

/* Values that are one line of ASCII are written as text; the format leaves the choice. */
static bool
is_plain(const char *value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c < ' ' && c != '\t') || c >= 0x7f)
			return false;
	}
	return true;
}

static int
write_field(
    struct exportfile *x, const char *name, size_t name_size, const char *value, size_t size)
{
	uint64_t length = htole64(size);

	(void)put(x, name, name_size);
	if (is_plain(value, size)) {
		(void)put(x, "=", 1);
	} else {
		(void)put(x, "\n", 1);
		(void)put(x, &length, sizeof(length));
	}
	(void)put(x, value, size);
	return put(x, "\n", 1);
}

/* A field by itself, with its name: that may be what tells the secret. */
static int
write_redacted(
    struct exportfile *x, const char *field, size_t name_size, size_t size, const char *cut)
{
	int r;

	/* Nobody can say whose names are in it. */
	if (filter_clean(x->fields) && text_is_binary(field, size))
		return 0;
	r = filter_write(x->fields, field, size);
	if (r >= 0)
		r = filter_write(x->fields, cut, strlen(cut));
	if (r >= 0)
		r = filter_finish(x->fields);
	if (r < 0)
		return x->error = r;
	/* A name may look like a key itself. */
	if (x->size <= name_size || memcmp(x->buffer, field, name_size + 1) != 0)
		return 0;
	return write_field(
	    x, field, name_size, x->buffer + name_size + 1, x->size - name_size - 1);
}

static int
write_message(struct exportfile *x, const char *value, size_t size, const char *cut)
{
	int r;

	x->has_message = true;
	r = filter_write(x->messages, value, size);
	if (r >= 0)
		r = filter_write(x->messages, cut, strlen(cut));
	/* The end of a record, see redact_finish_record(). */
	if (r >= 0)
		r = filter_write(x->messages, "\n", 1);
	if (r >= 0)
		r = filter_finish_record(x->messages);
	if (r < 0)
		return x->error = r;
	if (x->size > 0 && x->buffer[x->size - 1] == '\n')
		x->size--;
	return write_field(x, "MESSAGE", strlen("MESSAGE"), x->buffer, x->size);
}

int
exportfile_field(struct exportfile *x, const void *field, size_t size)
{
	const char *name = field;
	const char *end =
	    memchr(name, '=', size < NAME_MAX_BYTES + 1 ? size : NAME_MAX_BYTES + 1);
	char cut[80] = "";
	size_t name_size;
	size_t max;

	if (x->error < 0)
		return x->error;
	if (!end)
		return 0;
	name_size = (size_t)(end - name);
	if (!is_valid_name(name, name_size) || is_left_out(name, name_size))
		return 0;
	max = name_size + 1 + EXPORTFILE_VALUE_MAX_BYTES;
	if (size > max) {
		(void)snprintf(cut, sizeof(cut),
		    " [microshift-support: cut here, %zu bytes left out]", size - max);
		size = max;
	}
	x->size = 0;
	if (is_name(name, name_size, "MESSAGE") && !x->has_message)
		return write_message(x, end + 1, size - name_size - 1, cut);
	return write_redacted(x, name, name_size, size, cut);
}

int
exportfile_end(struct exportfile *x)
{
	int r;

	r = end_entry(x);
	if (r >= 0)
		r = compressor_finish(x->compressor);
	if (r >= 0) {
		bundle_member_count_redactions(x->member,
		    redact_count_all(filter_redact(x->messages)) +
			redact_count_all(filter_redact(x->fields)));
		r = bundle_member_end(TAKE_PTR(x->member));
	}
	exportfile_abort(x);
	return r;
}

uint64_t
exportfile_bytes(const struct exportfile *x)
{
	return x->bytes;
}

void
exportfile_abort(struct exportfile *x)
{
	if (!x)
		return;
	compressor_free(x->compressor);
	bundle_member_abort(x->member);
	filter_free(x->messages);
	filter_free(x->fields);
	free(x->buffer);
	free(x);
}
