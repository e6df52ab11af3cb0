# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# Board and file are both there before the daemon starts.
dfud_stop
image klipper.bin
drop klipper.bin
systemctl --quiet disable dfud.service
board_start octopus 0 --cold-error
systemctl --quiet enable dfud.service
dfud_start
wait_verdict returned
assert_flash_equals octopus klipper.bin
assert_in_folder 'done' klipper.bin
