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

/* A field other than MESSAGE. */
#define FIELD_MAX_BYTES	   256u
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

/* The same as text in BUF, "" when it is missing, too long or not printable. */
static const char *
get_text(sd_journal *j, const char *field, char buf[FIELD_MAX_BYTES])
{
	const char *value;
	size_t size;

	buf[0] = '\0';
	if (!get_field(j, field, &value, &size) || size >= FIELD_MAX_BYTES)
		return buf;
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return buf;
	memcpy(buf, value, size);
	buf[size] = '\0';
	return buf;
}

void
journalread_run(sd_journal *j, char buf[33])
{
	char text[FIELD_MAX_BYTES];

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
	char priority[FIELD_MAX_BYTES];
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

uint64_t
journalread_dropped(sd_journal *j)
{
	char text[FIELD_MAX_BYTES];
	uint64_t n;

	if (!streq(get_text(j, "MESSAGE_ID", text), MESSAGE_DROPPED))
		return 0;
	return text_parse_uint(get_text(j, "N_DROPPED", text), &n) == 0 && n > 0 ? n : 1;
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

/* The entry's own time where it has one, else when journald got it. */
static uint64_t
entry_usec(sd_journal *j)
{
	char text[FIELD_MAX_BYTES];
	uint64_t usec;

	if (text_parse_uint(get_text(j, "_SOURCE_REALTIME_TIMESTAMP", text), &usec) == 0 &&
	    usec > 0)
		return usec;
	return sd_journal_get_realtime_usec(j, &usec) < 0 ? 0 : usec;
}

/* "Nov 23 14:27:52 edge1 microshift[4419]: ". */
static size_t
format_prefix(sd_journal *j, char *buf, size_t size)
{
	char host[FIELD_MAX_BYTES], name[FIELD_MAX_BYTES], pid[FIELD_MAX_BYTES];
	time_t seconds = (time_t)(entry_usec(j) / USEC_PER_SEC);
	char stamp[32] = "";
	struct tm tm;
	int n;

	if (localtime_r(&seconds, &tm))
		(void)strftime(stamp, sizeof(stamp), "%b %d %H:%M:%S", &tm);
	(void)get_text(j, "_HOSTNAME", host);
	if (*get_text(j, "SYSLOG_IDENTIFIER", name) == '\0' &&
	    *get_text(j, "_COMM", name) == '\0')
		text_copy(name, sizeof(name), "unknown");
	if (*get_text(j, "_PID", pid) == '\0')
		(void)get_text(j, "SYSLOG_PID", pid);
	n = snprintf(buf, size, "%s%s%s %s%s%s%s: ", stamp, *host ? " " : "", host, name,
	    *pid ? "[" : "", pid, *pid ? "]" : "");
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static int
format_line(sd_journal *j, const char *prefix, size_t prefix_size, struct journal_text *text)
{
	const char *message;
	size_t size;
	bool is_cut;
	int r;

	text->size = 0;
	if (!get_field(j, "MESSAGE", &message, &size))
		return -ENODATA;
	is_cut = size > JOURNAL_MESSAGE_MAX_BYTES;
	if (is_cut)
		size = JOURNAL_MESSAGE_MAX_BYTES;
	/* journalctl does so too. */
	while (size > 0 && isspace((unsigned char)message[size - 1]))
		size--;
	r = reserve(text, prefix_size + size + 64);
	if (r < 0)
		return r;
	memcpy(text->data, prefix, prefix_size);
	text->size = prefix_size;
	r = append_message(text, message, size, prefix_size);
	if (r < 0)
		return r;
	r = reserve(text, 64);
	if (r < 0)
		return r;
	text->size += (size_t)snprintf(
	    text->data + text->size, 64, "%s\n", is_cut ? " … (cut, too long)" : "");
	return 0;
}

int
journalread_format(sd_journal *j, struct journal_text *text)
{
	char prefix[3 * FIELD_MAX_BYTES];
	size_t n = format_prefix(j, prefix, sizeof(prefix));

	return format_line(j, prefix, n, text);
}

int
journalread_format_dmesg(sd_journal *j, struct journal_text *text)
{
	char stamp[FIELD_MAX_BYTES], prefix[64];
	uint64_t usec;
	int n;

	if (text_parse_uint(get_text(j, "_SOURCE_MONOTONIC_TIMESTAMP", stamp), &usec) < 0 &&
	    sd_journal_get_monotonic_usec(j, &usec, NULL) < 0)
		usec = 0;
	n = snprintf(prefix, sizeof(prefix), "[%5" PRIu64 ".%06" PRIu64 "] ",
	    usec / USEC_PER_SEC, usec % USEC_PER_SEC);
	return format_line(j, prefix, (size_t)n, text);
}
