/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dfu/descriptor.h"

/* A device under construction: descriptors are appended, configuration lengths kept right. */
struct device {
	uint8_t bytes[1024];
	size_t size;
	size_t configuration; /* where the current one begins */
};

static void add(struct device *device, const uint8_t *bytes, size_t size)
{
	memcpy(device->bytes + device->size, bytes, size);
	device->size += size;
	if (device->configuration > 0) {
		size_t total = device->size - device->configuration;

		device->bytes[device->configuration + 2] = (uint8_t)total;
		device->bytes[device->configuration + 3] = (uint8_t)(total >> 8);
	}
}

#define ADD(device, ...)                                                                           \
	add(device, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void device_init(struct device *device)
{
	*device = (struct device){0};
	ADD(device, 18, 1, 0x00, 0x01, 0, 0, 0, 64, 0x83, 0x04, 0x11, 0xdf, 0x00, 0x22, 1, 2, 3, 1);
}

static void add_configuration(struct device *device, uint8_t value)
{
	device->configuration = device->size;
	ADD(device, 9, 2, 0, 0, 1, value, 0, 0xc0, 50);
}

static void add_interface(
	struct device *device, uint8_t number, uint8_t alternate, uint8_t protocol, uint8_t name)
{
	ADD(device, 9, 4, number, alternate, 0, 0xfe, 0x01, protocol, name);
}

/* transfer_size tells one functional descriptor from another. */
static void add_functional(struct device *device, uint16_t transfer_size)
{
	ADD(device, 9, 0x21, 0x0b, 255, 0, (uint8_t)transfer_size, (uint8_t)(transfer_size >> 8),
		0x1a, 0x01);
}

static void add_hid(struct device *device, uint8_t number)
{
	ADD(device, 9, 4, number, 0, 1, 3, 1, 1, 0);
	ADD(device, 9, 0x21, 0x11, 0x01, 0x00, 0x01, 0x22, 0x41, 0x00);
	ADD(device, 7, 5, 0x81, 3, 8, 0, 10);
}

/* In a buffer of its own size, so that a sanitizer sees any byte read beyond. */
static int parse(struct dfu_function *ret, const struct device *device, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, device->bytes, size);
	r = descriptor_parse(ret, copy, size);
	free(copy);
	return r;
}

static void parse_well(struct dfu_function *ret, const struct device *device)
{
	assert_int_equal(parse(ret, device, device->size), 0);
}

static void rom(struct device *device)
{
	device_init(device);
	add_configuration(device, 1);
	for (uint8_t i = 0; i < 4; i++) {
		add_interface(device, 0, i, 2, 4 + i);
	}
	add_functional(device, 2048);
}

static void test_stm32_rom(void **state)
{
	struct device device;
	struct dfu_function function;

	rom(&device);
	parse_well(&function, &device);
	assert_int_equal(function.vendor, 0x0483);
	assert_int_equal(function.product, 0xdf11);
	assert_int_equal(function.bcd_device, 0x2200);
	assert_int_equal(function.configuration, 1);
	assert_int_equal(function.interface, 0);
	assert_int_equal(function.protocol, 2);
	assert_int_equal(function.n_alternates, 4);
	for (uint8_t i = 0; i < 4; i++) {
		assert_int_equal(function.alternates[i].number, i);
		assert_int_equal(function.alternates[i].name_index, 4 + i);
	}
	assert_true(function.has_functional);
	assert_true(function.can_download);
	assert_true(function.can_upload);
	assert_false(function.manifestation_tolerant);
	assert_true(function.will_detach);
	assert_int_equal(function.detach_timeout, 255);
	assert_int_equal(function.transfer_size, 2048);
	assert_int_equal(function.bcd_dfu, 0x011a);
}

static void test_attributes(void **state)
{
	for (int bits = 0; bits < 16; bits++) {
		struct device device;
		struct dfu_function function;

		device_init(&device);
		add_configuration(&device, 1);
		add_interface(&device, 0, 0, 2, 0);
		ADD(&device, 9, 0x21, (uint8_t)(bits | 0x80), 0x34, 0x12, 0xff, 0xff, 0x10, 0x01);
		parse_well(&function, &device);
		assert_int_equal(function.can_download, bits & 1);
		assert_int_equal(function.can_upload, bits >> 1 & 1);
		assert_int_equal(function.manifestation_tolerant, bits >> 2 & 1);
		assert_int_equal(function.will_detach, bits >> 3 & 1);
		assert_int_equal(function.detach_timeout, 0x1234);
		assert_int_equal(function.transfer_size, 65535);
		assert_int_equal(function.bcd_dfu, 0x0110);
	}
}

