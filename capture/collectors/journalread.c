/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <time.h>

#include <systemd/sd-journal.h>

#include "capture/collectors/journalread.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/text.h"

/* MESSAGE_ID of core dumps and of dropped messages, see sd-messages.h. */
#define MESSAGE_COREDUMP "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1"
#define MESSAGE_DROPPED	 "a596d6fe7bfa4994828e72309e95d61e"

/* Timestamp, host name, "[pid]: " and newline of a line, about. */
#define LINE_OVERHEAD	   48u
/* What journalctl makes of a tab. */
#define TAB_WIDTH	   8u
/* Where a line is searched for signs of an error. */
#define ERROR_SEARCH_BYTES 512u

int
journalread_open(const char *root, sd_journal **ret)
{
	sd_journal *j = NULL;
	int r;

	if (is_empty(root))
		r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
	else
		r = sd_journal_open_directory(&j, root, SD_JOURNAL_OS_ROOT);
	if (r < 0)
		return r;
	/* Compressed fields are unpacked only so far. */
	(void)sd_journal_set_data_threshold(j, JOURNAL_MESSAGE_MAX_BYTES + 64);
	*ret = j;
	return 0;
}

static int
add_match(sd_journal *j, const char *field, const char *value)
{
	_cleanup_free_ char *match = text_format("%s=%s", field, value);

	return match ? sd_journal_add_match(j, match, 0) : -ENOMEM;
}

/* The fields of an alternative must all match, the alternatives are or-ed. */
struct alternative {
	const char *first, *second; /* whole matches, may be NULL */
	const char *field;	    /* that holds the unit */
};

int
journalread_match_unit(sd_journal *j, const char *unit)
{
	/* As add_matches_for_unit() in systemd's src/shared/logs-show.c. */
	static const struct alternative alternatives[] = {
		{ NULL, NULL, "_SYSTEMD_UNIT" },
		{ MESSAGE_COREDUMP, "_UID=0", "COREDUMP_UNIT" },
		{ "_PID=1", NULL, "UNIT" },
		{ "_UID=0", NULL, "OBJECT_SYSTEMD_UNIT" },
	};
	int r = 0;

	sd_journal_flush_matches(j);
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(alternatives); i++) {
		const struct alternative *a = &alternatives[i];

		if (i > 0)
			r = sd_journal_add_disjunction(j);
		if (r >= 0 && a->first)
			r = sd_journal_add_match(j, a->first, 0);
		if (r >= 0 && a->second)
			r = sd_journal_add_match(j, a->second, 0);
		if (r >= 0)
			r = add_match(j, a->field, unit);
	}
	if (r >= 0 && text_has_suffix(unit, ".slice")) {
		r = sd_journal_add_disjunction(j);
		if (r >= 0)
			r = add_match(j, "_SYSTEMD_SLICE", unit);
	}
	return r < 0 ? r : 0;
}

int
journalread_match_run(sd_journal *j, const char *invocation_id)
{
	int r;

	sd_journal_flush_matches(j);
	r = add_match(j, "_SYSTEMD_INVOCATION_ID", invocation_id);
	if (r >= 0)
		r = sd_journal_add_disjunction(j);
	if (r >= 0)
		r = sd_journal_add_match(j, "_PID=1", 0);
	if (r >= 0)
		r = add_match(j, "INVOCATION_ID", invocation_id);
	return r < 0 ? r : 0;
}

/* The value of FIELD, without its name. Returns false when the entry lacks it or is corrupt. */
static bool
get_field(sd_journal *j, const char *field, const char **ret, size_t *ret_size)
{
	size_t n = strlen(field) + 1, size;
	const void *data;

	if (sd_journal_get_data(j, field, &data, &size) < 0 || size < n)
		return false;
	*ret = (const char *)data + n;
	*ret_size = size - n;
	return true;
}

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

/* The same as text in BUF, "" when it is missing, too long or not printable. */
static const char *
get_text(sd_journal *j, const char *field, char buf[JOURNAL_FIELD_BYTES])
{
	const char *value;
	size_t size;

	buf[0] = '\0';
	if (get_field(j, field, &value, &size))
		copy_text(buf, value, size);
	return buf;
}

void
journalread_run(sd_journal *j, char buf[33])
{
	char text[JOURNAL_FIELD_BYTES];

	/* What PID 1 says about a unit carries both: its own run and that of the unit. */
	if (*get_text(j, "INVOCATION_ID", text) == '\0')
		(void)get_text(j, "_SYSTEMD_INVOCATION_ID", text);
	text_copy(buf, 33, strlen(text) == 32 ? text : "");
}

