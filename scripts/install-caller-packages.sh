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
# shellcheck disable=SC2046 # one argument a package
sh "$(dirname "$0")/install-packages.sh" install-caller-packages $(list | sed 's/#.*//')
