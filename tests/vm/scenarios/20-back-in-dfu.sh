# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The boot pins are strapped: verified, and in DFU mode again. Judged once, not flashed again.
image klipper.bin
board_start octopus 0 --cold-error --boot dfu
drop klipper.bin
wait_verdict back-in-dfu DFUD_FLASH=written DFUD_RETURN=dfu PRIORITY=4
assert_flash_equals octopus klipper.bin
assert_in_folder 'done' klipper.bin
leaves=$(board_count octopus leaves)
[ "$leaves" = 1 ]
assert_count 1 DFUD_EVENT=flashing
