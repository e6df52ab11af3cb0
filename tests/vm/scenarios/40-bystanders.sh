# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# A board of another vendor and a 2e8a:0003 beside the one that is meant: never touched.
image klipper.bin
board_start other 1 --id 1209:df11
board_start pico 2 --plain 2e8a:0003
board_start octopus 0 --cold-error
for name in other pico; do
	board_ask "$name" counts >"$work/$name.before"
done
drop klipper.bin
wait_verdict returned DFUD_PORT="${board_ports[octopus]}"
assert_flash_equals octopus klipper.bin
for name in other pico; do
	board_ask "$name" counts | cmp - "$work/$name.before" || fail "$name was touched"
done
assert_never_touched other
assert_count 0 DFUD_PORT="${board_ports[pico]}"
