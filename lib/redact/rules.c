/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/redact/base64.h"
#include "lib/redact/own.h"
#include "lib/redact/rules.h"

/* Decoded size of a Secret's value that may consist of markers: three of the longest. */
#define MARKED_BASE64_MAX_BYTES 1024u
#define MARKER_START		"[REDACTED:"

/* A text and its length, for tables that are searched often. */
#define TEXT(s) s, sizeof(s) - 1

static const char *const kind_names[] = {
	[REDACT_PASSWORD] = "password",
	[REDACT_SECRET] = "secret",
	[REDACT_TOKEN] = "token",
	[REDACT_KEY] = "key",
	[REDACT_JWT] = "jwt",
	[REDACT_AUTHORIZATION] = "authorization",
	[REDACT_COOKIE] = "cookie",
	[REDACT_PULL_SECRET] = "pull-secret",
	[REDACT_URL_PASSWORD] = "url-password",
	[REDACT_PASSWORD_HASH] = "password-hash",
	[REDACT_PRIVATE_KEY] = "private-key",
	[REDACT_CERTIFICATE] = "certificate",
	[REDACT_CERTIFICATE_REQUEST] = "certificate-request",
	[REDACT_PUBLIC_KEY] = "public-key",
	[REDACT_PEM] = "pem",
	[REDACT_BASE64] = "base64",
};
_Static_assert(ELEMENTSOF(kind_names) == _REDACT_KIND_COUNT, "a name for each kind");

const char *
redact_kind_to_string(enum redact_kind kind)
{
	return kind_names[kind];
}

const struct anchor redact_anchors[] = {
	/* Key names. Each stands in all spellings of its key, so as rarely as possible in
	 * anything else. */
	{ "auth", true, RULE_PAIR },
	{ "cook", true, RULE_PAIR },
	{ "cred", true, RULE_PAIR },
	{ "kerc", true, RULE_PAIR }, /* dockercfg, dockerconfigjson */
	{ "key", true, RULE_PAIR },
	{ "oken", true, RULE_PAIR },
	{ "pass", true, RULE_PAIR },
	{ "psk", true, RULE_PAIR },
	{ "pwd", true, RULE_PAIR },
	{ "secr", true, RULE_PAIR },
	{ "-sig", true, RULE_PAIR }, /* X-Amz-Signature */
	{ "sig=", true, RULE_PAIR },
	{ "ndpw", true, RULE_PAIR }, /* bindpw */
	{ "_pw", true, RULE_PAIR },
	{ "-pw", true, RULE_PAIR },
	{ "otpw", true, RULE_PAIR }, /* rootpw */
	{ "pw=", true, RULE_PAIR },
	{ "pw:", true, RULE_PAIR },
	{ "bear", true, RULE_BEARER },
	{ "basi", true, RULE_BASIC },

	/* Values that show what they are. */
	{ "eyJ", false, RULE_JWT },
	{ "://", false, RULE_URL },
	{ ":\\/\\", false, RULE_URL }, /* JSON as PHP and old Jackson write it */
	{ "$\001", false, RULE_HASH },
	{ "MII", false, RULE_DER },
	{ "-u ", false, RULE_USER },
	{ "user", false, RULE_USER },
	{ "----", false, RULE_PEM },
	{ "LS0t", false, RULE_ENCODED },
	{ "0tLS", false, RULE_ENCODED },
	{ "tLS0", false, RULE_ENCODED },
	{ "2d2d", true, RULE_ENCODED },
	{ "45\002", false, RULE_ENCODED },
	{ "\n", false, RULE_LINES },
	{ "[RED", false, RULE_MARKER },
	{ "ta\":", false, RULE_OBJECT }, /* "data": */
	{ "ta\\\"", false, RULE_OBJECT },
	{ "sshp", false, RULE_PROGRAM }, /* sshpass */
	{ "mysq", false, RULE_PROGRAM },
	{ "-cli", false, RULE_PROGRAM }, /* redis-cli */

	/* First bytes of redact_prefixes. */
	{ "sha2", false, RULE_PREFIX },
	{ "gh\001_", false, RULE_PREFIX },
	{ "gith", false, RULE_PREFIX },
	{ "glpa", false, RULE_PREFIX },
	{ "xox", false, RULE_PREFIX },
	{ "AKIA", false, RULE_PREFIX },
	{ "ASIA", false, RULE_PREFIX },
	{ "AIza", false, RULE_PREFIX },
	{ "hvs.", false, RULE_PREFIX },
	{ "npm_", false, RULE_PREFIX },
	{ "dckr", false, RULE_PREFIX },
	{ "AGE-", false, RULE_PREFIX },
	{ "ewog", false, RULE_PREFIX },
	{ "ewoJ", false, RULE_PREFIX },
	{ "{SSH", false, RULE_PREFIX },
	{ "MIGH", false, RULE_PREFIX },
	{ "MIGk", false, RULE_PREFIX },
	{ "MIG2", false, RULE_PREFIX },
	{ "MHcC", false, RULE_PREFIX },
	{ "MC4C", false, RULE_PREFIX },
	{ "grub", false, RULE_PREFIX },
	{ "hook", false, RULE_PREFIX },
	{ "sk_l", false, RULE_PREFIX },
	{ "ya29", false, RULE_PREFIX },
};
const size_t redact_n_anchors = ELEMENTSOF(redact_anchors);
_Static_assert(ELEMENTSOF(redact_anchors) <= 64, "one bit for each anchor");

