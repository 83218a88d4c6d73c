# AppArmor and an OCI runtime, named by $argument: a profile of the configuration's confines the container, its execs too, and one that
# the kernel does not know is an error that leaves nothing. Read by scripts/vm/checks.sh.
. $here/checks/bundles.sh
make_rootfs "$scratch/rootfs"

cat >$scratch/profiles <<'PROFILES'
profile vm-checks flags=(attach_disconnected, mediate_deleted) {
  file,
  capability,
  network,
  signal,
  umount,
  deny /tmp/denied/** w,
  deny mount,
}
profile vm-checks-other flags=(attach_disconnected, mediate_deleted) {
  file,
  signal,
}
PROFILES
check 'profiles are loaded' '^2 \[0\]$' sh -c "apparmor_parser --replace --skip-cache $scratch/profiles && grep -c '^vm-checks.* (enforce)' /sys/kernel/security/apparmor/profiles"

confine='.process.apparmorProfile = "vm-checks"'
bundle confined "$confine" 'cat /proc/self/attr/current; mkdir -p /tmp/denied; echo x >/tmp/denied/file; echo x >/tmp/allowed && cat /tmp/allowed'
check_run 'a profile confines' '^vm-checks \(enforce\)~sh: .*/tmp/denied/file: Permission denied~x \[0\]$' confined
bundle unconfined '.process.apparmorProfile = "unconfined"' 'cat /proc/self/attr/current'
check_run 'unconfined' '^unconfined \[0\]$' unconfined
bundle user "$confine | .process.user = {uid: 1000, gid: 1000} | .process.noNewPrivileges = false" 'cat /proc/self/attr/current; id -u'
check_run 'a user without capabilities' '^vm-checks \(enforce\)~1000 \[0\]$' user
bundle filtered "$confine"' | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
  syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}' 'cat /proc/self/attr/current; mkdir /tmp/d'
check_run 'beside a seccomp filter' '^vm-checks \(enforce\)~mkdir: .*not supported' filtered
bundle mapped "$mapped | $confine" 'cat /proc/self/attr/current'
mapped_rootfs
check_run 'in a user namespace' '^vm-checks \(enforce\) \[0\]$' mapped

bundle held "$confine" sleep 1000
check 'seen from outside' '^vm-checks \(enforce\) \[0\]$' sh -c "
  $runtime run --detach --bundle $scratch/held --pid-file $scratch/held/pid held </dev/null >/dev/null 2>&1 || exit
  cat /proc/\$(cat $scratch/held/pid)/attr/current"
check 'exec is confined as the container is' '^vm-checks \(enforce\)~.*Permission denied' $runtime exec held \
  /bin/sh -c 'cat /proc/self/attr/current; echo x >/tmp/denied/file'
jq '.process | .apparmorProfile = "vm-checks-other" | .args = ["cat", "/proc/self/attr/current"]' $scratch/held/config.json >$scratch/process.json
check 'exec with a profile of its own' '^vm-checks-other \(enforce\) \[0\]$' $runtime exec --process $scratch/process.json held
jq '.apparmorProfile = "no-such-profile"' $scratch/process.json >$scratch/process-wrong.json
check 'exec with an unknown profile' 'no-such-profile|apparmor' $runtime exec --process $scratch/process-wrong.json held
check 'and the container goes on' '^running \[0\]$' sh -c "$runtime state held | jq -r .status"
$runtime delete --force held

bundle wrong '.process.apparmorProfile = "no-such-profile"' 'echo started'
case $argument in
runc) check_run 'an unknown profile is an error' 'apparmor.*\[1\]$' wrong ;; # which it does not name
*) check_run 'an unknown profile is an error that names it' '^[^~]*no-such-profile[^~]* \[1\]$' wrong ;;
esac
check 'which leaves nothing' '^0~0 \[0\]$' sh -c "find $cgroups -mindepth 1 -type d | wc -l; $runtime list -q | wc -l"
check 'a created one, too' '\[1\]$' $runtime create --bundle $scratch/wrong wrong
check 'which leaves nothing either' '^0~0 \[0\]$' sh -c "find $cgroups -mindepth 1 -type d | wc -l; $runtime list -q | wc -l"
rmdir $cgroups 2>/dev/null
apparmor_parser --remove $scratch/profiles
