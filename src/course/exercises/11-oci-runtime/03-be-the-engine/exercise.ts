/** Be the engine: it makes a container, stops where a step is the learner's, and goes on when the kernel is in the step's state. */
import { defineExercise } from '../../../exercise.ts';
import type { LabCgroup } from '../../../look/cgroup.ts';
import type { Look } from '../../../look/look.ts';
import { hostNameOf } from '../../../look/sysctl.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

/** The engine's cgroups: one for each container, named by its id. */
const ofContainers = (look: Look): readonly LabCgroup[] => look.cgroupsWith('cpu').filter(({ name }) => /^\/hako\/[0-9a-f]{64}$/.test(name));

const limited = (look: Look): readonly LabCgroup[] =>
  ofContainers(look).filter(({ cpuLimit }) => cpuLimit?.quota !== undefined && Math.abs(cpuLimit.quota / cpuLimit.period - 0.3) < 0.011);

/** What has become a program in a limited container. */
const running = (look: Look): readonly LabProcess[] =>
  limited(look)
    .flatMap(({ processes }) => processes.flatMap((pid) => look.process(pid) ?? []))
    .filter((process) => process.has('uts') && process.has('pid') && process.args[0] !== 'hako-monitor');

export default defineExercise({
  needs: ['cgroup-cpu', 'engine'],
  async setup(stage) {
    const name = `ship-${stage.nonce().slice(0, 4)}`;
    await stage.sh('echo "$NAME" > /root/name; hako images >/dev/null 2>&1; hako run --rm base true >/dev/null 2>&1', { NAME: name });
    return { name };
  },
  conditions: [
    {
      id: 'waited',
      once: true,
      says: {
        en: 'A half-made container waited: its cgroup was there, and had no limit yet',
        ja: '作りかけのコンテナが待っていた(cgroup はあるが、まだ制限がない)',
      },
      check(look) {
        const waiting = ofContainers(look).filter(
          ({ cpuLimit, processes }) => cpuLimit !== undefined && cpuLimit.quota === undefined && processes.length === 0,
        );
        return {
          ok: waiting.length > 0,
          found: waiting.map(({ name }) => name.slice(0, 18)).join(', ') || { en: 'no container waits', ja: '待っているコンテナがない' },
        };
      },
    },
    {
      id: 'limit',
      says: { en: 'It runs, in a cgroup with 30 % of a processor', ja: 'そのコンテナが、CPU 30 % の cgroup で動いている' },
      check(look) {
        const limits = ofContainers(look).map(({ name, cpuLimit }) => `${name.slice(0, 18)}: ${cpuLimit?.quota ?? '-'}`);
        return {
          ok: running(look).length > 0,
          found: running(look)
            .map(({ labPid, name }) => `${labPid} ${name}`)
            .join(', ') ||
            limits.join(', ') || { en: 'there is no container', ja: 'コンテナがない' },
        };
      },
    },
    {
      id: 'hostname',
      says: { en: 'Its hostname is the one in /root/name', ja: 'ホスト名が /root/name に書かれた名前である' },
      check(look) {
        const names = running(look).map((process) => hostNameOf(process));
        return { ok: names.includes(look.facts['name']), expected: look.facts['name']!, found: names.join(', ') || '-' };
      },
    },
  ],
});
