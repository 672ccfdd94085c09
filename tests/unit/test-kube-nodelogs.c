/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>

#include "capture/collectors/builtin.h"
#include "capture/kube/connect.h"
#include "capture/kube/inspect.h"
#include "capture/kube/nodelogs.h"
#include "tests/lib/lab.h"

#define PODS "var/log/pods/"
#define TREE "sos_commands/microshift/namespaces/"

/* Writes TEXT, compressed, to the file PATH below the root. */
static void
put_gzip(struct lab *lab, const char *path, const char *text)
{
	_cleanup_free_ char *full = text_format("%s/%s", lab->root.path, path);
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	assert(full && a && e);
	assert(archive_write_set_format_raw(a) == ARCHIVE_OK);
	assert(archive_write_add_filter_gzip(a) == ARCHIVE_OK);
	assert(archive_write_open_filename(a, full) == ARCHIVE_OK);
	archive_entry_set_pathname(e, "x");
	archive_entry_set_filetype(e, AE_IFREG);
	assert(archive_write_header(a, e) == ARCHIVE_OK);
	assert(archive_write_data(a, text, strlen(text)) >= 0);
	assert(archive_write_close(a) == ARCHIVE_OK);
	archive_entry_free(e);
	archive_write_free(a);
}

static bool
has_path(struct lab *lab, const char *path)
{
	return lab_find(lab, path) != NULL;
}

static enum outcome
inspect(struct lab *lab)
{
	static const struct kube_inspect_options options = { 0 };
	struct kube_inspect_result result = { .has_api = true };
	enum outcome outcome;

	outcome = kube_inspect(&lab->ctx, &options, &result, &lab->ctx.record->fault);
	ok(!result.has_api, "there is no API");
	return outcome;
}

/* There is no kubeconfig, so no API: the logs of this node, in the places of the tree. */
static void
test_without_api(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	lab_put(&lab, PODS "openshift-dns_dns-x_uid1/dns/0.log", "T1 stdout F old\n");
	lab_put(&lab, PODS "openshift-dns_dns-x_uid1/dns/1.log",
	    "T2 stdout P pass\n"
	    "T3 stdout F word=hunter2x9\n");
	lab_put(
	    &lab, PODS "openshift-dns_dns-x_uid1/dns/1.log.20261122-130000", "T0 stderr F r\n");
	put_gzip(&lab, PODS "openshift-dns_dns-x_uid1/dns/0.log.20261122-120000.gz",
	    "T0 stdout F packed\n");
	lab_put(&lab, PODS "openshift-dns_dns-x_uid1/dns/notes.txt", "none of it\n");
	lab_put(&lab, PODS "shop_web-1_uid2/web/0.log", "T1 stdout F secret of a shop\n");
	lab_put(&lab, PODS "junk", "no directory\n");
	ok(nodelogs_exist(&lab.ctx), "there is a directory of logs");
	ok(!kube_connect_has_config(&lab.ctx), "and no kubeconfig");
	ok_int(inspect(&lab), OUTCOME_PARTIAL, "partial: %s", lab.ctx.record->fault.text);
	ok(strstr(lab.ctx.record->fault.text, "no kubeconfig"), "says why");
	lab_close(&lab);
	ok_str(lab_text(&lab, TREE "openshift-dns/pods/dns-x/dns/dns/logs/current.log"),
	    "T2 password=[REDACTED:password]\n", "the current log, as the API would give it");
	ok_str(lab_text(&lab, TREE "openshift-dns/pods/dns-x/dns/dns/logs/previous.log"),
	    "T1 old\n", "the one before");
	ok_str(lab_text(&lab,
		   TREE "openshift-dns/pods/dns-x/dns/dns/logs/rotated/1.log.20261122-130000"),
	    "T0 r\n", "what was rotated");
	ok_str(lab_text(&lab,
		   TREE "openshift-dns/pods/dns-x/dns/dns/logs/rotated/0.log.20261122-120000"),
	    "T0 packed\n", "also what was packed");
	ok(!has_path(&lab, TREE "shop/pods/web-1/web/web/logs/current.log"),
	    "no namespace that nobody asked for");
	ok(has_path(&lab, "sos_commands/microshift/timestamp") &&
		has_path(&lab, "sos_commands/microshift/event-filter.html"),
	    "the frame of the tree");
	ok(strstr(lab_text(&lab, "sos_commands/microshift/inspect_namespaces.log"),
	       "from this node instead of the API"),
	    "marked in the log");
}

