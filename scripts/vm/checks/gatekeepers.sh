# What `hako doctor`, `hako why` and `hako explain` say on a machine with AppArmor. Read by scripts/vm/checks.sh.
check 'hako doctor names the modules' '"id":"security-modules".*"apparmor".*"apparmor":true' sh -c 'hako doctor --format json | tr -d " \n"'
check 'hako doctor' 'ok +security modules +[^~]*apparmor' hako doctor
check 'hako doctor of an ordinary user' 'ok +security modules +[^~]*apparmor' setpriv --reuid 1000 --regid 1000 --init-groups env HOME=/home/user hako doctor

cat >/tmp/confined-profile <<'PROFILE'
profile vm-confined /confined/busybox flags=(attach_disconnected, mediate_deleted) {
  file,
  capability,
  signal,
  deny /etc/secret r,
  deny /etc/root-only r,
  deny network inet,
}
PROFILE
apparmor_parser --replace --skip-cache /tmp/confined-profile
hako run -d --name box base sh -c 'echo hidden >/etc/secret; echo hidden >/etc/root-only; chmod 600 /etc/root-only; exec sleep 1000' >/dev/null
hako exec box mkdir /confined
hako cp /bin/busybox box:/confined/busybox >/dev/null
check 'a profile that a program of a container has by its path' '^vm-confined \(enforce\) \[0\]$' hako exec box /confined/busybox cat /proc/self/attr/current
check 'hako why: a file that AppArmor denies' 'vm-confined' hako why box -- /confined/busybox cat /etc/secret
check 'in Japanese' 'vm-confined' hako why --lang ja box -- /confined/busybox cat /etc/secret
check 'as JSON' '"kind":"lsm".*vm-confined' sh -c 'hako why --format json box -- /confined/busybox cat /etc/secret | tr -d " \n"'
check 'hako why: a socket that AppArmor denies' 'vm-confined' hako why box -- /confined/busybox wget -O - http://127.0.0.1/
check 'hako why: permission bits, for all that AppArmor is there' 'permission' hako why --user 1000 box -- cat /etc/root-only
check 'hako why: what AppArmor denies of what the bits deny, too' '.' hako why --user 1000 box -- /confined/busybox cat /etc/root-only
check 'hako explain of a container tells its label' 'unconfined|vm-' sh -c 'hako explain box 2>&1'
hako rm -f box >/dev/null
apparmor_parser --remove /tmp/confined-profile
