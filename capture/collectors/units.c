/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <systemd/sd-bus.h>

#include "capture/collector.h"
#include "capture/collectors/builtin.h"
#include "capture/collectors/units.h"
#include "capture/notes.h"
#include "capture/sink/bundle.h"
#include "capture/sink/layout.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/report.h"
#include "lib/settings.h"
#include "lib/text.h"

#define SYSTEMD_NAME	"org.freedesktop.systemd1"
#define SYSTEMD_PATH	"/org/freedesktop/systemd1"
#define MANAGER		"org.freedesktop.systemd1.Manager"
#define PRIVATE_ADDRESS "unix:path=/run/systemd/private"

/* One answer. PID 1 answers in milliseconds unless it is what is broken. */
#define CALL_TIMEOUT_USEC (3 * USEC_PER_SEC)
/* Failed units whose properties are taken besides those that were asked for. */
#define FAILED_UNITS_MAX  20u
/* Nesting of D-Bus values that is followed; systemd's own is at most 4 deep. */
#define VALUE_DEPTH_MAX	  8u

/* A connection to systemd, through the bus or directly. */
struct link {
	struct collector_context *ctx;
	sd_bus *bus;
	const char *destination; /* NULL on the private socket */
};

static void
link_done(struct link *l)
{
	/* Not flushed: that would wait for a bus that hangs. */
	if (l->bus)
		sd_bus_close(l->bus);
	l->bus = sd_bus_unref(l->bus);
}

struct answer {
	sd_bus_message *message; /* owned */
	bool is_there;
};

static int
on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct answer *a = userdata;

	(void)error;
	a->message = sd_bus_message_ref(m);
	a->is_there = true;
	return 0;
}

/* Sends M and waits for the answer, in all no longer than CALL_TIMEOUT_USEC: sd_bus_call()
 * would wait without limit for a bus that accepts connections but does not talk. */
static int
call(struct link *l, sd_bus_message *m, sd_bus_message **ret)
{
	uint64_t end = clock_monotonic_usec() + CALL_TIMEOUT_USEC;
	_cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
	struct answer answer = { 0 };
	int r;

	r = sd_bus_call_async(l->bus, &slot, m, on_answer, &answer, CALL_TIMEOUT_USEC);
	while (r >= 0 && !answer.is_there) {
		uint64_t now = clock_monotonic_usec();

		if (now >= end || collector_must_stop(l->ctx))
			return -ETIMEDOUT;
		r = sd_bus_process(l->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(l->bus, end - now);
	}
	if (answer.is_there && sd_bus_message_is_method_error(answer.message, NULL)) {
		r = -sd_bus_message_get_errno(answer.message);
		sd_bus_message_unref(answer.message);
		return r < 0 ? r : -EIO;
	}
	if (r < 0) {
		sd_bus_message_unref(answer.message);
		return r;
	}
	*ret = answer.message;
	return 0;
}

static int
get_all(struct link *l, const char *path, const char *interface, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r;

	r = sd_bus_message_new_method_call(
	    l->bus, &m, l->destination, path, "org.freedesktop.DBus.Properties", "GetAll");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", interface);
	return r < 0 ? r : call(l, m, ret);
}

/* systemd's own socket, which answers root even when D-Bus is what is broken, or slow because
 * everybody asks; systemctl(1) does the same. */
static int
connect_private(struct link *l)
{
	int r;

	l->destination = NULL;
	r = sd_bus_new(&l->bus);
	if (r >= 0)
		r = sd_bus_set_address(l->bus, PRIVATE_ADDRESS);
	return r < 0 ? r : sd_bus_start(l->bus);
}

static int
connect_bus(struct link *l)
{
	l->destination = SYSTEMD_NAME;
	return sd_bus_open_system(&l->bus);
}

/* A connection that has answered: with the properties of the manager. */
static int
connect_systemd(struct link *l, sd_bus_message **ret_manager)
{
	static int (*const ways[])(struct link *) = { connect_private, connect_bus };
	int r = 0;

	for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
		r = ways[i](l);
		if (r >= 0)
			r = get_all(l, SYSTEMD_PATH, MANAGER, ret_manager);
		if (r >= 0)
			return 0;
		link_done(l);
	}
	return r;
}

/* D-Bus values as JSON. Integers keep all their digits. */

static cJSON *
number(const char *format, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), format, value);
	return cJSON_CreateRaw(text);
}

