/**
 * Everything of a container that a process in it can see, as text: to tell two containers apart, or to see that they cannot be told
 * apart. What is different each time (ids, inode numbers, names of directories) is written by names.
 */
import { readlinkSync } from 'node:fs';

/** Run as process 1 by sh(1), with nothing but coreutils. */
export const probe = `
section() { printf '\\n== %s\\n' "$1"; }
section process; tr '\\0' ' ' </proc/self/cmdline | cut -c 1-40; echo "pid $$"; pwd -P
while IFS= read -r line; do case $line in Umask*|Uid*|Gid*|Groups*|NSpid*|NSsid*|NSpgid*|SigBlk*|SigIgn*|Cap*|NoNewPrivs*|Seccomp*|Spec*|Threads*|CoreDumping*) echo "$line";; esac; done </proc/$$/status
section processes; for p in /proc/[0-9]*; do [ ! -e $p/comm ] || sed -n 's/^State:.*Z.*/a zombie/p' $p/status; done
section limits; cat /proc/$$/limits
section environment; tr '\\0' '\\n' </proc/$$/environ
section oom; cat /proc/$$/oom_score_adj
section namespaces; for n in /proc/$$/ns/*; do echo "\${n##*/} $(readlink $n)"; done; cat /proc/$$/timens_offsets /proc/$$/uid_map /proc/$$/gid_map /proc/$$/setgroups
section mounts; cat /proc/$$/mountinfo
section descriptors; for n in $(ls /proc/$$/fd); do [ ! -e /proc/$$/fd/$n ] || echo "$n $(stat -Lc '%F %a %u:%g' /proc/$$/fd/$n)"; [ ! -e /proc/$$/fd/$n ] || grep flags /proc/$$/fdinfo/$n; done
section devices; stat -c '%n %F %a %u:%g %t:%T %N' /dev /dev/* /dev/pts/* /dev/shm /dev/mqueue
section root; stat -c '%n %F %a %u:%g' / /* /etc/hosts /etc/hostname /etc/resolv.conf; cat /etc/hostname
section names; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname
section cgroups; cat /proc/$$/cgroup
for f in /sys/fs/cgroup/*/*max* /sys/fs/cgroup/*/*limit_in_bytes /sys/fs/cgroup/*/cpu.* /sys/fs/cgroup/*/cpuset.* /sys/fs/cgroup/*/devices.list /sys/fs/cgroup/*.max /sys/fs/cgroup/cpu.weight /sys/fs/cgroup/cgroup.controllers; do
  case $f in *usage*|*peak*|*stat*|*pressure*|*swappiness*|*events*|*failcnt*) ;; *) [ ! -f $f ] || echo "$f $(cat $f 2>&1 | tr '\\n' ' ')" ;; esac
done
section devices-refused; rm -f /dev/shm/probe; mknod /dev/shm/probe c 1 4 2>&1; cat /dev/shm/probe 2>&1 | head -c 100; cat /dev/null 2>&1; rm -f /dev/shm/probe
mknod /probe c 1 4 2>&1; cat /probe 2>&1 | head -c 100; rm -f /probe
section masked; for f in /proc/acpi /proc/keys /proc/kcore /proc/timer_list /proc/interrupts /sys/firmware /proc/sys/kernel/panic /proc/sysrq-trigger; do
  echo "$f $(stat -c '%F %a' $f 2>&1) $(head -c 10 $f 2>&1 | wc -c)"; done
echo 0 2>&1 >/proc/sys/kernel/panic
section sysctls; cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range /proc/sys/kernel/msgmax /proc/sys/kernel/shm_rmid_forced
section network; sed 's/:.*//' /proc/net/dev; cat /proc/net/route; cat /proc/net/fib_trie | head -40; cat /sys/class/net/*/operstate /sys/class/net/*/mtu
section writable; for d in / /etc /tmp /run /data /dev /dev/shm; do [ ! -d $d ] || { (: >$d/.probe) 2>/dev/null && echo "$d yes" && rm -f $d/.probe || echo "$d no"; }; done
section refused; unshare --mount true 2>&1; chroot / true 2>&1; mount -t tmpfs tmpfs /tmp 2>&1; echo end
`;

/** What differs between two containers that are the same, by names. @param names texts to replace, the longest first */
export function normalise(text: string, names: readonly (readonly [text: string, name: string])[]): string {
  let named = text;
  for (const [from, to] of names) named = named.replaceAll(from, to);
  const mounts: string[] = [];
  const lines = named.split('\n').flatMap((line) => {
    // The numbers of mounts and of file systems, which are their order too; what is mounted where, on what and how stays.
    const mount = /^\d+ \d+ \d+:\d+ (.*)$/.exec(line);
    if (mount) mounts.push(mount[1]!.replace('lowerdir+=', 'lowerdir=').replaceAll(',lowerdir+=', ':'));
    return mount ? (mounts.length === 1 ? ['MOUNTS'] : []) : [line];
  });
  return lines
    .map((line) => {
      if (line === 'MOUNTS') return mounts.sort().join('\n');
      // O_LARGEFILE: open(2) sets it, and pipe(2) does not.
      if (line.startsWith('flags:')) return `flags ${(parseInt(line.slice(6), 8) & ~0o100000).toString(8)}`;
      const namespace = /^(\w+) \w+:\[\d+\]$/.exec(line);
      if (namespace) return `${namespace[1]} ${line.endsWith(readlinkSync(`/proc/self/ns/${namespace[1]}`)) ? "the host's" : 'its own'}`;
      return line;
    })
    .join('\n');
}
