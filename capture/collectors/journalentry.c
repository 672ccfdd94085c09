/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/collectors/journalentry.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* MESSAGE_ID of core dumps, of dropped messages and of journald's start, see sd-messages.h. */
#define MESSAGE_COREDUMP      "fc2e22bc6ee647b6b90729ab34a250b1"
#define MESSAGE_DROPPED	      "a596d6fe7bfa4994828e72309e95d61e"
#define MESSAGE_JOURNAL_START "f77379a8490b408bbe5f6940505a777b"

/* Timestamp, host name, "[pid]: " and newline of a line, about. */
#define LINE_OVERHEAD	   48u
/* What journalctl makes of a tab. */
#define TAB_WIDTH	   8u
/* Where a line is searched for signs of an error. */
#define ERROR_SEARCH_BYTES 512u
/* Longest name of a field that is looked for. */
#define NAME_MAX_BYTES	   32u

void
journal_text_done(struct journal_text *text)
{
	free(text->data);
	*text = (struct journal_text){ 0 };
}

static int
reserve(struct journal_text *text, size_t more)
{
	size_t wanted = text->size + more;
	char *data;

	if (wanted <= text->capacity)
		return 0;
	wanted = wanted < 1024 ? 1024 : wanted + wanted / 2;
	data = realloc(text->data, wanted);
	if (!data)
		return -ENOMEM;
	text->data = data;
	text->capacity = wanted;
	return 0;
}

/* Length of the well-formed UTF-8 sequence at S that is printable, 0 when there is none. */
static size_t
printable_length(const unsigned char *s, size_t size)
{
	if (s[0] < ' ' || s[0] == 0x7f)
		return 0;
	/* C1 controls, U+0080 to U+009F */
	if (s[0] == 0xc2 && size > 1 && s[1] < 0xa0)
		return 0;
	return utf8_length(s, size);
}

/* Length of a colour or cursor sequence (ESC [ … letter), 0 when S is none. */
static size_t
escape_length(const unsigned char *s, size_t size)
{
	size_t n = 2;

	if (size < 3 || s[0] != 0x1b || s[1] != '[')
		return 0;
	while (n < size && (isdigit(s[n]) || s[n] == ';' || s[n] == '?'))
		n++;
	return n < size && s[n] >= '@' && s[n] <= '~' ? n + 1 : 0;
}

/* Appends MESSAGE; lines after the first are indented as journalctl does. Needs room for four
 * characters a byte, and INDENT a line. */
static int
append_message(struct journal_text *text, const char *message, size_t size, size_t indent)
{
	const unsigned char *s = (const unsigned char *)message;

	while (size > 0) {
		size_t n = printable_length(s, size);
		int r;

		r = reserve(text, indent + 16);
		if (r < 0)
			return r;
		if (n > 0) {
			memcpy(text->data + text->size, s, n);
			text->size += n;
		} else if (*s == '\t') {
			n = 1;
			memset(text->data + text->size, ' ', TAB_WIDTH);
			text->size += TAB_WIDTH;
		} else if (*s == '\n') {
			n = 1;
			text->data[text->size++] = '\n';
			memset(text->data + text->size, ' ', indent);
			text->size += indent;
		} else {
			n = escape_length(s, size);
			if (n == 0) {
				n = 1;
				text->size +=
				    (size_t)snprintf(text->data + text->size, 8, "\\x%02x", *s);
			}
		}
		s += n;
		size -= n;
	}
	return 0;
}

/* Fields of an entry and where they go. */
static const struct field {
	const char *name;
	size_t size;
	size_t offset;
} fields[] = {
#define FIELD(name, member)                                                                    \
 {                                                                                             \
  name, sizeof(name) - 1, offsetof(struct journal_entry, member)                               \
 }
	FIELD("_HOSTNAME", hostname),
	FIELD("SYSLOG_IDENTIFIER", identifier),
	FIELD("_COMM", comm),
	FIELD("_PID", pid),
	FIELD("SYSLOG_PID", syslog_pid),
	FIELD("_UID", uid),
	FIELD("PRIORITY", priority),
	FIELD("_TRANSPORT", transport),
	FIELD("MESSAGE_ID", message_id),
	FIELD("N_DROPPED", n_dropped),
	FIELD("_SOURCE_REALTIME_TIMESTAMP", source_realtime),
	FIELD("_SOURCE_MONOTONIC_TIMESTAMP", source_monotonic),
	FIELD("_SYSTEMD_UNIT", unit),
	FIELD("_SYSTEMD_SLICE", slice),
	FIELD("_SYSTEMD_INVOCATION_ID", run),
	FIELD("UNIT", about_unit),
	FIELD("INVOCATION_ID", about_run),
	FIELD("OBJECT_SYSTEMD_UNIT", object_unit),
	FIELD("COREDUMP_UNIT", coredump_unit),
#undef FIELD
};

