/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "capture/certs/certscan.h"
#include "capture/certs/judge.h"
#include "capture/certs/scanner.h"
#include "capture/certs/tree.h"
#include "lib/clock.h"
#include "lib/text.h"

/* pkg/util/cryptomaterial and pkg/cmd/run.go of MicroShift count in months of 30 days: a start
 * renews what is in its last 7 (short-lived) or 18 (long-lived) of them, a running MicroShift
 * restarts itself when 4 or 12 are left. */
#define MONTH_USEC	   (30 * USEC_PER_DAY)
#define START_SHORT_MONTHS 7u
#define START_LONG_MONTHS  18u
#define RUN_SHORT_MONTHS   4u
#define RUN_LONG_MONTHS	   12u
/* For the restart itself, and a timer that counts in monotonic time. */
#define OVERDUE_USEC	   USEC_PER_HOUR

static int report(struct certscan *s, enum certscan_class class,
    const struct certscan_certificate *c, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A judgement about C. */
static int
report(struct certscan *s, enum certscan_class class, const struct certscan_certificate *c,
    const char *format, ...)
{
	struct certscan_finding f = {
		.class = class,
		.path = c->path,
		.not_after_usec = c->not_after_usec,
		.is_judgement = true,
	};
	va_list ap;
	int r;

	va_start(ap, format);
	r = certscan_report(s, &f, format, ap);
	va_end(ap);
	return r;
}

static void
drop_judgements(struct certscan *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_findings; i++) {
		if (s->findings[i].is_judgement) {
			free(s->findings[i].path);
			free(s->findings[i].text);
		} else {
			s->findings[kept++] = s->findings[i];
		}
	}
	s->n_findings = kept;
}

static uint64_t
before(uint64_t usec, uint64_t months)
{
	return usec > months * MONTH_USEC ? usec - months * MONTH_USEC : 0;
}

/* MicroShift looks at its signers and what they signed. */
static bool
is_watched(const struct certscan_certificate *c)
{
	return c->role == CERTSCAN_CA || c->role == CERTSCAN_CLIENT ||
	    c->role == CERTSCAN_SERVING || c->role == CERTSCAN_PEER;
}

static void
set_renewal(struct certscan *s)
{
	s->renew_usec = 0;
	for (size_t i = 0; i < s->n_certificates; i++) {
		struct certscan_certificate *c = &s->certificates[i];
		bool is_short = c->is_short_lived;

		c->start_renew_usec = c->run_renew_usec = 0;
		if (!is_watched(c))
			continue;
		c->start_renew_usec = before(
		    c->not_after_usec, is_short ? START_SHORT_MONTHS : START_LONG_MONTHS);
		c->run_renew_usec =
		    before(c->not_after_usec, is_short ? RUN_SHORT_MONTHS : RUN_LONG_MONTHS);
		if (s->renew_usec == 0 || c->run_renew_usec < s->renew_usec)
			s->renew_usec = c->run_renew_usec;
	}
}

/* A bundle may keep an authority that is over. A copy, in a kubeconfig or sent along, is judged
 * with what it is a copy of. */
static bool
is_judged(const struct certscan *s, size_t i)
{
	const struct certscan_certificate *c = &s->certificates[i];

	if (c->role == CERTSCAN_BUNDLE || (c->role == CERTSCAN_CHAIN && c->is_managed))
		return false;
	for (size_t j = 0; j < i; j++)
		if (streq(s->certificates[j].sha256, c->sha256) &&
		    is_watched(&s->certificates[j]))
			return false;
	return true;
}

static const char *
renewal_of(const struct certscan_certificate *c)
{
	return c->is_managed && c->role != CERTSCAN_KUBECONFIG &&
		c->role != CERTSCAN_KUBECONFIG_CA
	    ? "restart microshift.service, which renews it"
	    : scanner_remedy(c->role);
}

static int
judge_end(struct certscan *s, const struct certscan_certificate *c)
{
	char end[CLOCK_TEXT_BYTES], span[32];
	uint64_t now = s->now_usec;

	(void)clock_format_utc(c->not_after_usec, end);
	if (now > c->not_after_usec)
		return report(s, CERTSCAN_EXPIRED, c, "It has expired at %s (%s ago); %s.", end,
		    clock_format_span(now - c->not_after_usec, span, sizeof(span)),
		    renewal_of(c));
	if (!c->is_managed && c->not_after_usec - now < CERTSCAN_EXPIRING_USEC)
		return report(s, CERTSCAN_EXPIRING, c,
		    "It expires at %s (in %s), and MicroShift does not renew it; %s.", end,
		    clock_format_span(c->not_after_usec - now, span, sizeof(span)),
		    scanner_remedy(c->role));
	if (c->run_renew_usec > 0 && now > c->run_renew_usec + OVERDUE_USEC)
		return report(s, CERTSCAN_ROTATION_OVERDUE, c,
		    "It expires at %s, MicroShift should have restarted to renew it %s ago; "
		    "when microshift.service runs, it hangs: restart it.",
		    end, clock_format_span(now - c->run_renew_usec, span, sizeof(span)));
	return 0;
}

