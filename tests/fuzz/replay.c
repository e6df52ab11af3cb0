/* SPDX-License-Identifier: MIT */

/*
 * Runs a fuzz target over the files of its corpus, so that they are ordinary tests where there is
 * no libFuzzer. Each file is run whole and, since a shorter input is the commonest hostile one, cut
 * at every length below SHORTEST_CUTS; always in a buffer of its very size, so that a sanitizer
 * sees each byte read beyond. A folder without files is a failure.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST_CUTS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy) {
		abort();
	}
	memcpy(copy, bytes, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_with_cuts(const uint8_t *bytes, size_t size)
{
	for (size_t cut = 0; cut < size && cut < SHORTEST_CUTS; cut++) {
		run(bytes, cut);
	}
	run(bytes, size);
}

static uint8_t *read_stream(FILE *stream, size_t *ret_size)
{
	uint8_t *bytes;
	long size;

	if (fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0) {
		return NULL;
	}
	rewind(stream);
	bytes = malloc((size_t)size + 1);
	if (bytes && fread(bytes, 1, (size_t)size, stream) != (size_t)size) {
		free(bytes);
		return NULL;
	}
	*ret_size = (size_t)size;
	return bytes;
}

static int replay_file(const char *path)
{
	uint8_t *bytes = NULL;
	size_t size = 0;
	FILE *stream = fopen(path, "rbe");

	if (stream) {
		bytes = read_stream(stream, &size);
		fclose(stream);
	}
	if (!bytes) {
		perror(path);
		return -1;
	}
	fprintf(stderr, "%s: %zu bytes\n", path, size);
	run_with_cuts(bytes, size);
	free(bytes);
	return 0;
}

/* The number of files, -1 on failure. */
static int replay_folder(const char *path)
{
	struct dirent *entry;
	DIR *folder = opendir(path);
	int n = 0;

	if (!folder) {
		perror(path);
		return -1;
	}
	while (n >= 0 && (entry = readdir(folder))) {
		char file[4096];

		if (entry->d_name[0] == '.') {
			continue;
		}
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		n = replay_file(file) < 0 ? -1 : n + 1;
	}
	closedir(folder);
	return n;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 64;
	}
	int n = replay_folder(argv[1]);
	fprintf(stderr, "%s: %d files\n", argv[1], n);
	return n > 0 ? 0 : 1;
}
