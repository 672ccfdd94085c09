/* SPDX-License-Identifier: Apache-2.0 */

/* The parts of a check that look at files, in a tree of the test's own. What asks servers is in
 * tests/integration/test-check.py. */

#include "tests/lib/tap.h"

#include <fcntl.h>
#include <unistd.h>

#include "capture/certs/certscan.h"
#include "capture/check/check.h"
#include "lib/settings.h"
#include "tests/lib/pki.h"

/* Has a root, and a directory for what is remembered. */
struct machine {
	struct tmpdir root;
	struct tmpdir state;
	struct settings *settings;
};

static struct machine
machine_make(void)
{
	struct machine m = { .root = tmpdir_make(), .state = tmpdir_make() };

	assert(settings_new(&m.settings) == 0);
	return m;
}

static void
machine_free(struct machine *m)
{
	settings_free(m->settings);
	tmpdir_remove(&m->state);
	tmpdir_remove(&m->root);
}
#define _cleanup_machine_ _cleanup_(machine_free)

static struct check_options
options_of(const struct machine *m)
{
	return (struct check_options){
		.root = m->root.path,
		.settings = m->settings,
		.state_fd = m->state.fd,
		.remembers = true,
	};
}

static const struct finding *
find(const struct check *c, const char *problem)
{
	for (size_t i = 0; i < c->n_findings; i++)
		if (streq(c->findings[i].problem, problem))
			return &c->findings[i];
	return NULL;
}

/* The only findings are those of the test's addresses, which this machine has not. */
static bool
is_well(const struct check *c)
{
	for (size_t i = 0; i < c->n_findings; i++)
		if (!streq(c->findings[i].problem, certscan_class_name(CERTSCAN_WRONG_NAME)))
			return false;
	return c->n_left_out == 0 && !c->notes;
}

static void
test_certificates(void)
{
	_cleanup_machine_ struct machine m = machine_make();
	_cleanup_pki_ struct pki pki;
	struct check_options o = options_of(&m);
	const struct finding *f;
	struct check c = { 0 };

	pki_open(&pki, &m.root);
	check_certificates(&o, &c);
	ok(is_well(&c), "a good tree is well");
	ok(faccessat(m.state.fd, "certificates.json", F_OK, 0) == 0 &&
		faccessat(m.state.fd, "signers.json", F_OK, 0) == 0,
	    "what was read is remembered");
	check_done(&c);
	check_certificates(&o, &c);
	ok(is_well(&c), "also from memory");
	check_done(&c);

	clock_set_for_test(PKI_NOW_USEC + 4000 * USEC_PER_DAY);
	check_certificates(&o, &c);
	f = find(&c, "expired");
	ok(f && f->trigger == TRIGGER_CERTIFICATE, "ten years later they have expired");
	ok(f && f->subject[0] == '/' && text_has_prefix(f->message, f->subject),
	    "the path is told: %s", f ? f->message : "");
	ok(f && text_has_suffix(f->detail, "Z"), "and the date: %s", f ? f->detail : "");
	ok(c.n_findings <= FINDINGS_MAX - 10 && c.n_left_out > 0,
	    "many leave room for other findings: %zu, and %zu left out", c.n_findings,
	    c.n_left_out);
	check_done(&c);
	clock_set_for_test(PKI_NOW_USEC);
}

static void
test_signers(void)
{
	_cleanup_machine_ struct machine m = machine_make();
	struct check_options o = options_of(&m);
	const struct finding *f;
	struct check c = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		_cleanup_pki_ struct pki pki;

		check_done(&c);
		assert(io_remove_tree(m.root.fd, "var") == 0);
		pki_open(&pki, &m.root);
		o.remembers = false;
		check_certificates(&o, &c);
		check_done(&c);
		o.remembers = true;
		check_certificates(&o, &c);
	}
	f = find(&c, FINDING_REPLACED);
	ok(f != NULL, "all authorities were made anew: %s", f ? f->message : "");
	ok(f && strlen(f->detail) + 1 == sizeof(f->detail), "with the mark of the new set");
	check_done(&c);
}

static void
test_words(void)
{
	ok_str(certscan_class_name(CERTSCAN_EXPIRING), FINDING_EXPIRING,
	    "the daemon's word for what will expire is that of the scan");
	ok_str(certscan_class_name(CERTSCAN_CLOCK), FINDING_CLOCK, "also for the clock");
}

static void
test_memory(void)
{
	_cleanup_machine_ struct machine m = machine_make();
	struct check_options o = options_of(&m);
	struct check c = { 0 };

	check_memory(&o, &c);
	ok(c.n_findings == 0 && strv_length(c.notes) == 1, "no file: %s", c.notes[0]);
	check_done(&c);
	assert(io_mkdir_p(m.root.fd, "proc/pressure", 0755) == 0);
	tmpdir_put(&m.root, "proc/pressure/memory",
	    "full avg10=0.00 avg60=20.00 avg300=0.00 total=1\n");
	check_memory(&o, &c);
	ok(c.n_findings == 0 && !c.notes, "MaxMemoryPressure= is no problem yet");
	tmpdir_put(&m.root, "proc/pressure/memory",
	    "full avg10=0.00 avg60=20.01 avg300=0.00 total=1\n");
	check_memory(&o, &c);
	ok(c.n_findings == 1 && c.findings[0].trigger == TRIGGER_PRESSURE, "more is");
	ok(strstr(c.findings[0].message, "20.01 %") != NULL, "told: %s", c.findings[0].message);
	check_done(&c);
}

static void
test_space(void)
{
	_cleanup_machine_ struct machine m = machine_make();
	struct check_options o = options_of(&m);
	struct check c = { 0 };

	m.settings->min_free_bytes = 0;
	check_space(&o, &c);
	ok_int(c.n_findings, 0, "MinFree=0 is satisfied");
	m.settings->min_free_bytes = UINT64_MAX;
	check_space(&o, &c);
	ok(c.n_findings > 0 && streq(c.findings[0].problem, "full"), "more than there is: %s",
	    c.n_findings > 0 ? c.findings[0].message : "");
	check_done(&c);
}

static void
test_limits(void)
{
	static struct check c;
	struct finding f = { .trigger = TRIGGER_PRESSURE, .subject = "s", .problem = "p" };

	for (unsigned i = 0; i <= FINDINGS_MAX; i++)
		check_add(&c, &f, "one\nline %u", i);
	ok(c.n_findings == FINDINGS_MAX && c.n_left_out == 1, "FINDINGS_MAX are kept");
	ok_str(c.findings[0].message, "one line 0", "each is one line");
	check_done(&c);
}

int
main(void)
{
	clock_set_for_test(PKI_NOW_USEC);
	test_certificates();
	test_signers();
	test_words();
	test_memory();
	test_space();
	test_limits();
	return tap_done();
}
