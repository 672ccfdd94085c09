/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/summary.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/manifest.h"
#include "lib/text.h"

/* Cut or missing files that are named; the rest is in manifest.json. A page has 60 lines. */
#define FILES_SHOWN_MAX	   15u
/* The same for mistakes in collect.d. */
#define PROBLEMS_SHOWN_MAX 10u

/* What to read first, when it is there; in the order in which it is worth reading. */
static const struct {
	const char *path;
	const char *what;
} first_files[] = {
	{ "sos_commands/microshift/journalctl_--no-pager_--unit_microshift",
	    "the journal of MicroShift" },
	{ "sos_commands/microshift/journalctl_--no-pager_--unit_microshift-etcd.scope",
	    "the journal of its etcd" },
	{ "sos_commands/microshift/systemctl_status_microshift", "the state of its unit" },
	{ "sos_commands/microshift-support/flash.json",
	    "what systemd said at that moment, and the state of the machine then" },
	{ "sos_commands/microshift-support/history.csv",
	    "pressure, memory, disk space, load and unit states in the hour before" },
	{ "sos_commands/crio/journalctl_--no-pager_--unit_crio", "the journal of CRI-O" },
	{ "sos_commands/crio/crictl_ps_-a", "all containers, also those that ended" },
	{ "sos_commands/systemd/systemctl_list-units_--failed", "the units that failed" },
	{ "sos_commands/microshift/microshift_show-config_-m_effective",
	    "the configuration that is in effect" },
	{ "sos_commands/certs/findings.txt",
	    "what is wrong with certificates, and what to do" },
	{ "sos_commands/certs/inventory.txt", "all certificates, until when they are valid" },
	{ "sos_commands/logs/journalctl_--no-pager_--boot", "the journal of this boot" },
	{ "sos_commands/microshift/event-filter.html",
	    "the events of the cluster, in order of time" },
	{ "sos_commands/microshift/inspect_namespaces.log",
	    "what was asked of the API, and what is missing" },
	{ "sos_commands/microshift-last-good/README",
	    "the state of the cluster before its API was lost" },
	{ "proc/pressure/memory", "whether memory was short" },
};

static bool
has_file(const struct manifest *m, const char *path)
{
	for (size_t i = 0; i < m->n_collectors; i++)
		for (size_t j = 0; j < m->collectors[i]->n_files; j++)
			if (!m->collectors[i]->files[j].missing &&
			    streq(m->collectors[i]->files[j].path, path))
				return true;
	return false;
}

static void
put_end(FILE *f, const struct unit_event *e)
{
	if (is_empty(e->result))
		return;
	(void)fprintf(f, "  systemd calls it '%s'", e->result);
	switch (e->exec_main_code) {
	case CLD_EXITED:
		(void)fprintf(
		    f, ": the main process exited with status %d", e->exec_main_status);
		break;
	case CLD_KILLED:
	case CLD_DUMPED:
		(void)fprintf(f, ": the main process was killed by signal %d (%s)%s",
		    e->exec_main_status, strsignal(e->exec_main_status),
		    e->exec_main_code == CLD_DUMPED ? " and dumped core" : "");
		break;
	default:
		break;
	}
	(void)fprintf(f, ".\n");
}

static void
put_occurrences(FILE *f, const struct request *request)
{
	if (request && request->occurrences > 1)
		(void)fprintf(f, "  The same problem was seen %" PRIu64 " times.\n",
		    request->occurrences);
}

static void
put_finding(FILE *f, const struct manifest *m, const struct request *request)
{
	(void)fprintf(f, "  Several checks in a row found:\n  %s\n", m->reason);
	put_occurrences(f, request);
}

