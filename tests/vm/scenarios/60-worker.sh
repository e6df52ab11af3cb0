# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# dfud-flash by hand, as the board's owner would: plan, list, flash, exit codes.
dfud_stop
image klipper.bin
board_start octopus 0 --cold-error
port=${board_ports[octopus]}
dfud-flash --list | tee "$work/list"
grep -q "$port" "$work/list"
dfud-flash --port "$port" --plan "$work/klipper.bin"
assert_count_of octopus erases 0
code=0
dfud-flash --port 9-9 "$work/klipper.bin" || code=$?
[ "$code" = 2 ]
code=0
dfud-flash --nonsense || code=$?
[ "$code" = 64 ]
dfud-flash --port "$port" --address 0x08000000 "$work/klipper.bin"
assert_flash_equals octopus klipper.bin
assert_well_treated octopus

# verified, but not back; then a write that fails
board_start mute 1 --cold-error --boot gone
code=0
dfud-flash --port "${board_ports[mute]}" --within 1s "$work/klipper.bin" || code=$?
[ "$code" = 1 ]
assert_flash_equals mute klipper.bin
board_start worn 2 --cold-error --fault status,dnload,block,5,0,3
code=0
dfud-flash --port "${board_ports[worn]}" "$work/klipper.bin" || code=$?
[ "$code" = 3 ]
