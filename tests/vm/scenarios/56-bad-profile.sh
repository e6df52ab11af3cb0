# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# A profile with an unknown key is void: file, line and key are named, its devices wait and fall
# through to no other profile. Mended, the board is served on the same visit.
image klipper.bin
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Flash]
	Colour=red
END
assert_said '50-octopus\.conf.*4.*Colour' DFUD_EVENT=config-error
if /usr/sbin/dfud --check-config 2>"$work/check"; then
	fail 'dfud --check-config finds nothing'
fi
grep -q '50-octopus\.conf.*4.*Colour' "$work/check"
board_start octopus 0 --cold-error
drop klipper.bin
wait_journal DFUD_REASON=config DFUD_PORT="${board_ports[octopus]}"
assert_count_of octopus erases 0
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
END
wait_verdict returned DFUD_PROFILE=octopus
assert_flash_equals octopus klipper.bin
