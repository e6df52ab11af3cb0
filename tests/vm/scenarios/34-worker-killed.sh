# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The worker is killed in the middle of a write: interrupted, and tried again on the same visit,
# because dfud is to blame and not the board.
image klipper.bin --size 120000
board_start octopus 0 --cold-error
drop klipper.bin
board_wait_count octopus blocks 8
kill -KILL "$(worker_pids)"
wait_journal DFUD_EVENT=verdict DFUD_VERDICT=interrupted DFUD_REASON=worker-crashed
wait_verdict -n 2 returned DFUD_FLASH=written
assert_flash_equals octopus klipper.bin
assert_in_folder 'done' klipper.bin
