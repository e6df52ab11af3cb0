/* SPDX-License-Identifier: MIT */
/*
 * bed-play FIRMWARE: what a person does with dfud, with a simulated board. Starts the daemon in the
 * foreground on a queue of its own, plugs an Octopus in, drops the file, and lets the daemon speak
 * for itself on stderr. Ends with 0 only if the verdict is `returned` and the flash equals the
 * file.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bed.h"
#include "record/record.h"

#define FLASH 0x08000000

static const char profile[] = "[Match]\n"
			      "Id=0483:df11\n"
			      "[Image]\n"
			      "File=*.bin\n"
			      "Address=0x08000000\n"
			      "[Return]\n"
			      "Id=1d50:614e\n";

struct file {
	const char *name;
	uint8_t *bytes;
	size_t size;
};

static int file_read(struct file *file, const char *path)
{
	const char *slash = strrchr(path, '/');
	FILE *stream = fopen(path, "re");
	long size;

	if (!stream) {
		return -errno;
	}
	fseek(stream, 0, SEEK_END);
	size = ftell(stream);
	rewind(stream);
	file->name = slash ? slash + 1 : path;
	file->size = size > 0 ? (size_t)size : 0;
	file->bytes = malloc(file->size + 1);
	if (file->bytes && fread(file->bytes, 1, file->size, stream) != file->size) {
		free(file->bytes);
		file->bytes = NULL;
	}
	fclose(stream);
	return file->bytes ? 0 : -EIO;
}

/* The verdict in the attempt's record, which lies beside the settled file. */
static int verdict_read(
	struct bed *bed, const char *folder, const char *name, struct record *record)
{
	char path[512], text[RECORD_MAX];
	FILE *stream;
	size_t n;

	if (!bed_has_file(bed, folder, name, path, sizeof(path))) {
		return -ENOENT;
	}
	strcpy(strrchr(path, '/'), "/record");
	stream = fopen(path, "re");
	if (!stream) {
		return -errno;
	}
	n = fread(text, 1, sizeof(text), stream);
	fclose(stream);
	return record_read(record, text, n);
}

static bool play_show_verdict(struct bed *bed, struct host_port *port, const struct file *file)
{
	struct record record = RECORD_INIT;
	bool equal = bed_flash_equals(bed, port, FLASH, file->bytes, file->size);
	int r = verdict_read(bed, "done", file->name, &record);

	if (r < 0) {
		printf("\nThe file is not in done/: %s\n", strerror(-r));
		return false;
	}
	printf("\nverdict: %s\n", record.verdict);
	printf("flash of the board: %s %s\n", equal ? "byte for byte" : "differs from", file->name);
	return equal && strcmp(record.verdict, "returned") == 0;
}

static bool play(struct bed *bed, const struct file *file)
{
	struct board_options octopus = {.cold_error = true, .speedup = 1};
	struct host_port *port;
	bool good;

	bed->terminal = true;
	if (bed_configure(bed, "etc/boards.d", "50-octopus.conf", profile) < 0 ||
		bed_start(bed) < 0) {
		fprintf(stderr, "bed-play: the daemon did not start\n");
		return false;
	}
	printf("* dfud runs; boards.d/50-octopus.conf says:\n\n%s\n", profile);
	printf("* an Octopus (STM32F446, simulated) is plugged in, in DFU mode\n");
	printf("* %s (%zu bytes) is moved into the queue; dfud says:\n\n", file->name, file->size);
	fflush(stdout);
	port = bed_board(bed, "1-1", &octopus, true);
	if (!port || bed_drop(bed, file->name, file->bytes, file->size) < 0) {
		return false;
	}
	bed_wait_file(bed, "done", file->name);
	good = play_show_verdict(bed, port, file);
	bed_stop(bed, SIGTERM);
	return good;
}

int main(int argc, char **argv)
{
	struct file file = {0};
	struct bed *bed;
	bool good;
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: bed-play FIRMWARE\n");
		return 64;
	}
	r = file_read(&file, argv[1]);
	if (r == 0) {
		r = bed_new(&bed);
	}
	if (r < 0) {
		fprintf(stderr, "bed-play: %s: %s\n", argv[1], strerror(-r));
		free(file.bytes);
		return 1;
	}
	good = play(bed, &file);
	bed_free(bed);
	free(file.bytes);
	return good ? 0 : 1;
}
