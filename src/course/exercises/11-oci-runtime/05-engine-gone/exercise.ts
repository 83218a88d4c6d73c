/** The engine dies, and its containers do not: nothing that runs depends on who started it. And a policy that starts one anew. */
import { setTimeout as pause } from 'node:timers/promises';
import { killProcess } from '../../../../kernel/process.ts';
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { labProcesses, type LabProcess } from '../../../../lab/processes.ts';

const engine = (look: Look): LabProcess | undefined => look.others.find(({ name }) => name === 'hakod');
const sleeper = (look: Look): LabProcess | undefined => look.others.find((process) => process.args.join(' ') === 'sleep 55555' && process.has('pid'));

const isRestarted = (process: LabProcess): boolean => process.args.join(' ') === 'sleep 44444' && process.pids.length > 1;

/** How often the check ends it, and how long it then may be gone, in milliseconds: more than the policy's pause, since a machine may be busy. */
const [deaths, patience] = [3, 10_000];

/** Ends the container's process and waits for the next. @returns how long there was none, in seconds; undefined where none came */
async function pauseAfterDeath(look: Look): Promise<number | undefined> {
  const find = (): LabProcess | undefined => labProcesses(look.host.pid).find((process) => isRestarted(process));
  const before = find();
  if (!before) return undefined;
  killProcess(before);
  const began = performance.now();
  for (const until = Date.now() + patience; Date.now() < until; await pause(20)) {
    const next = find();
    if (next && (next.pid !== before.pid || next.startTime !== before.startTime)) return (performance.now() - began) / 1000;
  }
  return undefined;
}

export default defineExercise({
  needs: ['engine'],
  conditions: [
    {
      id: 'alone',
      once: true,
      says: { en: 'A container with sleep 55555 ran while there was no engine', ja: 'エンジンがいない間も、sleep 55555 のコンテナが動いていた' },
      check(look) {
        const [running, daemon] = [sleeper(look), engine(look)];
        return {
          ok: running !== undefined && daemon === undefined,
          found: {
            en: `${running ? 'it runs' : 'it does not run'}; ${daemon ? `hakod is process ${daemon.labPid}` : 'there is no hakod'}`,
            ja: `${running ? '動いている' : '動いていない'}、${daemon ? `hakod はプロセス ${daemon.labPid}` : 'hakod はいない'}`,
          },
        };
      },
    },
    {
      id: 'policy',
      once: true,
      acts: true,
      says: {
        en: 'A container with sleep 44444 came back each time that its process was ended (the check does it, three times)',
        ja: 'sleep 44444 のコンテナが、プロセスを終わらせるたびに(チェックが 3 回行う)戻ってきた',
      },
      async check(look) {
        if (!look.others.some((process) => isRestarted(process)))
          return { ok: false, found: { en: 'no such container runs', ja: 'そのようなコンテナは動いていない' } };
        const pauses: number[] = [];
        for (let death = 0; death < deaths; death++) {
          const gone = await pauseAfterDeath(look);
          if (gone === undefined) return { ok: false, found: { en: 'it did not come back', ja: '戻ってこなかった' } };
          pauses.push(gone);
        }
        const seconds = pauses.map((gone) => gone.toFixed(2)).join(', ');
        return { ok: true, found: { en: `gone for ${seconds} s`, ja: `いなかった時間: ${seconds} 秒` } };
      },
    },
    {
      id: 'again',
      says: { en: 'Now there is an engine again, and the container still runs', ja: 'いまはエンジンがいて、コンテナも動き続けている' },
      check(look) {
        const [running, daemon] = [sleeper(look), engine(look)];
        return {
          ok: running !== undefined && daemon !== undefined,
          found: {
            en: `${running ? 'it runs' : 'it does not run'}; ${daemon ? `hakod is process ${daemon.labPid}` : 'there is no hakod'}`,
            ja: `${running ? '動いている' : '動いていない'}、${daemon ? `hakod はプロセス ${daemon.labPid}` : 'hakod はいない'}`,
          },
        };
      },
    },
  ],
});
