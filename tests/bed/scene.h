/* SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bed.h"
#include "image-maker.h"

/* What the scenarios share: a bed for each test, images, and checks that end the test. */

#define SCENE_FLASH  0x08000000
#define SCENE_OFFSET 0x08008000
#define SCENE_SIZE   44388

/* Profile "octopus": any .bin on a 0483:df11 at the start of its flash, back as Klipper within 2 s.
 */
#define SCENE_MATCH   "[Match]\nId=0483:df11\n"
#define SCENE_RETURN  "[Return]\nId=1d50:614e\nWithin=2s\n"
#define SCENE_OCTOPUS SCENE_MATCH "[Image]\nFile=*.bin\nAddress=0x08000000\n" SCENE_RETURN

struct firmware {
	uint8_t *bytes;
	size_t size;
};

/* cmocka fixtures; *state is the bed. scene_setup writes the profile octopus, scene_setup_bare
 * none. */
int scene_setup(void **state);
int scene_setup_bare(void **state);
int scene_teardown(void **state);

#define SCENE(name)	 cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
#define SCENE_BARE(name) cmocka_unit_test_setup_teardown(name, scene_setup_bare, scene_teardown)

/* Klipper's style, the truth of the thread; different seeds are different programs. */
struct firmware scene_image(uint32_t link, uint64_t seed);
/* Any other program for the same chip. */
struct firmware scene_program(enum image_style style, uint32_t link, size_t size, uint64_t seed);
void firmware_done(struct firmware *image);
#define FIRMWARE_CLEANUP __attribute__((cleanup(firmware_done)))

void scene_profile(struct bed *bed, const char *text);
/* Masks every profile of conf/boards.d. */
void scene_mask_shipped(struct bed *bed);
void scene_start(struct bed *bed);
void scene_drop(struct bed *bed, const char *name, const struct firmware *image);
/* A board in DFU mode on that port; its options or, NULL, a cold-started Octopus. */
struct host_port *scene_board(
	struct bed *bed, const char *port, const struct board_options *options);
/* The image becomes the content of the flash. */
void scene_preload(
	struct bed *bed, struct host_port *port, uint32_t address, const struct firmware *image);

/* Something in every byte of the flash, also behind what an image covers. */
void scene_fill(struct bed *bed, struct host_port *port);
/* The whole flash as it is now; the caller frees the bytes. */
struct firmware scene_flash(struct bed *bed, struct host_port *port);
/* The whole flash is as it was then. */
void scene_flash_is(struct bed *bed, struct host_port *port, const struct firmware *flash);
/* Files with bytes in state/backup. */
unsigned scene_count_backups(struct bed *bed);
/* Where the board was told to start when it was last told to leave. */
uint32_t scene_left_to(struct bed *bed, struct host_port *port);

/* The verdict, waited for; its fields, as in bed_wait(), follow. */
#define scene_verdict(bed, ...) scene_entry(bed, "DFUD_EVENT=verdict", __VA_ARGS__)
/* Any entry; the test ends where it does not come. */
#define scene_entry(bed, ...) scene_entry_fields(bed, (const char *const[]){__VA_ARGS__, NULL})
const struct entry *scene_entry_fields(struct bed *bed, const char *const *fields);
void scene_field(const struct entry *entry, const char *name, const char *value);
/* What is said in it; the test ends where that is not there. */
void scene_says(const struct entry *entry, const char *words);
/* The `checked` line that warned with these words, before the verdict, which is waited for. */
const struct entry *scene_warning(struct bed *bed, const char *words);
/* The attempt is over and its folder is where it belongs. */
void scene_settled(struct bed *bed, const char *folder, const char *name);
/* No board was asked to change anything. */
void scene_untouched(struct bed *bed, struct host_port *port);
/* Until the board has been sent so many blocks of the running attempt. */
void scene_wait_blocks(struct bed *bed, struct host_port *port, uint64_t blocks);
void scene_wait_presence(struct bed *bed, struct host_port *port, enum board_presence presence);
/* The process that talks to the board. */
pid_t scene_worker(struct bed *bed);

/*
 * Runs a program on the bed with these arguments (after its name), until it ends: its exit status.
 * What it says on stdout and stderr goes to output (may be NULL), as far as it fits.
 */
int scene_run(
	struct bed *bed, const char *program, const char *const *args, char *output, size_t size);
