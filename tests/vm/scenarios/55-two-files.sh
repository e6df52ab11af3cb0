# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# Two files and one board: nothing is flashed, both are named. When one is taken back, the other goes.
image one.bin
image two.bin --seed 2
drop one.bin
drop two.bin
wait_journal -n 2 DFUD_EVENT=queued
board_start octopus 0 --cold-error
wait_journal DFUD_REASON=two-files
assert_said 'one\.bin.*two\.bin|two\.bin.*one\.bin' DFUD_REASON=two-files
assert_count_of octopus erases 0
rm "$state/queue/one.bin"
wait_journal DFUD_EVENT=cancelled DFUD_FILE=one.bin
wait_verdict returned DFUD_FILE=two.bin
assert_flash_equals octopus two.bin