static void
copy_text(char buf[JOURNAL_FIELD_BYTES], const char *value, size_t size)
{
	buf[0] = '\0';
	if (size >= JOURNAL_FIELD_BYTES)
		return;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return;
	memcpy(buf, value, size);
	buf[size] = '\0';
}

static int
take_message(struct journal_entry *e, const char *value, size_t size)
{
	int r;

	/* The first one counts, as for journalctl. */
	if (e->has_message)
		return 0;
	e->is_cut = size > JOURNAL_MESSAGE_MAX_BYTES;
	if (e->is_cut)
		size = JOURNAL_MESSAGE_MAX_BYTES;
	e->message.size = 0;
	r = reserve(&e->message, size + 1);
	if (r < 0)
		return r;
	memcpy(e->message.data, value, size);
	e->message.size = size;
	e->has_message = true;
	return 0;
}

void
journal_entry_reset(struct journal_entry *entry)
{
	for (size_t i = 0; i < ELEMENTSOF(fields); i++)
		((char *)entry)[fields[i].offset] = '\0';
	entry->boot_id[0] = '\0';
	entry->realtime_usec = entry->monotonic_usec = entry->bytes = 0;
	entry->has_message = entry->is_cut = false;
}

int
journal_entry_add(struct journal_entry *entry, const void *field, size_t size)
{
	const char *name = field;
	const char *end = memchr(name, '=', size < NAME_MAX_BYTES ? size : NAME_MAX_BYTES);
	size_t name_size, value_size;

	entry->bytes += size + 1;
	if (!end)
		return 0;
	name_size = (size_t)(end - name);
	value_size = size - name_size - 1;
	if (name_size == strlen("MESSAGE") && memcmp(name, "MESSAGE", name_size) == 0)
		return take_message(entry, end + 1, value_size);
	for (size_t i = 0; i < ELEMENTSOF(fields); i++)
		if (fields[i].size == name_size &&
		    memcmp(fields[i].name, name, name_size) == 0) {
			copy_text((char *)entry + fields[i].offset, end + 1, value_size);
			break;
		}
	return 0;
}

void
journal_entry_done(struct journal_entry *entry)
{
	journal_text_done(&entry->message);
}

const char *
journal_entry_run(const struct journal_entry *entry)
{
	/* What PID 1 says about a unit carries both: its own run and that of the unit. */
	const char *run = *entry->about_run ? entry->about_run : entry->run;

	return strlen(run) == 32 ? run : "";
}

/* As add_matches_for_unit() in systemd's src/shared/logs-show.c. */
static bool
is_of_unit(const struct journal_entry *entry, const char *unit)
{
	bool by_root = streq(entry->uid, "0");

	return streq(entry->unit, unit) ||
	    (streq(entry->pid, "1") && streq(entry->about_unit, unit)) ||
	    (by_root && streq(entry->object_unit, unit)) ||
	    (by_root && streq(entry->message_id, MESSAGE_COREDUMP) &&
		streq(entry->coredump_unit, unit)) ||
	    (text_has_suffix(unit, ".slice") && streq(entry->slice, unit));
}

bool
journal_entry_is_of(
    const struct journal_entry *entry, const struct journal_selection *selection)
{
	const char *value = selection->value;

	switch (selection->what) {
	case JOURNAL_ALL:
		return true;
	case JOURNAL_UNIT:
		return is_of_unit(entry, value);
	case JOURNAL_RUN:
		return streq(entry->run, value) ||
		    (streq(entry->pid, "1") && streq(entry->about_run, value));
	case JOURNAL_BOOT:
		return streq(entry->boot_id, value);
	case JOURNAL_KERNEL:
		return streq(entry->boot_id, value) && streq(entry->transport, "kernel");
	case JOURNAL_START:
		return streq(entry->boot_id, value) &&
		    streq(entry->message_id, MESSAGE_JOURNAL_START);
	}
	return false;
}

