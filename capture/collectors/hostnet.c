/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

#include "capture/collector.h"
#include "capture/collectors/hostfacts.h"
#include "capture/rootdir.h"
#include "lib/cleanup.h"
#include "lib/io.h"
#include "lib/text.h"

/* A node with 500 pods has about 1,500 lines of 128 bytes. */
#define ROUTE_MAX_BYTES (2u * 1024u * 1024u)

static unsigned
count_bits(const uint8_t *bytes, size_t size)
{
	unsigned n = 0;

	for (size_t i = 0; i < size; i++)
		n += (unsigned)__builtin_popcount(bytes[i]);
	return n;
}

static const char *
scope4(const struct in_addr *a)
{
	uint32_t host = ntohl(a->s_addr);

	if (host >> 24 == 127)
		return "host";
	return host >> 16 == 0xa9fe ? "link" : "global";
}

static const char *
scope6(const struct in6_addr *a)
{
	if (IN6_IS_ADDR_LOOPBACK(a))
		return "host";
	return IN6_IS_ADDR_LINKLOCAL(a) ? "link" : "global";
}

/* As `ip -o addr`: "2: eth0    inet 10.0.0.5/24 scope global eth0". */
static void
print_address(FILE *f, const struct ifaddrs *a)
{
	char text[INET6_ADDRSTRLEN] = "";
	unsigned index = if_nametoindex(a->ifa_name), bits = 0;
	const char *family, *scope;

	if (a->ifa_addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)a->ifa_addr;
		const struct sockaddr_in *mask = (const void *)a->ifa_netmask;

		family = "inet";
		scope = scope4(&in->sin_addr);
		(void)inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		if (mask)
			bits = count_bits((const uint8_t *)&mask->sin_addr, 4);
	} else {
		const struct sockaddr_in6 *in6 = (const void *)a->ifa_addr;
		const struct sockaddr_in6 *mask = (const void *)a->ifa_netmask;

		family = "inet6";
		scope = scope6(&in6->sin6_addr);
		(void)inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		if (mask)
			bits = count_bits((const uint8_t *)&mask->sin6_addr, 16);
	}
	(void)fprintf(f, "%u: %-7s %s %s/%u scope %s %s%s\n", index, a->ifa_name, family, text,
	    bits, scope, a->ifa_name, a->ifa_flags & IFF_UP ? "" : " DOWN");
}

static int
add_addresses(struct collector_context *ctx)
{
	_cleanup_free_ char *text = NULL;
	struct ifaddrs *list = NULL;
	size_t size = 0;
	FILE *f;
	int r;

	if (getifaddrs(&list) < 0)
		return 0;
	f = open_memstream(&text, &size);
	for (const struct ifaddrs *a = list; f && a; a = a->ifa_next)
		if (a->ifa_addr &&
		    (a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6))
			print_address(f, a);
	freeifaddrs(list);
	if (!f || fclose(f) != 0)
		return -ENOMEM;
	r = hostfacts_add(ctx, "networking", "ip -o addr", text, "ip_addr");
	return r;
}

/* One line of /proc/net/route: "eth0 00000000 0100000A 0003 0 0 100 00000000 …", addresses in
 * hexadecimal as they are in memory. */
static void
print_route(FILE *f, const char *line)
{
	char device[IFNAMSIZ + 1], to[INET_ADDRSTRLEN], via[INET_ADDRSTRLEN];
	char mask_text[INET_ADDRSTRLEN], flags_text[5];
	unsigned destination, gateway, flags, mask, metric;
	size_t n = 0;

	if (sscanf(line, "%16s %x %x %x %*d %*u %u %x", device, &destination, &gateway, &flags,
		&metric, &mask) != 6)
		return;
	(void)inet_ntop(AF_INET, &destination, to, sizeof(to));
	(void)inet_ntop(AF_INET, &gateway, via, sizeof(via));
	(void)inet_ntop(AF_INET, &mask, mask_text, sizeof(mask_text));
	for (size_t i = 0; i < 4; i++)
		if (flags & (unsigned[]){ 1, 2, 4, 0x200 }[i])
			flags_text[n++] = "UGH!"[i];
	flags_text[n] = '\0';
	(void)fprintf(f, "%-15s %-15s %-15s %-5s %-6u %s\n", to, via, mask_text, flags_text,
	    metric, device);
}

static int
add_routes(struct collector_context *ctx)
{
	_cleanup_close_ int root_fd = rootdir_open(ctx->root);
	_cleanup_free_ char *table = NULL;
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t size = 0;
	FILE *f;

	if (root_fd < 0 ||
	    io_read_file(root_fd, "proc/net/route", ROUTE_MAX_BYTES, &table, NULL) < 0)
		return 0;
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	(void)fprintf(f, "Kernel IP routing table\n%-15s %-15s %-15s %-5s %-6s %s\n",
	    "Destination", "Gateway", "Genmask", "Flags", "Metric", "Iface");
	rest = table;
	(void)strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")))
		print_route(f, line);
	if (fclose(f) != 0)
		return -ENOMEM;
	return hostfacts_add(ctx, "networking", "route -n", text, NULL);
}

int
hostnet_add(struct collector_context *ctx)
{
	int r = add_addresses(ctx);

	return r < 0 ? r : add_routes(ctx);
}