const struct token_prefix redact_prefixes[] = {
	{ "sha256~", REDACT_TOKEN, CHARSET_WORD, 20 }, /* OpenShift OAuth */
	{ "ghp_", REDACT_TOKEN, CHARSET_WORD, 20 },    /* GitHub */
	{ "gho_", REDACT_TOKEN, CHARSET_WORD, 20 },
	{ "ghs_", REDACT_TOKEN, CHARSET_WORD, 20 },
	{ "ghu_", REDACT_TOKEN, CHARSET_WORD, 20 },
	{ "ghr_", REDACT_TOKEN, CHARSET_WORD, 20 },
	{ "github_pat_", REDACT_TOKEN, CHARSET_WORD, 20 },
	{ "glpat-", REDACT_TOKEN, CHARSET_WORD, 16 }, /* GitLab */
	{ "xoxb-", REDACT_TOKEN, CHARSET_WORD, 16 },  /* Slack */
	{ "xoxp-", REDACT_TOKEN, CHARSET_WORD, 16 },
	{ "xoxa-", REDACT_TOKEN, CHARSET_WORD, 16 },
	{ "AKIA", REDACT_KEY, CHARSET_WORD, 16 }, /* AWS */
	{ "ASIA", REDACT_KEY, CHARSET_WORD, 16 },
	{ "AIza", REDACT_KEY, CHARSET_WORD, 30 },   /* Google */
	{ "hvs.", REDACT_TOKEN, CHARSET_WORD, 20 }, /* Vault */
	{ "npm_", REDACT_TOKEN, CHARSET_WORD, 30 },
	{ "dckr_pat_", REDACT_TOKEN, CHARSET_WORD, 16 }, /* Docker Hub */
	{ "sk_live_", REDACT_KEY, CHARSET_WORD, 16 },	 /* Stripe */
	{ "ya29.", REDACT_TOKEN, CHARSET_WORD, 20 },	 /* Google OAuth */
	{ "hooks.slack.com/services/", REDACT_TOKEN, CHARSET_BASE64, 16 },
	{ "grub.pbkdf2.", REDACT_PASSWORD_HASH, CHARSET_WORD, 20 },
	/* Private keys in DER: elliptic curves and Ed25519, see RULE_DER for RSA. */
	{ "MIGHAgEA", REDACT_PRIVATE_KEY, CHARSET_BASE64, 40 },
	{ "MIGkAgEB", REDACT_PRIVATE_KEY, CHARSET_BASE64, 40 },
	{ "MIG2AgEA", REDACT_PRIVATE_KEY, CHARSET_BASE64, 40 },
	{ "MHcCAQEE", REDACT_PRIVATE_KEY, CHARSET_BASE64, 40 },
	{ "MC4CAQAw", REDACT_PRIVATE_KEY, CHARSET_BASE64, 40 },
	{ "AGE-SECRET-KEY-1", REDACT_PRIVATE_KEY, CHARSET_WORD, 16 },
	{ "{SSHA", REDACT_PASSWORD_HASH, CHARSET_HASH, 16 }, /* LDAP, with "256}" and so on */
	/* A pull secret in base64: {"auths" compact, indented by blanks and by a tab. */
	{ "eyJhdXRocyI", REDACT_PULL_SECRET, CHARSET_BASE64, 8 },
	{ "ewogICJhdXRocyI", REDACT_PULL_SECRET, CHARSET_BASE64, 8 },
	{ "ewogICAgImF1dGhzI", REDACT_PULL_SECRET, CHARSET_BASE64, 8 },
	{ "ewoJImF1dGhzI", REDACT_PULL_SECRET, CHARSET_BASE64, 8 },
};
const size_t redact_n_prefixes = ELEMENTSOF(redact_prefixes);

