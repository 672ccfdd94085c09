/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-journal.h>

#include "capture/collectors/journalentry.h"
#include "capture/collectors/journalread.h"
#include "lib/cleanup.h"
#include "lib/text.h"

/* MESSAGE_ID of core dumps and of journald's start, see sd-messages.h. */
#define MESSAGE_COREDUMP      "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1"
#define MESSAGE_JOURNAL_START "MESSAGE_ID=f77379a8490b408bbe5f6940505a777b"

#define PERSISTENT_DIR "/var/log/journal"

/* Room for a name. */
#define NAME_BYTES 64u

/* libsystemd takes files in /run as they are, but in PERSISTENT_DIR only those of this machine.
 * Without a machine ID none is; when it was made anew at this boot, those from before are not.
 * True if there are others only. */
static bool
is_foreign(void)
{
	_cleanup_closedir_ DIR *dir = opendir(PERSISTENT_DIR);
	char machine_id[33] = "";
	struct dirent *entry;
	bool found = false;
	sd_id128_t id;

	if (!dir)
		return false;
	if (sd_id128_get_machine(&id) >= 0)
		(void)sd_id128_to_string(id, machine_id);
	while ((entry = readdir(dir))) {
		if (streq(entry->d_name, machine_id))
			return false;
		found |= sd_id128_from_string(entry->d_name, &id) >= 0;
	}
	return found;
}

int
journalread_open(const char *root, size_t max_value_bytes, sd_journal **ret)
{
	bool foreign = is_empty(root) && is_foreign();
	int r;

	if (is_empty(root))
		r = sd_journal_open(ret, foreign ? 0 : SD_JOURNAL_LOCAL_ONLY);
	else
		r = sd_journal_open_directory(ret, root, SD_JOURNAL_OS_ROOT);
	if (r < 0)
		return r;
	/* Compressed fields are unpacked only so far. */
	(void)sd_journal_set_data_threshold(*ret, NAME_BYTES + max_value_bytes);
	return foreign;
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

static int
match_unit(sd_journal *j, const char *unit)
{
	/* As add_matches_for_unit() in systemd's src/shared/logs-show.c. */
	static const struct alternative alternatives[] = {
		{ NULL, NULL, "_SYSTEMD_UNIT" },
		{ MESSAGE_COREDUMP, "_UID=0", "COREDUMP_UNIT" },
		{ "_PID=1", NULL, "UNIT" },
		{ "_UID=0", NULL, "OBJECT_SYSTEMD_UNIT" },
	};
	int r = 0;

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
	return r;
}

static int
match_run(sd_journal *j, const char *invocation_id)
{
	int r;

	r = add_match(j, "_SYSTEMD_INVOCATION_ID", invocation_id);
	if (r >= 0)
		r = sd_journal_add_disjunction(j);
	if (r >= 0)
		r = sd_journal_add_match(j, "_PID=1", 0);
	if (r >= 0)
		r = add_match(j, "INVOCATION_ID", invocation_id);
	return r;
}

/* All that has MATCH in a boot; NULL = everything of it. */
static int
match_boot(sd_journal *j, const char *boot_id, const char *match)
{
	int r = add_match(j, "_BOOT_ID", boot_id);

	return r < 0 || !match ? r : sd_journal_add_match(j, match, 0);
}

int
journalread_match(sd_journal *j, const struct journal_selection *selection)
{
	int r = 0;

	sd_journal_flush_matches(j);
	switch (selection->what) {
	case JOURNAL_ALL:
		break;
	case JOURNAL_UNIT:
		r = match_unit(j, selection->value);
		break;
	case JOURNAL_RUN:
		r = match_run(j, selection->value);
		break;
	case JOURNAL_BOOT:
		r = match_boot(j, selection->value, NULL);
		break;
	case JOURNAL_KERNEL:
		r = match_boot(j, selection->value, "_TRANSPORT=kernel");
		break;
	case JOURNAL_START:
		r = match_boot(j, selection->value, MESSAGE_JOURNAL_START);
		break;
	}
	return r < 0 ? r : 0;
}

int
journalread_load(sd_journal *j, struct journal_entry *entry)
{
	sd_id128_t boot_id;
	const void *data;
	size_t size;
	int r;

	journal_entry_reset(entry);
	(void)sd_journal_get_realtime_usec(j, &entry->realtime_usec);
	if (sd_journal_get_monotonic_usec(j, &entry->monotonic_usec, &boot_id) >= 0)
		(void)sd_id128_to_string(boot_id, entry->boot_id);
	sd_journal_restart_data(j);
	while ((r = sd_journal_enumerate_available_data(j, &data, &size)) > 0) {
		r = journal_entry_add(entry, data, size);
		if (r < 0)
			return r;
	}
	return r;
}