static int
read_basic(sd_bus_message *m, char type, cJSON **ret)
{
	union {
		uint8_t y;
		int b;
		int16_t n;
		uint16_t q;
		int32_t i;
		uint32_t u;
		int64_t x;
		uint64_t t;
		double d;
		const char *s;
	} v = { 0 };
	int r;

	r = sd_bus_message_read_basic(m, type, &v);
	if (r < 0)
		return r;
	switch (type) {
	case SD_BUS_TYPE_BYTE:
		*ret = number("%" PRIu64, v.y);
		break;
	case SD_BUS_TYPE_BOOLEAN:
		*ret = cJSON_CreateBool(v.b != 0);
		break;
	case SD_BUS_TYPE_INT16:
		*ret = number("%" PRId64, (uint64_t)(int64_t)v.n);
		break;
	case SD_BUS_TYPE_UINT16:
		*ret = number("%" PRIu64, v.q);
		break;
	case SD_BUS_TYPE_INT32:
	case SD_BUS_TYPE_UNIX_FD:
		*ret = number("%" PRId64, (uint64_t)(int64_t)v.i);
		break;
	case SD_BUS_TYPE_UINT32:
		*ret = number("%" PRIu64, v.u);
		break;
	case SD_BUS_TYPE_INT64:
		*ret = number("%" PRId64, (uint64_t)v.x);
		break;
	case SD_BUS_TYPE_UINT64:
		*ret = number("%" PRIu64, v.t);
		break;
	case SD_BUS_TYPE_DOUBLE:
		*ret = cJSON_CreateNumber(v.d);
		break;
	default:
		*ret = cJSON_CreateString(v.s);
		break;
	}
	return *ret ? 0 : -ENOMEM;
}

/* "ay" as hexadecimal: invocation IDs, CPU masks. */
static int
read_bytes(sd_bus_message *m, cJSON **ret)
{
	_cleanup_free_ char *text = NULL;
	const void *data;
	size_t size;
	int r;

	r = sd_bus_message_read_array(m, 'y', &data, &size);
	if (r < 0)
		return r;
	text = calloc(size + 1, 2);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)data)[i]);
	*ret = cJSON_CreateString(text);
	return *ret ? 0 : -ENOMEM;
}

static int read_value(sd_bus_message *m, unsigned depth, cJSON **ret);

/* The rest of a container that was entered, as an array. */
static int
read_items(sd_bus_message *m, unsigned depth, cJSON **ret)
{
	_cleanup_json_ cJSON *array = cJSON_CreateArray();
	int r;

	if (!array)
		return -ENOMEM;
	while ((r = sd_bus_message_at_end(m, false)) == 0) {
		cJSON *item = NULL;

		r = read_value(m, depth + 1, &item);
		if (r < 0)
			return r;
		if (!cJSON_AddItemToArray(array, item)) {
			cJSON_Delete(item);
			return -ENOMEM;
		}
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(array);
	return 0;
}

static int
read_container(sd_bus_message *m, char type, const char *contents, unsigned depth, cJSON **ret)
{
	cJSON *value = NULL;
	int r;

	if (depth >= VALUE_DEPTH_MAX)
		return -ELOOP;
	r = sd_bus_message_enter_container(m, type, contents);
	if (r < 0)
		return r;
	r = type == SD_BUS_TYPE_VARIANT ? read_value(m, depth + 1, &value)
					: read_items(m, depth, &value);
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	if (r < 0) {
		cJSON_Delete(value);
		return r;
	}
	*ret = value;
	return 0;
}

static int
read_value(sd_bus_message *m, unsigned depth, cJSON **ret)
{
	const char *contents;
	char type;
	int r;

	r = sd_bus_message_peek_type(m, &type, &contents);
	if (r <= 0)
		return r < 0 ? r : -ENODATA;
	if (type == SD_BUS_TYPE_ARRAY && streq(contents, "y"))
		return read_bytes(m, ret);
	if (type == SD_BUS_TYPE_ARRAY || type == SD_BUS_TYPE_VARIANT ||
	    type == SD_BUS_TYPE_STRUCT || type == SD_BUS_TYPE_DICT_ENTRY)
		return read_container(m, type, contents, depth, ret);
	return read_basic(m, type, ret);
}

/* The a{sv} that GetAll answers, as an object. */
static int
read_properties(sd_bus_message *m, cJSON **ret)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	int r;

	if (!object)
		return -ENOMEM;
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
		const char *name;
		cJSON *value = NULL;

		r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &name);
		if (r >= 0)
			r = read_value(m, 0, &value);
		if (r >= 0)
			r = json_add_item(object, name, value);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(object);
	return 0;
}

static int
store_properties(struct link *l, sd_bus_message *m, const char *path)
{
	_cleanup_json_ cJSON *properties = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	r = read_properties(m, &properties);
	if (r < 0)
		return r;
	text = json_print(properties, true);
	return text ? bundle_add(l->ctx->bundle, path, text, strlen(text), NULL) : -ENOMEM;
}

