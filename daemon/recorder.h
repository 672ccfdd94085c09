/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The flight recorder: the last hour before a report, as a ring of samples (sample.h), taken
 * every IntervalSec=. It is written into each flash, and to history.csv in the state directory
 * when the daemon stops, from where the next one goes on, also after a reboot.
 *
 * With Enabled=no there is no ring and no timer. Otherwise the daemon wakes up once each
 * interval, at whole multiples of it on CLOCK_MONOTONIC, where other periodic timers wake up
 * too; the kernel adds its slack of 0.1 % of the wait (select_estimate_accuracy()). */

#include <stddef.h>
#include <stdint.h>

#include "lib/cleanup.h"

struct loop;
struct recorder;
struct settings;
struct unit_snapshot;
typedef struct cJSON cJSON;

/* What the recorder may take of the daemon's memory, the ring and everything else. */
#define RECORDER_MEMORY_MAX_BYTES (64u * 1024u)
/* An hour at the default interval; a shorter interval keeps less time. */
#define RECORDER_SAMPLES_MAX	  360u
/* A flash takes a sample of its own moment, unless the last one is younger than this. */
#define RECORDER_FRESH_USEC	  UINT64_C(1000000)

/* ROOT is "/", or in tests a directory that stands for it. STATE_DIR_FD is borrowed. Off until
 * recorder_configure(). Returns 0 or negative errno. */
int recorder_new(struct loop *loop, const char *root, int state_dir_fd, struct recorder **ret);
void recorder_free(struct recorder *rec);
DEFINE_CLEANUP(struct recorder *, recorder_free);

/* Starts, stops or changes the recording; the newest samples that still fit are kept, without
 * units when others are watched. SETTINGS are borrowed until the next call. Returns 0 or
 * -ENOMEM (it is off then). */
int recorder_configure(struct recorder *rec, const struct settings *settings);

/* The state of a watched unit from now on; see unitwatch.h. */
void recorder_on_state(
    struct recorder *rec, const char *unit, const struct unit_snapshot *snapshot);

/* Takes a sample now, unless the last one is fresh, and adds the whole ring as CSV to FLASH.
 * Nothing is added when it is off. Returns 0 or -ENOMEM. */
int recorder_add_to_flash(struct recorder *rec, cJSON *flash);

/* Goes on from the saved samples; call right after the first recorder_configure(). Returns 0,
 * also when there are none; -EBADMSG when the file is damaged, of another version or of other
 * units (lines that can be read are kept if only some are damaged); other negative errno. */
int recorder_load(struct recorder *rec);

/* Saves the samples; nothing when it is off. Durable when it returns. Returns 0 or negative
 * errno. */
int recorder_save(const struct recorder *rec);

/* How many samples there are. */
size_t recorder_count(const struct recorder *rec);
