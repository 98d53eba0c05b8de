#!/bin/sh
# enter-root.sh ROOT FOLDER COMMAND...: runs COMMAND inside ROOT, with FOLDER at the same path inside as outside.
# Must be called in a mount namespace of its own (unshare --mount --ipc): every mount below vanishes with the process.
set -e
root=$1
folder=$2
shift 2

# The root is shared by all runs, so nobody may write into it.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
# Shared memory of killed servers goes with the namespace instead of piling up on the machine.
if [ -d "$root/dev/shm" ]; then mount -t tmpfs tmpfs "$root/dev/shm"; fi
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root$folder"
mount --bind "$folder" "$root$folder"
# Without the host's own name here Asterisk asks DNS at every call and blocks.
mount --bind "$folder/hosts" "$root/etc/hosts"
mount -o remount,bind,ro "$root"

ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
cd "$folder"
exec chroot "$root" "$@"
