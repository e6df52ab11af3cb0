# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# One visit, one flash: a second file is not flashed by a board that came back; entered by hand into
# DFU mode again, the board gets the new file.
image klipper.bin
image newer.bin --seed 2
board_start octopus 0 --cold-error
drop klipper.bin
wait_verdict returned
drop newer.bin
wait_journal DFUD_EVENT=queued DFUD_FILE=newer.bin
assert_count 1 DFUD_EVENT=flashing
board_unplug octopus
board_plug octopus dfu
wait_verdict -n 2 returned DFUD_FILE=newer.bin
assert_flash_equals octopus newer.bin
assert_in_folder 'done' klipper.bin
assert_in_folder 'done' newer.bin
