# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# A written profile protects the boot loader: an image at flash base is refused, one behind it is
# flashed and the boot loader stays as it was.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Flash]
	Protect=0x08000000-0x08007fff
	[Return]
	Id=none
	Within=3s
END
image loader.bin --size 20000 --seed 7
flash_image before loader.bin
flash_image expected loader.bin
board_start octopus 0 --cold-error --flash "$work/before" --boot gone
image base.bin
drop base.bin
wait_reason base.bin protected queue
assert_count_of octopus erases 0
rm "$state/queue/base.bin"
image behind.bin --link 0x08008000
dd if="$work/behind.bin" of="$work/expected" bs=32768 seek=1 conv=notrunc status=none
drop behind.bin
wait_journal DFUD_EVENT=verdict DFUD_VERDICT=not-expected DFUD_ADDRESS=0x08008000
assert_flash_is octopus expected
