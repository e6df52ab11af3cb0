# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 120
# Unplugged in the middle of a write: told at once, what is on the board looks like no program, the
# file waits. Plugged in again it is finished.
image klipper.bin --size 200000
board_start octopus 0 --cold-error
drop klipper.bin
board_wait_count octopus blocks 8
board_unplug octopus
wait_verdict interrupted DFUD_REASON=vanished DFUD_FLASH=partly PRIORITY=3
assert_in_folder queue klipper.bin
board_ask octopus dump "$work/half" >/dev/null
[ "$(od -An -tx1 -N8 "$work/half" | tr -d ' ')" = ffffffffffffffff ] || fail 'looks like a program'
board_plug octopus dfu
wait_verdict -n 2 returned DFUD_FLASH=written
assert_flash_equals octopus klipper.bin
assert_well_treated octopus
assert_in_folder 'done' klipper.bin
