/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The journal MESSAGE_IDs of events that an operator may alert on. Each has an entry in
 * catalog/microshift-support.catalog that says what happened and what to do. */

/* A report was committed to the spool. Fields: SUPPORTD_REPORT, SUPPORTD_TRIGGER,
 * SUPPORTD_STATUS. */
#define MSGID_REPORT_READY     "5c9f4b8e1d0a4e7f9a3d2b6c8e1f7a01"
/* A capture ended without a readable report; a tombstone was written. */
#define MSGID_REPORT_LOST      "5c9f4b8e1d0a4e7f9a3d2b6c8e1f7a02"
/* A run of a watched unit ended and nobody asked for it. Fields: SUPPORTD_UNIT,
 * SUPPORTD_RESULT. */
#define MSGID_RUN_ENDED	       "5c9f4b8e1d0a4e7f9a3d2b6c8e1f7a03"
/* An event was counted but not captured: cool-down or limit. */
#define MSGID_SUPPRESSED       "5c9f4b8e1d0a4e7f9a3d2b6c8e1f7a04"
/* A report was removed to keep the spool within its limits. */
#define MSGID_EVICTED	       "5c9f4b8e1d0a4e7f9a3d2b6c8e1f7a05"
/* The configuration has a mistake; the old value or the default is used. */
#define MSGID_CONFIG_INVALID   "5c9f4b8e1d0a4e7f9a3d2b6c8e1f7a06"
/* The spool cannot be written (full, read-only): reports are not being kept. */
#define MSGID_SPOOL_UNWRITABLE "5c9f4b8e1d0a4e7f9a3d2b6c8e1f7a07"
/* Checks in a row found the same problem. Fields: SUPPORTD_TRIGGER, SUPPORTD_SUBJECT,
 * SUPPORTD_PROBLEM, SUPPORTD_KEY. */
#define MSGID_CONFIRMED	       "5c9f4b8e1d0a4e7f9a3d2b6c8e1f7a08"
