/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/flash.h"
#include "daemon/procfile.h"
#include "lib/clock.h"
#include "lib/io.h"
#include "lib/json.h"
#include "lib/text.h"

/* /proc/meminfo has some 2 KiB, a pressure file 100 bytes. */
#define PROC_FILE_MAX_BYTES (16u * 1024u)

/* Adds the content of a one- or two-line file of /proc as text. */
static void
add_file(cJSON *object, const char *name, const char *path)
{
	_cleanup_free_ char *data = NULL;

	if (io_read_file(AT_FDCWD, path, PROC_FILE_MAX_BYTES, &data, NULL) < 0)
		return;
	(void)json_add_text(object, name, text_strip(data));
}

/* proc(5): "MemAvailable:    1234 kB". */
static void
add_meminfo(cJSON *object)
{
	static const char *const wanted[] = { "MemTotal", "MemFree", "MemAvailable",
		"SwapTotal", "SwapFree", "Dirty", "Slab" };
	_cleanup_free_ char *data = NULL;
	cJSON *memory;

	if (io_read_file(AT_FDCWD, "/proc/meminfo", PROC_FILE_MAX_BYTES, &data, NULL) < 0)
		return;
	memory = cJSON_AddObjectToObject(object, "memory_kib");
	for (size_t i = 0; i < ELEMENTSOF(wanted); i++) {
		char key[32];
		uint64_t kib;

		(void)snprintf(key, sizeof(key), "%s:", wanted[i]);
		if (procfile_uint(data, key, &kib) >= 0)
			(void)json_add_uint(memory, wanted[i], kib);
	}
}

static void
add_space(cJSON *object, const char *name, const struct statvfs *vfs)
{
	cJSON *fs = cJSON_AddObjectToObject(object, name);

	(void)json_add_uint(fs, "size_bytes", (uint64_t)vfs->f_blocks * vfs->f_frsize);
	(void)json_add_uint(fs, "available_bytes", (uint64_t)vfs->f_bavail * vfs->f_frsize);
	(void)json_add_uint(fs, "inodes", vfs->f_files);
	(void)json_add_uint(fs, "inodes_free", vfs->f_favail);
}

cJSON *
flash_take(int state_dir_fd)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();
	struct statvfs vfs;
	cJSON *pressure;

	if (!object)
		return NULL;
	(void)json_add_uint(object, "time_usec", clock_realtime_usec());
	(void)json_add_uint(object, "boottime_usec", clock_boottime_usec());
	add_file(object, "loadavg", "/proc/loadavg");
	add_meminfo(object);
	pressure = cJSON_AddObjectToObject(object, "pressure");
	add_file(pressure, "cpu", "/proc/pressure/cpu");
	add_file(pressure, "memory", "/proc/pressure/memory");
	add_file(pressure, "io", "/proc/pressure/io");
	if (fstatvfs(state_dir_fd, &vfs) >= 0)
		add_space(object, "spool", &vfs);
	if (statvfs("/", &vfs) >= 0)
		add_space(object, "root", &vfs);
	return TAKE_PTR(object);
}
