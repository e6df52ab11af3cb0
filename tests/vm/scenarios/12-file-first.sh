# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The file waits for the board.
image klipper.bin
drop klipper.bin
wait_journal DFUD_EVENT=queued DFUD_FILE=klipper.bin
board_start octopus 0 --cold-error
wait_verdict returned
assert_flash_equals octopus klipper.bin
assert_in_folder 'done' klipper.bin
