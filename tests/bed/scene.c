/* SPDX-License-Identifier: MIT */
/*
 * Each check says what was expected and shows the journal before it ends the test, since a scenario
 * that fails is read from its log.
 */

#include "scene.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int scene_setup_bare(void **state)
{
	struct bed *bed;

	if (bed_new(&bed) < 0) {
		return -1;
	}
	*state = bed;
	return 0;
}

int scene_setup(void **state)
{
	int r = scene_setup_bare(state);

	return r < 0 ? r : bed_configure(*state, "etc/boards.d", "50-octopus.conf", SCENE_OCTOPUS);
}

int scene_teardown(void **state)
{
	bed_free(*state);
	return 0;
}

struct firmware scene_program(enum image_style style, uint32_t link, size_t size, uint64_t seed)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	struct firmware image = {.size = size};

	recipe.style = style;
	recipe.link = link;
	recipe.seed = seed;
	recipe.size = size;
	image.bytes = image_make(&recipe);
	assert_non_null(image.bytes);
	return image;
}

struct firmware scene_image(uint32_t link, uint64_t seed)
{
	return scene_program(IMAGE_STYLE_KLIPPER, link, SCENE_SIZE, seed);
}

void firmware_done(struct firmware *image)
{
	free(image->bytes);
}

void scene_profile(struct bed *bed, const char *text)
{
	assert_int_equal(bed_configure(bed, "etc/boards.d", "50-octopus.conf", text), 0);
}

void scene_mask_shipped(struct bed *bed)
{
	DIR *dir = opendir(BED_CONF "/boards.d");
	struct dirent *entry;
	char path[512];

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.') {
			snprintf(
				path, sizeof(path), "%s/etc/boards.d/%s", bed->root, entry->d_name);
			assert_int_equal(symlink("/dev/null", path), 0);
		}
	}
	closedir(dir);
}

void scene_start(struct bed *bed)
{
	assert_int_equal(bed_start(bed), 0);
}

void scene_drop(struct bed *bed, const char *name, const struct firmware *image)
{
	assert_int_equal(bed_drop(bed, name, image->bytes, image->size), 0);
}

struct host_port *scene_board(
	struct bed *bed, const char *name, const struct board_options *options)
{
	struct host_port *port = bed_board(bed, name, options, true);

	assert_non_null(port);
	return port;
}

void scene_preload(
	struct bed *bed, struct host_port *port, uint32_t address, const struct firmware *image)
{
	struct board *board = host_lock(bed->host, port);
	size_t offset = address - board_flash_base(board), size;
	uint8_t *flash = board_flash(board, &size);

	assert_true(offset + image->size <= size);
	memcpy(flash + offset, image->bytes, image->size);
	/* who flashed it erased the sector to its end */
	for (size_t at = offset + image->size; at < size && at % 16384 != 0; at++) {
		flash[at] = 0xff;
	}
	host_unlock(bed->host);
}

void scene_fill(struct bed *bed, struct host_port *port)
{
	struct board *board = host_lock(bed->host, port);
	size_t size;
	uint8_t *flash = board_flash(board, &size);

	for (size_t i = 0; i < size; i++) {
		flash[i] = (uint8_t)(i * 7 + (i >> 8));
	}
	host_unlock(bed->host);
}

struct firmware scene_flash(struct bed *bed, struct host_port *port)
{
	struct board *board = host_lock(bed->host, port);
	struct firmware copy;
	const uint8_t *flash = board_flash(board, &copy.size);

	copy.bytes = malloc(copy.size);
	assert_non_null(copy.bytes);
	memcpy(copy.bytes, flash, copy.size);
	host_unlock(bed->host);
	return copy;
}

void scene_flash_is(struct bed *bed, struct host_port *port, const struct firmware *flash)
{
	FIRMWARE_CLEANUP struct firmware now = scene_flash(bed, port);

	assert_int_equal(now.size, flash->size);
	assert_memory_equal(now.bytes, flash->bytes, flash->size);
}

unsigned scene_count_backups(struct bed *bed)
{
	char path[128];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/state/backup", bed->root);
	dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		n += strstr(entry->d_name, ".bin") != NULL;
	}
	closedir(dir);
	return n;
}

uint32_t scene_left_to(struct bed *bed, struct host_port *port)
{
	size_t n;
	const struct board_step *steps = board_steps(host_lock(bed->host, port), &n);
	uint32_t address = 0;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		if (steps[i].kind == BOARD_STEP_LEAVE) {
			found = true;
			address = steps[i].address;
		}
	}
	host_unlock(bed->host);
	assert_true(found);
	return address;
}

const struct entry *scene_entry_fields(struct bed *bed, const char *const *fields)
{
	const struct entry *entry = bed_wait_fields(bed, fields);

	assert_non_null(entry);
	return entry;
}

