/* SPDX-License-Identifier: MIT */

/* Writes one synthetic firmware image (image-maker.h) to a file. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image-builds.h"
#include "image-maker.h"
#include "image-wrap.h"

enum mkimage_option {
	MKIMAGE_BUILD,
	MKIMAGE_SIZE,
	MKIMAGE_LINK,
	MKIMAGE_FLASH_BASE,
	MKIMAGE_MCU,
	MKIMAGE_VERSION,
	MKIMAGE_STYLE,
	MKIMAGE_USB,
	MKIMAGE_NO_USB,
	MKIMAGE_SEED,
	MKIMAGE_STACK,
	MKIMAGE_WRAP,
	MKIMAGE_OUTPUT,
	MKIMAGE_HELP,
};

static const struct option mkimage_options[] = {
	{"build", required_argument, NULL, MKIMAGE_BUILD},
	{"size", required_argument, NULL, MKIMAGE_SIZE},
	{"link", required_argument, NULL, MKIMAGE_LINK},
	{"flash-base", required_argument, NULL, MKIMAGE_FLASH_BASE},
	{"mcu", required_argument, NULL, MKIMAGE_MCU},
	{"version", required_argument, NULL, MKIMAGE_VERSION},
	{"style", required_argument, NULL, MKIMAGE_STYLE},
	{"usb", required_argument, NULL, MKIMAGE_USB},
	{"no-usb", no_argument, NULL, MKIMAGE_NO_USB},
	{"seed", required_argument, NULL, MKIMAGE_SEED},
	{"stack", required_argument, NULL, MKIMAGE_STACK},
	{"wrap", required_argument, NULL, MKIMAGE_WRAP},
	{"output", required_argument, NULL, MKIMAGE_OUTPUT},
	{"help", no_argument, NULL, MKIMAGE_HELP},
	{NULL, 0, NULL, 0},
};

static void mkimage_usage(FILE *stream)
{
	size_t n;
	const struct image_build *builds = image_builds(&n);

	fputs("mkimage [--build NAME] [--size 44388] [--link 0x08000000] [--flash-base "
	      "0x08000000]\n"
	      "        [--mcu stm32f446xx] [--version v0.13.0-730] [--style klipper]\n"
	      "        [--usb 1d50:614e | --no-usb] [--seed 1] [--stack 0x20020000] [--wrap none]\n"
	      "        --output FILE\n"
	      "styles:",
		stream);
	for (enum image_style style = 0; style < _IMAGE_STYLE_MAX; style++) {
		fprintf(stream, " %s", image_style_to_string(style));
	}
	fputs("\nwraps:", stream);
	for (enum image_wrap wrap = 0; wrap < _IMAGE_WRAP_MAX; wrap++) {
		fprintf(stream, " %s", image_wrap_to_string(wrap));
	}
	fputs("\nbuilds, each the traits of a real one, for the options behind it to change:",
		stream);
	for (size_t i = 0; i < n; i++) {
		fprintf(stream, " %s", builds[i].name);
	}
	fputc('\n', stream);
}

static unsigned long mkimage_number(const char *text, unsigned long most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || value > most) {
		fprintf(stderr, "mkimage: not a number in range: %s\n", text);
		exit(64);
	}
	return value;
}

static void mkimage_set_usb(struct image_recipe *recipe, const char *text)
{
	unsigned int vendor, product;
	char rest;

	if (sscanf(text, "%4x:%4x%c", &vendor, &product, &rest) != 2) {
		fprintf(stderr, "mkimage: not an id like 1d50:614e: %s\n", text);
		exit(64);
	}
	recipe->vendor = vendor;
	recipe->product = product;
}

static void mkimage_set_style(struct image_recipe *recipe, const char *text)
{
	recipe->style = image_style_from_string(text);
	if (recipe->style == _IMAGE_STYLE_INVALID) {
		fprintf(stderr, "mkimage: no such style: %s\n", text);
		exit(64);
	}
}

static void mkimage_set_build(struct image_recipe *recipe, const char *name)
{
	const struct image_build *build = image_build_find(name);

	if (!build) {
		fprintf(stderr, "mkimage: no such build: %s\n", name);
		exit(64);
	}
	*recipe = image_build_recipe(build, 0);
}

static enum image_wrap mkimage_wrap(const char *text)
{
	enum image_wrap wrap = image_wrap_from_string(text);

	if (wrap == _IMAGE_WRAP_INVALID) {
		fprintf(stderr, "mkimage: no such wrap: %s\n", text);
		exit(64);
	}
	return wrap;
}

/* False where the program has nothing more to do. */
static bool mkimage_read_options(int argc, char **argv, struct image_recipe *recipe,
	enum image_wrap *ret_wrap, const char **ret_output)
{
	bool linked = false;
	int option;

