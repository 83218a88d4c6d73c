/** Checkpoint and restore by hand, of a process whose whole state is one number. See criu(8), pid_namespaces(7), proc_sys_kernel(5) ns_last_pid. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LabProcess } from '../../../../lab/processes.ts';
import { defineExercise } from '../../../exercise.ts';
import { textOf } from '../../../look/files.ts';
import type { Look } from '../../../look/look.ts';

/** Its number in its own PID namespace. */
const ownId = 42;

const counters = (look: Look): readonly LabProcess[] =>
  look.others.filter(({ args, pids }) => args[0] === 'sh' && args[1] === '/root/counter' && pids.length > 1 && pids.at(-1) === ownId);
const isFirst = (look: Look, { labPid }: LabProcess): boolean => String(labPid) === look.facts['pid'];
const first = (look: Look): LabProcess | undefined => counters(look).find((process) => isFirst(look, process));
const restored = (look: Look): LabProcess | undefined => counters(look).find((process) => !isFirst(look, process));
const beginOf = ({ args }: LabProcess): number => Number(args[2]);
const count = (look: Look): number => Number(textOf(look.host, '/root/count'));

export default defineExercise({
  needs: ['cgroup-freezer'],
  async setup(stage) {
    const from = 1000 + (Number.parseInt(stage.nonce(), 16) % 90_000);
    const pid = await stage.sh(
      `cat > counter <<'END'
#!/bin/sh
# counter FROM: counts on, ten times a second
n=$1
while :; do n=$((n + 1)); echo "$n" > count; sleep 0.1; done
END
       cgroups=/sys/fs/cgroup/freezer; [ -d $cgroups ] || cgroups=/sys/fs/cgroup
       mkdir $cgroups/counter
       setsid sh -c "echo \\$\\$ > $cgroups/counter/cgroup.procs; exec unshare --pid --fork --mount-proc sh -c 'echo 41 > /proc/sys/kernel/ns_last_pid; sh /root/counter $FROM & wait'" >/dev/null 2>&1 </dev/null &
       until [ -s count ]; do :; done
       pgrep -fx "sh /root/counter $FROM"`,
      { FROM: String(from) },
    );
    return { pid: pid.trim(), from: String(from) };
  },
  conditions: [
    {
      id: 'frozen',
      once: true,
      says: {
        en: 'The counter, process {{fact:pid}}, stood still in its frozen cgroup',
        ja: 'カウンター(プロセス {{fact:pid}})が、凍結された cgroup の中で止まっていた',
      },
      check(look) {
        const process = first(look);
        return {
          ok: process !== undefined && look.isFrozen(process),
          found: process
            ? { en: look.isFrozen(process) ? 'frozen' : 'it counts', ja: look.isFrozen(process) ? '凍結されている' : '数えている' }
            : { en: 'it has ended', ja: '終了している' },
        };
      },
    },
    {
      id: 'ended',
      says: { en: 'It has ended', ja: 'それは終了した' },
      check: (look) => ({ ok: first(look) === undefined, found: first(look) ? { en: 'it is there', ja: 'まだいる' } : { en: 'gone', ja: 'いない' } }),
    },
    {
      id: 'same-id',
      says: {
        en: `Another counter runs in a new PID namespace, and is process ${ownId} there, as the first was`,
        ja: `別のカウンターが新しい PID namespace で動いていて、最初のものと同じく、その中でプロセス ${ownId} である`,
      },
      check(look) {
        const others = look.others.filter(({ args, labPid }) => args[1] === '/root/counter' && String(labPid) !== look.facts['pid']);
        return {
          ok: restored(look) !== undefined,
          expected: `NSpid … ${ownId}`,
          found: others.map(({ pids }) => `NSpid ${pids.join(' ')}`).join(', ') || { en: 'no other counter runs', ja: 'ほかにカウンターは動いていない' },
        };
      },
    },
    {
      id: 'goes-on',
      says: {
        en: 'It goes on from where the first one stood: it was begun with a number that the first had reached, and /root/count grows',
        ja: '最初のものが止まったところから続いている(最初のものが到達した数から始まり、/root/count が増えている)',
      },
      async check(look) {
        const process = restored(look);
        if (!process) return { ok: false, found: { en: 'no other counter runs', ja: 'ほかにカウンターは動いていない' } };
        const before = count(look);
        for (const until = Date.now() + 3000; Date.now() < until && count(look) <= before;) await pause(50);
        const from = Number(look.facts['from']);
        const ok = beginOf(process) > from && beginOf(process) <= before && count(look) > before;
        return { ok, expected: `> ${from}`, found: `counter ${process.args[2] ?? ''}, count ${before} → ${count(look)}` };
      },
    },
  ],
});