void scene_field(const struct entry *entry, const char *name, const char *value)
{
	const char *got = entry_get(entry, name);

	if (!got || strcmp(got, value) != 0) {
		fprintf(stderr, "bed: %s is \"%s\" in: %s\n", name, got ? got : "(not there)",
			entry_get(entry, "MESSAGE"));
	}
	assert_non_null(got);
	assert_string_equal(got, value);
}

void scene_says(const struct entry *entry, const char *words)
{
	const char *message = entry_get(entry, "MESSAGE");

	assert_non_null(message);
	if (!strstr(message, words)) {
		fail_msg("\"%s\" is not in: %s", words, message);
	}
}

static bool entry_has(const struct entry *entry, const char *name, const char *value)
{
	const char *got = entry_get(entry, name);

	return got && strcmp(got, value) == 0;
}

static bool entry_warns(const struct entry *entry, const char *words)
{
	return entry_has(entry, "DFUD_EVENT", "checked") && entry_has(entry, "PRIORITY", "4") &&
	       strstr(entry_get(entry, "MESSAGE"), words);
}

/* Several warnings may come: the verdict is behind the last of them. */
const struct entry *scene_warning(struct bed *bed, const char *words)
{
	const struct entry *verdict = scene_entry(bed, "DFUD_EVENT=verdict");

	for (size_t i = bed->mark; i < verdict->number; i++) {
		const struct entry *entry = inbox_at(bed->inbox, i);

		if (entry_warns(entry, words)) {
			return entry;
		}
	}
	bed_print_journal(bed);
	fail_msg("nobody warns with \"%s\"", words);
	return NULL;
}

void scene_settled(struct bed *bed, const char *folder, const char *name)
{
	scene_entry(bed, "DFUD_EVENT=settled", "DFUD_FILE=");
	assert_true(bed_wait_file(bed, folder, name));
	assert_false(bed_has_file(bed, "active", name, NULL, 0));
}

void scene_untouched(struct bed *bed, struct host_port *port)
{
	struct board_counts counts = bed_counts(bed, port);

	assert_int_equal(counts.erases, 0);
	assert_int_equal(counts.mass_erases, 0);
	assert_int_equal(counts.bytes_written, 0);
	assert_int_equal(counts.unprotects, 0);
}

/* Waits 2 ms; false: this has taken too long by now. */
static bool scene_pause(unsigned *waited_ms)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	nanosleep(&pause, NULL);
	*waited_ms += 2;
	return *waited_ms < bed_patience();
}

void scene_wait_blocks(struct bed *bed, struct host_port *port, uint64_t blocks)
{
	unsigned waited = 0;

	while (bed_counts(bed, port).blocks < blocks) {
		if (!scene_pause(&waited)) {
			bed_print_journal(bed);
			fail_msg("the board was not sent %u blocks", (unsigned)blocks);
		}
	}
}

void scene_wait_presence(struct bed *bed, struct host_port *port, enum board_presence presence)
{
	unsigned waited = 0;

	while (host_presence(bed->host, port) != presence) {
		if (!scene_pause(&waited)) {
			bed_print_journal(bed);
			fail_msg("the board did not come to presence %d", (int)presence);
		}
	}
}

/* The parent of a process; 0: there is no such process. */
static pid_t process_parent(const char *pid)
{
	char path[64], state;
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	file = fopen(path, "re");
	if (!file) {
		return 0;
	}
	if (fscanf(file, "%*d (%*[^)]) %c %d", &state, &parent) != 2 || state == 'Z') {
		parent = 0;
	}
	fclose(file);
	return parent;
}

pid_t scene_worker(struct bed *bed)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t worker = 0;

	assert_non_null(dir);
	while (worker == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
			process_parent(entry->d_name) == bed->daemon) {
			worker = atoi(entry->d_name);
		}
	}
	closedir(dir);
	assert_true(worker > 0);
	return worker;
}

/* In the child. */
static __attribute__((noreturn)) void scene_become(
	const struct bed *bed, const char *program, const char *const *args, int output)
{
	const char *argv[32] = {program};

	for (size_t n = 1; *args && n + 1 < sizeof(argv) / sizeof(*argv); n++) {
		argv[n] = *args++;
	}
	(void)dup2(output, STDOUT_FILENO);
	(void)dup2(output, STDERR_FILENO);
	bed_enter(bed);
	execv(program, (char *const *)argv);
	_exit(127);
}

static void scene_wait_end(pid_t pid)
{
	struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	assert_true(end.fd >= 0);
	if (poll(&end, 1, (int)bed_patience()) <= 0) {
		kill(pid, SIGKILL);
	}
	close(end.fd);
}

int scene_run(
	struct bed *bed, const char *program, const char *const *args, char *output, size_t size)
{
	FILE *said = tmpfile();
	int status = 0;
	pid_t pid;

	assert_non_null(said);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		scene_become(bed, program, args, fileno(said));
	}
	scene_wait_end(pid);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (output) {
		const ssize_t n = pread(fileno(said), output, size - 1, 0);

		assert_true(n >= 0);
		output[n] = '\0';
		print_message("%s", output);
	}
	fclose(said);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}
