# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# A boot loader at the start of the flash, and a file that goes behind it: the boot loader stays as it
# was, and the board is told to start there, as it will after a power cycle.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Return]
	Id=1d50:614e
END
image loader.bin --style katapult --size 6000
image klipper.bin --link 0x08008000
flash_image before loader.bin
flash_image expected loader.bin
dd if="$work/klipper.bin" of="$work/expected" bs=32768 seek=1 conv=notrunc status=none
board_start octopus 0 --cold-error --flash "$work/before"
drop klipper.bin
wait_verdict returned DFUD_ADDRESS=0x08008000 DFUD_COLD_BOOT=yes
assert_said '^octopus: left DFU mode to 0x08000000, where a reset starts it,'
assert_count 0 DFUD_EVENT=checked PRIORITY=4
[ "$(board_ask octopus steps | grep '^leave')" = 'leave 0x08000000 0' ] || fail 'not left to base'
assert_flash_is octopus expected
assert_well_treated octopus
assert_report 'done' klipper.bin '^bootloader +good +0x08000000 holds Katapult, which stays$'
board_unplug octopus
board_plug octopus run
board_wait octopus 1d50:614e
