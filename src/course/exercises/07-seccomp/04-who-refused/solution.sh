#: raw
cd /srv/five
for line in /srv/five/filter ambient-caps.-all unshare.--user reuid /srv/five/few; do
  grep -v -- "$line" box > "without-${line##*/}"
  bash "without-${line##*/}" > "without-${line##*/}.log" &
done
until [ "$(cat ./*.log | grep -c done)" = 5 ]; do sleep 0.1; done
grep done ./*.log
who[{{fact:ledger}}]=user who[{{fact:cell}}]=capability who[{{fact:hostname}}]=userns who[{{fact:room}}]=seccomp who[{{fact:children}}]=cgroup
answer "${who[*]}"

#: hako
echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}' > no-mkdir.json
box() { # NAME GATE...: the gates that stand
  name=$1
  shift
  case " $* " in *" cgroup "*) few="hako cgroup run --rm --pids-limit 32 $name --" ;; *) few= ;; esac
  case " $* " in *" userns "*) users="hako ns run --uid-map 0:0:65536 --gid-map 0:0:65536" ;; *) users= ;; esac
  case " $* " in *" user "*) user="--user 1000:1000" ;; *) user= ;; esac
  case " $* " in *" capability "*) caps=sys_admin ;; *) caps=sys_admin,sys_chroot ;; esac
  case " $* " in *" seccomp "*) filter="--seccomp no-mkdir.json" ;; *) filter= ;; esac
  $few hako ns run --uts $users hako cap run $user --drop all --add $caps --ambient $caps --no-new-privs $filter -- /srv/five/five > "$name.log" &
}
box one capability userns seccomp cgroup
box two user userns seccomp cgroup
box three user capability seccomp cgroup
box four user capability userns cgroup
box five user capability userns seccomp
until [ "$(cat ./*.log | grep -c done)" = 5 ]; do sleep 0.1; done
grep done ./*.log
who[{{fact:ledger}}]=user who[{{fact:cell}}]=capability who[{{fact:hostname}}]=userns who[{{fact:room}}]=seccomp who[{{fact:children}}]=cgroup
answer "${who[*]}"
