/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The always-on filter over every byte that enters a report: secrets out, structure kept.
 *
 * Text goes in in pieces of any size, redacted text comes out through a callback. A value that
 * must not leave is replaced by a visible marker, "[REDACTED:password]"; key names, quotes and
 * line structure around it stay, so that JSON stays JSON and YAML stays readable. What is
 * looked for stands in the tables of rules.c, how the stream works at the head of redact.c.
 *
 * Promises, each with a test:
 *  - the output does not depend on how the input is cut into pieces;
 *  - filtering a filtered text changes nothing;
 *  - memory is bounded, whatever comes in;
 *  - where a secret has no visible end it is swallowed up to where it can only have ended
 *    (end of line, of quote, of token), never let through because it is long.
 *
 * Any bytes are accepted: NUL, control characters, invalid UTF-8. Text in UTF-16 or UTF-32 and
 * compressed or encrypted data pass as they are; nothing that is collected comes like that, and
 * a collector that ever copies such files has to unpack or refuse them. */

#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"

/* How far ahead of a suspicious word anything is decided. It only has to show whether a short
 * value is harmless and how a secret ends; what is longer is swallowed without being held. */
#define REDACT_WINDOW_BYTES   (16u * 1024u)
/* How far back a rule may look: the name left of a word, the indentation of its line. */
#define REDACT_HISTORY_BYTES  256u
/* Text held per filter; also the largest piece handed to the callback. */
#define REDACT_BUFFER_BYTES   (64u * 1024u)
/* Largest certificate given to the describe callback; common ones have 1 to 4 KiB. */
#define REDACT_DESCRIBE_BYTES (16u * 1024u)
/* Longest description put into a marker, to keep it a line for people. */
#define REDACT_DETAIL_BYTES   160u

/* What was found. redact_kind_to_string() is the word in the marker. */
enum redact_kind {
	REDACT_PASSWORD,
	REDACT_SECRET,
	REDACT_TOKEN,
	REDACT_KEY, /* an API key, a pre-shared key */
	REDACT_JWT,
	REDACT_AUTHORIZATION, /* the credentials of an HTTP Authorization header */
	REDACT_COOKIE,
	REDACT_PULL_SECRET,
	REDACT_URL_PASSWORD,
	REDACT_PASSWORD_HASH,
	REDACT_PRIVATE_KEY,
	REDACT_CERTIFICATE,
	REDACT_CERTIFICATE_REQUEST,
	REDACT_PUBLIC_KEY,
	REDACT_PEM,    /* any other PEM block */
	REDACT_BASE64, /* lines of nothing but base64: part of a key whose start was cut off */
	_REDACT_KIND_COUNT,
};

struct redact;

/* Takes redacted text. Returns 0 or a negative errno, which ends the filtering. */
typedef int (*redact_write_fn)(const void *data, size_t len, void *userdata);

/* Describes a certificate or certificate request for people ("CN=kube-apiserver, until
 * 2027-11-22"). DER[LEN] is what the PEM block decodes to and may be anything. Writes at most
 * SIZE bytes with the NUL to BUF. Returns 0, or a negative errno when there is nothing to say.
 */
typedef int (*redact_describe_fn)(
    enum redact_kind kind, const void *der, size_t len, char *buf, size_t size, void *userdata);

/* Makes a filter that hands its output to FN. Returns 0 or -ENOMEM. */
int redact_new(redact_write_fn fn, void *userdata, struct redact **ret);

/* Clears what was held and frees R. What was not finished is lost, not written. */
void redact_free(struct redact *r);
DEFINE_CLEANUP(struct redact *, redact_free);

/* Lets FN describe certificates in their markers; without it they state kind and length only.
 * Call it before the first redact_write(). Returns 0 or -ENOMEM. */
int redact_set_describe(struct redact *r, redact_describe_fn fn, void *userdata);

/* Makes R know the rules OWN (borrowed until redact_free()), too. Call it once, before the
 * first redact_write(). */
struct redact_own;
void redact_set_own(struct redact *r, const struct redact_own *own);

/* Told of each secret: where in the text it begins, in bytes of the input. */
typedef void (*redact_found_fn)(enum redact_kind kind, uint64_t offset, void *userdata);

/* From here on FN is called for every secret, before its marker is written. */
void redact_set_found(struct redact *r, redact_found_fn fn, void *userdata);

/* Filters DATA[LEN]. The end of it may be held back until more comes or redact_finish().
 * Returns 0 or the error of the callback; after an error the text is lost and the same error is
 * returned until redact_finish(). */
int redact_write(struct redact *r, const void *data, size_t len);

/* Ends the text: writes what was held. Afterwards R takes a new text, for which nothing is
 * remembered but the counts. Returns 0 or the error of the callback. */
int redact_finish(struct redact *r);

/* Ends a record of a text of records, such as the message of a journal entry: decides about all
 * of it now, as redact_finish() does, but a PEM block that is open goes on in the next record,
 * as when programs print a key line by line. The record should end with a newline. Returns as
 * redact_finish(), which comes after the last one. */
int redact_finish_record(struct redact *r);

/* Number of markers written for KIND, and for all kinds, since R was made. */
uint64_t redact_count(const struct redact *r, enum redact_kind kind);
uint64_t redact_count_all(const struct redact *r);

/* "password", "private-key", … */
const char *redact_kind_to_string(enum redact_kind kind);
