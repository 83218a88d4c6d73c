#!/bin/sh
# Makes the virtual machine that scripts/vm/run.sh boots, of Debian 12's packages alone: machine.sh DIRECTORY makes the directory, with
# vmlinuz, initramfs and root.ext4. 150 MB of download, about a minute. It has systemd, which the kernel starts where the command line
# has hako.init=systemd; else the shell of scripts/vm/boot.sh is process 1. The project comes in on a disk of its own, /hako.
set -eu

machine=$1
say() { printf 'vm: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# podman, crun and runc: what hako-oci takes the place of, and what shows that the checks are right. The rest is for the checks.
packages='apparmor busybox-static conmon crun curl dbus dbus-user-session iproute2 jq kmod libpam-systemd netcat-openbsd nftables podman procps
runc systemd uidmap util-linux'

[ "$(id -u)" = 0 ] || fail 'making a root file system needs root'
for program in mmdebstrap mke2fs cpio; do
  command -v "$program" >/dev/null || fail "$program is missing: sh scripts/install-test-packages.sh installs it"
done
mkdir -p "${machine%/*}"
work=$(mktemp -d "${machine%/*}/.machine.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

say 'making the machine: Debian 12 and its cloud kernel'
sources=$(apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' | sed -n 's/^Debian //p' | sort -u)
case $sources in
*bookworm*) ;;
*) fail "apt knows no package lists of Debian 12 (bookworm): add it to apt's sources, run apt-get update" ;;
esac
apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' >"$work/apt.conf" || true
printf '%s\n' "$sources" | sed 's/^deb /deb [signed-by=\/usr\/share\/keyrings\/debian-archive-keyring.gpg] /' >"$work/sources.list"
# Nobody reads manuals inside, and the disk is the sooner made without them.
mmdebstrap --quiet --variant=minbase --aptopt="$work/apt.conf" --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --include="$(printf '%s' "$packages" | tr ' \n' ',,')" '' "$work/root" "$work/sources.list" >&2
root=$work/root

kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p')
[ -n "$kernel" ] || fail 'apt knows no package linux-image-cloud-amd64: run apt-get update'
(cd "$work" && apt-get download -qq "$kernel") 2>/dev/null || fail "apt-get download $kernel failed"
for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$work/packages"; done
cp -a "$work/packages/lib/modules" "$root/usr/lib/"
version=$(ls "$work/packages/lib/modules")
chroot "$root" depmod "$version"
mkdir -p "$root/hako" "$work/result"
printf 'debian12\n' >"$root/etc/hostname"

# An ordinary user, with ids for user namespaces.
chroot "$root" useradd --create-home --uid 1000 --shell /bin/sh user
printf 'user:100000:65536\n' | tee "$root/etc/subuid" >"$root/etc/subgid"
# A machine without an id is taken for one that starts for the first time: systemd would look at every unit.
printf '00000000000000000000000000000001\n' >"$root/etc/machine-id"
# What a start under systemd can do without; it is emulated.
for unit in apparmor.service systemd-timesyncd.service systemd-update-utmp.service systemd-random-seed.service systemd-journal-flush.service \
  systemd-journal-catalog-update.service systemd-hwdb-update.service systemd-machine-id-commit.service systemd-firstboot.service \
  systemd-sysusers.service systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-binfmt.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# The kernel has disk and file system as modules: the initramfs loads those, and makes the disk the root.
mkdir -p "$work/initramfs/modules" "$work/initramfs/root" "$work/initramfs/proc" "$work/initramfs/dev"
cp "$root/bin/busybox" "$work/initramfs/busybox"
chroot "$root" modprobe --set-version "$version" --show-depends --all virtio_pci virtio_blk ext4 crc32c_generic >"$work/insmod"
sed -n 's/^insmod \([^ ]*\).*/\1/p' "$work/insmod" | awk '!seen[$0]++' | while read -r module; do
  cp "$root$module" "$work/initramfs/modules/"
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
case $(/busybox cat /proc/cmdline) in
*hako.init=systemd*)
  # Units that lie in /run when systemd starts are as good as those of the disk.
  /busybox mount -t tmpfs -o mode=755 run /root/run
  /busybox mkdir -p /root/run/systemd/system
  /busybox cp /root/hako/scripts/vm/units/* /root/run/systemd/system/
  init=/lib/systemd/systemd
  ;;
*) init='/bin/sh /hako/scripts/vm/boot.sh' ;;
esac
/busybox umount /proc
exec /busybox switch_root /root $init
INIT
chmod 755 "$work/initramfs/init"
(cd "$work/initramfs" && find . | cpio --quiet --create --format=newc) >"$work/result/initramfs"
cp "$work"/packages/boot/vmlinuz-* "$work/result/vmlinuz"
mke2fs -qF -t ext4 -O ^has_journal -d "$root" "$work/result/root.ext4" 2000M >/dev/null
rm -rf "$machine"
mv "$work/result" "$machine"
