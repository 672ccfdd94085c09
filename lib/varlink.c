/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"
#include "lib/varlink.h"

/* First allocation, and what a connection keeps between messages. */
#define DECODER_STEP_BYTES 4096u

/* Makes room for SIZE more bytes and the NUL behind them. */
static int
decoder_grow(struct varlink_decoder *d, size_t size)
{
	size_t wanted, allocated;
	char *buf;

	if (d->start_bytes > 0) {
		memmove(d->buf, d->buf + d->start_bytes, d->used_bytes - d->start_bytes);
		d->used_bytes -= d->start_bytes;
		d->scanned_bytes -= d->start_bytes;
		d->start_bytes = 0;
	}
	wanted = d->used_bytes + size + 1;
	if (wanted <= d->allocated_bytes)
		return 0;
	allocated = d->allocated_bytes > 0 ? d->allocated_bytes : DECODER_STEP_BYTES;
	while (allocated < wanted)
		allocated *= 2;
	buf = realloc(d->buf, allocated);
	if (!buf)
		return -ENOMEM;
	d->buf = buf;
	d->allocated_bytes = allocated;
	return 0;
}

int
varlink_decoder_feed(struct varlink_decoder *d, const char *data, size_t size)
{
	int r;

	if (size > 2 * d->max_bytes || varlink_decoder_pending(d) > 2 * d->max_bytes - size)
		return -EMSGSIZE;
	r = decoder_grow(d, size);
	if (r < 0)
		return r;
	memcpy(d->buf + d->used_bytes, data, size);
	d->used_bytes += size;
	return 0;
}

/* Looks for the end of the message at start. Returns 1 when it is at *ret_size, 0, -EMSGSIZE.
 */
static int
decoder_find(struct varlink_decoder *d, size_t *ret_size)
{
	size_t size;
	const char *end;

	if (d->scanned_bytes == d->used_bytes)
		return 0;
	end = memchr(d->buf + d->scanned_bytes, '\0', d->used_bytes - d->scanned_bytes);
	if (end)
		d->scanned_bytes = (size_t)(end - d->buf);
	else
		d->scanned_bytes = d->used_bytes;
	size = d->scanned_bytes - d->start_bytes;
	if (size > d->max_bytes)
		return -EMSGSIZE;
	if (!end)
		return 0;
	*ret_size = size;
	return 1;
}

int
varlink_decoder_next(struct varlink_decoder *d, const char **ret_message, size_t *ret_size)
{
	size_t size;
	int r;

	r = decoder_find(d, &size);
	if (r < 0)
		return r;
	if (r == 0) {
		/* A connection that once had a large message does not keep its memory. */
		if (varlink_decoder_pending(d) == 0 && d->allocated_bytes > DECODER_STEP_BYTES)
			varlink_decoder_done(d);
		return 0;
	}
	*ret_message = d->buf + d->start_bytes;
	*ret_size = size;
	d->start_bytes += size + 1;
	d->scanned_bytes = d->start_bytes;
	return 1;
}

size_t
varlink_decoder_pending(const struct varlink_decoder *d)
{
	return d->used_bytes - d->start_bytes;
}

bool
varlink_decoder_has_message(struct varlink_decoder *d)
{
	size_t size;

	return decoder_find(d, &size) != 0;
}

void
varlink_decoder_done(struct varlink_decoder *d)
{
	free(d->buf);
	*d = (struct varlink_decoder)VARLINK_DECODER_INIT(d->max_bytes);
}

/* Length of the UTF-8 sequence at P (at most N bytes), 0 when it is none: the table 3-7 of the
 * Unicode standard. */