static void
put_event(FILE *f, const struct manifest *m, const struct request *request)
{
	const struct unit_event *e = &m->event;
	char text[CLOCK_TEXT_BYTES];
	char span[32];

	(void)fprintf(f, "What happened\n");
	if (m->trigger == TRIGGER_REQUEST) {
		(void)fprintf(f, "  Somebody asked for this report.\n");
		return;
	}
	if (is_empty(e->unit)) {
		put_finding(f, m, request);
		return;
	}
	(void)fprintf(f, "  A run of %s ended", e->unit);
	if (e->exit_usec > 0)
		(void)fprintf(f, " at %s", clock_format_utc(e->exit_usec, text));
	if (e->start_usec > 0 && e->exit_usec >= e->start_usec)
		(void)fprintf(f, ", %s after its start",
		    clock_format_span(e->exit_usec - e->start_usec, span, sizeof(span)));
	(void)fprintf(
	    f, ", %s.\n", e->was_ready ? "after it had been ready" : "before it was ready");
	put_end(f, e);
	if (!is_empty(e->invocation_id))
		(void)fprintf(f, "  Its invocation: %s\n", e->invocation_id);
	if (e->is_final)
		(void)fprintf(f, "  systemd gave up: it will not be started again.\n");
	else if (e->n_restarts > 0)
		(void)fprintf(f, "  Automatic restarts so far: %" PRIu64 "\n", e->n_restarts);
	put_occurrences(f, request);
}

static void
put_report(FILE *f, const struct manifest *m)
{
	struct outcome_counts counts;
	char text[CLOCK_TEXT_BYTES];
	char span[32];
	char size[32];

	manifest_count(m, &counts);
	(void)fprintf(f, "\nThe report\n");
	if (!is_empty(m->reason))
		(void)fprintf(f, "  Reason: %s\n", m->reason);
	(void)fprintf(f, "  Profile %s, trigger %s, noticed by %s, host %s\n",
	    profile_to_string(m->profile), trigger_to_string(m->trigger),
	    source_to_string(m->source), is_empty(m->hostname) ? "unknown" : m->hostname);
	(void)fprintf(f, "  Taken at %s", clock_format_utc(m->start_usec, text));
	if (m->end_usec > m->start_usec)
		(void)fprintf(f, " within %s",
		    clock_format_span(m->end_usec - m->start_usec, span, sizeof(span)));
	(void)fprintf(f, ", %s before compression\n",
	    text_format_bytes(m->raw_bytes, size, sizeof(size)));
	(void)fprintf(f,
	    "  Collectors: %" PRIu64 " complete, %" PRIu64 " with gaps, %" PRIu64
	    " out of time, %" PRIu64 " failed, %" PRIu64 " do not apply here\n",
	    counts.ok, counts.partial, counts.timed_out, counts.failed, counts.skipped);
	(void)fprintf(f,
	    "  Secrets: %" PRIu64 " values were replaced by [REDACTED:...] before they were "
	    "stored\n",
	    m->redactions);
	if (m->status == REPORT_PARTIAL)
		(void)fprintf(f, "  THIS REPORT IS PARTIAL: %s\n",
		    is_empty(m->end_reason) ? "it was cut short" : m->end_reason);
}

/* The notes on the report itself. */
static void
put_problems(FILE *f, const struct manifest *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_collectors; i++) {
		char *const *note = m->collectors[i]->notes;

		if (!streq(m->collectors[i]->name, CAPTURE_OWN_COLLECTOR))
			continue;
		for (; note && *note; note++) {
			if (n++ == 0)
				(void)fprintf(f, "\nMistakes in definitions of collectors\n");
			if (n <= PROBLEMS_SHOWN_MAX)
				(void)fprintf(f, "  %s\n", *note);
		}
	}
	if (n > PROBLEMS_SHOWN_MAX)
		(void)fprintf(f, "  and %zu more; 'msupportctl collectors --check' has all\n",
		    n - PROBLEMS_SHOWN_MAX);
}