/* Key names end in these. The first that fits counts: what is more special comes first. */
static const struct key_class key_classes[] = {
	{ TEXT("password"), REDACT_PASSWORD, KEY_SPACED },
	{ TEXT("passwd"), REDACT_PASSWORD, KEY_NSS | KEY_SPACED },
	{ TEXT("passphrase"), REDACT_PASSWORD, KEY_SPACED },
	{ TEXT("passcode"), REDACT_PASSWORD, KEY_SPACED },
	{ TEXT("userpass"), REDACT_PASSWORD, KEY_SPACED },
	{ TEXT("dbpass"), REDACT_PASSWORD, KEY_SPACED },
	{ TEXT("keypass"), REDACT_PASSWORD, KEY_SPACED },
	{ TEXT("storepass"), REDACT_PASSWORD, KEY_SPACED },
	{ TEXT("requirepass"), REDACT_PASSWORD, KEY_WORD },
	{ TEXT("bindpw"), REDACT_PASSWORD, KEY_WORD },
	{ TEXT("rootpw"), REDACT_PASSWORD, KEY_WORD },
	{ TEXT("pw"), REDACT_PASSWORD, KEY_WHOLE },
	{ TEXT("authtok"), REDACT_PASSWORD, 0 },
	{ TEXT("pass"), REDACT_PASSWORD, KEY_WHOLE | KEY_SPACED },
	{ TEXT("pwd"), REDACT_PASSWORD, KEY_CWD },
	{ TEXT("pullsecret"), REDACT_PULL_SECRET, KEY_PATH },
	{ TEXT("dockercfg"), REDACT_PULL_SECRET, KEY_PATH },
	{ TEXT("dockerconfigjson"), REDACT_PULL_SECRET, KEY_PATH },
	{ TEXT("secret"), REDACT_SECRET, KEY_PATH | KEY_PROSE },
	{ TEXT("token"), REDACT_TOKEN, KEY_PATH | KEY_PROSE },
	{ TEXT("bearer"), REDACT_TOKEN, KEY_WHOLE | KEY_PATH | KEY_PROSE },
	{ TEXT("credential"), REDACT_SECRET, KEY_PATH | KEY_PROSE },
	{ TEXT("credentials"), REDACT_SECRET, KEY_PATH | KEY_PROSE },
	{ TEXT("creds"), REDACT_SECRET, KEY_WHOLE | KEY_PATH | KEY_PROSE },
	{ TEXT("cred"), REDACT_SECRET, KEY_WHOLE | KEY_PATH | KEY_PROSE },
	{ TEXT("authorization"), REDACT_AUTHORIZATION, KEY_PARAMS },
	{ TEXT("auth"), REDACT_PULL_SECRET, KEY_WHOLE | KEY_ENCODED },
	{ TEXT("cookie"), REDACT_COOKIE, KEY_COOKIE },
	{ TEXT("privatekey"), REDACT_PRIVATE_KEY, KEY_PATH },
	{ TEXT("clientkey"), REDACT_PRIVATE_KEY, KEY_PATH },
	{ TEXT("sshkey"), REDACT_PRIVATE_KEY, KEY_PATH },
	{ TEXT("accesskey"), REDACT_KEY, KEY_PATH | KEY_HTML },
	{ TEXT("accountkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("aeskey"), REDACT_KEY, KEY_PATH },
	{ TEXT("apikey"), REDACT_KEY, KEY_PATH },
	{ TEXT("authkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("cipherkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("consumerkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("encryptionkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("hmackey"), REDACT_KEY, KEY_PATH },
	{ TEXT("licensekey"), REDACT_KEY, KEY_PATH },
	{ TEXT("masterkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("presharedkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("psk"), REDACT_KEY, KEY_WHOLE | KEY_PATH | KEY_SPACED },
	{ TEXT("amzsignature"), REDACT_KEY, 0 },
	{ TEXT("googsignature"), REDACT_KEY, 0 },
	{ TEXT("sig"), REDACT_KEY, KEY_WHOLE },
	{ TEXT("secretkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("secretaccesskey"), REDACT_KEY, KEY_PATH },
	{ TEXT("sessionkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("sharedkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("signingkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("storagekey"), REDACT_KEY, KEY_PATH },
	{ TEXT("unsealkey"), REDACT_KEY, KEY_PATH },
	{ TEXT("wepkey"), REDACT_KEY, KEY_PATH },
};

/* Names that end as above and hold no secret: etcd's cluster name, the place in a paged list,
 * names of systemd credentials and of Secret objects. */
static const char *const harmless_names[] = {
	"certificatesecret",
	"continuetoken",
	"imagepullsecret",
	"importcredential",
	"initialclustertoken",
	"loadcredential",
	"loadcredentialencrypted",
	"servingcertsecret",
	"tlssecret",
};

/* What may follow the word in a name: DB_PASSWORD_OLD, token-secret.value, SecretString. */
static const struct tail {
	const char *text;
	size_t len;
} name_tails[] = {
	{ TEXT("base64") },
	{ TEXT("b64") },
	{ TEXT("confirm") },
	{ TEXT("confirmation") },
	{ TEXT("content") },
	{ TEXT("contents") },
	{ TEXT("current") },
	{ TEXT("data") },
	{ TEXT("encoded") },
	{ TEXT("encrypted") },
	{ TEXT("hash") },
	{ TEXT("literal") },
	{ TEXT("new") },
	{ TEXT("old") },
	{ TEXT("plain") },
	{ TEXT("plaintext") },
	{ TEXT("raw") },
	{ TEXT("repeat") },
	{ TEXT("string") },
	{ TEXT("text") },
	{ TEXT("value") },
};

/* A name without its separators, in lower case. */
struct flat_name {
	char text[KEY_NAME_MAX_BYTES + 1];
	bool starts_word[KEY_NAME_MAX_BYTES + 1];
	size_t len;
};

static void
flatten(const uint8_t *name, size_t len, struct flat_name *ret)
{
	bool boundary = true;

	ret->len = 0;
	if (len > KEY_NAME_MAX_BYTES) {
		name += len - KEY_NAME_MAX_BYTES;
		len = KEY_NAME_MAX_BYTES;
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(name[i])) {
			boundary = true;
			continue;
		}
		if (i > 0 && is_upper(name[i]) && !is_upper(name[i - 1]))
			boundary = true;
		ret->text[ret->len] = (char)to_lower(name[i]);
		ret->starts_word[ret->len++] = boundary;
		boundary = false;
	}
	ret->text[ret->len] = '\0';
}

/* True if the name ends in SUFFIX[LEN]. The last letter excludes nearly all of a table. */
static inline bool
flat_ends(const struct flat_name *n, const char *suffix, size_t len)
{
	return n->len >= len && n->text[n->len - 1] == suffix[len - 1] &&
	    memcmp(n->text + n->len - len, suffix, len) == 0;
}

static bool
find_class(const struct flat_name *n, struct key_class *ret)
{
	if (n->len == 0)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(key_classes); i++) {
		const struct key_class *c = &key_classes[i];

		if (!flat_ends(n, c->suffix, c->suffix_len))
			continue;
		if ((c->traits & KEY_WHOLE) && !n->starts_word[n->len - c->suffix_len])
			continue;
		*ret = *c;
		/* "APP_TOKEN: abc" is no sentence; "token: expired" may be one. */
		if (n->len > c->suffix_len)
			ret->traits &= ~(unsigned)KEY_PROSE;
		return true;
	}
	return false;
}

/* Takes digits and one tail off the end. Returns false if there was neither. */
static bool
cut_tail(struct flat_name *n)
{
	size_t len = n->len;

	while (n->len > 0 && is_digit(n->text[n->len - 1]))
		n->len--;
	for (size_t i = 0; i < ELEMENTSOF(name_tails); i++) {
		if (!flat_ends(n, name_tails[i].text, name_tails[i].len))
			continue;
		n->len -= name_tails[i].len;
		break;
	}
	return n->len < len;
}

static bool
find_plural(struct flat_name *n, struct key_class *ret)
{
	if (n->len == 0 || n->text[n->len - 1] != 's')
		return false;
	n->len--;
	if (!find_class(n, ret))
		return false;
	ret->traits |= KEY_PLURAL;
	return true;
}

static bool
is_harmless_name(const struct flat_name *n)
{
	for (size_t i = 0; i < ELEMENTSOF(harmless_names); i++)
		if (strcmp(n->text, harmless_names[i]) == 0)
			return true;
	return false;
}

bool
key_classify(const uint8_t *name, size_t len, struct key_class *ret)
{
	struct flat_name n;

	flatten(name, len, &n);
	do {
		if (find_class(&n, ret))
			return !is_harmless_name(&n);
	} while (cut_tail(&n));
	return find_plural(&n, ret);
}

bool
key_classify_own(
    const struct redact_own *own, const uint8_t *name, size_t len, struct key_class *ret)
{
	struct flat_name n;

	flatten(name, len, &n);
	if (!redact_own_has_key(own, n.text, n.len))
		return false;
	*ret = (struct key_class){ .kind = REDACT_SECRET };
	return true;
}

/* Words that stand where a value is expected and say that there is none, or of which kind. */
static const char *const harmless_words[] = {
	"%d",
	"%q",
	"%s",
	"%v",
	"-",
	"<hidden>",
	"<masked>",
	"<nil>",
	"<none>",
	"<null>",
	"<redacted>",
	"<set>",
	"<unknown>",
	"<unset>",
	"[redacted]",
	"disabled",
	"enabled",
	"false",
	"map[]",
	"nil",
	"no",
	"none",
	"null",
	"off",
	"on",
	"redacted",
	"required",
	"true",
	"undefined",
	"unset",
	"yes",
	"~",
};

static bool
same_word(const uint8_t *text, size_t len, const char *word)
{
	if (strlen(word) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (to_lower(text[i]) != word[i])
			return false;
	return true;
}

/* "****", "xxxx", "....": blanked by somebody else. */
static bool
is_blanked(const uint8_t *text, size_t len)
{
	if (!strchr("*xX.-", text[0]) || text[0] == '\0')
		return false;
	for (size_t i = 1; i < len; i++)
		if (text[i] != text[0])
			return false;
	return text[0] == '*' || len >= 3;
}

/* ${VAR}, $(VAR), {{ .Values.x }}: where the secret comes from. */
static bool
is_reference(const uint8_t *text, size_t len)
{
	if (len < 4)
		return false;
	if (text[0] == '$' && text[1] == '{')
		return memchr(text, '}', len) == text + len - 1;
	if (text[0] == '$' && text[1] == '(')
		return memchr(text, ')', len) == text + len - 1;
	return text[0] == '{' && text[1] == '{' && text[len - 1] == '}' && text[len - 2] == '}';
}

/* "1679 bytes long": what `oc adm inspect` puts in place of a secret. */
static bool
is_elided(const uint8_t *text, size_t len)
{
	static const char tail[] = " bytes long";
	const size_t n = sizeof(tail) - 1;
	size_t i = 0;

	if (len <= n || memcmp(text + len - n, tail, n) != 0)
		return false;
	while (i < len - n && is_digit(text[i]))
		i++;
	return i == len - n;
}

/* The same in base64, as it stands in a Secret. */
static bool
is_elided_base64(const uint8_t *text, size_t len)
{
	uint8_t plain[32];
	size_t n;

	if (len < 16 || len > 40 || len % 4 != 0)
		return false;
	n = base64_decode(text, len, plain, sizeof(plain));
	return is_elided(plain, n);
}

/* The marker at TEXT[LEN], as redact.c writes it: "[REDACTED:kind]" or, with length and
 * description, "[REDACTED:kind 1170 bytes, CN=…]". */
static size_t
marker_size(const uint8_t *text, size_t len)
{
	const size_t start = sizeof(MARKER_START) - 1;

	if (len < start || memcmp(text, MARKER_START, start) != 0)
		return 0;
	for (size_t k = 0; k < _REDACT_KIND_COUNT; k++) {
		size_t n = strlen(kind_names[k]);
		size_t i = start + n;

		if (i >= len || memcmp(text + start, kind_names[k], n) != 0)
			continue;
		if (text[i] == ']')
			return i + 1;
		if (text[i] != ' ')
			continue;
		for (; i < len && i < MARKER_MAX_BYTES; i++)
			if (text[i] == ']')
				return i + 1;
			else if (text[i] < ' ' || text[i] == '[' || is_quote(text[i]))
				break;
	}
	return 0;
}

/* Markers and nothing else, in base64: a Secret whose certificates were replaced by whoever
 * parsed it. Longer ones do not occur: a bundle in a Secret has a few certificates. */
static bool
is_marked_base64(const uint8_t *text, size_t len)
{
	uint8_t plain[MARKED_BASE64_MAX_BYTES];
	size_t i = 0;
	size_t n;

	if (len < 16 || len % 4 != 0 || len / 4 * 3 > sizeof(plain))
		return false;
	n = base64_decode(text, len, plain, sizeof(plain));
	while (i < n) {
		size_t m = plain[i] == '\n' ? 1 : marker_size(plain + i, n - i);

		if (m == 0)
			return false;
		i += m;
	}
	return n > 0;
}

bool
value_is_harmless(const uint8_t *text, size_t len)
{
	if (len == 0)
		return true;
	/* kubectl describe: <set to the key 'token' in secret 'x'>  Optional: false */
	if (len > 12 && memcmp(text, "<set to the ", 12) == 0)
		return true;
	for (size_t i = 0; i < ELEMENTSOF(harmless_words); i++)
		if (same_word(text, len, harmless_words[i]))
			return true;
	if (is_blanked(text, len) || is_reference(text, len) || is_elided(text, len) ||
	    is_elided_base64(text, len) || is_marked_base64(text, len))
		return true;
	/* A marker inside says that this text went through the filter before, and that the rule
	 * asked now let the value pass then. */
	for (size_t i = 0; i < len; i++)
		if (text[i] == '[' && marker_size(text + i, len - i) > 0)
			return true;
	return false;
}

static bool
is_plain_path(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_name(text[i]) && text[i] != '/')
			return false;
	return true;
}

/* A file: absolute below a directory of the root every Linux has, or by its extension. Base64
 * may begin with a slash, but not like this. */
static bool
is_path(const uint8_t *text, size_t len)
{
	static const char *const roots[] = { "/boot/", "/data/", "/dev/", "/etc/", "/home/",
		"/lib/", "/mnt/", "/opt/", "/proc/", "/root/", "/run/", "/srv/", "/sys/",
		"/tmp/", "/usr/", "/var/", "./", "../" };
	static const char *const extensions[] = { ".crt", ".json", ".key", ".pem", ".yaml",
		".yml" };

	if (len > 1024 || !is_plain_path(text, len))
		return false;
	for (size_t i = 0; i < ELEMENTSOF(roots); i++)
		if (len >= strlen(roots[i]) && memcmp(text, roots[i], strlen(roots[i])) == 0)
			return true;
	for (size_t i = 0; i < ELEMENTSOF(extensions); i++) {
		size_t n = strlen(extensions[i]);

		if (len > n && memcmp(text + len - n, extensions[i], n) == 0)
			return true;
	}
	return false;
}

/* NAMESPACE/NAME of a Kubernetes object, as klog prints secret="openshift-ingress/certs". */
static bool
is_object_name(const uint8_t *text, size_t len)
{
	size_t slashes = 0;

	if (len > 317) /* 63 + 1 + 253 */
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '/' && i > 0 && i + 1 < len)
			slashes++;
		else if (!is_lower(text[i]) && !is_digit(text[i]) && text[i] != '-' &&
		    text[i] != '.')
			return false;
	}
	return slashes == 1;
}

static bool
is_short_number(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_digit(text[i]))
			return false;
	return len <= 3;
}

/* The value of "auth" in a pull secret is USER:PASSWORD in base64; elsewhere it is the name of
 * a method: "auth: x509". */
static bool
is_encoded_credentials(const uint8_t *text, size_t len)
{
	size_t digits = 0;
	size_t upper = 0;

	if (memchr(text, ':', len))
		return true;
	for (size_t i = 0; i < len; i++) {
		if (!is_base64(text[i]) && text[i] != '=')
			return false;
		digits += is_digit(text[i]);
		upper += is_upper(text[i]);
	}
	return len >= 8 ? digits + upper > 0 : len >= 4 && upper > 0;
}

bool
value_suits_traits(const uint8_t *text, size_t len, unsigned traits)
{
	static const char *const services[] = { "files", "sss", "compat", "db", "systemd",
		"altfiles" };

	if ((traits & KEY_PATH) && is_path(text, len))
		return true;
	if ((traits & KEY_HTML) && len == 1)
		return true;
	if ((traits & KEY_CWD) && text[0] == '/' && is_plain_path(text, len))
		return true;
	if ((traits & (KEY_PROSE | KEY_PLURAL)) &&
	    (is_object_name(text, len) || is_short_number(text, len)))
		return true;
	if ((traits & KEY_ENCODED) && !is_encoded_credentials(text, len))
		return true;
	if (traits & KEY_NSS)
		for (size_t i = 0; i < ELEMENTSOF(services); i++) {
			size_t n = strlen(services[i]);

			if (len >= n && memcmp(text, services[i], n) == 0 &&
			    (len == n || is_blank(text[n])))
				return true;
		}
	return false;
}

size_t
marker_length(struct view *v, size_t i)
{
	size_t n;

	if (!view_has(v, i, MARKER_START))
		return 0;
	n = marker_size(v->data + i, v->end - i);
	if (n == 0)
		/* Not in what is there; ask for as much as the longest has. */
		(void)view_at(v, i + MARKER_MAX_BYTES);
	return n;
}
