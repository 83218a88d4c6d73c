#!/bin/sh
# Installs Debian packages where they are missing; says what it does as the script that calls it. Usage: install-packages.sh CALLER PACKAGE…
set -eu
caller=$1
shift

missing=
for package; do
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "$caller: all are installed"
  exit 0
fi

# Packages of daemons start them where invoke-rc.d(8) lets them; a docker daemon would write rules of iptables for the whole machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "$caller: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# shellcheck disable=SC2086 # one argument a package
apt-get install --yes --quiet=2 --no-install-recommends $missing
