/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Logging: to the journal with fields when systemd started us, to stderr otherwise.
 *
 * Every .c that logs begins with `#define LOG_DOMAIN "spool"`. Levels are systemd's: error = an
 * operation is lost, warning = went on without it (and says so), notice = a report was made,
 * info = life cycle, debug = the rest. The text names counts and paths, never collected
 * content. */

#include <stddef.h>
#include <syslog.h>

enum log_sink {
	LOG_SINK_AUTO, /* the journal when stderr is connected to it ($JOURNAL_STREAM), else
			  stderr */
	LOG_SINK_STDERR,
	LOG_SINK_NONE, /* fuzzers and tests */
};

/* Most extra fields that log_event() takes; more are dropped. */
#define LOG_FIELDS_MAX 8u

/* One extra journal field of an event, e.g. { "SUPPORTD_REPORT", id }. */
struct log_field {
	const char *name;
	const char *value;
};

void log_set_sink(enum log_sink sink);

/* Messages above LEVEL (LOG_DEBUG is the highest) are dropped. The default is LOG_INFO. */
void log_set_level(int level);

/* Use the macros below. Returns ERROR_CODE. `%m` prints strerror(-error_code). */
int log_write(int level, int error_code, const char *domain, const char *file, int line,
    const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Logs an event that an operator may alert on. MESSAGE_ID is one of lib/msgids.h; each has an
 * entry in the journal catalogue. FIELDS (may be NULL) has N_FIELDS elements. */
void log_event(const char *message_id, int level, const struct log_field *fields,
    size_t n_fields, const char *format, ...) __attribute__((format(printf, 5, 6)));

#define log_full_errno(level, r, ...)                                                          \
 log_write((level), (r), LOG_DOMAIN, __FILE__, __LINE__, __VA_ARGS__)

#define log_debug(...)	 ((void)log_full_errno(LOG_DEBUG, 0, __VA_ARGS__))
#define log_info(...)	 ((void)log_full_errno(LOG_INFO, 0, __VA_ARGS__))
#define log_notice(...)	 ((void)log_full_errno(LOG_NOTICE, 0, __VA_ARGS__))
#define log_warning(...) ((void)log_full_errno(LOG_WARNING, 0, __VA_ARGS__))
#define log_error(...)	 ((void)log_full_errno(LOG_ERR, 0, __VA_ARGS__))

/* These return the error, so that `return log_error_errno(r, "Cannot …: %m");` is one
 * statement. */
#define log_debug_errno(r, ...)	  log_full_errno(LOG_DEBUG, (r), __VA_ARGS__)
#define log_warning_errno(r, ...) log_full_errno(LOG_WARNING, (r), __VA_ARGS__)
#define log_error_errno(r, ...)	  log_full_errno(LOG_ERR, (r), __VA_ARGS__)