static size_t
utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f; /* no surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (n < length || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return length;
}

/* What cJSON would accept and change: see the head of varlink.h. */
static int
check_text(const char *message, size_t size, struct fault *reterr)
{
	size_t step;

	for (size_t i = 0; i < size; i += step) {
		step = utf8_sequence((const unsigned char *)message + i, size - i);
		if (step == 0)
			return fault_set(reterr, -EBADMSG, "byte %zu is not UTF-8", i);
		/* Outside of strings a backslash is an error that the parser finds. */
		if (message[i] != '\\')
			continue;
		if (size - i >= 6 && memcmp(message + i, "\\u0000", 6) == 0)
			return fault_set(reterr, -EBADMSG, "byte %zu is an escaped NUL", i);
		step = i + 1 < size && message[i + 1] == '\\' ? 2 : 1;
	}
	return 0;
}

static int
parse_object(const char *message, size_t size, cJSON **ret, struct fault *reterr)
{
	_cleanup_json_ cJSON *object = NULL;
	int r;

	r = check_text(message, size, reterr);
	if (r < 0)
		return r;
	r = json_parse(message, size, &object, reterr);
	if (r == -EINVAL && reterr)
		reterr->code = -EBADMSG;
	if (r < 0)
		return r == -EINVAL ? -EBADMSG : r;
	if (!cJSON_IsObject(object))
		return fault_set(reterr, -EBADMSG, "not a JSON object");
	*ret = TAKE_PTR(object);
	return 0;
}

/* The member `parameters`, which must be an object when it is there. */
static int
get_parameters(const cJSON *message, cJSON **ret, struct fault *reterr)
{
	cJSON *parameters = cJSON_GetObjectItemCaseSensitive(message, "parameters");

	if (parameters && cJSON_IsNull(parameters))
		parameters = NULL;
	if (parameters && !cJSON_IsObject(parameters))
		return fault_set(reterr, -EBADMSG, "'parameters' is not an object");
	*ret = parameters;
	return 0;
}

static int
get_flag(const cJSON *message, const char *name, bool *ret, struct fault *reterr)
{
	if (json_get_bool(message, name, ret) < 0)
		return fault_set(reterr, -EBADMSG, "'%s' is not a boolean", name);
	return 0;
}

/* A member that names a method or an error. Returns 0 also when it is missing. */
static int
get_name(const cJSON *message, const char *member, const char **ret_name, struct fault *reterr)
{
	if (json_get_string(message, member, ret_name) < 0)
		return fault_set(reterr, -EBADMSG, "'%s' is not a string", member);
	if (*ret_name && !varlink_qualified_name_is_valid(*ret_name))
		return fault_set(reterr, -EBADMSG, "'%s' is not a Varlink name", member);
	return 0;
}

int
varlink_call_parse(
    const char *message, size_t size, struct varlink_call *ret, struct fault *reterr)
{
	_cleanup_(varlink_call_done) struct varlink_call call = { 0 };
	cJSON *parameters;
	int r;

	r = parse_object(message, size, &call.message, reterr);
	if (r < 0)
		return r;
	r = get_name(call.message, "method", &call.method, reterr);
	if (r < 0)
		return r;
	if (!call.method)
		return fault_set(reterr, -EBADMSG, "'method' is missing");
	r = get_parameters(call.message, &parameters, reterr);
	if (r < 0)
		return r;
	call.parameters = parameters;
	if ((r = get_flag(call.message, "more", &call.more, reterr)) < 0 ||
	    (r = get_flag(call.message, "oneway", &call.oneway, reterr)) < 0 ||
	    (r = get_flag(call.message, "upgrade", &call.upgrade, reterr)) < 0)
		return r;
	if (call.more + call.oneway + call.upgrade > 1)
		return fault_set(
		    reterr, -EBADMSG, "only one of 'more', 'oneway' and 'upgrade' can be true");
	*ret = call;
	call.message = NULL;
	return 0;
}

int
varlink_reply_parse(
    const char *message, size_t size, struct varlink_reply *ret, struct fault *reterr)
{
	_cleanup_(varlink_reply_done) struct varlink_reply reply = { 0 };
	int r;

	r = parse_object(message, size, &reply.message, reterr);
	if (r < 0)
		return r;
	r = get_name(reply.message, "error", &reply.error, reterr);
	if (r < 0)
		return r;
	r = get_parameters(reply.message, &reply.parameters, reterr);
	if (r < 0)
		return r;
	r = get_flag(reply.message, "continues", &reply.continues, reterr);
	if (r < 0)
		return r;
	if (reply.error && reply.continues)
		return fault_set(reterr, -EBADMSG, "an error cannot continue");
	*ret = reply;
	reply.message = NULL;
	return 0;
}

