/** IPC, cgroup and time namespaces: the quiet three. See ipc_namespaces(7), cgroup_namespaces(7), time_namespaces(7). */
import { readFileSync } from 'node:fs';
import { attempt } from '../../../../kernel/attempt.ts';
import { defineExercise } from '../../../exercise.ts';
import { queuesOf } from '../../../look/sysctl.ts';

/** Seconds by which a process's clock since boot is ahead. */
const boottimeOf = (pid: number): number =>
  Number(/^boottime\s+(-?\d+)/m.exec(attempt(() => readFileSync(`/proc/${pid}/timens_offsets`, 'utf8')) ?? '')?.[1] ?? 0);

export default defineExercise({
  needs: ['time-namespace'],
  conditions: [
    {
      id: 'ipc',
      says: { en: 'An IPC namespace of yours has a message queue', ja: 'あなたの IPC namespace にメッセージキューがある' },
      check(look) {
        const own = look.others.filter((process) => process.has('ipc'));
        const queues = own.map((process) => queuesOf(process));
        return {
          ok: queues.some((n) => n > 0),
          found:
            own.length === 0
              ? { en: 'no process has an IPC namespace of its own', ja: '独自の IPC namespace を持つプロセスがない' }
              : { en: `${Math.max(...queues)} queues`, ja: `キューは ${Math.max(...queues)} 個` },
        };
      },
    },
    {
      id: 'ipc-lab',
      says: { en: 'The lab itself has none', ja: 'ラボ自身にはキューがない' },
      check: (look) => ({ ok: queuesOf(look.host) === 0, found: { en: `${queuesOf(look.host)} queues`, ja: `${queuesOf(look.host)} 個` } }),
    },
    {
      id: 'cgroup',
      says: {
        en: 'A process in a cgroup of its own sees that as the root: it has a cgroup namespace',
        ja: '独自の cgroup にいるプロセスが、独自の cgroup namespace を持ち、そこをルートと見ている',
      },
      check(look) {
        const own = look.others.filter(
          (process) => process.has('cgroup') && look.cgroups.some((cgroup) => cgroup.name !== '/lab' && cgroup.processes.includes(process.pid)),
        );
        return {
          ok: own.length > 0,
          found: own.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'no process has both', ja: '両方を満たすプロセスがない' },
        };
      },
    },
    {
      id: 'time',
      says: { en: 'For a process of yours the machine has been up a day longer', ja: 'あなたのプロセスのどれかにとって、マシンの稼働時間が 1 日長い' },
      check(look) {
        const ahead = look.others.filter((process) => process.has('time')).map(({ pid }) => boottimeOf(pid));
        return {
          ok: ahead.some((seconds) => seconds >= 86_400),
          expected: '86400',
          found: ahead.join(', ') || { en: 'no process has a time namespace of its own', ja: '独自の time namespace を持つプロセスがない' },
        };
      },
    },
  ],
});
