/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where things are. The directories come from configure (AM_CPPFLAGS in Makefile.am). */

#define SOCKET_PATH RUNDIR "/microshift-support/io.microshift.Support"
#define STATE_DIR   LOCALSTATEDIR "/lib/microshift-support"

/* Below the state directory. */
#define QUEUE_DIR	"queue"
#define INCOMING_DIR	"incoming"
#define REPORTS_DIR	"reports"
#define INBOX_DIR	"inbox"
#define STATE_FILE	"state.json"
#define HISTORY_FILE	"history.csv"
#define TOMBSTONES_FILE "tombstones.jsonl"
#define RESERVE_FILE	"reserve.jsonl"

/* The last good state of the cluster, written by the capture program; see capture/lastgood.h.
 */
#define LAST_GOOD_DIR	  "last-good"
#define LAST_GOOD_ARCHIVE "cluster.tar.zst"
#define LAST_GOOD_NOTES	  "notes.txt"

/* In incoming/ID/, written by the capture process only. CAPTURE_META_FILE comes last: its
 * presence means that the capture finished. */
#define CAPTURE_META_FILE "meta.json"

/* Configuration: vendor, administrator, run time; a later directory overrides an earlier one.
 */
#define CONF_SUBDIR	"microshift-support"
#define CONF_DIR_VENDOR PREFIX "/lib/" CONF_SUBDIR
#define CONF_DIR_ADMIN	SYSCONFDIR "/" CONF_SUBDIR
#define CONF_DIR_RUN	RUNDIR "/" CONF_SUBDIR
#define CONF_FILE	CONF_DIR_ADMIN "/supportd.conf"

/* Peers in this group may collect, list, show and fetch; see msupportctl(1). */
#define SUPPORT_GROUP "microshift-support"