void
varlink_call_done(struct varlink_call *call)
{
	cJSON_Delete(call->message);
	*call = (struct varlink_call){ 0 };
}

void
varlink_reply_done(struct varlink_reply *reply)
{
	cJSON_Delete(reply->message);
	*reply = (struct varlink_reply){ 0 };
}

/* Prints the object {NAME: VALUE, "parameters": …, FLAG: true …}; NAME NULL leaves the first
 * member out. Consumes PARAMETERS. */
static int
build(const char *name, const char *value, cJSON *parameters, enum varlink_flags flags,
    char **ret_message, size_t *ret_size)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	char *text;
	int r;

	if (!parameters)
		parameters = cJSON_CreateObject();
	if (!object || (name && json_add_text(object, name, value) < 0)) {
		cJSON_Delete(parameters);
		return -ENOMEM;
	}
	r = json_add_item(object, "parameters", parameters);
	if (r == 0 && (flags & VARLINK_MORE))
		r = json_add_bool(object, "more", true);
	if (r == 0 && (flags & VARLINK_ONEWAY))
		r = json_add_bool(object, "oneway", true);
	if (r == 0 && (flags & VARLINK_CONTINUES))
		r = json_add_bool(object, "continues", true);
	if (r < 0)
		return r;
	text = json_print(object, false);
	if (!text)
		return -ENOMEM;
	*ret_message = text;
	*ret_size = strlen(text) + 1;
	return 0;
}

int
varlink_call_build(const char *method, cJSON *parameters, enum varlink_flags flags,
    char **ret_message, size_t *ret_size)
{
	return build("method", method, parameters, flags & ~(unsigned)VARLINK_CONTINUES,
	    ret_message, ret_size);
}

int
varlink_reply_build(
    cJSON *parameters, enum varlink_flags flags, char **ret_message, size_t *ret_size)
{
	return build(NULL, NULL, parameters, flags & VARLINK_CONTINUES, ret_message, ret_size);
}

int
varlink_error_build(const char *error, cJSON *parameters, char **ret_message, size_t *ret_size)
{
	return build("error", error, parameters, 0, ret_message, ret_size);
}

/* The first SIZE bytes of S: [A-Za-z](-*[A-Za-z0-9])* ('.' [A-Za-z0-9](-*[A-Za-z0-9])*)+ */
static bool
is_interface_name(const char *s, size_t size)
{
	bool has_dot = false;
	char previous = '.';

	if (size == 0 || !isalpha((unsigned char)s[0]))
		return false;
	for (size_t i = 0; i < size; i++) {
		char c = s[i];

		if (c == '.') {
			if (previous == '.' || previous == '-')
				return false;
			has_dot = true;
		} else if (c == '-') {
			if (previous == '.')
				return false;
		} else if (!isalnum((unsigned char)c)) {
			return false;
		}
		previous = c;
	}
	return has_dot && previous != '.' && previous != '-';
}

bool
varlink_interface_name_is_valid(const char *s)
{
	return is_interface_name(s, strlen(s));
}

bool
varlink_member_name_is_valid(const char *s)
{
	if (s[0] < 'A' || s[0] > 'Z')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s))
			return false;
	return true;
}

bool
varlink_field_name_is_valid(const char *s)
{
	/* [A-Za-z](_?[A-Za-z0-9])* */
	if (!isalpha((unsigned char)s[0]))
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !(*s == '_' && isalnum((unsigned char)s[1])))
			return false;
	return true;
}

bool
varlink_qualified_name_is_valid(const char *s)
{
	const char *dot = strrchr(s, '.');

	return dot && is_interface_name(s, (size_t)(dot - s)) &&
	    varlink_member_name_is_valid(dot + 1);
}
