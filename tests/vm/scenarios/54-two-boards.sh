# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# Two boards and one file: nothing is flashed, both are named. When one is pulled, the other is served.
image klipper.bin
board_start left 0 --cold-error
board_start right 1 --cold-error
drop klipper.bin
wait_journal DFUD_REASON=two-boards
assert_said "${board_ports[left]}.*${board_ports[right]}|${board_ports[right]}.*${board_ports[left]}" \
	DFUD_REASON=two-boards
assert_count_of left erases 0
assert_count_of right erases 0
assert_in_folder queue klipper.bin
board_unplug right
wait_verdict returned DFUD_PORT="${board_ports[left]}"
assert_flash_equals left klipper.bin
