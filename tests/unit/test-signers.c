/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include "capture/certs/certscan.h"
#include "capture/check/signers.h"
#include "lib/json.h"
#include "lib/text.h"

/* How often a change is told. */
#define CHECKS 4u

static char etcd[] = "/certs/etcd-signer/ca.crt";
static char ingress[] = "/certs/ingress-ca/ca.crt";
static char kubelet[] = "/certs/kubelet-signer/ca.crt";

static struct certscan_certificate
authority(char *path, const char *sha256)
{
	struct certscan_certificate c = { .path = path, .role = CERTSCAN_CA };

	text_copy(c.sha256, sizeof(c.sha256), sha256);
	return c;
}

/* The next check sees N certificates; *STATE goes on. Returns how many it says are replaced. */
static uint64_t
see(cJSON **state, struct certscan_certificate *certificates, size_t n)
{
	struct certscan scan = { .certificates = certificates, .n_certificates = n };
	uint64_t replaced = 99;
	cJSON *next;

	assert(signers_update(*state, &scan, CHECKS, &next, &replaced) == 0);
	cJSON_Delete(*state);
	*state = next;
	return replaced;
}

static void
test_change(void)
{
	struct certscan_certificate certificates[] = {
		authority(etcd, "a1"),
		authority(ingress, "b1"),
		authority(kubelet, "c1"),
	};
	_cleanup_json_ cJSON *state = NULL;

	certificates[2].is_short_lived = true;
	ok_int(see(&state, certificates, 3), 0, "the first look has nothing to compare with");
	ok_int(see(&state, certificates, 3), 0, "no change");
	certificates[2] = authority(kubelet, "c2");
	certificates[2].is_short_lived = true;
	ok_int(see(&state, certificates, 3), 0, "one that lives a year is renewed: as usual");

	certificates[0] = authority(etcd, "a2");
	certificates[1] = authority(ingress, "b2");
	for (unsigned i = 0; i < CHECKS; i++)
		ok_int(
		    see(&state, certificates, 3), 2, "two are replaced, told %u times", i + 1);
	ok_int(see(&state, certificates, 3), 0, "and no longer");
	certificates[0] = authority(etcd, "a3");
	ok_int(see(&state, certificates, 3), 1, "the next time too");
}

static void
test_sets(void)
{
	struct certscan_certificate certificates[] = {
		authority(etcd, "a1"),
		authority(ingress, "b1"),
	};
	struct certscan_certificate leaf = authority(etcd, "a9");
	_cleanup_json_ cJSON *state = NULL;
	_cleanup_json_ cJSON *damaged = cJSON_CreateString("damaged");

	(void)see(&state, certificates, 1);
	ok_int(see(&state, certificates, 2), 0, "an upgrade may bring a new one");
	leaf.role = CERTSCAN_SERVING;
	ok_int(see(&state, &leaf, 1), 0, "only authorities count");
	certificates[0] = authority(etcd, "a2");
	ok_int(see(&state, certificates, 2), 0, "after all were removed nothing is compared");
	ok_int(see(&damaged, certificates, 2), 0, "nor with a state that is damaged");
}

int
main(void)
{
	test_change();
	test_sets();
	return tap_done();
}
