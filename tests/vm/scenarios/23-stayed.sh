# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The device ignores the leave.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Return]
	Within=3s
END
image klipper.bin
board_start octopus 0 --cold-error --boot stays
drop klipper.bin
wait_verdict stayed DFUD_FLASH=written DFUD_RETURN=stayed PRIORITY=4
assert_flash_equals octopus klipper.bin
assert_in_folder 'done' klipper.bin
