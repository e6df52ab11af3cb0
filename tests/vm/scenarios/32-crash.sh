# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# SIGKILL of the daemon in the middle of a write: the worker finishes, systemd starts dfud again, and
# that start tells the true end.
image klipper.bin --size 120000
board_start octopus 0 --cold-error
drop klipper.bin
board_wait_count octopus blocks 8
worker=$(worker_pids)
first=$(dfud_pid)
kill -KILL "$first"
wait_until 60 'the worker has finished' test ! -e "/proc/$worker"
wait_until 30 'dfud is back' dfud_is_another_than "$first"
wait_verdict returned DFUD_FLASH=written
assert_flash_equals octopus klipper.bin
assert_well_treated octopus
assert_count 1 DFUD_EVENT=flashing
assert_in_folder 'done' klipper.bin
