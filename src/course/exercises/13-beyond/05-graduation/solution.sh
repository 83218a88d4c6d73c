#: raw
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
exec unshare --mount --pid --fork --uts --ipc --net --cgroup bash -euc '
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
cat > runtime.ts <<'END'
// runtime.ts ROOT NAME PROGRAM [ARGUMENT…]: the same in TypeScript, by hako's own commands and mount(8).
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
  exec setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs ${program.join(' ')}`;
const limits = ['--rm', '--cpus', '0.3', '--memory', '64m', '--pids-limit', '64'];
const namespaces = ['--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup'];
const child = spawn('hako', ['cgroup', 'run', ...limits, 'own', '--', 'hako', 'ns', 'run', ...namespaces, 'sh', '-euc', inside], { stdio: 'inherit' });
child.on('exit', (code) => process.exit(code ?? 1));
END
/opt/hako/node_modules/.bin/node runtime.ts /srv/rootfs "$(cat name)" sleep 1000 &
