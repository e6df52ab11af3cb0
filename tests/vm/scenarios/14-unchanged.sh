# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# A board that already holds the image: nothing is erased, it leaves all the same.
image klipper.bin
flash_image before klipper.bin
board_start octopus 0 --cold-error --flash "$work/before"
drop klipper.bin
wait_verdict unchanged DFUD_FLASH=unchanged DFUD_RETURN=as-expected
assert_count_of octopus erases 0
assert_count_of octopus blocks 0
assert_flash_is octopus before
assert_well_treated octopus
assert_in_folder 'done' klipper.bin