static int
add_unit(struct link *l, const char *unit)
{
	const char *suffix = strchr(unit, '.') ? "" : ".service";
	_cleanup_free_ char *name = text_format("%s%s", unit, suffix);
	_cleanup_free_ char *file = text_format("unit_properties_%s%s.json", unit, suffix);
	_cleanup_free_ char *object_path = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	char path[LAYOUT_PATH_BYTES];
	int r;

	if (!name || !file)
		return -ENOMEM;
	r = layout_collector_path("systemd", file, path);
	if (r >= 0 && bundle_contains(l->ctx->bundle, path))
		return 0;
	if (r >= 0)
		r = sd_bus_path_encode(SYSTEMD_PATH "/unit", name, &object_path);
	/* No interface means the properties of all of them. */
	if (r >= 0)
		r = get_all(l, object_path, "", &m);
	if (r >= 0)
		r = store_properties(l, m, path);
	if (r < 0)
		(void)notes_add(l->ctx, "properties of %s: %s", unit, strerror(-r));
	return r;
}

/* Errors that make further units pointless. */
static bool
is_final(int r)
{
	return r == -EDQUOT || r == -ENOSPC || r == -ENOMEM || r == -ENOTCONN ||
	    r == -ECONNRESET;
}

static int
add_units(struct link *l, char *const *units)
{
	int result = 0;

	for (; units && *units; units++) {
		int r = add_unit(l, *units);

		if (is_final(r))
			return r;
		if (r != 0)
			result = 1;
	}
	return result;
}

int
units_add(struct collector_context *ctx, char *const *units, struct fault *reterr)
{
	_cleanup_(link_done) struct link l = { .ctx = ctx };
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *manager = NULL;
	int r;

	r = connect_systemd(&l, &manager);
	if (r < 0) {
		fault_set(reterr, r, "systemd cannot be asked: %m");
		return -ENOTCONN;
	}
	return add_units(&l, units);
}

/* The names of units in state failed, at most FAILED_UNITS_MAX. */
static int
list_failed(struct link *l, char ***ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_call(
	    l->bus, &m, l->destination, SYSTEMD_PATH, MANAGER, "ListUnitsFiltered");
	if (r >= 0)
		r = sd_bus_message_append(m, "as", 1, "failed");
	if (r >= 0)
		r = call(l, m, &reply);
	if (r >= 0)
		r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "(ssssssouso)");
	while (r >= 0 && strv_length(*ret) < FAILED_UNITS_MAX) {
		const char *name;

		r = sd_bus_message_enter_container(reply, SD_BUS_TYPE_STRUCT, "ssssssouso");
		if (r <= 0)
			break;
		r = sd_bus_message_read_basic(reply, SD_BUS_TYPE_STRING, &name);
		if (r >= 0)
			r = strv_append(ret, name);
		if (r >= 0)
			r = sd_bus_message_skip(reply, "sssssouso");
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	return r < 0 ? r : 0;
}

static int
add_all(struct link *l, sd_bus_message *manager)
{
	_cleanup_(strv_freep) char **failed = NULL;
	char event_unit[UNIT_NAME_BYTES];
	char *const first[] = { event_unit, NULL };
	int r = 0, k;

	text_copy(event_unit, sizeof(event_unit), l->ctx->request->event.unit);
	if (*event_unit)
		r = add_units(l, first);
	if (r >= 0) {
		k = add_units(l, l->ctx->settings->units);
		r = k != 0 ? k : r;
	}
	if (r >= 0)
		(void)store_properties(
		    l, manager, "sos_commands/systemd/manager_properties.json");
	if (r >= 0 && list_failed(l, &failed) >= 0) {
		k = add_units(l, failed);
		r = k != 0 ? k : r;
	}
	return r;
}

static enum outcome
run(const struct collector *c, struct collector_context *ctx, struct fault *reterr)
{
	_cleanup_(link_done) struct link l = { .ctx = ctx };
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *manager = NULL;
	int r;

	(void)c;
	r = connect_systemd(&l, &manager);
	if (r < 0) {
		fault_set(reterr, r, "systemd cannot be asked: %m");
		return OUTCOME_SKIPPED;
	}
	r = add_all(&l, manager);
	if (r == 0)
		return OUTCOME_OK;
	fault_set(reterr, r < 0 ? r : -EIO, "not all units could be stored, see the notes");
	return OUTCOME_PARTIAL;
}

const struct collector units_collector = {
	.name = "units",
	.description = "All properties of the watched and of failed units, and of systemd",
	.profiles = PROFILE_MASK_ALL,
	.priority = PRIORITY_VOLATILE - 5,
	.wall_usec = 15 * USEC_PER_SEC,
	.run = run,
};