/* The one thing that is wrong when everything is from the future, or the clock from the past.
 * Returns 1 when it is, 0, or -ENOMEM. */
static int
judge_clock(struct certscan *s)
{
	const struct certscan_certificate *first = NULL;
	char now[CLOCK_TEXT_BYTES], then[CLOCK_TEXT_BYTES];
	int r;

	for (size_t i = 0; i < s->n_certificates; i++) {
		if (!is_judged(s, i))
			continue;
		if (!first || s->certificates[i].not_before_usec < first->not_before_usec)
			first = &s->certificates[i];
	}
	if (!first)
		return 0;
	(void)clock_format_utc(s->now_usec, now);
	if (s->now_usec < CERTSCAN_CLOCK_MIN_USEC)
		r = report(s, CERTSCAN_CLOCK, first,
		    "The clock says %s, which is before this program was made: certificates "
		    "cannot be checked, and a MicroShift that starts now replaces all of them; "
		    "set the clock (timedatectl, chronyd) first.",
		    now);
	else if (first->not_before_usec > s->now_usec)
		r = report(s, CERTSCAN_CLOCK, first,
		    "No certificate is valid yet, the first one is from %s and the clock says "
		    "%s; set the clock (timedatectl, chronyd), a MicroShift that starts now "
		    "replaces all of them.",
		    clock_format_utc(first->not_before_usec, then), now);
	else
		return 0;
	return r < 0 ? r : 1;
}

static int
judge_times(struct certscan *s)
{
	char start[CLOCK_TEXT_BYTES];
	int r = judge_clock(s);

	if (r != 0)
		return r;
	for (size_t i = 0; i < s->n_certificates && r == 0; i++) {
		const struct certscan_certificate *c = &s->certificates[i];

		if (!is_judged(s, i))
			continue;
		if (c->not_before_usec > s->now_usec)
			r = report(s, CERTSCAN_NOT_YET_VALID, c,
			    "It is not valid before %s; see whether the clock is right, then "
			    "%s.",
			    clock_format_utc(c->not_before_usec, start), renewal_of(c));
		else
			r = judge_end(s, c);
	}
	return r;
}

static bool
has_name(const struct certscan_certificate *c, const char *kind, const char *name)
{
	for (char *const *n = c->names; n && *n; n++)
		if (text_has_prefix(*n, kind) && strcasecmp(*n + strlen(kind), name) == 0)
			return true;
	return false;
}

/* Whether C is made for an address that this machine has. */
static int
judge_address(struct certscan *s, const struct certscan_certificate *c,
    const struct certscan_options *options)
{
	bool has_any = false;

	if (s->node_ip[0] != '\0') {
		if ((streq(c->path, TREE_EXTERNAL_SERVING) && !s->is_node_ip_served) ||
		    has_name(c, "IP:", s->node_ip))
			return 0;
		return report(s, CERTSCAN_WRONG_NAME, c,
		    "It is not made for the address %s of this node, others cannot use it; "
		    "restart microshift.service, which makes a new one.",
		    s->node_ip);
	}
	for (char *const *n = c->names; n && *n; n++)
		has_any = has_any || text_has_prefix(*n, "IP:");
	if (!has_any || !options->addresses || !options->addresses[0])
		return 0;
	for (char *const *a = options->addresses; *a; a++)
		if (has_name(c, "IP:", *a))
			return 0;
	return report(s, CERTSCAN_WRONG_NAME, c,
	    "It is made for no address that this machine has now (%s, …): the address has "
	    "changed; restart microshift.service, which makes a new one.",
	    options->addresses[0]);
}

static int
judge_names(struct certscan *s, const struct certscan_certificate *c,
    const struct certscan_options *options)
{
	const char *name = s->node_name[0] ? s->node_name : options->hostname;

	if (!is_empty(name) && !has_name(c, "DNS:", name) && !has_name(c, "IP:", name)) {
		int r = report(s, CERTSCAN_WRONG_NAME, c,
		    "It is not made for '%s', the name of this node; a node cannot be renamed: "
		    "set the name back (hostnamectl, node.hostnameOverride).",
		    name);

		if (r < 0)
			return r;
	}
	return judge_address(s, c, options);
}

int
judge(struct certscan *s, const struct certscan_options *options)
{
	int r;

	s->now_usec = options->now_usec;
	drop_judgements(s);
	set_renewal(s);
	r = judge_times(s);
	for (size_t i = 0; i < s->n_certificates && r >= 0; i++) {
		const struct certscan_certificate *c = &s->certificates[i];

		if (c->number == 1 &&
		    (streq(c->path, TREE_EXTERNAL_SERVING) ||
			streq(c->path, TREE_KUBELET_SERVING)))
			r = judge_names(s, c, options);
	}
	return r < 0 ? r : 0;
}
