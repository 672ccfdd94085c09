/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The control interface io.microshift.Support: names, errors, access, and the JSON form of what
 * travels. lib/io.microshift.Support.varlink is the contract; a test compares it with the
 * tables here. */

#include <stdbool.h>
#include <stdint.h>

struct report;
typedef struct cJSON cJSON;

#define PROTO_INTERFACE "io.microshift.Support"
#define VARLINK_SERVICE "org.varlink.service"
#define PROTO_VENDOR	"MicroShift"
#define PROTO_PRODUCT	"microshift-supportd"

/* Most reports in one answer to List, and the default. Together with the size of a Report
 * (below 2 KiB at its worst) this keeps an answer within VARLINK_REPLY_MAX_BYTES. */
#define PROTO_LIST_MAX		   1000u
/* Longest idempotency token of Collect. */
#define PROTO_TOKEN_BYTES	   65u
/* Most names in `only` of Collect; there are some twenty collectors. */
#define PROTO_ONLY_MAX_COUNT	   64u
/* Most patterns in `namespaces` of Collect: each is compared with each namespace. */
#define PROTO_NAMESPACES_MAX_COUNT 32u

/* What a peer may do, and what a method needs; ordered. */
enum access {
	ACCESS_NONE,   /* other users: nothing */
	ACCESS_MEMBER, /* the group SUPPORT_GROUP */
	ACCESS_ROOT,   /* root, and the user the service itself runs as */
};

/* Methods of io.microshift.Support. */
enum proto_method {
	PROTO_COLLECT,
	PROTO_LIST,
	PROTO_SHOW,
	PROTO_OPEN,
	PROTO_DELETE,
	PROTO_PIN,
	PROTO_UNPIN,
	PROTO_CANCEL,
	PROTO_KEYS,
	PROTO_STATUS,
	PROTO_WATCH,
	PROTO_FAILED,
	PROTO_PROGRESS,
	PROTO_CHECKED,
	_PROTO_METHOD_COUNT,
};

/* Errors that a call is answered with. */
enum proto_error {
	PROTO_ERROR_NOT_FOUND,
	PROTO_ERROR_AMBIGUOUS,
	PROTO_ERROR_BUSY,
	PROTO_ERROR_RATE_LIMITED,
	PROTO_ERROR_DENIED,
	PROTO_ERROR_TOO_LARGE,
	PROTO_ERROR_UNSUPPORTED,
	PROTO_ERROR_INTERNAL,
	/* Those of org.varlink.service. */
	PROTO_ERROR_INTERFACE_NOT_FOUND,
	PROTO_ERROR_METHOD_NOT_FOUND,
	PROTO_ERROR_METHOD_NOT_IMPLEMENTED,
	PROTO_ERROR_INVALID_PARAMETER,
	PROTO_ERROR_PERMISSION_DENIED,
	PROTO_ERROR_EXPECTED_MORE,
	_PROTO_ERROR_COUNT,
	/* No error, or one with a name that we do not know. */
	PROTO_ERROR_NONE = -1,
	PROTO_ERROR_UNKNOWN = -2,
};

/* Exit codes of msupportctl(1). */
enum proto_exit {
	PROTO_EXIT_OK = 0,
	PROTO_EXIT_ERROR = 1,
	PROTO_EXIT_USAGE = 2,
	PROTO_EXIT_UNREACHABLE = 3,
	PROTO_EXIT_DENIED = 4,
	PROTO_EXIT_BUSY = 5,
	PROTO_EXIT_PARTIAL = 6,
	PROTO_EXIT_NOT_FOUND = 7,
	PROTO_EXIT_FOUND = 8, /* by verify: what should not be there */
};

/* Where a request is; type State of the interface. */
enum capture_state {
	CAPTURE_QUEUED,
	CAPTURE_RUNNING,
	CAPTURE_COMPLETE,
	CAPTURE_PARTIAL,
	CAPTURE_FAILED,
	_CAPTURE_STATE_COUNT,
};

/* The text that describes INTERFACE; NULL when it is not one of the two that we have. */
const char *proto_description(const char *interface);

/* "io.microshift.Support.Collect", for a call. */
const char *proto_method_name(enum proto_method m);
enum access proto_method_access(enum proto_method m);

/* "io.microshift.Support.NotFound" and back; an unknown name gives PROTO_ERROR_UNKNOWN. */
const char *proto_error_name(enum proto_error e);
enum proto_error proto_error_from_name(const char *name);

/* The nearest errno, negative; -EIO for PROTO_ERROR_UNKNOWN, 0 for PROTO_ERROR_NONE. */
int proto_error_to_errno(enum proto_error e);

/* The other way, for what a function of the daemon returned; PROTO_ERROR_INTERNAL when nothing
 * fits. */
enum proto_error proto_error_from_errno(int r);

/* What msupportctl exits with. */
enum proto_exit proto_error_to_exit(enum proto_error e);

const char *capture_state_to_string(enum capture_state s);
int capture_state_from_string(const char *s, enum capture_state *ret);
bool capture_state_is_final(enum capture_state s);

/* "exited", "killed", "dumped" for CLD_EXITED …; NULL for anything else. */
const char *proto_exit_code_to_string(int exec_main_code);

/* Type Report of the interface, flat. A new object that the caller owns; NULL when out of
 * memory. */
cJSON *proto_report_to_json(const struct report *report);
