/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tap.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "lib/clean/clean.h"
#include "lib/clean/dictionary.h"
#include "lib/fault.h"
#include "lib/json.h"
#include "lib/text.h"
#include "tests/lib/filtercheck.h"
#include "tests/lib/sink.h"

static const struct prf_key test_key = { { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15 } };

/* The machine of all rows below: edge1.plant3.acme.example, where jdoe works on bluebird. */
static struct clean_rules *
make_rules(const struct prf_key *key)
{
	struct clean_rules *rules;

	assert(clean_rules_new(key, &rules) == 0);
	assert(clean_rules_add(rules, ALIAS_HOST, "edge1") == 1);
	assert(clean_rules_add(rules, ALIAS_DOMAIN, "plant3.acme.example") == 1);
	assert(clean_rules_add(rules, ALIAS_USER, "jdoe") == 1);
	assert(clean_rules_add(rules, ALIAS_KEYWORD, "Bluebird") == 1);
	clean_rules_add_ipv4(rules, 0xc0000263); /* 192.0.2.99 */
	return rules;
}

/* Filters INPUT in pieces of random length up to MAX. */
static struct sink
filter(
    const struct clean_rules *rules, const char *input, size_t len, size_t max, uint64_t *state)
{
	_cleanup_(clean_freep) struct clean *c = NULL;
	struct sink s = { 0 };

	assert(clean_new(rules, sink_write, &s, &c) == 0);
	assert(sink_write("", 0, &s) == 0);
	while (len > 0) {
		size_t n = max > 1 ? 1 + next_random(state) % max : 1;

		if (n > len)
			n = len;
		assert(clean_write(c, input, n) == 0);
		input += n;
		len -= n;
	}
	assert(clean_finish(c) == 0);
	return s;
}

/* Looks like an address or a name, and is none: stays. */
static const char *const keep[] = {
	"",
	"\n",
	/* Versions. */
	"version 4.20.1.3\n",
	"Version: 4.20.1.3\n",
	"version=10.4.0.2 ver:1.2.3.4\n",
	"v4.20.1.3 V1.2.3.4\n",
	"\"version\":\"4.20.1.3\"",
	"microshift-4.20.1.3\nocp 4.20.1.3\nrelease-4.20.1.3\n",
	"foo-8.20.1.3-1.el9.x86_64 foo-8.20.1.3.el9 foo-8.20.1.3.tar.gz\n",
	"8.20.1.3-rc1 8.20.1.3~beta 8.20.1.3+git\n",
	"libfoo.so.1.2.3.4\n",
	"Mozilla/5.0 Chrome/119.0.0.0 Safari/537.36\n",
	"4.20.1 4.20 1.2.3.4.5.6 1.3.6.1.4.1.311.21\n",
	"300.1.2.3 10.0.19041.1 1.02.3.4 1234.5.6.7 1..2.3.4\n",
	"rc1.2.3.4 1.2.3.4rc5\n",
	/* Times. */
	"2026-11-22T12:54:05.397069Z 12:54:05 2026-11-22 26-11-22-12-54-05\n",
	"time=12:54:05:123 ratio 1:2:3:4:5\n",
	/* Addresses that are nobody's. */
	"0.0.0.0/0 127.0.0.1:6443 127.0.1.1 169.254.169.254 169.254.0.0/17\n",
	"255.255.255.0 255.255.255.255 224.0.0.251 239.255.255.250 240.0.0.1 250.1.2.3\n",
	"0.0.0.0/1 128.0.0.0/1\n",
	":: ::1 ::/0 [::]:6443 ff02::1 ff02::2 ff05::1:3 100::1 4001:db8::1 f901::1 fe00::1\n",
	"00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 01:00:5e:00:00:fb 33:33:00:00:00:01\n",
	"6f:62:00:11:22:33 6F-62-00-11-22-33\n",
	/* Identifiers and digests. */
	"6ba7b810-9dad-11d1-80b4-00c04fd430c8 10-42-0-9a 1-2-3-4\n",
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
	"d41d8cd98f00b204e9800998ecf8427e  file\nc2a4d1f2b9d04f1c8a7e6d5c4b3a2918 x\n",
	"SHA1 Fingerprint=AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01\n",
	"Serial Number: 0f:1a:2b:3c:4d:5e:6f:70:81:92:a3:b4:c5:d6:e7:f8\n",
	"std::vector<a::b> fade::beef ca::kube-system client-ca::x a:b:c:d\n",
	"resourceVersion: \"424242\" uid 005b8553-0c08-4041-95fd-72fe8ee13431\n",
	/* Names. */
	"edge10 myedge1 edge plant3 example.org jdoes xjdoe bluebirds\n",
	"https://quay.io/x https://registry.redhat.io:443 http://localhost:8080/x\n",
	"https://kubernetes.default.svc/api https://x.openshift-dns.svc.cluster.local:53\n",
	"getty@tty1.service pkg@v1.2.3 a@sha256:abc x@y foo@bar.conf git@github.com:a/b\n",
	"io.microshift.Support snapshot.storage.k8s.io/v1 org.freedesktop.systemd1\n",
	"host-bcdfghjk domain-bcdfghjk.domain-zzzzzzzz.example user-bcdfghjk word-bcdfghjk\n",
	"eth0\t00000000\t00000000\t0003\t0\t0\t0\t00FFFFFF\n",
	"  0: 0100007F:1F90 00000000:0000 0A\n",
	"00000000000000000000000000000001 01 80 10 80       lo\n",
};

