/** The engine dies, and its containers do not: nothing that runs depends on who started it. */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const engine = (look: Look): LabProcess | undefined => look.others.find(({ name }) => name === 'hakod');
const sleeper = (look: Look): LabProcess | undefined => look.others.find((process) => process.args.join(' ') === 'sleep 55555' && process.has('pid'));

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
