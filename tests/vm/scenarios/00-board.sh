# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The machine itself: kernel, udev, lsusb, dfu-util and cdc_acm take the simulated board for a real
# one. dfud is not running. dfu-util ends in the error that began it all.
if has_dfud; then
	dfud_stop
fi
image klipper.bin
board_start octopus 0 --cold-error
lsusb -d 0483:df11
[ "$(lsusb -v -d 0483:df11 2>/dev/null | grep -c 'Device Firmware Update')" -ge 4 ]

code=0
dfu-util -d 0483:df11 -a 0 -s 0x08000000:leave -D "$work/klipper.bin" >"$work/dfu-util.log" 2>&1 ||
	code=$?
tail -n 3 "$work/dfu-util.log"
[ "$code" = 74 ]
grep -q 'Error during download get_status' "$work/dfu-util.log"

board_wait octopus 1d50:614e
wait_until 10 'the tty has a name' test -c /dev/serial/by-id/usb-Klipper_stm32f446xx_*-if00
assert_flash_equals octopus klipper.bin

board_unplug octopus
wait_until 10 'the name is gone' test ! -e /dev/serial/by-id