/* Aliases under test_key. */
#define EDGE1  "host-phjxhqnc"
#define EDGE7  "host-pdwqmtmm"
#define PLANT3 "domain-qdshmwtd"
#define ACME   "domain-wbkmdgqz"
#define JDOE   "user-mmbwkdpg"
#define BIRD   "word-mnhtmfpv"

static const struct rewrite {
	const char *input;
	const char *want;
} hide[] = {
	/* IPv4 in all surroundings. */
	{ "10.42.0.9", "250.55.0.14" },
	{ "10.42.0.9:8080 (10.42.0.9) <10.42.0.9> 10.42.0.9. 10.42.0.9,\n",
	    "250.55.0.14:8080 (250.55.0.14) <250.55.0.14> 250.55.0.14. 250.55.0.14,\n" },
	{ "\"ip\":\"10.42.0.10\",\"x\":1", "\"ip\":\"250.55.0.13\",\"x\":1" },
	{ "\"a\\n10.42.0.9\\n\"", "\"a\\n250.55.0.14\\n\"" },
	{ "kube-apiserver-10.44.12.87 a.10.44.12.87 x_10.44.12.87_y\n",
	    "kube-apiserver-250.51.14.87 a.250.51.14.87 x_250.51.14.87_y\n" },
	{ "pod-10.44.12.87.yaml", "pod-250.51.14.87.yaml" },
	{ "10.42.0.0/16 10.42.0.0/24 10.42.0.0 10.42.255.255 10.0.0.0/8\n",
	    "250.55.0.0/16 250.55.0.0/24 250.55.0.0 250.55.255.255 250.0.0.0/8\n" },
	{ "10.42.16.0/20", "250.55.16.0/20" },
	{ "10.42.0.9/32 10.42.0.9/24", "250.55.0.14/32 250.55.0.14/24" },
	{ "10.42.0.9-10.42.0.20", "250.55.0.14-250.55.0.31" },
	{ "20.0.0.0/16 8.8.8.8 1.1.1.1\n", "241.0.0.0/16 241.14.12.11 244.1.1.1\n" },
	{ "52.1.2.3-52.1.2.9 foo-52.1.2.3.yaml\n",
	    "243.1.3.2-243.1.3.15 foo-243.1.3.2.yaml\n" },
	{ "version 192.0.2.99 v192.0.2.99\n", "version 241.0.2.65 v241.0.2.65\n" },
	{ "172.20.0.4 192.168.1.15 100.64.3.4\n", "251.25.0.5 252.168.1.14 253.80.3.4\n" },
	{ "ip-10-44-12-87.ec2.internal ip-52-1-2-3 ec2-52-1-2-3.compute 10_44_12_87\n",
	    "ip-250-51-14-87.ec2.internal ip-243-1-3-2 ec2-243-1-3-2.compute 250_51_14_87\n" },
	{ "10-42-0-9.ns.pod.cluster.local", "250-55-0-14.ns.pod.cluster.local" },
	{ "IP 10.42.0.9.8080 > 10.42.0.1.53: UDP", "IP 250.55.0.14.8080 > 250.55.0.1.53: UDP" },
	{ "9.0.42.10.in-addr.arpa 0.42.10.in-addr.arpa\n",
	    "14.0.55.250.in-addr.arpa 0.55.250.in-addr.arpa\n" },
	{ "dnf[12]: from 10.42.0.9\n", "dnf[12]: from 250.55.0.14\n" },
	/* IPv6. */
	{ "2001:db8:1::5/64 2001:db8:1::/48", "5dd2:feb:1::7/64 5dd2:feb:1::/48" },
	{ "[fd01::9]:6443 FD01:0:0:0:0:0:0:9", "[f9ad::c]:6443 f9ad::c" },
	{ "inet6 addr:2001:db8::1 2001:db8::1:eth0 2001:db8::1: x\n",
	    "inet6 addr:5dd2:feb::1 5dd2:feb::1:eth0 5dd2:feb::1: x\n" },
	{ "::ffff:10.42.0.9 ::ffff:0a2a:0009 64:ff9b::a2a:9",
	    "::ffff:250.55.0.14 ::ffff:250.55.0.14 64:ff9b::fa37:e" },
	/* Hardware. */
	{ "0a:58:0a:2a:00:09 0A:58:0A:2A:00:09 0a-58-0a-2a-00-09 0a58.0a2a.0009",
	    "6f:62:cb:a6:ef:b9 6F:62:CB:A6:EF:B9 6f-62-cb-a6-ef-b9 6f62.cba6.efb9" },
	{ "00:11:22:ff:fe:33:44:55", "6f:62:ad:51:5a:a1:cb:d8" },
	{ "mac:00:50:56:11:22:33: x \"00:50:56:11:22:33\"",
	    "mac:6f:62:c7:19:92:53: x \"6f:62:c7:19:92:53\"" },
	{ "80:00:00:48:fe:80:00:00:00:00:00:00:00:11:22:ff:fe:33:44:55",
	    "80:00:00:48:fe:80:00:00:00:00:00:00:6f:62:ad:51:5a:a1:cb:d8" },
	{ "MAC=0a:58:0a:2a:00:09:00:50:56:11:22:33:08:00 SRC=10.42.0.9",
	    "MAC=6f:62:cb:a6:ef:b9:6f:62:c7:19:92:53:08:00 SRC=250.55.0.14" },
	/* The tables of the kernel. */
	{ "   0: 09002A0A:1F90 00000000:0000 0A", "   0: 0E0037FA:1F90 00000000:0000 0A" },
	{ "eth0\t00002A0A\t01002A0A\t0003\t0", "eth0\t000037FA\t010037FA\t0003\t0" },
	/* Names. */
	{ "edge1 Edge1 EDGE1: edge1-eth0 edge1_disk sosreport-edge1-2026 /edge1/\n",
	    EDGE1 " " EDGE1 " " EDGE1 ": " EDGE1 "-eth0 " EDGE1 "_disk sosreport-" EDGE1
		  "-2026 /" EDGE1 "/\n" },
	{ "\"a\\nedge1\\tb\" x%20edge1", "\"a\\n" EDGE1 "\\tb\" x%20" EDGE1 },
	{ "edge1.plant3.acme.example edge7.plant3.acme.example plant3.acme.example\n",
	    EDGE1 "." PLANT3 "." ACME ".example " EDGE7 "." PLANT3 "." ACME ".example " PLANT3
		  "." ACME ".example\n" },
	{ "\"\\nedge7.plant3.acme.example\" *.plant3.acme.example ping_edge7.plant3.acme.example",
	    "\"\\n" EDGE7 "." PLANT3 "." ACME ".example\" *." PLANT3 "." ACME
	    ".example ping_" EDGE7 "." PLANT3 "." ACME ".example" },
	{ "Acme Corp, acme/app, acme.example.org",
	    ACME " Corp, " ACME "/app, " ACME ".example.org" },
	{ "api.plant3.acme.example", "api." PLANT3 "." ACME ".example" },
	{ "jdoe /srv/jdoe/x uid=1000(jdoe) JDoe\n",
	    JDOE " /srv/" JDOE "/x uid=1000(" JDOE ") " JDOE "\n" },
	{ "bluebird BLUEBIRD \"Bluebird\": 1\n", BIRD " " BIRD " \"" BIRD "\": 1\n" },
	{ "https://vault.corp.othercompany.test:8200/x",
	    "https://host-kthpdcng.corp.domain-wshmfvhj.test:8200/x" },
	{ "https://u:[REDACTED:url-password]@db.foo.co.uk/",
	    "https://u:[REDACTED:url-password]@host-nxgjjskh.domain-tfnxrmnn.co.uk/" },
	{ "from bob.smith@acme.example to", "from user-tkxtvspt@" ACME ".example to" },
};