size_t
journalread_line_size(sd_journal *j)
{
	const char *value;
	size_t size;

	if (!get_field(j, "MESSAGE", &value, &size))
		return 0;
	return LINE_OVERHEAD +
	    (size > JOURNAL_MESSAGE_MAX_BYTES ? JOURNAL_MESSAGE_MAX_BYTES : size);
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
journalread_is_error(sd_journal *j)
{
	static const char *const words[] = { "panic:", "fatal error:", "level=error",
		"level=fatal", "\"level\":\"error\"", "\"level\":\"fatal\"",
		"Failed with result", "Main process exited", "terminated prematurely" };
	char priority[JOURNAL_FIELD_BYTES];
	const char *message;
	size_t size;

	(void)get_text(j, "PRIORITY", priority);
	if (!get_field(j, "MESSAGE", &message, &size))
		return false;
	if (size > ERROR_SEARCH_BYTES)
		size = ERROR_SEARCH_BYTES;
	if (has_word(message, size, "rotate at:"))
		return false;
	if (strlen(priority) == 1 && *priority <= '3')
		return true;
	if (is_klog_error(message, size))
		return true;
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (has_word(message, size, words[i]))
			return true;
	return false;
}

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
utf8_length(const unsigned char *s, size_t size)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80	    ? 1
	    : (s[0] & 0xe0) == 0xc0 ? 2
	    : (s[0] & 0xf0) == 0xe0 ? 3
	    : (s[0] & 0xf8) == 0xf0 ? 4
				    : 0;
	uint32_t c;

	if (n == 0 || n > size)
		return 0;
	if (n == 1)
		return s[0] >= ' ' && s[0] != 0x7f ? 1 : 0;
	c = s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	/* No overlong forms, surrogates, C1 controls. */
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || c < 0xa0)
		return 0;
	return n;
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
		size_t n = utf8_length(s, size);
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
	const char *name; /* with "=" */
	size_t offset;
} fields[] = {
	{ "_HOSTNAME=", offsetof(struct journal_entry, hostname) },
	{ "SYSLOG_IDENTIFIER=", offsetof(struct journal_entry, identifier) },
	{ "_COMM=", offsetof(struct journal_entry, comm) },
	{ "_PID=", offsetof(struct journal_entry, pid) },
	{ "SYSLOG_PID=", offsetof(struct journal_entry, syslog_pid) },
	{ "MESSAGE_ID=", offsetof(struct journal_entry, message_id) },
	{ "N_DROPPED=", offsetof(struct journal_entry, n_dropped) },
	{ "_SOURCE_REALTIME_TIMESTAMP=", offsetof(struct journal_entry, source_realtime) },
	{ "_SOURCE_MONOTONIC_TIMESTAMP=", offsetof(struct journal_entry, source_monotonic) },
};

static bool
take_prefix(
    const char *data, size_t size, const char *prefix, const char **ret, size_t *ret_size)
{
	size_t n = strlen(prefix);

	if (size < n || memcmp(data, prefix, n) != 0)
		return false;
	*ret = data + n;
	*ret_size = size - n;
	return true;
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

static int
take_field(struct journal_entry *e, const char *data, size_t size)
{
	const char *value;
	size_t value_size;

	if (take_prefix(data, size, "MESSAGE=", &value, &value_size))
		return take_message(e, value, value_size);
	for (size_t i = 0; i < ELEMENTSOF(fields); i++)
		if (take_prefix(data, size, fields[i].name, &value, &value_size)) {
			copy_text((char *)e + fields[i].offset, value, value_size);
			break;
		}
	return 0;
}

int
journalread_load(sd_journal *j, struct journal_entry *entry)
{
	const void *data;
	size_t size;
	int r;

	for (size_t i = 0; i < ELEMENTSOF(fields); i++)
		((char *)entry)[fields[i].offset] = '\0';
	entry->has_message = entry->is_cut = false;
	entry->realtime_usec = entry->monotonic_usec = 0;
	(void)sd_journal_get_realtime_usec(j, &entry->realtime_usec);
	(void)sd_journal_get_monotonic_usec(j, &entry->monotonic_usec, NULL);
	sd_journal_restart_data(j);
	while ((r = sd_journal_enumerate_available_data(j, &data, &size)) > 0) {
		r = take_field(entry, data, size);
		if (r < 0)
			return r;
	}
	return r;
}

void
journal_entry_done(struct journal_entry *entry)
{
	journal_text_done(&entry->message);
}

uint64_t
journalread_dropped(const struct journal_entry *entry)
{
	uint64_t n;

	if (!streq(entry->message_id, MESSAGE_DROPPED))
		return 0;
	return text_parse_uint(entry->n_dropped, &n) == 0 && n > 0 ? n : 1;
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
journalread_format(const struct journal_entry *entry, struct journal_text *text)
{
	char prefix[4 * JOURNAL_FIELD_BYTES];
	size_t n = format_prefix(entry, prefix, sizeof(prefix));

	return format_line(entry, prefix, n, text);
}

int
journalread_format_dmesg(const struct journal_entry *entry, struct journal_text *text)
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
