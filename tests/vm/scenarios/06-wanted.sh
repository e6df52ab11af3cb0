# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The rule wants dfu.target, which wants the service: a plug starts a dfud that is enabled and not
# running yet, and the board that was there first is found.
dfud_stop
image klipper.bin
cp "$work/klipper.bin" "$state/queue/"
board_start octopus 0 --cold-error
wait_until 20 'the plug starts dfud' systemctl --quiet is-active dfud.service
wait_verdict returned
assert_flash_equals octopus klipper.bin
