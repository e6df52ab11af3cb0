# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# Nothing lies at the start of the flash: a file that goes behind it runs because it is told to, and
# not after a power cycle. Said before the first erase and in the verdict; and it is true.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Return]
	Id=1d50:614e
END
image klipper.bin --link 0x08008000
board_start octopus 0 --cold-error
drop klipper.bin
wait_verdict returned DFUD_ADDRESS=0x08008000 DFUD_COLD_BOOT=no DFUD_RETURN=as-expected
assert_said '^octopus: nothing at 0x08000000 starts \(blank\): this board will run the file now, but not after a power cycle' \
	DFUD_EVENT=checked PRIORITY=4
assert_said 'But it will not start after a power cycle: .*; put a boot loader there, or build for' \
	DFUD_EVENT=verdict
[ "$(board_ask octopus steps | grep '^leave')" = 'leave 0x08008000 0' ] || fail 'not left to the file'
assert_flash_equals octopus klipper.bin 32768
assert_count 0 DFUD_EVENT=saved
[ -z "$(find "$state/backup" -type f)" ] || fail 'blank flash was saved'
board_unplug octopus
board_ask octopus plug run >/dev/null
board_ask octopus presence | grep -q '^absent' || fail 'it starts after a power cycle'