static void test_functional_in_the_middle(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_interface(&device, 0, 0, 2, 4);
	add_functional(&device, 1024);
	add_interface(&device, 0, 1, 2, 5);
	parse_well(&function, &device);
	assert_int_equal(function.n_alternates, 2);
	assert_int_equal(function.transfer_size, 1024);
}

static void test_functional_after_each_alternate(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_interface(&device, 0, 0, 2, 4);
	add_functional(&device, 1024);
	add_interface(&device, 0, 1, 2, 5);
	add_functional(&device, 64);
	parse_well(&function, &device);
	assert_int_equal(function.transfer_size, 1024);
}

static void test_functional_before_the_interfaces(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_functional(&device, 512);
	add_hid(&device, 0);
	add_interface(&device, 1, 0, 2, 4);
	parse_well(&function, &device);
	assert_true(function.has_functional);
	assert_int_equal(function.transfer_size, 512);

	add_functional(&device, 256);
	parse_well(&function, &device);
	assert_int_equal(function.transfer_size, 256);
}

static void test_functional_of_another_configuration(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_functional(&device, 512);
	add_hid(&device, 0);
	add_configuration(&device, 2);
	add_interface(&device, 0, 0, 2, 4);
	parse_well(&function, &device);
	assert_int_equal(function.configuration, 2);
	assert_false(function.has_functional);
}

static void test_functional_of_seven_bytes(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_interface(&device, 0, 0, 0, 4);
	ADD(&device, 7, 0x21, 0x07, 0xe8, 0x03, 0x40, 0x00);
	parse_well(&function, &device);
	assert_int_equal(function.protocol, 0);
	assert_true(function.has_functional);
	assert_true(function.manifestation_tolerant);
	assert_false(function.will_detach);
	assert_int_equal(function.detach_timeout, 1000);
	assert_int_equal(function.transfer_size, 64);
	assert_int_equal(function.bcd_dfu, 0x0100);
}

static void test_functional_too_short(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_interface(&device, 0, 0, 2, 4);
	ADD(&device, 6, 0x21, 0x0b, 0xff, 0x00, 0x40);
	parse_well(&function, &device);
	assert_false(function.has_functional);
}

static void test_functional_missing(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_interface(&device, 0, 0, 2, 4);
	parse_well(&function, &device);
	assert_false(function.has_functional);
	assert_false(function.can_download);
	assert_int_equal(function.transfer_size, 0);
	assert_int_equal(function.bcd_dfu, 0);
}

static void test_hid_is_not_functional(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_hid(&device, 0);
	add_interface(&device, 1, 0, 1, 4);
	add_hid(&device, 2);
	parse_well(&function, &device);
	assert_int_equal(function.interface, 1);
	assert_int_equal(function.protocol, 1);
	assert_false(function.has_functional);
}

static void test_composite_with_association(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	ADD(&device, 8, 11, 0, 2, 2, 2, 1, 0);
	ADD(&device, 9, 4, 0, 0, 1, 2, 2, 1, 0);
	ADD(&device, 5, 0x24, 0, 0x10, 0x01);
	ADD(&device, 7, 5, 0x82, 3, 8, 0, 16);
	ADD(&device, 9, 4, 1, 0, 0, 10, 0, 0, 0);
	add_hid(&device, 2);
	ADD(&device, 8, 11, 3, 1, 0xfe, 1, 1, 0);
	add_interface(&device, 3, 0, 1, 6);
	add_functional(&device, 4096);
	parse_well(&function, &device);
	assert_int_equal(function.interface, 3);
	assert_int_equal(function.protocol, 1);
	assert_int_equal(function.n_alternates, 1);
	assert_int_equal(function.alternates[0].name_index, 6);
	assert_int_equal(function.transfer_size, 4096);
}

static void test_two_functions(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_interface(&device, 1, 0, 2, 4);
	add_functional(&device, 1024);
	add_interface(&device, 2, 0, 2, 5);
	add_interface(&device, 2, 1, 2, 6);
	add_functional(&device, 2048);
	parse_well(&function, &device);
	assert_int_equal(function.interface, 1);
	assert_int_equal(function.n_alternates, 1);
	assert_int_equal(function.transfer_size, 1024);
}

static void test_functional_of_the_second_function(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_interface(&device, 1, 0, 2, 4);
	add_interface(&device, 2, 0, 2, 5);
	add_functional(&device, 2048);
	parse_well(&function, &device);
	assert_int_equal(function.interface, 1);
	assert_false(function.has_functional);
}