static void
check(const struct clean_rules *rules, const char *input, const char *want)
{
	uint64_t state = 1;
	_cleanup_(sink_done) struct sink once =
	    filter(rules, input, strlen(input), 100000, &state);
	_cleanup_(sink_done) struct sink bytes = filter(rules, input, strlen(input), 1, &state);
	_cleanup_(sink_done) struct sink twice =
	    filter(rules, once.data, once.len, 100000, &state);

	filter_check(input, want, &once, &bytes, &twice);
}

/* Rows of both tables in random order, with random bytes between some. */
static struct sink
make_text(uint64_t *state)
{
	struct sink s = { 0 };

	for (size_t i = 0; i < 2000; i++) {
		size_t k = next_random(state) % (ELEMENTSOF(keep) + ELEMENTSOF(hide));
		const char *row =
		    k < ELEMENTSOF(keep) ? keep[k] : hide[k - ELEMENTSOF(keep)].input;

		assert(sink_write(row, strlen(row), &s) == 0);
		/* A word glued to another is another word. */
		assert(sink_write("\n", 1, &s) == 0);
		for (size_t n = next_random(state) % 8; n > 0; n--)
			assert(sink_write(&(char){ (char)next_random(state) }, 1, &s) == 0);
		assert(sink_write(" ", 1, &s) == 0);
	}
	return s;
}

