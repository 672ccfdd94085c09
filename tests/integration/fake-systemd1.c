/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "daemon/loop.h"
#include "lib/json.h"
#include "lib/text.h"
#include "tests/integration/fake-systemd1.h"

#define NAME	  "org.freedesktop.systemd1"
#define PATH	  "/org/freedesktop/systemd1"
#define MANAGER	  "org.freedesktop.systemd1.Manager"
#define UNIT	  "org.freedesktop.systemd1.Unit"
#define SERVICE	  "org.freedesktop.systemd1.Service"
#define UNIT_PATH "/org/freedesktop/systemd1/unit"

#define NOT_FOUND                                                                              \
 "{\"LoadState\":[\"s\",\"not-found\"],\"ActiveState\":[\"s\",\"inactive\"],"                  \
 "\"SubState\":[\"s\",\"dead\"],\"Result\":[\"s\",\"success\"],"                               \
 "\"Job\":[\"(uo)\",[0,\"/\"]],\"InvocationID\":[\"ay\",[]]}"

struct fake {
	sd_bus *bus;	    /* owned */
	struct loop_io *io; /* owned */
	cJSON *units;	    /* owned: path -> { property: [type, value] } */
	char *error;	    /* owned */
	struct fake_calls calls;
	bool is_mute;
};

static void
append_basic(sd_bus_message *m, const char *type, const cJSON *value)
{
	if (streq(type, "s") || streq(type, "o"))
		assert(sd_bus_message_append(m, type, value->valuestring) >= 0);
	else if (streq(type, "t"))
		assert(sd_bus_message_append(m, type, (uint64_t)value->valuedouble) >= 0);
	else
		assert(sd_bus_message_append(m, type, (uint32_t)value->valuedouble) >= 0);
}

static void
append_bytes(sd_bus_message *m, const cJSON *value)
{
	const cJSON *byte;

	assert(sd_bus_message_open_container(m, 'a', "y") >= 0);
	cJSON_ArrayForEach (byte, value)
		assert(sd_bus_message_append(m, "y", (uint8_t)byte->valueint) >= 0);
	assert(sd_bus_message_close_container(m) >= 0);
}

static void
append_property(sd_bus_message *m, const cJSON *property)
{
	const char *type = cJSON_GetArrayItem(property, 0)->valuestring;
	const cJSON *value = cJSON_GetArrayItem(property, 1);

	assert(sd_bus_message_open_container(m, 'e', "sv") >= 0);
	assert(sd_bus_message_append(m, "s", property->string) >= 0);
	assert(sd_bus_message_open_container(m, 'v', type) >= 0);
	if (streq(type, "ay"))
		append_bytes(m, value);
	else if (streq(type, "(uo)"))
		assert(sd_bus_message_append(m, "(uo)",
			   (uint32_t)cJSON_GetArrayItem(value, 0)->valuedouble,
			   cJSON_GetArrayItem(value, 1)->valuestring) >= 0);
	else
		append_basic(m, type, value);
	assert(sd_bus_message_close_container(m) >= 0);
	assert(sd_bus_message_close_container(m) >= 0);
}

static void
append_properties(sd_bus_message *m, const cJSON *properties)
{
	const cJSON *property;

	assert(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
	cJSON_ArrayForEach (property, properties)
		append_property(m, property);
	assert(sd_bus_message_close_container(m) >= 0);
}

/* A unit that nobody has told us about is not installed. */
static cJSON *
find_unit(struct fake *f, const char *path)
{
	cJSON *unit = cJSON_GetObjectItemCaseSensitive(f->units, path);

	if (unit)
		return unit;
	assert(json_parse(NOT_FOUND, strlen(NOT_FOUND), &unit, NULL) == 0);
	assert(cJSON_AddItemToObject(f->units, path, unit));
	return unit;
}

static char *
unit_path(const char *unit)
{
	char *path = NULL;

	assert(sd_bus_path_encode(UNIT_PATH, unit, &path) >= 0);
	return path;
}

static void
send_message(struct fake *f, sd_bus_message *m)
{
	assert(sd_bus_send(f->bus, m, NULL) >= 0);
	assert(sd_bus_flush(f->bus) >= 0);
}

static void
answer_read(struct fake *f, sd_bus_message *call)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

	f->calls.read++;
	assert(sd_bus_message_new_method_return(call, &m) >= 0);
	append_properties(m, find_unit(f, sd_bus_message_get_path(call)));
	send_message(f, m);
}

static void
answer_job(struct fake *f, sd_bus_message *call, unsigned *count)
{
	const char *unit;
	const char *mode;

	++*count;
	assert(sd_bus_message_read(call, "ss", &unit, &mode) >= 0);
	text_copy(f->calls.unit, sizeof(f->calls.unit), unit);
	text_copy(f->calls.mode, sizeof(f->calls.mode), mode);
	assert(sd_bus_reply_method_return(call, "o", PATH "/job/1") >= 0);
}

static int
on_message(sd_bus_message *m, void *userdata, sd_bus_error *reterr)
{
	struct fake *f = userdata;
	const char *member = sd_bus_message_get_member(m);

	(void)reterr;
	if (!sd_bus_message_is_method_call(m, NULL, NULL))
		return 0;
	if (f->is_mute)
		return 1;
	if (streq(member, "Subscribe")) {
		f->calls.subscribe++;
		assert(sd_bus_reply_method_return(m, "") >= 0);
	} else if (f->error) {
		f->calls.read++;
		assert(sd_bus_reply_method_errorf(m, f->error, "as told") >= 0);
	} else if (streq(member, "GetAll")) {
		answer_read(f, m);
	} else if (streq(member, "StartUnit")) {
		answer_job(f, m, &f->calls.start);
	} else if (streq(member, "StopUnit")) {
		answer_job(f, m, &f->calls.stop);
	} else {
		return 0;
	}
	return 1;
}

