# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# The profile says that nothing comes back, and nothing does.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Return]
	Id=none
	Within=3s
END
image quiet.bin --no-usb
board_start octopus 0 --cold-error --boot gone
drop quiet.bin
wait_verdict not-expected DFUD_FLASH=written DFUD_RETURN=not-expected PRIORITY=5
assert_flash_equals octopus quiet.bin
assert_in_folder 'done' quiet.bin