/* The interface's number in a second configuration is another interface. */
static void test_two_configurations(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 3);
	add_interface(&device, 0, 0, 2, 4);
	add_functional(&device, 1024);
	add_configuration(&device, 4);
	add_interface(&device, 0, 1, 2, 5);
	add_functional(&device, 2048);
	parse_well(&function, &device);
	assert_int_equal(function.configuration, 3);
	assert_int_equal(function.n_alternates, 1);
	assert_int_equal(function.transfer_size, 1024);
}

static void test_alternates_told_twice(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	add_interface(&device, 0, 0, 2, 4);
	add_interface(&device, 0, 1, 2, 5);
	add_interface(&device, 0, 0, 2, 9);
	add_functional(&device, 1024);
	parse_well(&function, &device);
	assert_int_equal(function.n_alternates, 2);
	assert_int_equal(function.alternates[0].name_index, 4);
	assert_int_equal(function.transfer_size, 1024);
}

static void test_too_many_alternates(void **state)
{
	struct device device;
	struct dfu_function function;

	device_init(&device);
	add_configuration(&device, 1);
	for (uint8_t i = 0; i < DESCRIPTOR_MAX_ALTERNATES + 4; i++) {
		add_interface(&device, 0, i, 2, 4);
	}
	add_functional(&device, 1024);
	parse_well(&function, &device);
	assert_int_equal(function.n_alternates, DESCRIPTOR_MAX_ALTERNATES);
	assert_int_equal(function.alternates[15].number, 15);
	assert_int_equal(function.transfer_size, 1024);
}

static void assert_fails(const struct device *device, size_t size, int expected)
{
	struct dfu_function before, function;

	memset(&before, 0x5a, sizeof(before));
	function = before;
	assert_int_equal(parse(&function, device, size), expected);
	assert_memory_equal(&function, &before, sizeof(function));
}

static void test_none(void **state)
{
	struct device device;

	device_init(&device);
	assert_fails(&device, device.size, -ENOENT);
	add_configuration(&device, 1);
	assert_fails(&device, device.size, -ENOENT);
	add_hid(&device, 0);
	assert_fails(&device, device.size, -ENOENT);
	ADD(&device, 9, 4, 1, 0, 0, 0xfe, 0x02, 2, 0);
	ADD(&device, 9, 4, 1, 0, 0, 0xff, 0x01, 2, 0);
	add_functional(&device, 1024);
	assert_fails(&device, device.size, -ENOENT);
}

/* Cut anywhere but behind the device descriptor, a configuration's total length is a lie. */
static void test_cut_anywhere(void **state)
{
	struct device device;

	rom(&device);
	for (size_t size = 0; size < device.size; size++) {
		assert_fails(&device, size, size == 18 ? -ENOENT : -EBADMSG);
	}
}

static void test_lying_lengths(void **state)
{
	const struct {
		size_t at;
		uint8_t value;
	} lies[] = {
		{0, 17},  /* the device descriptor's own length */
		{0, 19},  /* likewise */
		{1, 2},	  /* no device descriptor */
		{18, 8},  /* the configuration's own length */
		{18, 64}, /* beyond its total */
		{19, 4},  /* no configuration */
		{20, 8},  /* a total shorter than the descriptor itself */
		{20, 53}, /* a total that ends inside the last descriptor */
		{20, 55}, /* a total beyond the bytes */
		{21, 1},  /* likewise, by 256 */
		{27, 0},  /* an interface without a length */
		{27, 1},  /* or with half a header */
		{27, 8},  /* an interface too short for its kind */
		{54, 8},  /* likewise the last, so that the next begins in its last byte */
		{63, 0},  /* the functional descriptor without a length */
		{63, 8},  /* one byte left over */
		{63, 10}, /* beyond the configuration */
		{63, 255},
	};
	struct device device;

	rom(&device);
	assert_int_equal(device.size, 72);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		rom(&device);
		device.bytes[lies[i].at] = lies[i].value;
		assert_fails(&device, device.size, -EBADMSG);
	}
}

/* An interface that claims to be longer swallows the next descriptors, no more. */
static void test_long_interface(void **state)
{
	struct device device;
	struct dfu_function function;

	rom(&device);
	device.bytes[27] = 18;
	parse_well(&function, &device);
	assert_int_equal(function.n_alternates, 3);
	assert_int_equal(function.alternates[1].number, 2);
}

static void test_bytes_behind_the_found_configuration(void **state)
{
	struct device device;
	struct dfu_function function;

	rom(&device);
	device.size += 5;
	parse_well(&function, &device);
	assert_int_equal(function.n_alternates, 4);
}

