/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The records that travel with a report, and their JSON form:
 *
 *   struct request       queue/ID.json          written by the daemon before anything slow
 * starts struct capture_meta  incoming/ID/meta.json  written last by the capture process struct
 * report        reports/ID.json        written by the daemon at commit, from both
 *
 * All are value types without pointers except where noted, so that copying one is an
 * assignment. Text that does not fit its field is refused when it is read from JSON: we wrote
 * it, so it is damaged. */

#include <stdbool.h>
#include <stdint.h>

#include "lib/profile.h"
#include "lib/reportid.h"
#include "lib/unitname.h"

struct fault;
typedef struct cJSON cJSON;

/* sd_id128_t as text, and its NUL. */
#define ID128_BYTES	     33u
/* Names of systemd states and results ("failed-before-auto-restart" is the longest in 257). */
#define STATE_NAME_BYTES     40u
/* A reason given by a person, or the line that says why we captured. */
#define REASON_BYTES	     256u
/* 64 bits of key in hex, and the NUL. */
#define REPORT_KEY_BYTES     17u
/* SHA-256 in hex, and the NUL. */
#define SHA256_BYTES	     65u
/* Largest request that is accepted; the flash is in it. */
#define REQUEST_MAX_BYTES    (1024u * 1024u)
/* Member of the flash: the samples of the flight recorder as CSV, one text. */
#define FLASH_HISTORY_MEMBER "history"
/* Largest meta.json or sidecar that is accepted. */
#define REPORT_MAX_BYTES     (64u * 1024u)

/* What made the daemon capture. */
enum trigger {
	TRIGGER_REQUEST,      /* a person or program asked */
	TRIGGER_UNIT_FAILED,  /* a run ended with a result other than success */
	TRIGGER_UNIT_EXITED,  /* a run ended with success, but nobody asked for it */
	TRIGGER_UNIT_STARTUP, /* a run ended before READY: `protocol`, `timeout`, exit during
				 start */
	TRIGGER_NEIGHBOUR,    /* a unit that MicroShift stands on failed */
	TRIGGER_CRASH_LOOP,   /* runs of a unit end again and again */
	TRIGGER_CERTIFICATE,  /* a check found a certificate or the clock wrong */
	TRIGGER_LIVENESS,     /* MicroShift is up, but does not answer */
	TRIGGER_PRESSURE,     /* disk or memory are short */
	_TRIGGER_COUNT,
};

/* Who told the daemon first. */
enum source {
	SOURCE_WATCHER, /* D-Bus signals of PID 1 */
	SOURCE_HOOK,	/* OnFailure= unit, over the socket */
	SOURCE_INBOX,	/* OnFailure= unit while the daemon was away */
	SOURCE_CLIENT,	/* msupportctl or another Varlink client */
	SOURCE_MANUAL,	/* microshift-support-capture --output, no daemon */
	SOURCE_CHECK,	/* microshift-support-check.service, over the socket */
	_SOURCE_COUNT,
};

/* The end of one run of a unit: what D-Bus said in the signal itself, before it is overwritten.
 */
struct unit_event {
	char boot_id[ID128_BYTES];
	char unit[UNIT_NAME_BYTES];
	char invocation_id[ID128_BYTES]; /* "" when PID 1 never made one */
	char active_state[STATE_NAME_BYTES];
	char sub_state[STATE_NAME_BYTES];
	char result[STATE_NAME_BYTES]; /* systemd's Result: success, exit-code, signal, … */
	int exec_main_code;	       /* CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3; 0 unknown */
	int exec_main_status;	       /* exit status or signal number */
	uint64_t n_restarts;
	uint64_t main_pid;
	uint64_t start_usec; /* realtime, 0 unknown */
	uint64_t exit_usec;  /* realtime, 0 unknown */
	bool was_ready;	     /* the run had reached `active` */
	bool is_final;	     /* systemd gave up (start limit, or no Restart=) */
};

/* What a finding is about: the longest path of MicroShift's certificates has 115 bytes. */
#define FINDING_SUBJECT_BYTES 256u
/* One word, and one more fact that tells two problems apart (a time, a fingerprint). */
#define FINDING_WORD_BYTES    40u
/* Findings of one check. The certificates of a machine whose clock is wrong are all bad at
 * once; more of the same tells nothing new. */
#define FINDINGS_MAX	      32u

/* Words of struct finding's `problem` that the daemon knows: they are no hurry. */
#define FINDING_EXPIRING "expiring"	    /* will be bad, is not yet */
#define FINDING_REPLACED "signers-replaced" /* has happened, stays so */
#define FINDING_CLOCK	 "clock"	    /* the clock is wrong, not the certificate */

/* Something that is wrong with the machine, as opposed to something that happened. Found by a
 * check, again and again as long as it lasts. */
