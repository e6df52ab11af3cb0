# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 120
# Four boards, each with a profile and a file of its own: flashed side by side, each with one verdict.
for i in 0 1 2 3; do
	board_start "board$i" "$((i * 2))" --cold-error --speedup 2 \
		--run-serial "3E003600085131333935333$i"
	profile "50-board$i" <<-END
		[Match]
		Id=0483:df11
		Port=${board_ports[board$i]}
		[Image]
		File=board$i.bin
	END
done
for i in 0 1 2 3; do
	image "board$i.bin" --seed "$((i + 1))"
	drop "board$i.bin"
done
wait_journal -n 4 -t 60 DFUD_EVENT=verdict DFUD_VERDICT=returned
for i in 0 1 2 3; do
	assert_count 1 DFUD_EVENT=verdict DFUD_PORT="${board_ports[board$i]}"
	assert_flash_equals "board$i" "board$i.bin"
done
