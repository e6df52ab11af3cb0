# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The evening of the thread: an Octopus that starts in dfuERROR and vanishes at leave, under a written
# profile, with the boot loader of its maker in the flash. That evening nobody had a copy of it. The
# journal's text is golden; what differs from run to run is a placeholder.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Image]
	File=klipper*.bin
	Address=0x08000000
	[Return]
	Id=1d50:614e
END
image klipper.bin --size 44388 --version v0.13.0-730 --mcu stm32f446xx
drop klipper.bin
wait_journal DFUD_EVENT=queued
image stock.bin --style stock --size 32464
flash_image before stock.bin
board_start octopus 0 --cold-error --flash "$work/before"
wait_verdict returned DFUD_PROFILE=octopus DFUD_COLD_BOOT=yes
journal --priority=info | grep '^octopus: ' >"$work/said"
cat "$work/said"
sed 's/\\/\\\\/g; s/[][*^$?(){}|+.]/\\&/g; s/<PORT>/[0-9]+-[0-9]+/g; s/<SECONDS>/[0-9]+\\.[0-9]/g
	s/<SERIAL>/[0-9A-F]+/g; s/<BACKUP>/[0-9a-f]{8}/g' "$vm/scenarios/11-thread.golden" >"$work/patterns"
[ "$(wc -l <"$work/said")" = "$(wc -l <"$work/patterns")" ] || fail 'more or fewer sentences'
while IFS= read -r pattern <&3 && IFS= read -r line <&4; do
	[[ $line =~ ^$pattern$ ]] || fail "said: $line; golden: $pattern"
done 3<"$work/patterns" 4<"$work/said"
test -c "$(field DFUD_TTY DFUD_EVENT=verdict)"
assert_flash_equals octopus klipper.bin
cmp -n 49152 "$state/backup/$(field DFUD_BACKUP DFUD_EVENT=saved).bin" "$work/before"
assert_well_treated octopus
assert_in_folder 'done' klipper.bin
