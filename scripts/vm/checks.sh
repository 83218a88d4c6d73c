#!/bin/sh
# What must work on a stock kernel, checked inside the virtual machine that scripts/vm/run.sh boots: the groups of checks
# (scripts/vm/checks/*.sh) that the kernel's command line names in hako.groups=, one after the other; those that `+` joins go side by
# side. `oci:runc` is the group oci with the argument runc. One line a check; last line: the count.
here=/hako/scripts/vm
groups=$(sed -n 's/.*hako\.groups=\([^ ]*\).*/\1/p' /proc/cmdline | tr , ' ')

if [ "$groups" = shell ]; then
  setsid --ctty sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
  exit
fi
echo "Linux $(uname -r), process 1 is $(cat /proc/1/comm), $(findmnt -n -o FSTYPE,OPTIONS /sys/fs/cgroup), controllers: $(cat /sys/fs/cgroup/cgroup.controllers), security modules: $(cat /sys/kernel/security/lsm)"
counts=$(mktemp)
. $here/checks/report.sh

run_group() {
  group=${1%%:*} argument=
  case $1 in *:*) argument=${1#*:} ;; esac
  start=$(date +%s)
  . "$here/checks/$group.sh"
  echo "== $1 took $(($(date +%s) - start)) s"
}
for together in $groups; do
  echo "== $together"
  for one in $(echo "$together" | tr + ' '); do (run_group "$one") & done
  wait
done
echo "$(grep -c ok "$counts") passed, $(grep -c FAIL "$counts") failed"
