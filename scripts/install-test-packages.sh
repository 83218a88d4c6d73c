#!/bin/sh
# Installs the Debian packages with which every test can run, where they are missing. hako itself needs none of them.
set -eu

packages='
  binutils                   # objdump: checks the machine code we write, x86-64
  binutils-aarch64-linux-gnu # the same for arm64
  bubblewrap                 # a peer of the benchmark
  buildah                    # makes images of several layers
  crun                       # a peer of the benchmark
  curl                       # fetches through published ports
  iproute2                   # shows what our netlink did; a program of the base image
  libseccomp2                # what our seccomp filters are compared with
  mmdebstrap                 # makes a Debian root file system
  nftables                   # shows what our nf_tables did
  procps                     # ps: a program of the base image
  python3                    # another reader and writer of tar archives
  qemu-user                  # runs the arm64 machine code on x86-64
  runc                       # a peer of the benchmark
  skopeo                     # converts images between formats
  strace                     # shows which calls were really made
  umoci                      # reads and writes OCI layouts
  util-linux                 # unshare and nsenter
  xz-utils
  zstd
'
packages=$(printf '%s' "$packages" | sed 's/#.*//')

missing=
for package in $packages; do
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo 'install-test-packages: all are installed'
  exit 0
fi

echo "install-test-packages: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# shellcheck disable=SC2086 # one argument a package
apt-get install --yes --quiet=2 --no-install-recommends $missing