struct finding {
	enum trigger trigger;		     /* what kind of problem it is */
	char subject[FINDING_SUBJECT_BYTES]; /* what has it: a path, a URL, "memory" */
	char problem[FINDING_WORD_BYTES];    /* one word: "expired", "refused", "full" */
	char detail[FINDING_WORD_BYTES];     /* tells two problems of a subject apart, or "" */
	char message[REASON_BYTES];	     /* one sentence for people */
};

struct request {
	char id[REPORT_ID_BYTES];
	uint64_t created_usec; /* realtime */
	enum profile profile;
	enum trigger trigger;
	enum source source;
	char reason[REASON_BYTES];
	char key[REPORT_KEY_BYTES]; /* "" for a request by a person */
	uint64_t occurrences;	    /* hits of the key so far, this one included */
	uint32_t uid;		    /* of the peer that asked; 0 for triggers */
	unsigned attempts;	    /* captures started for it so far */
	struct unit_event event;    /* event.unit is "" when it is not about the end of a run */
	struct finding finding;	    /* finding.subject is "" when it is not about a finding */
	char **only;	      /* owned strv: collectors to run; NULL = all of the profile */
	char **namespaces;    /* owned strv: patterns of namespaces to take besides those of the
			       * settings; NULL = none */
	bool only_namespaces; /* instead of those of the settings */
	bool clean;	      /* names and addresses are replaced */
	cJSON *flash;	      /* owned: cheap facts at the time of the trigger; may be NULL */
};

enum report_status {
	REPORT_COMPLETE, /* every collector that applies was run to its end or its own limit */
	REPORT_PARTIAL,	 /* cut short: killed, deadline, size; what exists is readable */
	_REPORT_STATUS_COUNT,
};

/* How the collectors ended; see enum outcome in lib/manifest.h. */
struct outcome_counts {
	uint64_t ok;
	uint64_t partial;
	uint64_t skipped;
	uint64_t failed;
	uint64_t timed_out;
};

struct capture_meta {
	char id[REPORT_ID_BYTES];
	enum report_status status;
	char archive[64]; /* file name in the incoming directory: report.tar.zst, .xz or .gz */
	uint64_t size_bytes;
	uint64_t raw_bytes; /* before compression */
	char sha256[SHA256_BYTES];
	uint64_t started_usec;	/* realtime */
	uint64_t finished_usec; /* realtime */
	uint64_t peak_memory_bytes;
	uint64_t redactions;
	struct outcome_counts outcomes;
};

struct report {
	char id[REPORT_ID_BYTES];
	uint64_t created_usec;	 /* realtime: of the trigger */
	uint64_t committed_usec; /* realtime */
	enum profile profile;
	enum trigger trigger;
	enum source source;
	char reason[REASON_BYTES];
	char key[REPORT_KEY_BYTES];
	uint64_t occurrences;
	uint32_t uid;
	struct unit_event event; /* as in struct request, like the finding */
	struct finding finding;
	bool pinned;		     /* never removed to keep a limit */
	uint64_t fetched_usec;	     /* realtime: a client took it; 0 never */
	struct capture_meta capture; /* .archive is the name in reports/ */
};

const char *trigger_to_string(enum trigger t);
int trigger_from_string(const char *s, enum trigger *ret);
const char *source_to_string(enum source s);
int source_from_string(const char *s, enum source *ret);
const char *report_status_to_string(enum report_status s);
int report_status_from_string(const char *s, enum report_status *ret);

/* Frees what REQ owns and zeroes it. */
void request_done(struct request *req);

/* To JSON: a new object that the caller owns, NULL when out of memory. request_to_json() does
 * not take req->flash, it copies it. */
cJSON *request_to_json(const struct request *req);
cJSON *capture_meta_to_json(const struct capture_meta *meta);
cJSON *report_to_json(const struct report *report);
cJSON *unit_event_to_json(const struct unit_event *event);
cJSON *finding_to_json(const struct finding *finding);

/* From JSON text. Returns 0; -EINVAL with the field in *reterr; -ENOMEM. Unknown members are
 * ignored, so that an older program reads a newer one's records. On failure *ret is untouched.
 */
int request_parse(const char *data, size_t size, struct request *ret, struct fault *reterr);
int capture_meta_parse(
    const char *data, size_t size, struct capture_meta *ret, struct fault *reterr);
int report_parse(const char *data, size_t size, struct report *ret, struct fault *reterr);
int unit_event_from_json(const cJSON *object, struct unit_event *ret, struct fault *reterr);
int finding_from_json(const cJSON *object, struct finding *ret, struct fault *reterr);

/* The sidecar of a finished capture. ARCHIVE is its name in reports/. */
void report_from_capture(const struct request *req, const struct capture_meta *meta,
    const char *archive, uint64_t committed_usec, struct report *ret);
