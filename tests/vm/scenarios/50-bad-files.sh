# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 120
# Files that are no firmware: one line each with its reason, nothing is lost, and the board that is
# plugged in all the while is never erased. A good file is flashed afterwards.
image klipper.bin
board_start octopus 0 --cold-error
wait_journal DFUD_EVENT=appeared

: >"$work/empty.bin"
drop empty.bin
wait_reason empty.bin empty failed

for i in $(seq 400); do echo "line $i of the build log, nothing to flash"; done >"$work/text.bin"
drop text.bin
wait_reason text.bin text failed

printf '<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body>%s</body></html>\n' \
	"$(head -c 2000 /dev/zero | tr '\0' x)" >"$work/page.bin"
drop page.bin
wait_reason page.bin html failed

gzip -c "$work/klipper.bin" >"$work/packed.bin"
drop packed.bin
wait_reason packed.bin compressed failed

head -c 9000 "$work/klipper.bin" >"$work/cut.bin"
drop cut.bin
wait_reason cut.bin truncated failed

head -c $((17 * 1024 * 1024)) /dev/zero >"$work/huge.bin"
drop huge.bin
wait_reason huge.bin too-large failed

assert_count_of octopus erases 0
drop klipper.bin
wait_journal DFUD_EVENT=verdict DFUD_VERDICT=returned DFUD_FILE=klipper.bin
assert_flash_equals octopus klipper.bin
