/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/flash.h"
#include "daemon/guard.h"
#include "daemon/recorder.h"
#include "daemon/sampler.h"
#include "daemon/scheduler.h"
#include "daemon/submit.h"
#include "daemon/tombstone.h"
#include "lib/clock.h"
#include "lib/failpoint.h"
#include "lib/log.h"
#include "lib/msgids.h"
#include "lib/paths.h"
#include "lib/settings.h"
#include "lib/text.h"

#define LOG_DOMAIN "submit"

struct submit {
	struct spool *spool; /* borrowed, as all below */
	struct scheduler *scheduler;
	const struct settings *settings;
	struct recorder *recorder; /* NULL none */
	int root_fd;		   /* owned; the machine that is spared, -EBADF none is */
	spool_evict_fn on_evicted;
	void *userdata;
	uint64_t sequence;
};

int
submit_new(struct spool *spool, struct scheduler *scheduler, const struct settings *settings,
    spool_evict_fn on_evicted, void *userdata, struct submit **ret)
{
	struct submit *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct submit){
		.spool = spool,
		.scheduler = scheduler,
		.settings = settings,
		.root_fd = -EBADF,
		.on_evicted = on_evicted,
		.userdata = userdata,
		.sequence = spool_max_sequence(spool),
	};
	*ret = s;
	return 0;
}

void
submit_free(struct submit *s)
{
	if (!s)
		return;
	(void)close_fd(s->root_fd);
	free(s);
}

void
submit_configure(struct submit *s, const struct settings *settings)
{
	s->settings = settings;
}

void
submit_set_recorder(struct submit *s, struct recorder *rec)
{
	s->recorder = rec;
}

int
submit_spare_machine(struct submit *s, const char *root)
{
	s->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return s->root_fd < 0 ? -errno : 0;
}

uint64_t
submit_sequence(const struct submit *s)
{
	return s->sequence;
}

void
submit_set_sequence(struct submit *s, uint64_t sequence)
{
	if (sequence > s->sequence)
		s->sequence = sequence;
}

static bool
vacuum(struct submit *s, const struct vacuum_incoming *incoming)
{
	const struct settings *settings = s->settings;
	struct vacuum_limits limits = {
		.max_reports = settings->max_reports,
		.max_per_key = settings->max_per_key,
		.max_use_bytes = settings->max_use_bytes,
		.keep_free_bytes = settings->keep_free_bytes,
		.max_age_usec = settings->max_age_usec,
		.max_manual_reports = settings->max_manual_reports,
		.manual_use_bytes = settings->manual_use_bytes,
	};

	return spool_vacuum(
	    s->spool, &limits, incoming, clock_realtime_usec(), s->on_evicted, s->userdata);
}

void
submit_vacuum(struct submit *s)
{
	struct vacuum_incoming none = { 0 };

	if (!vacuum(s, &none))
		log_warning("The spool is above its limits with reports that must be kept");
}

static enum guard_level
judge_machine(const struct submit *s, bool is_automatic, char reason[GUARD_REASON_BYTES])
{
	struct sampler sampler;
	struct sample now;
	struct guard_facts facts = {
		.now = &now,
		.keep_free_bytes = s->settings->keep_free_bytes,
		.n_cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
		.is_automatic = is_automatic,
	};

	if (s->root_fd < 0)
		return GUARD_ALL;
	sampler_init(&sampler, s->root_fd, spool_state_fd(s->spool));
	sampler_take(&sampler, &now);
	return guard_judge(&facts, reason);
}

/* Takes less of REQ when the machine cannot bear it. Returns 0, or -ENOSPC when nothing but a
 * line was written. */
static int
spare_machine(struct submit *s, struct request *req)
{
	char reason[GUARD_REASON_BYTES];

	switch (judge_machine(s, req->trigger != TRIGGER_REQUEST, reason)) {
	case GUARD_ALL:
		return 0;
	case GUARD_FLASH:
		if (req->profile != PROFILE_FLASH)
			log_warning("Taking only a flash for '%s': %s", req->id, reason);
		req->profile = PROFILE_FLASH;
		return 0;
	case GUARD_NOTE:
		break;
	}
	log_event(MSGID_SPOOL_UNWRITABLE, LOG_ERR, NULL, 0,
	    "Taking no report '%s', only a line in " TOMBSTONES_FILE ": %s", req->id, reason);
	tombstone_add_request(spool_state_fd(s->spool), req, reason);
	return -ENOSPC;
}

static void
take_flash(struct submit *s, struct request *req)
{
	req->flash = flash_take(spool_state_fd(s->spool));
	if (s->recorder && req->flash && recorder_add_to_flash(s->recorder, req->flash) < 0)
		log_warning("Out of memory, the flash has no history");
}

int
submit_request(struct submit *s, struct request *req, char id[REPORT_ID_BYTES])
{
	struct vacuum_incoming incoming = {
		.size_bytes = SUBMIT_RESERVE_BYTES,
		.manual = req->trigger == TRIGGER_REQUEST,
	};
	int r;

	req->created_usec = clock_realtime_usec();
	report_id_make(req->id, req->created_usec, ++s->sequence, req->event.invocation_id);
	text_copy(id, REPORT_ID_BYTES, req->id);
	take_flash(s, req);
	(void)failpoint("flash-taken");
	if (!vacuum(s, &incoming) && req->profile != PROFILE_FLASH) {
		log_warning(
		    "The spool is full of reports that must be kept, taking only a flash");
		req->profile = PROFILE_FLASH;
	}
	r = spare_machine(s, req);
	if (r < 0) {
		request_done(req);
		return r;
	}
	return scheduler_add(s->scheduler, req, req->trigger != TRIGGER_REQUEST);
}
