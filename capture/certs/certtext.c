/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capture/certs/certscan.h"
#include "capture/certs/certtext.h"
#include "capture/certs/tlsprobe.h"
#include "lib/clock.h"
#include "lib/text.h"

/* "2027-03-01" and its NUL. */
#define DATE_BYTES 11u

static const char *const answer_words[_CERTSCAN_ANSWER_COUNT] = { "-", "yes", "NO" };

static const char *
format_date(uint64_t usec, char buf[DATE_BYTES])
{
	char text[CLOCK_TEXT_BYTES];

	text_copy(buf, DATE_BYTES, clock_format_utc(usec, text));
	return buf;
}

/* "364d", "-3d": whole days. */
static const char *
format_left(uint64_t now_usec, uint64_t end_usec, char *buf, size_t size)
{
	if (end_usec >= now_usec)
		(void)snprintf(buf, size, "%" PRIu64 "d", (end_usec - now_usec) / USEC_PER_DAY);
	else
		(void)snprintf(buf, size, "-%" PRIu64 "d",
		    (now_usec - end_usec + USEC_PER_DAY - 1) / USEC_PER_DAY);
	return buf;
}

static void
put_row(FILE *f, const struct certscan_certificate *c, uint64_t now_usec)
{
	char end[DATE_BYTES], left[24], number[16] = "";

	if (c->number > 1)
		(void)snprintf(number, sizeof(number), " (%u)", c->number);
	(void)fprintf(f, "%-10s %7s %-13s %-9s %-4s %-5s %s%s\n",
	    format_date(c->not_after_usec, end),
	    format_left(now_usec, c->not_after_usec, left, sizeof(left)),
	    certscan_role_name(c->role), c->key_type, answer_words[c->key_matches],
	    answer_words[c->is_trusted], c->path, number);
}

static void
put_names(FILE *f, char *const *names)
{
	for (char *const *n = names; n && *n; n++)
		(void)fprintf(f, "%s%s", n == names ? "    Names: " : ", ", *n);
	if (names && *names)
		(void)fprintf(f, "\n");
}

/* What the certificate says of itself. */
static void
put_certificate(FILE *f, const struct certscan_certificate *c)
{
	char start[CLOCK_TEXT_BYTES], end[CLOCK_TEXT_BYTES];

	(void)fprintf(
	    f, "    Subject: %s\n    Issuer: %s\n", c->subject ?: "", c->issuer ?: "");
	put_names(f, c->names);
	(void)fprintf(f, "    Valid: from %s until %s\n",
	    clock_format_utc(c->not_before_usec, start),
	    clock_format_utc(c->not_after_usec, end));
	(void)fprintf(f, "    Serial: %s\n    SHA-256: %s\n    Public part: %s%s\n",
	    c->serial ?: "", c->sha256, c->key_type ?: "", c->is_ca ? ", may sign others" : "");
}

static void
put_details(FILE *f, const struct certscan_certificate *c)
{
	char at_start[DATE_BYTES], while_running[DATE_BYTES];

	(void)fprintf(f, "\n%s, number %u\n", c->path, c->number);
	put_certificate(f, c);
	if (!is_empty(c->trusted_by))
		(void)fprintf(
		    f, "    Trusted by %s: %s\n", c->trusted_by, answer_words[c->is_trusted]);
	if (c->run_renew_usec > 0)
		(void)fprintf(f,
		    "    MicroShift renews it when it starts after %s, and restarts itself for "
		    "it at %s\n",
		    format_date(c->start_renew_usec, at_start),
		    format_date(c->run_renew_usec, while_running));
}

/* Ends the stream; the text is then complete. */
static char *
finish(FILE *f, char **text)
{
	if (fclose(f) == 0)
		return *text;
	free(*text);
	return NULL;
}

char *
certtext_inventory(const struct certscan *s)
{
	char now[CLOCK_TEXT_BYTES], renew[CLOCK_TEXT_BYTES];
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	(void)fprintf(f, "%zu certificates at %s; node '%s'\n", s->n_certificates,
	    clock_format_utc(s->now_usec, now), s->node_name);
	if (s->renew_usec > 0)
		(void)fprintf(f, "MicroShift restarts itself to renew some at %s\n",
		    clock_format_utc(s->renew_usec, renew));
	if (!is_empty(s->ingress_secret))
		(void)fprintf(f,
		    "The router uses the certificate in the Secret '%s', which is not read\n",
		    s->ingress_secret);
	(void)fprintf(f, "\n%-10s %7s %-13s %-9s %-4s %-5s %s\n", "UNTIL", "LEFT", "ROLE",
	    "PUBLIC", "KEY", "TRUST", "FILE");
	for (size_t i = 0; i < s->n_certificates; i++)
		put_row(f, &s->certificates[i], s->now_usec);
	(void)fprintf(f,
	    "\nKEY: whether the key beside it belongs to it. TRUST: whether who has to trust it "
	    "does.\n");
	for (size_t i = 0; i < s->n_certificates; i++)
		put_details(f, &s->certificates[i]);
	return finish(f, &text);
}

char *
certtext_findings(const struct certscan *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	if (s->n_findings == 0)
		(void)fprintf(
		    f, "Nothing is wrong with %zu certificates.\n", s->n_certificates);
	for (size_t i = 0; i < s->n_findings; i++)
		(void)fprintf(f, "%s: %s: %s\n    %s\n",
		    certscan_severity_name(s->findings[i].severity),
		    certscan_class_name(s->findings[i].class), s->findings[i].path,
		    s->findings[i].text);
	return finish(f, &text);
}

static void
put_server(FILE *f, const struct tlsprobe_target *t, const struct tlsprobe_result *r)
{
	char span[32];

	(void)fprintf(f, "%s: %s:%u as '%s'\n", t->what, t->address, t->port, t->server_name);
	(void)fprintf(f, "    Result: %s%s%s (after %s)\n",
	    r->failure == KUBE_FAILURE_NONE ? "good" : kube_failure_name(r->failure),
	    r->failure == KUBE_FAILURE_NONE ? "" : ": ",
	    r->failure == KUBE_FAILURE_NONE ? "" : fault_text(&r->fault),
	    clock_format_span(r->duration_usec, span, sizeof(span)));
	if (r->protocol[0])
		(void)fprintf(f, "    Protocol: %s, %s\n", r->protocol, r->cipher);
	if (r->client_was_asked)
		(void)fprintf(f, "    It asks for a certificate of the client; %s\n",
		    is_empty(t->cert_path) ? "none was shown" : t->cert_path);
	if (r->answer[0])
		(void)fprintf(f, "    Answer to GET %s: %s\n", t->request, r->answer);
	for (size_t i = 0; i < r->n_chain; i++) {
		(void)fprintf(f, "  Certificate %zu\n", i + 1);
		put_certificate(f, &r->chain[i]);
	}
	for (char *const *step = r->steps; step && *step; step++)
		(void)fprintf(f, "%s    %s\n", step == r->steps ? "  Steps\n" : "", *step);
	(void)fprintf(f, "\n");
}

char *
certtext_tls(
    const struct tlsprobe_target *targets, const struct tlsprobe_result *results, size_t n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < n; i++)
		put_server(f, &targets[i], &results[i]);
	return finish(f, &text);
}
