# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# A file that is still being written is no job; it is one when its writer has closed it.
image klipper.bin
board_start octopus 0 --cold-error
wait_journal DFUD_EVENT=appeared
exec {slow}>"$state/queue/klipper.bin"
head -c 20000 "$work/klipper.bin" >&"$slow"
sleep 3
assert_count 0 DFUD_FILE=klipper.bin
tail -c +20001 "$work/klipper.bin" >&"$slow"
exec {slow}>&-
wait_verdict returned
assert_flash_equals octopus klipper.bin