static void
test_chunks(const struct clean_rules *rules)
{
	uint64_t seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	uint64_t state = seed | 1;

	printf("# seed %" PRIu64 "\n", seed);
	for (size_t i = 0; i < 20; i++) {
		_cleanup_(sink_done) struct sink text = make_text(&state);
		_cleanup_(sink_done) struct sink whole =
		    filter(rules, text.data, text.len, 1u << 20, &state);
		_cleanup_(sink_done) struct sink small =
		    filter(rules, text.data, text.len, 40, &state);
		_cleanup_(sink_done) struct sink large =
		    filter(rules, text.data, text.len, 5000, &state);
		_cleanup_(sink_done) struct sink twice =
		    filter(rules, whole.data, whole.len, 1u << 20, &state);

		ok(sink_same(&whole, &small), "small pieces, round %zu", i);
		ok(sink_same(&whole, &large), "large pieces, round %zu", i);
		ok(sink_same(&whole, &twice), "twice, round %zu", i);
	}
}

static unsigned
common_bits(uint32_t a, uint32_t b)
{
	return a == b ? 32 : (unsigned)__builtin_clz(a ^ b);
}

/* Two addresses share as many bits as their aliases do; no two have one alias. */
static void
test_prefixes(void)
{
	uint64_t state = 88172645463325252u;
	unsigned wrong = 0;

	for (size_t i = 0; i < 100000; i++) {
		uint32_t a = 0x0a000000 | (next_random(&state) & 0xffffff);
		uint32_t b = a ^
		    (uint32_t)(1 + next_random(&state) % 0xffffff) >>
			(next_random(&state) % 24);

		b = 0x0a000000 | (b & 0xffffff);
		wrong += common_bits(a, b) !=
		    common_bits(alias_ipv4(&test_key, a), alias_ipv4(&test_key, b));
	}
	ok_int(wrong, 0, "pairs of addresses with another common prefix");
	wrong = 0;
	for (uint32_t a = 0; a < 0xff000000; a += 0x10203)
		wrong += ipv4_has_alias(a) ? alias_ipv4(&test_key, a) >> 28 != 15
					   : alias_ipv4(&test_key, a) != a;
	ok_int(wrong, 0, "aliases out of their range");
}

