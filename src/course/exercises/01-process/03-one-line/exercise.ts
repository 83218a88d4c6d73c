/** The whole container by hand, in one command line: six namespaces, a root of its own, a capability less, a limit. */
import { defineExercise, type Condition } from '../../../exercise.ts';
import { measure } from '../../../look/cpu.ts';
import { rootfsLines } from '../../../rootfs-lines.ts';
import { showsOwnProcesses } from '../../../look/proc.ts';
import { hasOtherRoot } from '../../../look/root.ts';
import { hostNameOf } from '../../../look/sysctl.ts';
import type { LabCgroup } from '../../../look/cgroup.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const CAP_SYS_CHROOT = 1n << 18n;
const kinds = ['mnt', 'uts', 'ipc', 'net', 'pid', 'user'] as const;

const limitOf = (look: Look, process: LabProcess): LabCgroup | undefined => {
  const cgroup = look.cgroupOf(process, 'cpu');
  const { quota, period } = cgroup?.cpuLimit ?? { quota: undefined, period: 1 };
  return quota !== undefined && Math.abs(quota / period - 0.3) < 0.011 ? cgroup : undefined;
};

/** What must be so of one and the same process, in the order in which one makes it. */
const demands: readonly { readonly id: string; readonly en: string; readonly ja: string; holds(look: Look, process: LabProcess): boolean }[] = [
  { id: 'cgroup', en: 'It is in a cgroup of 30 % of a processor', ja: 'CPU 30 % の cgroup に入っている', holds: (look, p) => limitOf(look, p) !== undefined },
  {
    id: 'namespaces',
    en: `It has namespaces of its own: ${kinds.join(', ')}`,
    ja: `独自の namespace(${kinds.join('、')})を持っている`,
    holds: (_, p) => kinds.every((kind) => p.has(kind)),
  },
  {
    id: 'hostname',
    en: 'Its hostname is the one in /root/name',
    ja: 'ホスト名が /root/name に書かれた名前である',
    holds: (look, p) => hostNameOf(p) === look.facts['name'],
  },
  {
    id: 'root',
    en: "Its root directory is another than the lab's",
    ja: 'ルートディレクトリーがラボと違う',
    holds: (look, p) => hasOtherRoot(look, p),
  },
  { id: 'proc', en: 'Its /proc shows its own processes only', ja: '/proc に自分たちのプロセスだけが見える', holds: (look, p) => showsOwnProcesses(look, p) },
  {
    id: 'chroot',
    en: 'It can never have CAP_SYS_CHROOT again',
    ja: 'CAP_SYS_CHROOT を二度と持てない',
    holds: (_, p) => (p.capabilities.bounding & CAP_SYS_CHROOT) === 0n,
  },
];

/** The process for which most is so. */
const best = (look: Look): { readonly process: LabProcess; readonly met: readonly string[] } | undefined =>
  look.others
    .map((process) => ({ process, met: demands.filter((demand) => demand.holds(look, process)).map(({ id }) => id) }))
    .toSorted((a, b) => b.met.length - a.met.length || b.process.pid - a.process.pid)[0];

export default defineExercise({
  needs: ['cgroup-cpu'],
  async setup(stage) {
    const name = `ship-${stage.nonce().slice(0, 4)}`;
    await stage.sh(`echo "$NAME" > /root/name\n${rootfsLines('/root/rootfs')}`, { NAME: name });
    return { name };
  },
  conditions: [
    ...demands.map(({ id, en, ja }): Condition => ({
      id,
      says: { en, ja },
      check(look) {
        const found = best(look);
        const about = found ? `${found.process.name} (${found.process.labPid})` : '';
        if (found?.met.includes(id)) return { ok: true, found: about };
        return {
          ok: false,
          found: { en: `${about || 'no process'} comes nearest, and it is not so`, ja: `最も近いのは ${about || '(なし)'} で、まだそうなっていない` },
        };
      },
    })),
    {
      id: 'busy',
      says: { en: 'It is busy, and held back', ja: '休みなく働こうとして、抑えられている' },
      async check(look) {
        const found = best(look);
        const cgroup = found && limitOf(look, found.process);
        if (!cgroup) return { ok: false, found: { en: 'there is no such cgroup yet', ja: 'まだその cgroup がない' } };
        const { processors, throttled } = await measure(cgroup, 1000);
        return {
          ok: throttled > 0 && processors <= 0.36,
          found: {
            en: `${Math.round(processors * 100)} % of a processor, ${throttled} times held back`,
            ja: `CPU の ${Math.round(processors * 100)} %、抑えられた回数 ${throttled}`,
          },
        };
      },
    },
  ],
});
