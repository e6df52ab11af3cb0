# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# It comes back as something else than the image says.
image klipper.bin
board_start octopus 0 --cold-error --run-id 1209:0001
drop klipper.bin
wait_verdict returned-other DFUD_FLASH=written DFUD_RETURN=other DFUD_RETURN_ID=1209:0001 PRIORITY=4
assert_flash_equals octopus klipper.bin
assert_in_folder 'done' klipper.bin