/* The notes of COLLECTOR that begin with one of PREFIXES (NULL-terminated), in their order. */
static void
put_notes(FILE *f, const struct manifest *m, const char *collector, const char *title,
    const char *const *prefixes)
{
	bool any = false;

	for (size_t i = 0; i < m->n_collectors; i++) {
		if (!streq(m->collectors[i]->name, collector))
			continue;
		for (char *const *note = m->collectors[i]->notes; note && *note; note++) {
			for (const char *const *prefix = prefixes; *prefix; prefix++) {
				if (!text_has_prefix(*note, *prefix))
					continue;
				(void)fprintf(
				    f, "%s%s  %s\n", any ? "" : title, any ? "" : "\n", *note);
				any = true;
			}
		}
	}
}

/* What the inspection of the cluster and of the certificates found out. */
static void
put_findings(FILE *f, const struct manifest *m)
{
	static const char *const cluster[] = { "API at ", "the API cannot ",
		"cluster: ", "last good state", NULL };
	static const char *const certificates[] = {
		"certificates: ", "error: ", "warning: ", "TLS: ", NULL
	};

	put_notes(f, m, "kube", "\nThe cluster", cluster);
	put_notes(f, m, "certs", "\nCertificates", certificates);
}

static bool
put_gaps(FILE *f, const struct manifest *m, bool skipped)
{
	bool any = false;

	for (size_t i = 0; i < m->n_collectors; i++) {
		const struct manifest_collector *c = m->collectors[i];

		if (c->outcome == OUTCOME_OK || (c->outcome == OUTCOME_SKIPPED) != skipped)
			continue;
		(void)fprintf(f, "  %-16s %s%s%s\n", c->name,
		    skipped ? "" : outcome_to_string(c->outcome), skipped ? "" : ": ",
		    fault_text(&c->fault));
		any = true;
	}
	return any;
}

static void
put_cut_files(FILE *f, const struct manifest *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->n_collectors; i++) {
		const struct manifest_collector *c = m->collectors[i];

		for (size_t j = 0; j < c->n_files; j++) {
			if (!c->files[j].truncated && !c->files[j].missing)
				continue;
			if (n++ >= FILES_SHOWN_MAX)
				continue;
			(void)fprintf(f, "%s  %s %s\n", n == 1 ? "\nFiles that were cut\n" : "",
			    c->files[j].missing ? "no room: " : "shortened:", c->files[j].path);
		}
	}
	if (n > FILES_SHOWN_MAX)
		(void)fprintf(
		    f, "  and %" PRIu64 " more, see manifest.json\n", n - FILES_SHOWN_MAX);
}

static void
put_missing(FILE *f, const struct manifest *m)
{
	(void)fprintf(f, "\nWhat is missing, and why\n");
	if (!put_gaps(f, m, false))
		(void)fprintf(f, "  Nothing.\n");
	if (geteuid() != 0)
		(void)fprintf(f,
		    "  It was taken without root rights: what only root may read "
		    "is missing.\n");
	put_cut_files(f, m);
	(void)fprintf(f, "\nWhat does not apply on this machine\n");
	if (!put_gaps(f, m, true))
		(void)fprintf(f, "  Nothing was left out for that.\n");
}

static void
put_first_files(FILE *f, const struct manifest *m)
{
	(void)fprintf(f, "\nWhere to look first\n");
	for (size_t i = 0; i < ELEMENTSOF(first_files); i++)
		if (has_file(m, first_files[i].path))
			(void)fprintf(
			    f, "  %s\n      %s\n", first_files[i].path, first_files[i].what);
	(void)fprintf(f,
	    "  manifest.json\n      every file and command, how it ended, what "
	    "was cut\n");
}

char *
summary_format(const struct manifest *m, const struct request *request)
{
	_cleanup_fclose_ FILE *f = NULL;
	char *text = NULL;
	size_t size = 0;

	f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	(void)fprintf(f, "MicroShift support report %s\n\n", m->id);
	put_event(f, m, request);
	put_report(f, m);
	put_findings(f, m);
	put_missing(f, m);
	put_problems(f, m);
	put_first_files(f, m);
	if (fclose(TAKE_PTR(f)) == 0)
		return text;
	free(text);
	return NULL;
}
