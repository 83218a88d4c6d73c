#!/bin/sh
# Makes the image that the tests of real programs import, with other people's tools and nothing of hako: Debian 12 by mmdebstrap,
# then by buildah one layer each for Python, nginx, Redis and PostgreSQL. Prints the directory that holds it:
#
#   docker.tar   as docker save writes it
#   oci/         as an OCI image layout, tag latest, layers compressed by gzip
#   rootfs.tar   the first layer alone, as a root file system
#
# Kept in $HAKO_TEST_CACHE (default /var/cache/hako-test) under the hash of this file, so that it is made once: three minutes.
set -eu

cache=${HAKO_TEST_CACHE:-/var/cache/hako-test}
recipe=$(sha256sum <"$0" | cut -c 1-16)
result=$cache/$recipe

say() { printf 'real-images: %s\n' "$*" >&2; }

[ -e "$result/docker.tar" ] && echo "$result" && exit 0

for program in mmdebstrap buildah; do
  command -v "$program" >/dev/null || { say "$program is missing: scripts/install-test-packages.sh installs it"; exit 1; }
done
mkdir -p "$cache"
exec 9<"$cache"
flock 9
[ -e "$result/docker.tar" ] && echo "$result" && exit 0

work=$cache/.work
container=
b() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver overlay "$@" 9<&-; }
clean() {
  [ -z "$container" ] || b rm "$container" >/dev/null 2>&1 || true
  [ ! -d "$work/storage" ] || b umount --all >/dev/null 2>&1 || true
  umount "$work/storage/overlay" 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM
clean
mkdir -p "$work/result"

# Debian's packages come from where this machine has them from, which is nobody else's business: used while building, removed after.
# shellcheck disable=SC2016 # the dollars are apt's
sources=$(apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' | sed -n 's/^Debian //p' | sort -u)
[ -n "$sources" ] || { say 'apt knows no package lists of Debian: run apt-get update'; exit 1; }
apt-config dump | grep -E '^Acquire::(https?|Check-|Retries)' >"$work/apt.conf" || true

say 'making a Debian root file system'
printf '%s\n' "$sources" | sed 's/^deb /deb [signed-by=\/usr\/share\/keyrings\/debian-archive-keyring.gpg] /' >"$work/sources.list"
mmdebstrap --quiet --variant=minbase --aptopt="$work/apt.conf" \
  --customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"' \
  '' "$work/rootfs.tar" "$work/sources.list" 9<&- >&2

container=$(b from scratch)
b add --quiet "$container" "$work/rootfs.tar" / >/dev/null
layer() {
  b config --created-by "$1" "$container"
  b commit --quiet "$container" "$1" >/dev/null
  b rm "$container" >/dev/null
  container=$(b from "$1")
}
install() {
  say "adding a layer: $*"
  b run --isolation chroot --network host "$container" -- sh -ec \
    'export DEBIAN_FRONTEND=noninteractive; apt-get install -qq --no-install-recommends "$@" >/dev/null; apt-get clean' sh "$@" 9<&- >&2
}

layer debian
b run --isolation chroot --network host "$container" -- apt-get update -qq >&2
install python3-minimal libpython3-stdlib
layer python
install nginx-light
b run --isolation chroot "$container" -- sh -ec 'head -c 134217728 /dev/urandom >/var/www/html/128M' # what is fetched in the test
layer nginx
install redis-server
layer redis
install postgresql
b run --isolation chroot "$container" -- sh -ec 'rm -rf /etc/apt/sources.list* /etc/apt/apt.conf.d/99mmdebstrap /var/lib/apt/lists/* /usr/sbin/policy-rc.d'
b config --cmd '["/bin/sh"]' --port 80 --env LANG=C.UTF-8 --workingdir / "$container"
layer servers

say 'saving'
b push --quiet servers "docker-archive:$work/result/docker.tar:test/servers:latest" >&2
b push --quiet --format oci servers "oci:$work/result/oci:latest" >&2
mv "$work/rootfs.tar" "$work/result/rootfs.tar"
rm -rf "$result"
mv "$work/result" "$result"
echo "$result"
