/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "capture/kube/json.h"
#include "capture/kube/podstate.h"
#include "capture/kube/value.h"
#include "lib/text.h"

static struct kube_value *
parse(const char *text)
{
	_cleanup_(kube_json_freep) struct kube_json *p = NULL;

	assert(kube_json_new(KUBE_JSON_DOCUMENT, NULL, &p) == 0);
	assert(kube_json_feed(p, text, strlen(text), NULL) == 0);
	assert(kube_json_finish(p, NULL) == 0);
	return kube_json_take_head(p);
}

static const struct {
	const char *pod;
	bool ready;
	const char *reason; /* "" = not failing */
} cases[] = {
	{ "{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\","
	  "\"status\":\"True\"}]}}",
	    true, "" },
	{ "{\"status\":{\"phase\":\"Succeeded\"}}", true, "" },
	{ "{\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\"}}", false, "Evicted" },
	{ "{\"status\":{\"phase\":\"Failed\"}}", false, "Failed" },
	{ "{\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\","
	  "\"status\":\"False\"}]}}",
	    false, "NotReady" },
	{ "{\"metadata\":{\"deletionTimestamp\":\"x\"},\"status\":{\"phase\":\"Running\"}}",
	    false, "" },
	{ "{\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[{\"state\":{\"waiting\":"
	  "{\"reason\":\"ContainerCreating\"}}}]}}",
	    false, "" },
	{ "{\"status\":{\"phase\":\"Pending\",\"initContainerStatuses\":[{\"state\":{"
	  "\"waiting\":{\"reason\":\"ImagePullBackOff\"}}}]}}",
	    false, "ImagePullBackOff" },
	{ "{\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"state\":{\"waiting\":"
	  "{\"reason\":\"CrashLoopBackOff\"}}}],\"conditions\":[{\"type\":\"Ready\","
	  "\"status\":\"False\"}]}}",
	    false, "CrashLoopBackOff" },
	{ "{\"status\":{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"PodScheduled\","
	  "\"status\":\"False\",\"reason\":\"Unschedulable\"}]}}",
	    false, "Unschedulable" },
	{ "{\"status\":{\"phase\":7,\"containerStatuses\":{\"a\":[]},\"conditions\":\"no\"}}",
	    false, "" },
	{ "{}", false, "" },
};

static void
test_state(void)
{
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(kube_value_freep) struct kube_value *pod = parse(cases[i].pod);
		struct podstate s;

		podstate_read(pod, &s);
		ok(s.is_ready == cases[i].ready, "%s", cases[i].pod);
		ok_str(s.reason, cases[i].reason, "its reason");
		ok(s.is_failing == (*cases[i].reason != '\0'), "failing if there is one");
	}
}

static int
on_container(const struct podstate_container *c, void *userdata)
{
	char *text = userdata;
	size_t n = strlen(text);

	(void)snprintf(text + n, 256 - n, "%s%s%s ", c->name, c->has_started ? "+" : "",
	    c->has_previous ? "<" : "");
	return 0;
}

static void
test_containers(void)
{
	_cleanup_(kube_value_freep) struct kube_value *pod = parse(
	    "{\"spec\":{\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"w\"},"
	    "{\"nameless\":1}],\"initContainers\":[{\"name\":\"i\"}],"
	    "\"ephemeralContainers\":[{\"name\":\"e\"}]},"
	    "\"status\":{\"containerStatuses\":["
	    "{\"name\":\"b\",\"restartCount\":3,\"state\":{\"waiting\":{}},"
	    "\"lastState\":{\"terminated\":{}}},"
	    "{\"name\":\"w\",\"restartCount\":0,\"state\":{\"waiting\":{\"reason\":\"x\"}}},"
	    "{\"name\":\"a\",\"restartCount\":0,\"state\":{\"running\":{}}}],"
	    "\"initContainerStatuses\":[{\"name\":\"i\",\"restartCount\":0,"
	    "\"state\":{\"terminated\":{\"exitCode\":0}}}]}}");
	char text[256] = "";

	ok_int(podstate_containers(pod, on_container, text), 0, "all containers");
	ok_str(text, "a+ b+< w i+ e ", "started (+), restarted (<), whatever the order");
}

int
main(void)
{
	test_state();
	test_containers();
	return tap_done();
}