static void
test_prefixes_ipv6(void)
{
	uint64_t state = 88172645463325252u;
	unsigned wrong = 0;

	for (size_t i = 0; i < 20000; i++) {
		uint8_t a[IPV6_BYTES] = { 0x20, 0x01, 0x0d, 0xb8 };
		uint8_t b[IPV6_BYTES];
		uint8_t alias_a[IPV6_BYTES];
		uint8_t alias_b[IPV6_BYTES];
		unsigned bit = 3 + (unsigned)(next_random(&state) % 125);
		bool before;

		for (size_t k = 4; k < IPV6_BYTES; k++)
			a[k] = (uint8_t)next_random(&state);
		memcpy(b, a, IPV6_BYTES);
		b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		memcpy(alias_a, a, IPV6_BYTES);
		memcpy(alias_b, b, IPV6_BYTES);
		alias_ipv6(&test_key, alias_a);
		alias_ipv6(&test_key, alias_b);
		before = memcmp(alias_a, alias_b, bit / 8) == 0 &&
		    (alias_a[bit / 8] ^ alias_b[bit / 8]) >> (7 - bit % 8) == 1;
		wrong += !before;
	}
	ok_int(wrong, 0, "pairs of IPv6 addresses with another common prefix");
}

/* Vectors of the authors: key 00…0f, input 00…. */
static void
test_prf(void)
{
	uint8_t in[15];

	for (uint8_t i = 0; i < sizeof(in); i++)
		in[i] = i;
	ok(prf(&test_key, in, 0) == UINT64_C(0x726fdb47dd0e0e31), "SipHash of nothing");
	ok(prf(&test_key, in, 8) == UINT64_C(0x93f5f5799a932462), "SipHash of 8 bytes");
	ok(prf(&test_key, in, 15) == UINT64_C(0xa129ca6149be45e5), "SipHash of 15 bytes");
}

static void
test_keys(void)
{
	static const char text[] = "10.42.0.9 edge1 0a:58:0a:2a:00:09";
	_cleanup_(clean_rules_freep) struct clean_rules *a = make_rules(&test_key);
	_cleanup_(clean_rules_freep) struct clean_rules *b =
	    make_rules(&(struct prf_key){ "another" });
	_cleanup_(clean_rules_freep) struct clean_rules *c = make_rules(&test_key);
	uint64_t state = 1;
	_cleanup_(sink_done) struct sink of_a = filter(a, text, strlen(text), 99, &state);
	_cleanup_(sink_done) struct sink of_b = filter(b, text, strlen(text), 99, &state);
	_cleanup_(sink_done) struct sink of_c = filter(c, text, strlen(text), 99, &state);

	ok(sink_same(&of_a, &of_c), "the same key gives the same aliases");
	ok(!sink_same(&of_a, &of_b), "another key others");
}

static void
test_names(void)
{
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	char name[DICTIONARY_NAME_MAX_BYTES + 2];
	size_t n = 0;

	assert(clean_rules_new(&test_key, &rules) == 0);
	ok_int(clean_rules_add(rules, ALIAS_KEYWORD, "ab"), -EINVAL, "too short");
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	ok_int(clean_rules_add(rules, ALIAS_KEYWORD, name), -EINVAL, "too long");
	name[sizeof(name) - 2] = '\0';
	ok_int(clean_rules_add(rules, ALIAS_KEYWORD, name), 1, "as long as can be");
	ok_int(clean_rules_add(rules, ALIAS_KEYWORD, "12345"), -EINVAL, "no letter");
	ok_int(clean_rules_add(rules, ALIAS_KEYWORD, "a\"b"), -EINVAL, "a quote");
	ok_int(clean_rules_add(rules, ALIAS_KEYWORD, "-abc"), -EINVAL, "no word");
	ok_int(
	    clean_rules_add(rules, ALIAS_HOST, "MicroShift"), -EADDRNOTAVAIL, "a common word");
	ok_int(clean_rules_add(rules, ALIAS_HOST, "host-bcdfghjk"), -EADDRNOTAVAIL, "an alias");
	ok_int(clean_rules_add(rules, ALIAS_HOST, "edge1"), 1, "a name");
	ok_int(clean_rules_add(rules, ALIAS_USER, "EDGE1"), 0, "again");
	for (; n < DICTIONARY_NAMES_MAX; n++) {
		(void)snprintf(name, sizeof(name), "name%zu", n);
		if (clean_rules_add(rules, ALIAS_USER, name) == -ENOSPC)
			break;
	}
	ok_int(n, DICTIONARY_NAMES_MAX - 2, "names until there is no room");
}

