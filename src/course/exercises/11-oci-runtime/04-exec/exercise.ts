/** exec: one more process beside the container's first, in all that the first is in, and with no more power. */
import { bundleLines } from '../../../bundle-lines.ts';
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const kinds = ['mnt', 'pid', 'uts', 'ipc', 'net'] as const;
const first = (look: Look): LabProcess | undefined => look.others.find(({ args }) => args.join(' ') === 'sleep 33333');

/** Others that are in all of its namespaces and are not its descendants. */
function guests(look: Look): readonly LabProcess[] {
  const home = first(look);
  if (!home) return [];
  const family = new Set([home, ...look.descendantsOf(home)].map(({ pid }) => pid));
  return look.others.filter((process) => !family.has(process.pid) && kinds.every((kind) => process.namespaces[kind] === home.namespaces[kind]));
}

export default defineExercise({
  needs: ['perl', 'cgroup-pids'],
  async setup(stage) {
    await stage.sh(`${bundleLines('/root/bundle', '["sleep", "33333"]')}
      hako-oci run --detach one </dev/null >log 2>&1`);
  },
  conditions: [
    {
      id: 'inside',
      says: {
        en: 'A process that is no child of it is in all namespaces of the container',
        ja: 'コンテナの子ではないプロセスが、コンテナのすべての namespace にいる',
      },
      check(look) {
        const found = guests(look);
        return {
          ok: found.length > 0,
          found: first(look)
            ? found.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'nobody', ja: 'いない' }
            : { en: 'the container has ended: hako learn reset', ja: 'コンテナが終了した: hako learn reset' },
        };
      },
    },
    {
      id: 'counted',
      says: { en: 'It is in the same cgroup, so its limits hold', ja: '同じ cgroup にいて、その制限が効く' },
      check(look) {
        const home = first(look);
        const name = home && look.cgroupOf(home, 'pids')?.name;
        const found = guests(look).map((process) => look.cgroupOf(process, 'pids')?.name ?? '/');
        return { ok: name !== undefined && found.includes(name), expected: name ?? '-', found: found.join(', ') || '-' };
      },
    },
    {
      id: 'no-stronger',
      says: { en: 'It has no capability that the container has not', ja: 'コンテナにない capability を持っていない' },
      check(look) {
        const allowed = first(look)?.capabilities.bounding ?? 0n;
        const found = guests(look).map(({ capabilities }) => capabilities.effective | capabilities.bounding);
        return {
          ok: found.some((set) => (set & ~allowed) === 0n),
          expected: allowed.toString(16),
          found: found.map((set) => set.toString(16)).join(', ') || '-',
        };
      },
    },
  ],
});
