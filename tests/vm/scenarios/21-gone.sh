# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The program shows no USB although a USB device was expected.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Return]
	Id=1d50:614e
	Within=3s
END
image klipper.bin
board_start octopus 0 --cold-error --boot gone
drop klipper.bin
wait_verdict gone DFUD_FLASH=written DFUD_RETURN=none PRIORITY=4
assert_flash_equals octopus klipper.bin
assert_in_folder 'done' klipper.bin