/* More names than bits of the scanner, all of which are found. */
static void
test_many_names(void)
{
	_cleanup_(clean_rules_freep) struct clean_rules *rules = NULL;
	_cleanup_(sink_done) struct sink text = { 0 };
	_cleanup_(sink_done) struct sink out = { 0 };
	uint64_t state = 1;
	char name[32];

	assert(clean_rules_new(&test_key, &rules) == 0);
	for (size_t i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "%c%cq%zu", (char)('a' + i % 26),
		    (char)('a' + i / 26), i);
		assert(clean_rules_add(rules, ALIAS_USER, name) == 1);
		assert(sink_write(name, strlen(name), &text) == 0 &&
		    sink_write(" ", 1, &text) == 0);
	}
	out = filter(rules, text.data, text.len, 999, &state);
	ok(out.len == 500 * strlen("user-bcdfghjk "), "500 names are replaced");
}

static void
test_text(const struct clean_rules *rules)
{
	char buf[32];

	ok_int(clean_text(rules, "etc/edge1.conf", buf, sizeof(buf)), 0, "a path");
	ok_str(buf, "etc/" EDGE1 ".conf", "is cleaned");
	ok_int(clean_text(rules, "edge1/edge1/edge1", buf, sizeof(buf)), -ENAMETOOLONG,
	    "too long when cleaned");
}

static void
test_counts(const struct clean_rules *rules)
{
	static const char text[] = "10.42.0.9 10.42.0.9 fd01::9 edge1 jdoe Bluebird "
				   "plant3.acme.example 0a:58:0a:2a:00:09 127.0.0.1";
	_cleanup_(clean_freep) struct clean *c = NULL;
	_cleanup_(sink_done) struct sink s = { 0 };

	assert(clean_new(rules, sink_write, &s, &c) == 0);
	assert(clean_write(c, text, strlen(text)) == 0 && clean_finish(c) == 0);
	ok_int(clean_count(c, CLEAN_IPV4), 2, "IPv4");
	for (int kind = CLEAN_IPV6; kind < _CLEAN_KIND_COUNT; kind++)
		ok_int(clean_count(c, (enum clean_kind)kind), 1, "%s",
		    clean_kind_to_string((enum clean_kind)kind));
	ok_int(clean_count_all(c), 8, "all");
}

static void
test_json(void)
{
	size_t n = 0;

	for (size_t i = 0; i < ELEMENTSOF(hide); i++) {
		_cleanup_free_ char *before = text_format("{\"k\":\"%s\"}", hide[i].input);
		_cleanup_free_ char *after = text_format("{\"k\":\"%s\"}", hide[i].want);
		_cleanup_json_ cJSON *a = NULL;
		_cleanup_json_ cJSON *b = NULL;

		if (json_parse(before, strlen(before), &a, NULL) < 0)
			continue;
		n++;
		ok(json_parse(after, strlen(after), &b, NULL) >= 0, "JSON row %zu", i);
	}
	ok(n >= 10, "%zu rows are JSON", n);
}

static int
on_fail(const void *data, size_t len, void *userdata)
{
	(void)data;
	(void)len;
	++*(int *)userdata;
	return -ENOSPC;
}

static void
test_errors(const struct clean_rules *rules)
{
	_cleanup_(clean_freep) struct clean *c = NULL;
	char text[4 * CLEAN_WINDOW_BYTES];
	int calls = 0;

	memset(text, '.', sizeof(text));
	assert(clean_new(rules, on_fail, &calls, &c) == 0);
	ok_int(clean_write(c, text, sizeof(text)), -ENOSPC, "error of the callback");
	ok_int(clean_write(c, text, sizeof(text)), -ENOSPC, "sticks");
	ok_int(clean_finish(c), -ENOSPC, "until the end of the text");
	ok_int(calls, 1, "and the callback was not bothered again");
	clean_free(NULL);
	clean_rules_free(NULL);
}

int
main(void)
{
	_cleanup_(clean_rules_freep) struct clean_rules *rules = make_rules(&test_key);

	for (size_t i = 0; i < ELEMENTSOF(keep); i++)
		check(rules, keep[i], keep[i]);
	for (size_t i = 0; i < ELEMENTSOF(hide); i++)
		check(rules, hide[i].input, hide[i].want);
	test_chunks(rules);
	test_prf();
	test_prefixes();
	test_prefixes_ipv6();
	test_keys();
	test_names();
	test_many_names();
	test_text(rules);
	test_counts(rules);
	test_json();
	test_errors(rules);
	return tap_done();
}
