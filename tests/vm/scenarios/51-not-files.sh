# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154
#
# What is no file or may not be read is said once, and stays.
mkdir "$state/queue/folder.bin"
wait_reason folder.bin not-regular queue
mkfifo "$state/queue/pipe.bin"
wait_reason pipe.bin not-regular queue
ln -s /etc/passwd "$state/queue/symbolic.bin"
wait_reason symbolic.bin linked queue
image klipper.bin
cp "$work/klipper.bin" "$state/queue/.one"
ln "$state/queue/.one" "$state/queue/hard.bin"
wait_reason hard.bin linked queue
install -m 600 -o alice "$work/klipper.bin" "$state/.secret"
mv "$state/.secret" "$state/queue/secret.bin"
wait_reason secret.bin unreadable queue

image good.bin --seed 3
board_start octopus 0 --cold-error
drop good.bin
wait_verdict returned DFUD_FILE=good.bin
assert_flash_equals octopus good.bin
