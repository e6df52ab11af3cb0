/* SPDX-License-Identifier: MIT */
/*
 * The bed itself, without the daemon: what a libudev program sees of boards on it, what comes
 * through the journal, and that the worker's USB table finds the board.
 */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "bed.h"
#include "dfu/dfu.h"
#include "dfud-flash/usb.h"
#include "wire.h"

#define RUN 0x08000000

static int bed_setup(void **state)
{
	struct bed *bed;

	if (bed_new(&bed) < 0) {
		return -1;
	}
	bed->program = BED_LISTENER;
	*state = bed;
	return 0;
}

static int bed_teardown(void **state)
{
	bed_free(*state);
	return 0;
}

/* A program that boots: stack pointer, reset vector, and bytes to tell it from another. */
static void image_fill(uint8_t *image, size_t size)
{
	static const uint8_t vectors[] = {0, 0, 2, 0x20, 0x01, 0x01, 0, 0x08};

	for (size_t i = 0; i < size; i++) {
		image[i] = (uint8_t)(i * 7 + i / 256);
	}
	memcpy(image, vectors, sizeof(vectors));
}

static struct host_port *running_board(struct bed *bed, const char *port)
{
	struct board_options options = {.cold_error = true};
	struct host_port *ret = bed_board(bed, port, &options, false);
	struct board *board;
	size_t size;

	assert_non_null(ret);
	board = host_lock(bed->host, ret);
	image_fill(board_flash(board, &size), 4096);
	host_unlock(bed->host);
	return ret;
}

static void expect_field(const struct entry *entry, const char *name, const char *value)
{
	const char *got = entry_get(entry, name);

	assert_non_null(got);
	assert_string_equal(got, value);
}

static void test_dfu_device_is_heard_of(void **state)
{
	struct bed *bed = *state;
	const struct entry *entry;

	assert_int_equal(bed_start(bed), 0);
	assert_non_null(bed_board(bed, "1-1.2", NULL, true));
	entry = bed_wait(bed, "ORIGIN=heard", "ACTION=add", "SYSNAME=1-1.2");
	assert_non_null(entry);
	expect_field(entry, "SUBSYSTEM", "usb");
	expect_field(entry, "DEVTYPE", "usb_device");
	expect_field(entry, "ID_USB_INTERFACES", ":fe0102:");
	expect_field(entry, "ID_VENDOR_ID", "0483");
	expect_field(entry, "ID_MODEL_ID", "df11");
	expect_field(entry, "ID_SERIAL_SHORT", "STM32FxSTM32");
	expect_field(entry, "ID_MODEL", "STM32_BOOTLOADER");
	expect_field(entry, "ID_MODEL_ENC", "STM32\\x20\\x20BOOTLOADER");
	expect_field(entry, "ID_PATH", "pci-0000:00:14.0-usb-0:1.2");
	expect_field(entry, "DEVNAME", "/dev/bus/usb/001/002");
	expect_field(entry, "NODE", "open");
	expect_field(entry, "VENDOR", "0483");
	assert_non_null(strstr(entry_get(entry, "TAGS"), ":dfud:"));
	assert_non_null(bed_wait(bed, "ORIGIN=heard", "ACTION=bind", "SYSNAME=1-1.2"));
}

static void test_device_that_was_there_is_enumerated(void **state)
{
	struct bed *bed = *state;
	const struct entry *entry;

	assert_non_null(bed_board(bed, "1-1", NULL, true));
	running_board(bed, "1-2");
	assert_int_equal(bed_start(bed), 0);
	entry = bed_wait(bed, "ORIGIN=enumerated", "SYSNAME=1-1");
	assert_non_null(entry);
	expect_field(entry, "ID_USB_INTERFACES", ":fe0102:");
	expect_field(entry, "ID_PATH", "pci-0000:00:14.0-usb-0:1");
	assert_int_equal(bed_count(bed, "ORIGIN=enumerated"), 1);
}

static void test_unplugged_device_has_no_properties(void **state)
{
	struct bed *bed = *state;
	struct host_port *port;
	const struct entry *entry;

	assert_int_equal(bed_start(bed), 0);
	port = bed_board(bed, "1-1", NULL, true);
	host_unplug(bed->host, port);
	assert_non_null(bed_wait(bed, "ACTION=unbind", "ID_USB_INTERFACES!"));
	entry = bed_wait(bed, "ACTION=remove", "SYSNAME=1-1");
	assert_non_null(entry);
	assert_null(entry_get(entry, "ID_USB_INTERFACES"));
	assert_null(entry_get(entry, "ID_PATH"));
	assert_int_equal(host_presence(bed->host, port), BOARD_ABSENT);
}

