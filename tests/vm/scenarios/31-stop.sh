# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# `systemctl stop` in the middle of a write waits for the worker, and the attempt's true end is told
# once, before or after the next start.
image klipper.bin --size 120000
board_start octopus 0 --cold-error
drop klipper.bin
board_wait_count octopus blocks 8
worker=$(worker_pids)
dfud_stop
[ ! -e "/proc/$worker" ]
[ "$(systemctl show -P Result dfud.service)" = success ]
assert_flash_equals octopus klipper.bin
board_wait octopus 1d50:614e
dfud_start
wait_verdict returned DFUD_FLASH=written
assert_well_treated octopus
assert_in_folder 'done' klipper.bin
