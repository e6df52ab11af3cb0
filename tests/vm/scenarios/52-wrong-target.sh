# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# Images that do not fit this board: refused before the first erase, the file stays.
board_start octopus 0 --cold-error
image offset.bin --link 0x08008000
head -c 60000 /dev/urandom >"$work/sealed.bin"
image big.bin --size 600000

for pair in offset.bin:link-address sealed.bin:unknown-image big.bin:outside-map; do
	name=${pair%:*}
	drop "$name"
	wait_reason "$name" "${pair#*:}" queue
	assert_count_of octopus erases 0
	rm "$state/queue/$name"
done
image klipper.bin
drop klipper.bin
wait_journal DFUD_EVENT=verdict DFUD_VERDICT=returned DFUD_FILE=klipper.bin
assert_flash_equals octopus klipper.bin
