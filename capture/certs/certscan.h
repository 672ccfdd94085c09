/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The certificates of MicroShift as they are on disk, and what is wrong with them.
 *
 * A scan has two halves. Reading parses the files: what each certificate is, whether its key
 * belongs to it, whether the bundle that has to trust it does. None of that depends on time.
 * Judging compares it with the clock and the addresses of the machine. A scan that is repeated
 * only reads when a file or directory it looked at has changed (inode, size, mtime, ctime);
 * otherwise it costs one stat(2) for each. certscan_to_json() and certscan_parse() carry it
 * over to the next process.
 *
 * It holds metadata only: no PEM, no key. Keys are read to compare their public half, and
 * wiped. Looked at are /var/lib/microshift/certs, the kubeconfigs below
 * /var/lib/microshift/resources, the certificates that MicroShift's configuration names, those
 * of CRI-O's streaming server and metrics, and those that kubelet made itself. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"
#include "lib/report.h"

struct fault;
typedef struct cJSON cJSON;

/* MicroShift renews its own in time; whoever made the others wants two weeks for it. */
#define CERTSCAN_EXPIRING_USEC	  (14 * UINT64_C(86400) * 1000000)
/* A clock that is before this (2026-11-01) is wrong: this program is younger. */
#define CERTSCAN_CLOCK_MIN_USEC	  (UINT64_C(1793491200) * 1000000)
/* A real tree has 130 files and directories; a loop or a full disk shall not keep us. */
#define CERTSCAN_FILES_MAX	  2000u
/* The largest real file is a bundle of 8 KiB; a system's whole trust store has 220 KiB. */
#define CERTSCAN_FILE_MAX_BYTES	  (1024u * 1024u)
/* In one file. A system's trust store has 150. */
#define CERTSCAN_CHAIN_MAX	  300u
/* In the whole scan: 50 in a real tree. */
#define CERTSCAN_CERTIFICATES_MAX 2000u
/* certscan_parse() refuses more: 2,000 certificates at 1 KiB. */
#define CERTSCAN_JSON_MAX_BYTES	  (4u * 1024u * 1024u)

/* Where the API listens unless MicroShift's configuration says otherwise. */
#define CERTSCAN_API_PORT 6443u

enum certscan_severity {
	CERTSCAN_WARNING, /* works now, will not for ever */
	CERTSCAN_ERROR,	  /* something cannot work */
	_CERTSCAN_SEVERITY_COUNT,
};

/* What is wrong. The names (certscan_class_name()) are stable: programs match on them. */
enum certscan_class {
	CERTSCAN_EXPIRED,
	CERTSCAN_NOT_YET_VALID,
	CERTSCAN_EXPIRING,	   /* a user's own, within CERTSCAN_EXPIRING_USEC */
	CERTSCAN_ROTATION_OVERDUE, /* MicroShift should have restarted to renew it */
	CERTSCAN_KEY_MISMATCH,	   /* the key beside it is another one's */
	CERTSCAN_UNTRUSTED,	   /* the bundle that has to trust it does not */
	CERTSCAN_CA_REPLACED,	   /* its authority was made anew; it is from the old one */
	CERTSCAN_WRONG_NAME,   /* the node's name, address or a configured name is missing */
	CERTSCAN_EMPTY,	       /* a file without a byte */
	CERTSCAN_EMPTY_BUNDLE, /* the same, of a bundle: nobody is trusted */
	CERTSCAN_UNPARSABLE,   /* holds no certificate, or no key */
	CERTSCAN_UNREADABLE,   /* not allowed, no file, too large */
	CERTSCAN_MISSING,
	CERTSCAN_CLOCK, /* the clock is wrong: before CERTSCAN_CLOCK_MIN_USEC, or before all
			 * certificates; then in the place of CERTSCAN_NOT_YET_VALID */
	_CERTSCAN_CLASS_COUNT,
};

/* What a certificate is for. */
enum certscan_role {
	CERTSCAN_CA,	     /* a signer of MicroShift */
	CERTSCAN_CLIENT,     /* of MicroShift's own clients */
	CERTSCAN_SERVING,    /* of MicroShift's own servers */
	CERTSCAN_PEER,	     /* of etcd: both */
	CERTSCAN_BUNDLE,     /* in a bundle: trusted by somebody */
	CERTSCAN_CHAIN,	     /* behind the first one in a file: sent along */
	CERTSCAN_KUBECONFIG, /* the client in a kubeconfig */
	CERTSCAN_KUBECONFIG_CA,
	CERTSCAN_USER,	  /* a user's own, named in MicroShift's configuration */
	CERTSCAN_CRIO,	  /* of CRI-O */
	CERTSCAN_KUBELET, /* kubelet's own, outside of certs/ */
	_CERTSCAN_ROLE_COUNT,
};

/* An answer that may not exist. */
enum certscan_answer {
	CERTSCAN_UNKNOWN, /* nothing to compare with, or it could not be read */
	CERTSCAN_YES,
	CERTSCAN_NO,
	_CERTSCAN_ANSWER_COUNT,
};