static void test_running_board_has_a_tty(void **state)
{
	struct bed *bed = *state;
	struct host_port *port;
	const struct entry *entry;
	char by_id[256];

	assert_int_equal(bed_start(bed), 0);
	port = running_board(bed, "1-1");
	host_plug(bed->host, port, false);
	entry = bed_wait(bed, "SUBSYSTEM=tty", "ACTION=add");
	assert_non_null(entry);
	expect_field(entry, "PARENT", "1-1");
	host_by_id(bed->host, port, by_id, sizeof(by_id));
	assert_string_equal(
		by_id, "/dev/serial/by-id/usb-Klipper_stm32f446xx_3E0036000851313339353335-if00");
	assert_non_null(strstr(entry_get(entry, "DEVLINKS"), by_id));
	entry = bed_wait(bed, "SYSNAME=1-1", "ACTION=add");
	assert_non_null(entry);
	expect_field(entry, "ID_VENDOR_ID", "1d50");
	assert_null(strstr(entry_get(entry, "ID_USB_INTERFACES"), ":fe"));
}

static void test_other_device_is_no_target(void **state)
{
	struct board_options options = {.plain = true, .vendor = 0x2e8a, .product = 0x0003};
	struct bed *bed = *state;
	struct host_port *port;
	const struct entry *entry;

	assert_int_equal(bed_start(bed), 0);
	port = bed_board(bed, "1-3", &options, true);
	entry = bed_wait(bed, "SYSNAME=1-3", "ACTION=bind");
	assert_non_null(entry);
	assert_null(entry_get(entry, "TAGS"));
	assert_int_equal(host_opens(bed->host, port), 0);
}

static void test_program_ends_when_told(void **state)
{
	struct bed *bed = *state;
	int status;

	assert_int_equal(bed_start(bed), 0);
	status = bed_stop(bed, SIGTERM);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(bed_stop(bed, SIGTERM), -ESRCH);
}

static struct usb *board_open(struct bed *bed, struct host_port *port)
{
	char node[64], path[128];
	struct usb *usb;

	snprintf(path, sizeof(path), "%s/usb", bed->root);
	setenv(WIRE_ENVIRONMENT, path, 1);
	assert_true(host_node(bed->host, port, node, sizeof(node)));
	assert_int_equal(usb_open(&usb, node), 0);
	return usb;
}

static struct dfu_status board_status(struct usb *usb)
{
	uint8_t bytes[DFU_STATUS_LENGTH];
	struct dfu_status status = {.status = DFU_STATUS_UNKNOWN};
	int n = usb_control(usb, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, bytes, sizeof(bytes), 5000);

	assert_true(n >= 0 && dfu_status_parse(&status, bytes, (uint32_t)n));
	return status;
}

static int board_download(struct usb *usb, uint16_t block, uint8_t *bytes, uint16_t n)
{
	return usb_control(usb, DFU_TYPE_OUT, DFU_DNLOAD, block, 0, bytes, n, 5000);
}

/* A download and the two GETSTATUS that make it work. */
static void board_do(struct usb *usb, uint16_t block, uint8_t *bytes, uint16_t n)
{
	assert_int_equal(board_download(usb, block, bytes, n), n);
	assert_int_equal(board_status(usb).state, DFU_DNBUSY);
	assert_int_equal(board_status(usb).state, DFU_DNLOAD_IDLE);
}

static void test_worker_table_reaches_the_board(void **state)
{
	struct bed *bed = *state;
	struct host_port *port = bed_board(bed, "1-1", NULL, true);
	struct usb *usb = board_open(bed, port), *other;
	uint8_t bytes[512], erase[] = {DFUSE_ERASE, 0, 0, 0, 8};
	int n = usb_descriptors(usb, bytes, sizeof(bytes));
	struct dfu_status status;

	assert_true(n > 18);
	assert_int_equal(bytes[0], 18);
	assert_int_equal(usb_claim(usb, 0), 0);
	other = board_open(bed, port);
	assert_int_equal(usb_claim(other, 0), -EBUSY);
	usb_free(other);
	assert_int_equal(usb_set_alternate(usb, 0, 0), 0);
	status = board_status(usb);
	assert_int_equal(status.state, DFU_ERROR);
	assert_int_equal(status.status, DFU_STATUS_FIRMWARE);
	assert_int_equal(board_download(usb, 0, erase, sizeof(erase)), -EPIPE);
	assert_int_equal(usb_control(usb, DFU_TYPE_OUT, DFU_CLRSTATUS, 0, 0, NULL, 0, 1000), 0);
	assert_int_equal(board_status(usb).state, DFU_IDLE);
	assert_int_equal(bed_counts(bed, port).clear_status, 1);
	assert_int_equal(host_opens(bed->host, port), 2);
	usb_free(usb);
}