static void
on_io(int fd, unsigned events, void *userdata)
{
	struct fake *f = userdata;
	int r;

	(void)fd;
	(void)events;
	while ((r = sd_bus_process(f->bus, NULL)) > 0)
		;
	/* The bus is gone: the test frees us when it likes. */
	if (r < 0)
		assert(loop_io_set_events(f->io, 0) == 0);
}

struct fake *
fake_new(struct loop *loop)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert(f);
	f->units = cJSON_CreateObject();
	assert(f->units);
	assert(sd_bus_open_system(&f->bus) >= 0);
	assert(sd_bus_add_filter(f->bus, NULL, on_message, f) >= 0);
	assert(sd_bus_request_name(f->bus, NAME, 0) >= 0);
	assert(loop_io_new(loop, LOOP_PRIORITY_BUS, sd_bus_get_fd(f->bus), LOOP_READ, on_io, f,
		   &f->io) == 0);
	return f;
}

void
fake_free(struct fake *f)
{
	if (!f)
		return;
	loop_io_free(f->io);
	sd_bus_close(f->bus);
	sd_bus_unref(f->bus);
	cJSON_Delete(f->units);
	free(f->error);
	free(f);
}

const struct fake_calls *
fake_calls(const struct fake *f)
{
	return &f->calls;
}

void
fake_set_mute(struct fake *f, bool is_mute)
{
	f->is_mute = is_mute;
}

void
fake_set_error(struct fake *f, const char *name)
{
	free(f->error);
	f->error = name ? strdup(name) : NULL;
}

static void
merge(struct fake *f, const char *path, const cJSON *properties)
{
	cJSON *unit = find_unit(f, path);
	const cJSON *property;

	cJSON_ArrayForEach (property, properties) {
		cJSON_DeleteItemFromObjectCaseSensitive(unit, property->string);
		assert(cJSON_AddItemToObject(
		    unit, property->string, cJSON_Duplicate(property, true)));
	}
}

static void
send_changed(struct fake *f, const char *path, const char *interface, const cJSON *properties)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

	assert(sd_bus_message_new_signal(f->bus, &m, path, "org.freedesktop.DBus.Properties",
		   "PropertiesChanged") >= 0);
	assert(sd_bus_message_append(m, "s", interface) >= 0);
	append_properties(m, properties);
	assert(sd_bus_message_append(m, "as", 0) >= 0);
	send_message(f, m);
}

static void
send_manager_signal(struct fake *f, const char *member, const cJSON *args)
{
	const char *text = cJSON_GetArrayItem(args, 0)->valuestring;

	if (streq(member, "Reloading"))
		fake_send_reloading(f, cJSON_IsTrue(cJSON_GetArrayItem(args, 0)));
	else if (streq(member, "UnitNew"))
		fake_send_unit_new(f, text);
	else if (streq(member, "JobRemoved"))
		fake_send_job_removed(f, (unsigned)cJSON_GetArrayItem(args, 0)->valuedouble,
		    cJSON_GetArrayItem(args, 2)->valuestring,
		    cJSON_GetArrayItem(args, 3)->valuestring);
}

void
fake_send(struct fake *f, const char *unit, const cJSON *signal)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(signal, "member");
	const cJSON *properties = cJSON_GetObjectItemCaseSensitive(signal, "properties");
	_cleanup_free_ char *path = unit_path(unit);

	if (member) {
		send_manager_signal(
		    f, member->valuestring, cJSON_GetObjectItemCaseSensitive(signal, "args"));
		return;
	}
	merge(f, path, properties);
	send_changed(f, path,
	    cJSON_GetObjectItemCaseSensitive(signal, "interface")->valuestring, properties);
}

void
fake_learn(struct fake *f, const char *unit, const cJSON *signal)
{
	_cleanup_free_ char *path = unit_path(unit);

	merge(f, path, cJSON_GetObjectItemCaseSensitive(signal, "properties"));
}

void
fake_set(struct fake *f, const char *unit, const char *properties)
{
	_cleanup_free_ char *path = unit_path(unit);
	_cleanup_json_ cJSON *parsed = NULL;

	assert(json_parse(properties, strlen(properties), &parsed, NULL) == 0);
	merge(f, path, parsed);
}

void
fake_change(struct fake *f, const char *unit, const char *properties)
{
	_cleanup_free_ char *path = unit_path(unit);

	fake_set(f, unit, properties);
	send_changed(f, path, SERVICE, find_unit(f, path));
	send_changed(f, path, UNIT, find_unit(f, path));
}

void
fake_send_job_removed(struct fake *f, unsigned id, const char *unit, const char *result)
{
	assert(sd_bus_emit_signal(f->bus, PATH, MANAGER, "JobRemoved", "uoss", (uint32_t)id,
		   PATH "/job/1", unit, result) >= 0);
	assert(sd_bus_flush(f->bus) >= 0);
}

void
fake_send_reloading(struct fake *f, bool is_begin)
{
	assert(sd_bus_emit_signal(f->bus, PATH, MANAGER, "Reloading", "b", (int)is_begin) >= 0);
	assert(sd_bus_flush(f->bus) >= 0);
}

void
fake_send_unit_new(struct fake *f, const char *unit)
{
	_cleanup_free_ char *path = unit_path(unit);

	assert(sd_bus_emit_signal(f->bus, PATH, MANAGER, "UnitNew", "so", unit, path) >= 0);
	assert(sd_bus_flush(f->bus) >= 0);
}
