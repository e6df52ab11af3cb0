# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# limit: 120
# A daemon that wants signatures: a file waits for its own, which is copied in place beside it; one
# of another key, one that does not fit and one that is none are refused; one that dfud may not read
# is waited for. After a reload under another key what waits is judged anew.
for key in mine theirs; do
	minisign -G -W -p "$work/$key.pub" -s "$work/$key.key" >/dev/null
done

# trust KEY...: signatures of these are required from now on
trust() {
	local key

	mkdir -p /etc/dfud
	{
		printf '[Trust]\nRequireSignature=yes\n'
		for key; do
			echo "Keys=$(tail -n 1 "$work/$key.pub")"
		done
	} >/etc/dfud/dfud.conf
	dfud_reload
}

# sign KEY FILE
sign() {
	minisign -S -s "$work/$1.key" -m "$work/$2" >/dev/null
	chmod 644 "$work/$2.minisig"
}

copy_in_place() {
	runuser -u alice -- cp "$work/$1" "$state/queue/$1"
}

trust mine
image klipper.bin
board_start octopus 0 --cold-error
drop klipper.bin
wait_journal DFUD_EVENT=held DFUD_REASON=signature DFUD_FILE=klipper.bin
assert_said '^klipper.bin waits for its signature klipper.bin.minisig$'
assert_count_of octopus erases 0
sign mine klipper.bin
copy_in_place klipper.bin.minisig
wait_verdict returned DFUD_QUEUED_BY_UID=1000
assert_said 'klipper.bin is queued .*signed with key [0-9A-F]+\)' DFUD_EVENT=queued
assert_flash_equals octopus klipper.bin
assert_in_folder done klipper.bin
assert_in_folder done klipper.bin.minisig
assert_report done klipper.bin '^Queued by: uid 1000$'
erases=$(board_count octopus erases)

image other.bin --seed 2
sign theirs other.bin
drop other.bin.minisig
drop other.bin
wait_reason other.bin signature failed
assert_said 'is not among Keys=' DFUD_FILE=other.bin
assert_in_folder failed other.bin.minisig

image altered.bin --seed 3
sign mine altered.bin
printf x >>"$work/altered.bin"
drop altered.bin.minisig
drop altered.bin
wait_reason altered.bin signature failed
assert_said 'one of the two was altered' DFUD_FILE=altered.bin

image none.bin --seed 4
echo 'trust me' >"$work/none.bin.minisig"
copy_in_place none.bin.minisig
drop none.bin
wait_reason none.bin signature failed
assert_said 'no signature file of minisign' DFUD_FILE=none.bin
assert_count_of octopus erases "$erases"

# private to who dropped it: dfud sees that it is there, no more
board_unplug octopus
image second.bin --seed 5
sign theirs second.bin
runuser -u alice -- install -m 600 "$work/second.bin.minisig" "$state/queue/second.bin.minisig"
drop second.bin
wait_journal DFUD_EVENT=held DFUD_REASON=signature DFUD_FILE=second.bin
assert_said 'chmod a\+r' DFUD_FILE=second.bin
trust mine theirs
runuser -u alice -- chmod 644 "$state/queue/second.bin.minisig"
wait_journal DFUD_EVENT=queued DFUD_FILE=second.bin
board_plug octopus
wait_journal DFUD_EVENT=verdict DFUD_VERDICT=returned DFUD_FILE=second.bin
assert_flash_equals octopus second.bin