/* The same without asking whether there is an API. */
static void
test_alone(void)
{
	const struct collector *c = &containerlogs_collector;
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	ok(!c->applies(c, &lab.ctx, &lab.ctx.record->fault), "no logs: %s",
	    lab.ctx.record->fault.text);
	lab_put(&lab, PODS "openshift-dns_dns-x_uid1/dns/3.log", "T1 stdout F now\n");
	lab_put(&lab, PODS "openshift-dns_dns-x_uid1/dns/2.log", "T0 stdout F before\n");
	ok(c->applies(c, &lab.ctx, &lab.ctx.record->fault), "there are logs");
	ok_int(c->run(c, &lab.ctx, &lab.ctx.record->fault), OUTCOME_OK, "are taken");
	lab_close(&lab);
	ok_str(lab_text(&lab, TREE "openshift-dns/pods/dns-x/dns/dns/logs/current.log"),
	    "T1 now\n", "to where the collector kube puts them");
	ok_str(lab_text(&lab, TREE "openshift-dns/pods/dns-x/dns/dns/logs/previous.log"),
	    "T0 before\n", "the run before as well");
	ok(strstr(lab_text(&lab, "sos_commands/microshift/inspect_namespaces.log"),
	       "the API was not asked"),
	    "which is told");
	ok(!has_path(&lab, "sos_commands/microshift/inspect_cluster_resources.log"),
	    "nothing was asked of the cluster");
	ok_int(containerlogs_collector.profiles & kube_collector.profiles, 0,
	    "in no profile are the logs taken twice");
}

/* Much in one container, little in another: each has its share. */
static void
test_fair_share(void)
{
	const struct collector *c = &containerlogs_collector;
	const size_t lines = 40000;
	_cleanup_lab_ struct lab lab;
	_cleanup_free_ char *text = malloc(lines * 32 + 1);
	const char *loud;
	char *end = text;

	assert(text);
	for (size_t i = 0; i < lines; i++)
		end += sprintf(end, "T stdout F line %06zu of many\n", i);
	lab_open(&lab);
	lab.settings->max_log_bytes = 256 * 1024;
	lab_put(&lab, PODS "openshift-a_loud_uid1/c/0.log", text);
	lab_put(&lab, PODS "openshift-z_quiet_uid2/c/0.log", "T1 stdout F the reason\n");
	ok_int(c->run(c, &lab.ctx, &lab.ctx.record->fault), OUTCOME_OK, "are taken");
	lab_close(&lab);
	ok_str(lab_text(&lab, TREE "openshift-z/pods/quiet/c/c/logs/current.log"),
	    "T1 the reason\n", "the quiet one is whole");
	loud = lab_text(&lab, TREE "openshift-a/pods/loud/c/c/logs/current.log");
	ok(strlen(loud) > 32 * 1024 && strlen(loud) < 256 * 1024, "the loud one is cut (%zu)",
	    strlen(loud));
	ok(strstr(loud, "line 039999") && !strstr(loud, "line 000000"), "its end is there");
}

static void
test_nothing(void)
{
	_cleanup_lab_ struct lab lab;

	lab_open(&lab);
	ok(!nodelogs_exist(&lab.ctx), "no logs here");
	ok_int(inspect(&lab), OUTCOME_FAILED, "%s", lab.ctx.record->fault.text);
	lab_close(&lab);
	ok(has_path(&lab, "sos_commands/microshift/namespaces/"),
	    "`namespaces` is always there");
}

int
main(void)
{
	test_without_api();
	test_alone();
	test_fair_share();
	test_nothing();
	return tap_done();
}