/* klog: "E1123 14:27:52.123456    4419 file.go:75] …", after a component name perhaps. */
static bool
is_klog_error(const char *s, size_t size)
{
	for (size_t i = 0; i + 6 < size && i < 64; i++) {
		if (i > 0 && s[i - 1] != ' ')
			continue;
		if (s[i] != 'E' && s[i] != 'F')
			continue;
		if (isdigit((unsigned char)s[i + 1]) && isdigit((unsigned char)s[i + 2]) &&
		    isdigit((unsigned char)s[i + 3]) && isdigit((unsigned char)s[i + 4]) &&
		    s[i + 5] == ' ')
			return true;
	}
	return false;
}

static bool
has_word(const char *s, size_t size, const char *word)
{
	return memmem(s, size, word, strlen(word)) != NULL;
}

bool
journal_entry_is_error(const struct journal_entry *entry)
{
	static const char *const words[] = { "panic:", "fatal error:", "level=error",
		"level=fatal", "\"level\":\"error\"", "\"level\":\"fatal\"",
		"Failed with result", "Main process exited", "terminated prematurely" };
	const char *message = entry->message.data;
	size_t size = entry->message.size;

	if (!entry->has_message)
		return false;
	if (size > ERROR_SEARCH_BYTES)
		size = ERROR_SEARCH_BYTES;
	if (has_word(message, size, "rotate at:"))
		return false;
	if (strlen(entry->priority) == 1 && *entry->priority <= '3')
		return true;
	if (is_klog_error(message, size))
		return true;
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (has_word(message, size, words[i]))
			return true;
	return false;
}

uint64_t
journal_entry_dropped(const struct journal_entry *entry)
{
	uint64_t n;

	if (!streq(entry->message_id, MESSAGE_DROPPED))
		return 0;
	return text_parse_uint(entry->n_dropped, &n) == 0 && n > 0 ? n : 1;
}

size_t
journal_entry_line_size(const struct journal_entry *entry)
{
	return entry->has_message ? LINE_OVERHEAD + entry->message.size : 0;
}

/* The entry's own time where it has one, else when journald got it. */
static uint64_t
entry_usec(const struct journal_entry *e)
{
	uint64_t usec;

	return text_parse_uint(e->source_realtime, &usec) == 0 && usec > 0 ? usec
									   : e->realtime_usec;
}

/* "Nov 23 14:27:52 edge1 microshift[4419]: ". */
static size_t
format_prefix(const struct journal_entry *e, char *buf, size_t size)
{
	const char *name = *e->identifier ? e->identifier : *e->comm ? e->comm : "unknown";
	const char *pid = *e->pid ? e->pid : e->syslog_pid;
	time_t seconds = (time_t)(entry_usec(e) / USEC_PER_SEC);
	char stamp[32] = "";
	struct tm tm;
	int n;

	if (localtime_r(&seconds, &tm))
		(void)strftime(stamp, sizeof(stamp), "%b %d %H:%M:%S", &tm);
	n = snprintf(buf, size, "%s%s%s %s%s%s%s: ", stamp, *e->hostname ? " " : "",
	    e->hostname, name, *pid ? "[" : "", pid, *pid ? "]" : "");
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static int
format_line(const struct journal_entry *e, const char *prefix, size_t prefix_size,
    struct journal_text *text)
{
	size_t size = e->message.size;
	int r;

	if (!e->has_message)
		return -ENODATA;
	/* journalctl does so too. */
	while (size > 0 && isspace((unsigned char)e->message.data[size - 1]))
		size--;
	text->size = 0;
	r = reserve(text, prefix_size + size + 64);
	if (r < 0)
		return r;
	memcpy(text->data, prefix, prefix_size);
	text->size = prefix_size;
	r = append_message(text, e->message.data, size, prefix_size);
	if (r < 0)
		return r;
	r = reserve(text, 64);
	if (r < 0)
		return r;
	text->size += (size_t)snprintf(
	    text->data + text->size, 64, "%s\n", e->is_cut ? " … (cut, too long)" : "");
	return 0;
}

int
journal_entry_format(const struct journal_entry *entry, struct journal_text *text)
{
	char prefix[4 * JOURNAL_FIELD_BYTES];
	size_t n = format_prefix(entry, prefix, sizeof(prefix));

	return format_line(entry, prefix, n, text);
}

int
journal_entry_format_dmesg(const struct journal_entry *entry, struct journal_text *text)
{
	uint64_t usec;
	char prefix[64];
	int n;

	if (text_parse_uint(entry->source_monotonic, &usec) < 0)
		usec = entry->monotonic_usec;
	n = snprintf(prefix, sizeof(prefix), "[%5" PRIu64 ".%06" PRIu64 "] ",
	    usec / USEC_PER_SEC, usec % USEC_PER_SEC);
	return format_line(entry, prefix, (size_t)n, text);
}
