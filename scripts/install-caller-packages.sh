#!/bin/sh
# Installs the Debian packages of the engines that call an OCI runtime, for scripts/callers.sh. None of their daemons is started.
set -eu

list() {
  cat <<'END'
  catatonit  # the init of podman run --init, and what podman builds the pause image of its pods from
  conmon     # what podman leaves per container: it calls the runtime
  containerd # ctr, and the shim that calls the runtime
  docker.io  # dockerd and docker
  podman
  runc       # the runtime whose results are the expected ones
  slirp4netns # the network of an ordinary user's podman
  uidmap     # newuidmap: podman looks for it
END
}
packages=$(list | sed 's/#.*//')

missing=
for package in $packages; do
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo 'install-caller-packages: all are installed'
  exit 0
fi

# The packages of containerd and docker.io start a daemon where invoke-rc.d(8) lets them; a docker daemon would write rules of
# iptables for the whole machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "install-caller-packages: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# shellcheck disable=SC2086 # one argument a package
apt-get install --yes --quiet=2 --no-install-recommends $missing