	while ((option = getopt_long(argc, argv, "", mkimage_options, NULL)) >= 0) {
		switch (option) {
		case MKIMAGE_BUILD:
			mkimage_set_build(recipe, optarg);
			break;
		case MKIMAGE_SIZE:
			recipe->size = mkimage_number(optarg, 64 << 20);
			break;
		case MKIMAGE_LINK:
			recipe->link = mkimage_number(optarg, UINT32_MAX);
			linked = true;
			break;
		case MKIMAGE_FLASH_BASE:
			recipe->flash_base = mkimage_number(optarg, UINT32_MAX);
			break;
		case MKIMAGE_MCU:
			recipe->mcu = optarg;
			break;
		case MKIMAGE_VERSION:
			recipe->version = optarg;
			break;
		case MKIMAGE_STYLE:
			mkimage_set_style(recipe, optarg);
			break;
		case MKIMAGE_USB:
			mkimage_set_usb(recipe, optarg);
			break;
		case MKIMAGE_NO_USB:
			recipe->usb = false;
			break;
		case MKIMAGE_SEED:
			recipe->seed = mkimage_number(optarg, UINT64_MAX);
			break;
		case MKIMAGE_STACK:
			recipe->stack = mkimage_number(optarg, UINT32_MAX);
			break;
		case MKIMAGE_WRAP:
			*ret_wrap = mkimage_wrap(optarg);
			break;
		case MKIMAGE_OUTPUT:
			*ret_output = optarg;
			break;
		case MKIMAGE_HELP:
			mkimage_usage(stdout);
			return false;
		default:
			mkimage_usage(stderr);
			exit(64);
		}
	}
	recipe->link = linked ? recipe->link : recipe->flash_base;
	return true;
}

static int mkimage_write(const char *path, const uint8_t *bytes, size_t size)
{
	FILE *stream = fopen(path, "wbe");
	bool written;

	if (!stream) {
		fprintf(stderr, "mkimage: %s: %s\n", path, strerror(errno));
		return EXIT_FAILURE;
	}
	written = fwrite(bytes, 1, size, stream) == size;
	if (fclose(stream) != 0 || !written) {
		fprintf(stderr, "mkimage: %s: %s\n", path, strerror(errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* Takes the bytes. */
static int mkimage_write_wrapped(
	const char *path, uint8_t *bytes, const struct image_recipe *recipe, enum image_wrap wrap)
{
	size_t size;
	uint8_t *wrapped = image_wrap(wrap, bytes, recipe->size, recipe->seed, &size);
	int r = EXIT_FAILURE;

	free(bytes);
	if (wrapped) {
		r = mkimage_write(path, wrapped, size);
	}
	free(wrapped);
	return r;
}

int main(int argc, char **argv)
{
	struct image_recipe recipe = IMAGE_RECIPE_INIT;
	enum image_wrap wrap = IMAGE_WRAP_NONE;
	const char *output = NULL;
	uint8_t *bytes;

	if (!mkimage_read_options(argc, argv, &recipe, &wrap, &output)) {
		return EXIT_SUCCESS;
	}
	if (!output || optind < argc) {
		mkimage_usage(stderr);
		return 64;
	}
	bytes = image_make(&recipe);
	if (!bytes) {
		fputs("mkimage: too small for this style, or linked below flash\n", stderr);
		return EXIT_FAILURE;
	}
	return mkimage_write_wrapped(output, bytes, &recipe, wrap);
}
