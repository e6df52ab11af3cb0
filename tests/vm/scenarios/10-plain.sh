# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The plain case: nothing configured, the board is there, a file comes.
image klipper.bin
flash_image expected klipper.bin
board_start octopus 0 --cold-error
wait_journal DFUD_EVENT=appeared
drop klipper.bin
wait_verdict returned DFUD_FLASH=written DFUD_RETURN=as-expected DFUD_VERIFIED=read-back \
	DFUD_USB_ID=0483:df11 DFUD_RETURN_ID=1d50:614e DFUD_FILE=klipper.bin \
	DFUD_ADDRESS=0x08000000 DFUD_SIZE="$(stat -c %s "$work/klipper.bin")" \
	DFUD_PORT="${board_ports[octopus]}" DFUD_QUEUED_BY_UID=1000 PRIORITY=5 \
	DFUD_SHA256="$(sha256sum "$work/klipper.bin" | cut -d' ' -f1)"
test -c "$(field DFUD_TTY DFUD_EVENT=verdict)"
assert_flash_is octopus expected
assert_well_treated octopus
assert_in_folder 'done' klipper.bin
assert_report 'done' klipper.bin returned