static void test_board_that_left_comes_back_running(void **state)
{
	struct bed *bed = *state;
	struct board_options options = {.boot = BOARD_BOOTS_FLASH};
	struct host_port *port = bed_board(bed, "1-1", &options, true);
	struct usb *usb = board_open(bed, port);
	uint8_t image[2048], erase[] = {DFUSE_ERASE, 0, 0, 0, 8}, status[DFU_STATUS_LENGTH];
	uint8_t address[] = {DFUSE_SET_ADDRESS, 0, 0, 0, 8};
	struct usb *gone;

	assert_int_equal(bed_start(bed), 0);
	bed_forget(bed);
	image_fill(image, sizeof(image));
	board_do(usb, 0, erase, sizeof(erase));
	board_do(usb, 0, address, sizeof(address));
	board_do(usb, DFUSE_FIRST_BLOCK, image, sizeof(image));
	assert_true(bed_flash_equals(bed, port, RUN, image, sizeof(image)));
	board_do(usb, 0, address, sizeof(address));
	assert_int_equal(board_download(usb, 0, NULL, 0), 0);
	assert_int_equal(
		usb_control(usb, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, status, 6, 1000), -ENODEV);
	assert_non_null(bed_wait(bed, "ACTION=remove", "SYSNAME=1-1"));
	assert_non_null(bed_wait(bed, "ACTION=add", "SYSNAME=1-1", "ID_VENDOR_ID=1d50"));
	assert_int_equal(
		usb_control(usb, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, status, 6, 1000), -ENODEV);
	usb_free(usb);
	assert_int_equal(usb_open(&gone, "/dev/bus/usb/001/002"), -ENODEV);
	assert_int_equal(usb_open(&gone, "/dev/null"), -ENOENT);
}

static void test_silence_ends_at_the_time_out(void **state)
{
	struct bed *bed = *state;
	struct board_options options = {
		.faults = {{BOARD_FAULT_SILENCE, DFU_GETSTATUS, -1, 0, 1, 0}}};
	struct host_port *port = bed_board(bed, "1-1", &options, true);
	struct usb *usb = board_open(bed, port);
	uint8_t status[DFU_STATUS_LENGTH];

	assert_int_equal(
		usb_control(usb, DFU_TYPE_IN, DFU_GETSTATUS, 0, 0, status, 6, 50), -ETIMEDOUT);
	assert_int_equal(board_status(usb).state, DFU_IDLE);
	host_unplug(bed->host, port);
	assert_int_equal(usb_claim(usb, 0), -ENODEV);
	usb_free(usb);
}

/* A board that the kernel cannot enumerate is not there for udev. */
static void test_deaf_board_is_not_seen(void **state)
{
	struct bed *bed = *state;
	struct host_port *port;

	assert_int_equal(bed_start(bed), 0);
	port = running_board(bed, "1-1");
	board_set_boot(host_lock(bed->host, port), BOARD_BOOTS_DEAF);
	host_unlock(bed->host);
	host_plug(bed->host, port, false);
	assert_non_null(bed_board(bed, "1-2", NULL, true));
	assert_non_null(bed_wait(bed, "SYSNAME=1-2", "ACTION=bind"));
	assert_int_equal(bed_count(bed, "SYSNAME=1-1"), 0);
}

/* A board in a boot loop comes and goes by itself. */
static void test_flapping_board_comes_and_goes(void **state)
{
	struct bed *bed = *state;
	struct host_port *port;

	assert_int_equal(bed_start(bed), 0);
	port = running_board(bed, "1-1");
	board_set_boot(host_lock(bed->host, port), BOARD_FLAPS);
	host_unlock(bed->host);
	host_plug(bed->host, port, false);
	for (int i = 0; i < 2; i++) {
		assert_non_null(bed_wait(bed, "SYSNAME=1-1", "ACTION=bind"));
		assert_non_null(bed_wait(bed, "SYSNAME=1-1", "ACTION=remove"));
		bed_forget(bed);
	}
}

#define BED_TEST(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(test_dfu_device_is_heard_of),
		BED_TEST(test_device_that_was_there_is_enumerated),
		BED_TEST(test_unplugged_device_has_no_properties),
		BED_TEST(test_running_board_has_a_tty),
		BED_TEST(test_other_device_is_no_target),
		BED_TEST(test_program_ends_when_told),
		BED_TEST(test_worker_table_reaches_the_board),
		BED_TEST(test_board_that_left_comes_back_running),
		BED_TEST(test_silence_ends_at_the_time_out),
		BED_TEST(test_deaf_board_is_not_seen),
		BED_TEST(test_flapping_board_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
