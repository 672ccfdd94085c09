/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The Varlink wire format: JSON objects that each end with a NUL byte.
 *
 *   call   {"method": "a.b.Name", "parameters": {…}, "more": true, "oneway": true}
 *   reply  {"parameters": {…}, "continues": true}
 *   error  {"error": "a.b.Name", "parameters": {…}}
 *
 * The decoder splits a byte stream that arrives in any slices into messages and never holds
 * more than its cap. Parsing refuses what our JSON library would silently change: text that is
 * not UTF-8, and the escape \u0000, which would cut a C string. */

#include <stdbool.h>
#include <stddef.h>

#include "lib/cleanup.h"

struct fault;
typedef struct cJSON cJSON;

/* Largest call. Ours are below 8 KiB; the rest is room for clients that indent. */
#define VARLINK_REQUEST_MAX_BYTES (64u * 1024u)
/* Largest reply: a full List, see PROTO_LIST_MAX in lib/proto.h. */
#define VARLINK_REPLY_MAX_BYTES	  (2u * 1024u * 1024u)

/* Splits a stream into messages. Embedded: starts as VARLINK_DECODER_INIT. */
struct varlink_decoder {
	char *buf; /* owned */
	size_t allocated_bytes;
	size_t used_bytes;
	size_t start_bytes;   /* of the message that is not yet complete */
	size_t scanned_bytes; /* no NUL between start and here */
	size_t max_bytes;     /* cap of one message without its NUL */
};

#define VARLINK_DECODER_INIT(max)                                                              \
 {                                                                                             \
  .max_bytes = (max)                                                                           \
 }

/* Appends SIZE bytes. Returns 0; -EMSGSIZE when more than the cap would wait (two messages at
 * the cap may, so that reading is not cut in the middle of a slice); -ENOMEM. */
int varlink_decoder_feed(struct varlink_decoder *d, const char *data, size_t size);

/* Takes the next whole message. Returns 1 with *ret_message (valid until the next feed, NUL
 * behind its *ret_size bytes); 0 when there is none yet; -EMSGSIZE when it is larger than the
 * cap, after which the stream is useless. */
int varlink_decoder_next(struct varlink_decoder *d, const char **ret_message, size_t *ret_size);

/* Bytes that wait: the beginning of a message, or whole ones that were not yet taken. */
size_t varlink_decoder_pending(const struct varlink_decoder *d);

/* True if varlink_decoder_next() would not return 0. */
bool varlink_decoder_has_message(struct varlink_decoder *d);

void varlink_decoder_done(struct varlink_decoder *d);

struct varlink_call {
	cJSON *message;		 /* owned */
	const char *method;	 /* in message; "interface.Name", valid as such */
	const cJSON *parameters; /* in message; NULL when there are none */
	bool more;
	bool oneway;
	bool upgrade;
};

struct varlink_reply {
	cJSON *message;	   /* owned */
	const char *error; /* in message; NULL when it is none */
	cJSON *parameters; /* in message; NULL when there are none */
	bool continues;
};

/* Both return 0; -EBADMSG with a sentence in *reterr when it is not such a message; -ENOMEM. On
 * success the caller ends *ret with _done(). */
int varlink_call_parse(
    const char *message, size_t size, struct varlink_call *ret, struct fault *reterr);
int varlink_reply_parse(
    const char *message, size_t size, struct varlink_reply *ret, struct fault *reterr);
void varlink_call_done(struct varlink_call *call);
void varlink_reply_done(struct varlink_reply *reply);

enum varlink_flags {
	VARLINK_MORE = 1 << 0,	    /* calls: several replies are welcome */
	VARLINK_ONEWAY = 1 << 1,    /* calls: no reply is wanted */
	VARLINK_CONTINUES = 1 << 2, /* replies: more will follow */
};

/* Builders. PARAMETERS (NULL: an empty object) is consumed, also on failure. The caller frees
 * *ret_message, whose *ret_size bytes include the final NUL. Return 0 or -ENOMEM. */
int varlink_call_build(const char *method, cJSON *parameters, enum varlink_flags flags,
    char **ret_message, size_t *ret_size);
int varlink_reply_build(
    cJSON *parameters, enum varlink_flags flags, char **ret_message, size_t *ret_size);
int varlink_error_build(
    const char *error, cJSON *parameters, char **ret_message, size_t *ret_size);

/* Names as the Varlink definition has them: "org.example.thing", "Method", "field_name", and
 * "org.example.thing.Method". */
bool varlink_interface_name_is_valid(const char *s);
bool varlink_member_name_is_valid(const char *s);
bool varlink_field_name_is_valid(const char *s);
bool varlink_qualified_name_is_valid(const char *s);
