# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 120
# Images that do not fit this board: refused before the first erase, the file stays. Makers' sealed and
# wrapped files are among them, under the shipped profile.
board_start octopus 0 --cold-error
image offset.bin --link 0x08008000
head -c 60000 /dev/urandom >"$work/sealed.bin"
image big.bin --size 600000
image f765.bin --build f765 --link 0x08000000
image g0b1.bin --build g0b1 --link 0x08000000
for wrap in xor header mcuboot random; do
	image "$wrap.bin" --wrap "$wrap"
done

for pair in offset.bin:link-address sealed.bin:unknown-image big.bin:outside-map \
	f765.bin:wrong-chip g0b1.bin:wrong-chip xor.bin:unknown-image header.bin:unknown-image \
	mcuboot.bin:unknown-image random.bin:unknown-image; do
	name=${pair%:*}
	drop "$name"
	wait_reason "$name" "${pair#*:}" queue
	assert_count_of octopus erases 0
	rm "$state/queue/$name"
done
assert_said 'f765.bin was built for stm32f765xx, and this board is another chip'
image klipper.bin
drop klipper.bin
wait_journal DFUD_EVENT=verdict DFUD_VERDICT=returned DFUD_FILE=klipper.bin
assert_flash_equals octopus klipper.bin