static size_t string(const uint8_t *raw, size_t received, char *ret, size_t ret_size)
{
	uint8_t *copy = malloc(received ? received : 1);
	size_t n;

	assert_non_null(copy);
	memcpy(copy, raw, received);
	n = descriptor_string(copy, received, ret, ret_size);
	free(copy);
	return n;
}

static size_t make_string(uint8_t *raw, const char *text)
{
	size_t n = strlen(text);

	raw[0] = (uint8_t)(2 + 2 * n);
	raw[1] = 3;
	for (size_t i = 0; i < n; i++) {
		raw[2 + 2 * i] = (uint8_t)text[i];
		raw[3 + 2 * i] = 0;
	}
	return raw[0];
}

static void assert_string(const uint8_t *raw, size_t received, const char *expected)
{
	char text[128];

	memset(text, 'x', sizeof(text));
	assert_int_equal(string(raw, received, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void test_string(void **state)
{
	uint8_t raw[255];

	assert_string(raw, make_string(raw, "STM32  BOOTLOADER ~"), "STM32  BOOTLOADER ~");
	assert_string(raw, make_string(raw, ""), "");
}

/* As the ROM of F427 and F429 sends it: bLength counts more than was sent. */
static void test_string_longer_than_received(void **state)
{
	const char *flash = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128Kg";
	uint8_t raw[255];
	size_t size = make_string(raw, flash);

	raw[0] = 0xfe;
	assert_string(raw, size, flash);
	assert_string(raw, size - 1, "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,07*128K");
	assert_string(raw, 4, "@");
	assert_string(raw, 3, "");
	assert_string(raw, 2, "");
	assert_string(raw, 1, "");
	assert_string(raw, 0, "");
}

static void test_string_shorter_than_received(void **state)
{
	uint8_t raw[255];
	size_t size = make_string(raw, "serial and leftovers");

	raw[0] = 2 + 2 * 6;
	assert_string(raw, size, "serial");
	raw[0] = 2 + 2 * 6 + 1;
	assert_string(raw, size, "serial");
	for (raw[0] = 0; raw[0] < 4; raw[0]++) {
		assert_string(raw, size, "");
	}
}

static void test_string_with_other_units(void **state)
{
	const uint16_t others[] = {0x0000, 0x000a, 0x001f, 0x007f, 0x0080, 0x00e9, 0x0167, 0xffff};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		uint8_t raw[255];
		size_t size = make_string(raw, "128Kg?garbage");

		raw[2 + 2 * 5] = (uint8_t)others[i];
		raw[3 + 2 * 5] = (uint8_t)(others[i] >> 8);
		assert_string(raw, size, "128Kg");
	}
}

static void test_string_of_another_type(void **state)
{
	uint8_t raw[255];
	size_t size = make_string(raw, "no string");

	raw[1] = 2;
	assert_string(raw, size, "");
}

static void test_string_in_little_room(void **state)
{
	uint8_t raw[255];
	size_t size = make_string(raw, "STM32");
	char text[8] = "unused!";

	assert_int_equal(string(raw, size, text, 4), 3);
	assert_string_equal(text, "STM");
	assert_int_equal(text[4], 'e');
	assert_int_equal(string(raw, size, text, 1), 0);
	assert_string_equal(text, "");
	text[0] = 'u';
	assert_int_equal(string(raw, size, text, 0), 0);
	assert_int_equal(text[0], 'u');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stm32_rom),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_functional_in_the_middle),
		cmocka_unit_test(test_functional_after_each_alternate),
		cmocka_unit_test(test_functional_before_the_interfaces),
		cmocka_unit_test(test_functional_of_another_configuration),
		cmocka_unit_test(test_functional_of_seven_bytes),
		cmocka_unit_test(test_functional_too_short),
		cmocka_unit_test(test_functional_missing),
		cmocka_unit_test(test_hid_is_not_functional),
		cmocka_unit_test(test_composite_with_association),
		cmocka_unit_test(test_two_functions),
		cmocka_unit_test(test_functional_of_the_second_function),
		cmocka_unit_test(test_two_configurations),
		cmocka_unit_test(test_alternates_told_twice),
		cmocka_unit_test(test_too_many_alternates),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_lying_lengths),
		cmocka_unit_test(test_long_interface),
		cmocka_unit_test(test_bytes_behind_the_found_configuration),
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_string_longer_than_received),
		cmocka_unit_test(test_string_shorter_than_received),
		cmocka_unit_test(test_string_with_other_units),
		cmocka_unit_test(test_string_of_another_type),
		cmocka_unit_test(test_string_in_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
