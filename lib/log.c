/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <systemd/sd-journal.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "lib/text.h"

/* A log line is one fact; what does not fit is cut. */
#define LOG_LINE_MAX_BYTES  1024u
/* Room for "NAME=value" of one field. */
#define LOG_FIELD_MAX_BYTES 256u
/* MESSAGE, PRIORITY, MESSAGE_ID, CODE_FILE, CODE_LINE, ERRNO, SUPPORTD_DOMAIN. */
#define LOG_FIXED_FIELDS    7u

static enum log_sink current_sink = LOG_SINK_AUTO;
static int current_level = LOG_INFO;

struct record {
	int level;
	int error_code;
	const char *message_id;
	const char *domain;
	const char *file;
	int line;
	const struct log_field *fields;
	size_t n_fields;
};

/* systemd.exec(5), $JOURNAL_STREAM: device and inode of the stream that stderr was connected
 * to. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device;
	unsigned long long inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) >= 0 && st.st_dev == device && st.st_ino == inode;
}

struct fields {
	struct iovec iov[LOG_FIXED_FIELDS + LOG_FIELDS_MAX];
	char text[LOG_FIXED_FIELDS + LOG_FIELDS_MAX][LOG_FIELD_MAX_BYTES];
	int count;
};

static void
add_field(struct fields *f, const char *name, const char *value)
{
	char *text = f->text[f->count];

	(void)snprintf(text, LOG_FIELD_MAX_BYTES, "%s=%s", name, value);
	f->iov[f->count] = (struct iovec){ .iov_base = text, .iov_len = strlen(text) };
	f->count++;
}

static void
add_number(struct fields *f, const char *name, int value)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", value);
	add_field(f, name, text);
}

static void
send_to_journal(const struct record *rec, const char *message)
{
	char line[sizeof("MESSAGE=") + LOG_LINE_MAX_BYTES];
	struct fields f = { .count = 0 };

	(void)snprintf(line, sizeof(line), "MESSAGE=%s", message);
	f.iov[f.count++] = (struct iovec){ .iov_base = line, .iov_len = strlen(line) };
	add_number(&f, "PRIORITY", rec->level);
	if (rec->message_id)
		add_field(&f, "MESSAGE_ID", rec->message_id);
	if (rec->domain)
		add_field(&f, "SUPPORTD_DOMAIN", rec->domain);
	if (rec->file) {
		add_field(&f, "CODE_FILE", rec->file);
		add_number(&f, "CODE_LINE", rec->line);
	}
	if (rec->error_code < 0)
		add_number(&f, "ERRNO", -rec->error_code);
	for (size_t i = 0; i < rec->n_fields && i < LOG_FIELDS_MAX; i++)
		add_field(&f, rec->fields[i].name, rec->fields[i].value);
	(void)sd_journal_sendv(f.iov, f.count);
}

static void
emit(const struct record *rec, const char *format, va_list ap)
{
	char message[LOG_LINE_MAX_BYTES];
	int saved_errno = errno;

	if (rec->level > current_level || current_sink == LOG_SINK_NONE)
		return;
	errno = -rec->error_code;
	(void)vsnprintf(message, sizeof(message), format, ap);
	if (current_sink == LOG_SINK_AUTO && stderr_is_journal())
		send_to_journal(rec, message);
	else
		(void)fprintf(stderr, "%s\n", message);
	errno = saved_errno;
}

void
log_set_sink(enum log_sink sink)
{
	current_sink = sink;
}

void
log_set_level(int level)
{
	current_level = level;
}

int
log_write(int level, int error_code, const char *domain, const char *file, int line,
    const char *format, ...)
{
	struct record rec = {
		.level = level,
		.error_code = error_code,
		.domain = domain,
		.file = file,
		.line = line,
	};
	va_list ap;

	va_start(ap, format);
	emit(&rec, format, ap);
	va_end(ap);
	return error_code;
}

void
log_event(const char *message_id, int level, const struct log_field *fields, size_t n_fields,
    const char *format, ...)
{
	struct record rec = {
		.level = level,
		.message_id = message_id,
		.fields = fields,
		.n_fields = fields ? n_fields : 0,
	};
	va_list ap;

	va_start(ap, format);
	emit(&rec, format, ap);
	va_end(ap);
}
