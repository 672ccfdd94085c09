/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A real TLS server in a process of its own, with the localhost certificate of a test's PKI,
 * and servers that are none. */

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <openssl/ssl.h>

#include "tests/lib/pki.h"

#define LOCALHOST "kube-apiserver-localhost-signer"
#define SERVING	  PKI_CERTS "/" LOCALHOST "/kube-apiserver-localhost-serving/server"

enum manner {
	MANNER_TLS,    /* a good server */
	MANNER_MUTUAL, /* wants a client of the etcd signer */
	MANNER_PLAIN,  /* speaks HTTP */
	MANNER_HANG,   /* takes the connection and says nothing */
	MANNER_DUMB,   /* ends the handshake and says nothing */
	MANNER_HANG_UP,
	MANNER_LAST, /* hangs until all other servers have ended */
};

/* Servers hold the writing end as long as they live. */
static int alive[2] = { -EBADF, -EBADF };

struct server {
	pid_t pid;
	unsigned port;
};

static inline void
serve_tls(const struct pki *p, int fd, enum manner manner, int version)
{
	_cleanup_free_ char *cert = text_format("%s/" SERVING ".crt", p->root->path);
	_cleanup_free_ char *key = text_format("%s/" SERVING ".key", p->root->path);
	_cleanup_free_ char *ca =
	    text_format("%s/" PKI_CERTS "/etcd-signer/ca.crt", p->root->path);
	static const char answer[] = "HTTP/1.0 200 OK\r\n\r\nok";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char buf[512];
	SSL *ssl;

	SSL_CTX_set_max_proto_version(ctx, version);
	assert(SSL_CTX_use_certificate_chain_file(ctx, cert) == 1);
	assert(SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1);
	if (manner == MANNER_MUTUAL) {
		assert(SSL_CTX_load_verify_locations(ctx, ca, NULL) == 1);
		X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), p->now_s);
		SSL_CTX_set_verify(
		    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, buf, sizeof(buf)) > 0) {
		if (manner == MANNER_DUMB)
			(void)pause();
		(void)SSL_write(ssl, answer, sizeof(answer) - 1);
		(void)SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static inline void
serve(const struct pki *p, int fd, enum manner manner, int version)
{
	static const char answer[] = "HTTP/1.0 400 Bad Request\r\n\r\n";
	char buf[512];

	switch (manner) {
	case MANNER_PLAIN:
		(void)read(fd, buf, sizeof(buf));
		(void)write(fd, answer, sizeof(answer) - 1);
		break;
	case MANNER_HANG:
		(void)pause();
		break;
	case MANNER_HANG_UP:
		(void)read(fd, buf, sizeof(buf));
		break;
	case MANNER_LAST:
		(void)close(alive[1]);
		(void)read(alive[0], buf, sizeof(buf));
		break;
	default:
		serve_tls(p, fd, manner, version);
	}
}

/* It listens when this returns, and ends after N_CONNECTIONS. VERSION is the highest of TLS, 0
 * = any. */
static inline struct server
start(const struct pki *p, enum manner manner, int version, unsigned n_connections)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct server s;

	assert(fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 && listen(fd, 1) == 0);
	assert(getsockname(fd, (struct sockaddr *)&at, &size) == 0);
	s.port = ntohs(at.sin_port);
	s.pid = fork();
	assert(s.pid >= 0);
	if (s.pid == 0) {
		(void)signal(SIGPIPE, SIG_IGN);
		for (unsigned i = 0; i < n_connections; i++) {
			int connection = accept(fd, NULL, NULL);

			serve(p, connection, manner, version);
			(void)close(connection);
		}
		_exit(0);
	}
	(void)close(fd);
	return s;
}

static inline void
stop(struct server s)
{
	(void)kill(s.pid, SIGKILL);
	assert(waitpid(s.pid, NULL, 0) == s.pid);
}