/* What the certificate says is printable ASCII; what is not is escaped. */
struct certscan_certificate {
	char *path;	 /* owned; as seen from the root */
	unsigned number; /* in its file, from 1 */
	enum certscan_role role;
	char *subject;	/* owned; RFC 2253: "CN=system:admin,O=system:masters" */
	char *issuer;	/* owned */
	char *serial;	/* owned; hexadecimal */
	char **names;	/* owned strv: "DNS:localhost", "IP:10.0.0.5", …; NULL = none */
	char *key_type; /* owned; "RSA 2048", "EC 256", "ED25519" */
	char sha256[SHA256_BYTES];
	uint64_t not_before_usec; /* realtime; 0 also for times before 1970 */
	uint64_t not_after_usec;
	bool is_ca;		   /* may sign others */
	bool is_managed;	   /* MicroShift renews it itself */
	bool is_short_lived;	   /* valid for less than 5 years in total */
	uint64_t start_renew_usec; /* a start from then on renews it; 0 unless is_managed */
	uint64_t run_renew_usec;   /* then MicroShift restarts itself to renew it; 0 as above */
	enum certscan_answer key_matches;
	enum certscan_answer is_trusted;
	char *trusted_by; /* owned; the file that has to trust it, NULL = none is known */
};

struct certscan_finding {
	enum certscan_class class;
	enum certscan_severity severity;
	char *path;		 /* owned; of the file it is about */
	char *text;		 /* owned; one sentence: what is wrong and what to do */
	uint64_t not_after_usec; /* of the certificate, 0 = none */
	bool is_judgement;	 /* of this moment: made anew by every scan */
};

/* A file or directory that was looked at. */
struct certscan_file {
	char *path;  /* owned */
	char *stamp; /* owned; what changes with it: inode, size, mtime and ctime, as text; "" =
		      * it was not there */
};

struct certscan {
	struct certscan_certificate *certificates; /* owned, [n_certificates] */
	size_t n_certificates;
	struct certscan_finding *findings; /* owned, [n_findings] */
	size_t n_findings;
	struct certscan_file *files; /* owned, [n_files] */
	size_t n_files;
	char *node_name;	/* owned; MicroShift's name of this node, "" when unknown */
	char *node_ip;		/* owned; the configured one, "" = none is */
	bool is_node_ip_served; /* the API's outer certificate has to name node_ip */
	char *ingress_secret;	/* owned; Secret with the router's certificate, which is not
				 * read; "" = the router uses MicroShift's own */
	uint64_t api_port;	/* apiServer.port, or 6443 */
	uint64_t now_usec;
	uint64_t renew_usec; /* the first run_renew_usec of all: the next restart; 0 = none */
	char signers_sha256[SHA256_BYTES]; /* over the ten-year signers; a change means that
					    * all kubeconfigs that were handed out are void;
					    * "" when there are none */
	bool was_read; /* false: everything was taken from the previous scan */
};

struct certscan_options {
	const char *root;	/* "" or a directory that stands for "/" */
	uint64_t now_usec;	/* realtime */
	char *const *addresses; /* of this machine, as text; NULL = not compared */
	const char *hostname;	/* when neither configuration nor MicroShift's own note name
				 * the node; NULL = not compared */
};

/* Scans. PREVIOUS (NULL = none) is an earlier scan of the same root; it is consumed, also on
 * failure. What cannot be read or parsed is a finding, no failure: returns 0 also for a tree
 * full of mistakes, and for a machine without MicroShift (no certificates, no findings);
 * -ENOMEM, -EACCES … when not even the root can be entered. The caller owns *ret
 * (certscan_free()). */
int certscan_run(const struct certscan_options *options, struct certscan *previous,
    struct certscan **ret, struct fault *reterr);

/* The addresses of this machine that others can reach: no loopback, no link-local. Returns 0 or
 * negative errno. The caller owns *ret (strv_free()). */
int certscan_host_addresses(char ***ret);

/* The whole scan: {"version", "now_usec", "certificates": […], "findings": […], "files": […]}
 * and so on, members as in the structs above; what is empty or 0 is left out. Returns NULL when
 * out of memory. The caller owns it (cJSON_Delete()). */
cJSON *certscan_to_json(const struct certscan *s);

/* Parts of it: an array of N certificates; {"now_usec", "findings": […]}. As above. */
cJSON *certscan_certificates_to_json(const struct certscan_certificate *c, size_t n);
cJSON *certscan_findings_to_json(const struct certscan *s);

/* Reads what certscan_to_json() made, for PREVIOUS. Returns 0; -EINVAL when it is damaged or of
 * another version, which is no reason to give up: scan without. The caller owns *ret. */
int certscan_parse(const char *data, size_t size, struct certscan **ret, struct fault *reterr);

/* "expired", "key-mismatch" …; "error", "warning"; "ca", "serving" … */
const char *certscan_class_name(enum certscan_class c);
const char *certscan_severity_name(enum certscan_severity s);
const char *certscan_role_name(enum certscan_role r);

/* For the parts of this module: adds a finding like F, with the formatted text and the severity
 * of its class, unless the same was said before. Returns 0 or -ENOMEM. */
int certscan_report(struct certscan *s, const struct certscan_finding *f, const char *format,
    va_list ap) __attribute__((format(printf, 3, 0)));

/* Frees what C owns. */
void certscan_certificate_done(struct certscan_certificate *c);

/* Frees it; NULL is fine. */
void certscan_free(struct certscan *s);
DEFINE_CLEANUP(struct certscan *, certscan_free);
