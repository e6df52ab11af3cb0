# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 120
# Something is in every byte of the flash. What a flash erases is saved first, and brings it back
# byte for byte: by hand, and as a file in the queue, whatever File= of the profile says.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Image]
	File=klipper*.bin
END

# again: the next visit of the board
again() {
	board_unplug octopus
	board_plug octopus
}

image stock.bin --style stock --size 32464
image klipper.bin
image klipper-2.bin --seed 2
head -c 524288 /dev/urandom >"$work/before"
dd if="$work/stock.bin" of="$work/before" conv=notrunc status=none
board_start octopus 0 --cold-error --flash "$work/before"
drop klipper.bin
wait_verdict returned
digest=$(field DFUD_BACKUP DFUD_EVENT=saved)
backup=$state/backup/$digest.bin
[ "$(sha256sum <"$backup")" = "$digest  -" ] || fail "$backup is not named by what it holds"
[ "$(stat -c %s "$backup")" = 49152 ]
cmp -n 49152 "$backup" "$work/before"
grep -qx 'Address=0x08000000' "${backup%.bin}.ini"
assert_report 'done' klipper.bin "^Backup: +$digest, restore with: dfud-flash --restore ${digest:0:8}\$"
assert_flash_equals octopus klipper.bin

dfud_stop
again
dfud-flash --port "${board_ports[octopus]}" --restore "${digest:0:8}"
assert_flash_is octopus before
[ "$(find "$state/backup" -name '*.bin' | wc -l)" = 2 ] || fail 'by hand nothing was saved'

dfud_start
again
drop klipper-2.bin
wait_verdict -n 2 returned DFUD_FILE=klipper-2.bin DFUD_BACKUP="$digest"
board_unplug octopus
runuser -u alice -- cp "$backup" "$state/queue/"
wait_journal DFUD_EVENT=queued DFUD_BACKUP="$digest" DFUD_FILE="$digest.bin"
board_plug octopus
wait_verdict -n 3 returned DFUD_FILE="$digest.bin" DFUD_ADDRESS=0x08000000 DFUD_PROFILE=octopus
assert_flash_is octopus before
assert_well_treated octopus
assert_in_folder 'done' "$digest.bin"
