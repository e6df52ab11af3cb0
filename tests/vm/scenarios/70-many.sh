# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 120
# Four boards, one file for all of them: flashed side by side, each with a verdict of its own.
profile 50-octopus <<-END
	[Match]
	Id=0483:df11
	[Flash]
	Boards=any
END
image klipper.bin
for i in 0 1 2 3; do
	board_start "board$i" "$((i * 2))" --cold-error --speedup 2 \
		--run-serial "3E003600085131333935333$i"
done
drop klipper.bin
wait_journal -n 4 -t 60 DFUD_EVENT=verdict DFUD_VERDICT=returned
for i in 0 1 2 3; do
	assert_count 1 DFUD_EVENT=verdict DFUD_PORT="${board_ports[board$i]}"
	assert_flash_equals "board$i" klipper.bin
done
