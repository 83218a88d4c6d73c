#!/bin/sh
# podman, containerd and dockerd, as Debian packages them, with hako-oci in place of runc (test/callers/). Needs root; installs them
# where they are missing, and starts them in namespaces of their own. Usage: callers.sh [FILE…]
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
sh scripts/install-caller-packages.sh
[ $# -gt 0 ] || set -- test/callers
exec node_modules/.bin/node scripts/test.ts "$@"
