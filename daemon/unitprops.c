/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <systemd/sd-id128.h>

#include "daemon/unitprops.h"
#include "lib/text.h"

enum property_kind {
	PROPERTY_TEXT,
	PROPERTY_U32,
	PROPERTY_U64,
	PROPERTY_INT,
	PROPERTY_JOB,	   /* (uo): its number */
	PROPERTY_ID128,	   /* ay: 16 bytes, or none */
	PROPERTY_IS_NEVER, /* text: whether it is "no" */
};

struct property {
	const char *name;
	enum property_kind kind;
	size_t offset;
	size_t size;
};

#define PROPERTY(name, kind, member)                                                           \
 {                                                                                             \
  name, kind, offsetof(struct unit_snapshot, member),                                          \
      sizeof(((struct unit_snapshot *)0)->member)                                              \
 }

static const struct property properties[] = {
	PROPERTY("ActiveEnterTimestampMonotonic", PROPERTY_U64, active_enter_monotonic_usec),
	PROPERTY("ActiveState", PROPERTY_TEXT, active_state),
	PROPERTY("ExecMainCode", PROPERTY_INT, exec_main_code),
	PROPERTY("ExecMainExitTimestamp", PROPERTY_U64, exec_main_exit_usec),
	PROPERTY("ExecMainExitTimestampMonotonic", PROPERTY_U64, exec_main_exit_monotonic_usec),
	PROPERTY("ExecMainPID", PROPERTY_U32, exec_main_pid),
	PROPERTY("ExecMainStartTimestamp", PROPERTY_U64, exec_main_start_usec),
	PROPERTY(
	    "ExecMainStartTimestampMonotonic", PROPERTY_U64, exec_main_start_monotonic_usec),
	PROPERTY("ExecMainStatus", PROPERTY_INT, exec_main_status),
	PROPERTY("InactiveExitTimestampMonotonic", PROPERTY_U64, inactive_exit_monotonic_usec),
	PROPERTY("InvocationID", PROPERTY_ID128, invocation_id),
	PROPERTY("Job", PROPERTY_JOB, job_id),
	PROPERTY("LoadState", PROPERTY_TEXT, load_state),
	PROPERTY("MainPID", PROPERTY_U32, main_pid),
	PROPERTY("NRestarts", PROPERTY_U32, n_restarts),
	PROPERTY("Restart", PROPERTY_IS_NEVER, never_restarts),
	PROPERTY("Result", PROPERTY_TEXT, result),
	PROPERTY("StateChangeTimestampMonotonic", PROPERTY_U64, state_change_monotonic_usec),
	PROPERTY("StatusText", PROPERTY_TEXT, status_text),
	PROPERTY("SubState", PROPERTY_TEXT, sub_state),
};

/* What the property must be on the wire. */
static const char *const signatures[] = {
	[PROPERTY_TEXT] = "s",
	[PROPERTY_U32] = "u",
	[PROPERTY_U64] = "t",
	[PROPERTY_INT] = "i",
	[PROPERTY_JOB] = "(uo)",
	[PROPERTY_ID128] = "ay",
	[PROPERTY_IS_NEVER] = "s",
};

static const struct property *
find_property(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(properties); i++)
		if (streq(properties[i].name, name))
			return &properties[i];
	return NULL;
}

static int
read_text(sd_bus_message *m, const struct property *p, char *member)
{
	const char *s;
	int r;

	r = sd_bus_message_read_basic(m, 's', &s);
	if (r < 0)
		return r;
	if (p->kind == PROPERTY_IS_NEVER)
		*(bool *)(void *)member = streq(s, "no");
	else
		text_copy(member, p->size, s);
	return 0;
}

static int
read_u32(sd_bus_message *m, uint64_t *ret)
{
	uint32_t v;
	int r;

	r = sd_bus_message_read_basic(m, 'u', &v);
	if (r < 0)
		return r;
	*ret = v;
	return 0;
}

static int
read_id128(sd_bus_message *m, char *ret)
{
	const void *bytes;
	sd_id128_t id;
	size_t size;
	int r;

	r = sd_bus_message_read_array(m, 'y', &bytes, &size);
	if (r < 0)
		return r;
	ret[0] = '\0';
	if (size != sizeof(id))
		return 0;
	memcpy(&id, bytes, sizeof(id));
	if (!sd_id128_is_null(id))
		(void)sd_id128_to_string(id, ret);
	return 0;
}

static int
read_value(sd_bus_message *m, const struct property *p, struct unit_snapshot *snapshot)
{
	char *member = (char *)snapshot + p->offset;

	switch (p->kind) {
	case PROPERTY_TEXT:
	case PROPERTY_IS_NEVER:
		return read_text(m, p, member);
	case PROPERTY_U32:
		return read_u32(m, (uint64_t *)(void *)member);
	case PROPERTY_U64:
		return sd_bus_message_read_basic(m, 't', member);
	case PROPERTY_INT:
		return sd_bus_message_read_basic(m, 'i', member);
	case PROPERTY_JOB:
		return sd_bus_message_read(m, "(uo)", (uint32_t *)(void *)member, NULL);
	case PROPERTY_ID128:
		return read_id128(m, member);
	}
	return -EINVAL;
}

/* Reads the value of one property, or skips it. */
static int
read_property(sd_bus_message *m, struct unit_snapshot *snapshot)
{
	const struct property *p;
	const char *contents;
	const char *name;
	char type;
	int r;

	r = sd_bus_message_read_basic(m, 's', &name);
	if (r < 0)
		return r;
	r = sd_bus_message_peek_type(m, &type, &contents);
	if (r < 0)
		return r;
	p = find_property(name);
	if (!p || type != 'v' || !streq(contents, signatures[p->kind]))
		return sd_bus_message_skip(m, "v");
	r = sd_bus_message_enter_container(m, 'v', contents);
	if (r < 0)
		return r;
	r = read_value(m, p, snapshot);
	if (r < 0)
		return r;
	return sd_bus_message_exit_container(m);
}

int
unitprops_read(sd_bus_message *m, struct unit_snapshot *snapshot)
{
	int r;

	r = sd_bus_message_enter_container(m, 'a', "{sv}");
	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_property(m, snapshot);
		if (r < 0)
			return r;
		r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	return r < 0 ? r : 0;
}
