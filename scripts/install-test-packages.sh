#!/bin/sh
# Installs the Debian packages with which every test can run, where they are missing. hako itself needs none of them.
set -eu

list() {
  cat <<'END'
  binutils                   # objdump: checks the machine code we write, x86-64
  binutils-aarch64-linux-gnu # the same for arm64
  bubblewrap                 # a peer of the benchmark
  buildah                    # makes images of several layers
  busybox-static             # the program in the containers of the conformance suite
  cpio                       # makes the initramfs of the virtual machine
  crun                       # a peer of the benchmark
  curl                       # fetches through published ports
  dbus-bin                   # dbus-monitor: reads the messages that we write to systemd
  dbus-daemon                # a message bus for the tests alone
  e2fsprogs                  # mkfs.ext4: a file system to be mounted
  iproute2                   # shows what our netlink did; a program of the base image
  libcap2-bin                # capsh, getpcaps, setcap: what our capabilities are compared with
  libseccomp2                # what our seccomp filters are compared with
  mmdebstrap                 # makes a Debian root file system
  mount                      # losetup: an image file as a device
  nftables                   # shows what our nf_tables did
  passt                      # pasta: connects a user's engine with the network
  procps                     # ps: a program of the base image
  python3                    # another reader and writer of tar archives
  qemu-system-x86            # the virtual machine (scripts/vm); 14 MB of download with what it needs
  qemu-user                  # runs the arm64 machine code on x86-64
  runc                       # a peer of the benchmark
  skopeo                     # converts images between formats
  slirp4netns                # the same, and publishes its ports
  strace                     # shows which calls were really made
  umoci                      # reads and writes OCI layouts
  bsdutils                   # script: gives a program a terminal
  uidmap                     # newuidmap, newgidmap: ids that are granted to an ordinary user
  util-linux                 # unshare and nsenter
  xz-utils
  zstd
END
}
# shellcheck disable=SC2046 # one argument a package
sh "$(dirname "$0")/install-packages.sh" install-test-packages $(list | sed 's/#.*//')
