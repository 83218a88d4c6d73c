#: raw
cat > filter <<'END'
#!/usr/bin/perl
# filter COMMAND...: no user namespaces by unshare and clone (EPERM), and no clone3, whose flags a filter cannot see (ENOSYS).
my ($prctl, $unshare, $clone) = `uname -m` eq "x86_64\n" ? (157, 272, 56) : (167, 97, 220);
my $f = pack("SCCL", 0x20, 0, 0, 0) . pack("SCCL", 0x15, 5, 0, 435) . pack("SCCL", 0x15, 1, 0, $unshare) . pack("SCCL", 0x15, 0, 2, $clone)
      . pack("SCCL", 0x20, 0, 0, 16) . pack("SCCL", 0x45, 2, 0, 0x10000000)
      . pack("SCCL", 0x06, 0, 0, 0x7fff0000) . pack("SCCL", 0x06, 0, 0, 0x50000 | 38) . pack("SCCL", 0x06, 0, 0, 0x50000 | 1);
syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "$!\n";
syscall($prctl, 22, 2, pack("Sx6P", length($f) / 8, $f)) == 0 or die "$!\n";
exec @ARGV;
END
chmod 755 filter
cat > runtime <<'END'
#!/bin/bash
# runtime ROOT NAME PROGRAM [ARGUMENT…]
set -eu
root=$1 name=$2
shift 2

limit() { # CONTROLLER V1-FILE V1-VALUE V2-FILE V2-VALUE
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p /sys/fs/cgroup/own
    echo "$5" > "/sys/fs/cgroup/own/$4"
    echo $$ > /sys/fs/cgroup/own/cgroup.procs
  else
    mkdir -p "/sys/fs/cgroup/$1/own"
    echo "$3" > "/sys/fs/cgroup/$1/own/$2"
    echo $$ > "/sys/fs/cgroup/$1/own/cgroup.procs"
  fi
}
limit cpu cpu.cfs_quota_us 30000 cpu.max '30000 100000'
limit memory memory.limit_in_bytes 64M memory.max 64M
limit pids pids.max 64 pids.max 64

export root name
# The filter now, while its program can still be reached: it forbids nothing that comes after.
exec /root/filter unshare --mount --pid --fork --uts --ipc --net --cgroup bash -euc '
  hostname "$name"
  mount --rbind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --bind -o ro "$root/proc/sys" "$root/proc/sys"
  mount --bind /dev/null "$root/proc/keys"
  touch "$root/dev/null" && mount --bind /dev/null "$root/dev/null"
  mkdir -p "$root/dev/pts" "$root/old"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  cd "$root"
  pivot_root . old
  umount -l /old
  cd /
  exec setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
' bash "$@"
END
./runtime /srv/rootfs "$(cat name)" sleep 1000 &

#: hako
cat > no-userns.json <<'END'
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
  {"names": ["unshare", "clone"], "action": "SCMP_ACT_ERRNO",
   "args": [{"index": 0, "value": 268435456, "valueTwo": 268435456, "op": "SCMP_CMP_MASKED_EQ"}]},
  {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
END
cat > runtime.ts <<'END'
// runtime.ts ROOT NAME PROGRAM [ARGUMENT…]: the same in TypeScript, by hako's own commands, unshare(1) and mount(8).
import { spawn } from 'node:child_process';

const [root, name, ...program] = process.argv.slice(2);
const inside = `
  hostname '${name}'
  mount --rbind ${root} ${root}
  mount -t proc proc ${root}/proc
  mount --bind -o ro ${root}/proc/sys ${root}/proc/sys
  mount --bind /dev/null ${root}/proc/keys
  mount --bind /dev/null ${root}/dev/null
  mkdir -p ${root}/dev/pts ${root}/old
  mount -t devpts -o newinstance,ptmxmode=0666 devpts ${root}/dev/pts
  cd ${root} && pivot_root . old && umount -l /old && cd /
  exec setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`;
const limited = ['cgroup', 'run', '--rm', '--cpus', '0.3', '--memory', '64m', '--pids-limit', '64', `own-${process.pid}`, '--'];
const filtered = ['hako', 'cap', 'run', '--no-new-privs', '--seccomp', '/root/no-userns.json', '--'];
const isolated = ['unshare', '--mount', '--pid', '--fork', '--uts', '--ipc', '--net', '--cgroup'];
const child = spawn('hako', [...limited, ...filtered, ...isolated, 'sh', '-euc', inside, 'sh', ...program], { stdio: 'inherit' });
child.on('exit', (code) => process.exit(code ?? 1));
END
printf '#!/bin/sh\nexec /opt/hako/node_modules/.bin/node /root/runtime.ts "$@"\n' > runtime
./runtime /srv/rootfs "$(cat name)" sleep 1000 &
