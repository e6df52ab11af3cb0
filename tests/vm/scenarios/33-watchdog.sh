# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 90
# The daemon hangs in the middle of a write: the watchdog ends it, not the worker, and the next start
# tells the true end.
dropin <<-END
	[Service]
	WatchdogSec=8s
END
image klipper.bin --size 120000
board_start octopus 0 --cold-error
drop klipper.bin
board_wait_count octopus blocks 8
worker=$(worker_pids)
first=$(dfud_pid)
kill -STOP "$first"
wait_until 30 'the watchdog has ended dfud' test ! -e "/proc/$first/exe"
wait_until 60 'the worker has finished' test ! -e "/proc/$worker"
wait_until 30 'dfud is back' dfud_is_another_than "$first"
wait_verdict returned DFUD_FLASH=written
assert_flash_equals octopus klipper.bin
assert_well_treated octopus
assert_count 1 DFUD_EVENT=flashing
assert_in_folder 'done' klipper.bin
