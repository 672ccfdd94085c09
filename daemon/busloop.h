/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The system bus on the loop, reconnected for ever: sd-bus itself gives up when dbus restarts.
 *
 * Nothing here blocks, and the bus may be away at any time: modules register a listener, set
 * up their matches in on_connected, drop their slots in on_disconnected. Pending calls get an
 * error reply before on_disconnected; busloop_is_connected() is false by then. Callbacks must
 * return 0. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <systemd/sd-bus.h>

#include "lib/cleanup.h"

struct busloop;
struct loop;

/* The D-Bus default; PID 1 does not answer while it reloads, which takes seconds on a slow
 * device. */
#define BUSLOOP_CALL_TIMEOUT_USEC   UINT64_C(25000000)
/* First wait before a new attempt; doubled after each failed one. A connection that held for
 * BUSLOOP_RETRY_MAX_USEC starts anew. */
#define BUSLOOP_RETRY_MIN_USEC	    UINT64_C(100000)
#define BUSLOOP_RETRY_MAX_USEC	    UINT64_C(30000000)
/* Messages that are handled before the loop gets its turn again. */
#define BUSLOOP_MESSAGES_PER_WAKEUP 64u

/* Embedded in the module that listens; unlinked with busloop_remove_listener(). */
struct busloop_listener {
	void (*on_connected)(void *userdata);
	void (*on_disconnected)(void *userdata);
	void *userdata;
	TAILQ_ENTRY(busloop_listener) link;
};

/* Starts to connect to $DBUS_SYSTEM_BUS_ADDRESS or the system bus; a bus that is not there is
 * no error. Returns 0 or negative errno. */
int busloop_new(struct loop *loop, struct busloop **ret);
void busloop_free(struct busloop *busloop);
DEFINE_CLEANUP(struct busloop *, busloop_free);

/* Instead of BUSLOOP_CALL_TIMEOUT_USEC, for the calls that follow. */
void busloop_set_call_timeout(struct busloop *busloop, uint64_t usec);

/* LISTENER stays the caller's. If the bus is connected, on_connected is called at once. */
void busloop_add_listener(struct busloop *busloop, struct busloop_listener *listener);
void busloop_remove_listener(struct busloop *busloop, struct busloop_listener *listener);

struct loop *busloop_loop(struct busloop *busloop);

/* The connection, NULL while there is none. */
sd_bus *busloop_bus(struct busloop *busloop);
bool busloop_is_connected(const struct busloop *busloop);

/* sd_bus_call_async() with BUSLOOP_CALL_TIMEOUT_USEC, and the loop told about it: use this one,
 * a call made outside of a bus callback would not be waited for otherwise. *ret_slot may be
 * NULL (then the bus owns it). Returns 0, -ENOTCONN or negative errno. */
int busloop_call(struct busloop *busloop, sd_bus_message *m, sd_bus_message_handler_t callback,
    void *userdata, sd_bus_slot **ret_slot);

/* Adds a match without waiting for the bus to confirm it. Returns as busloop_call(). */
int busloop_match(struct busloop *busloop, const char *rule, sd_bus_message_handler_t callback,
    void *userdata, sd_bus_slot **ret_slot);

/* Negative errno of an error reply, 0 when M is none. */
int busloop_reply_errno(sd_bus_message *m);
