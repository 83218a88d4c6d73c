/** A pod: processes that share a network and an IPC namespace, and keep their mounts apart. See namespaces(7), setns(2). */
import { defineExercise } from '../../../exercise.ts';
import { networksOf, type LabNetwork } from '../../../look/network.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { tryFrom } from '../reach.ts';
import { plantServer } from '../server.ts';

/** Two processes of one network, which is not the lab's. */
interface Pair {
  readonly network: LabNetwork;
  readonly two: readonly [LabProcess, LabProcess];
}

function pairs(look: Look): Pair[] {
  return networksOf(look)
    .others()
    .flatMap((network) => network.processes.flatMap((one, at) => network.processes.slice(at + 1).map((other): Pair => ({ network, two: [one, other] }))));
}

const sharesIpc = ({ two: [one, other] }: Pair): boolean => one.has('ipc') && one.namespaces.ipc === other.namespaces.ipc;
const apart = ({ two: [one, other] }: Pair): boolean => one.has('mnt') && other.has('mnt') && one.namespaces.mnt !== other.namespaces.mnt;
const text = ({ two }: Pair): string => two.map(({ labPid, name }) => `${labPid} (${name})`).join(' + ');

const none = { en: "no two processes share a network namespace that is not the lab's", ja: 'ラボ以外の network namespace を共有する 2 つのプロセスがいない' };

export default defineExercise({
  needs: ['perl', 'ip'],
  setup: async (stage) => ({ word: await plantServer(stage) }),
  conditions: [
    {
      id: 'shares',
      says: {
        en: "Two processes share a network namespace and an IPC namespace, neither of them the lab's",
        ja: '2 つのプロセスが、ラボのものではない network namespace と IPC namespace を共有している',
      },
      check(look) {
        const all = pairs(look);
        const found = all.filter(sharesIpc);
        return {
          ok: found.length > 0,
          found: found[0]
            ? text(found[0])
            : all[0]
              ? {
                  en: `${text(all[0])} share the network, but no IPC namespace of their own`,
                  ja: `${text(all[0])} は network を共有するが、独自の IPC namespace は共有していない`,
                }
              : none,
        };
      },
    },
    {
      id: 'mounts-apart',
      says: { en: 'Each of the two has a mount namespace of its own', ja: 'その 2 つは、それぞれ独自の mount namespace を持つ' },
      check(look) {
        const all = pairs(look).filter(sharesIpc);
        const found = all.find(apart);
        return {
          ok: found !== undefined,
          found: found ? text(found) : all[0] ? { en: `${text(all[0])} do not`, ja: `${text(all[0])} は、そうなっていない` } : none,
        };
      },
    },
    {
      id: 'localhost',
      says: { en: 'In the network that they share, 127.0.0.1:8080 answers with the word', ja: '共有する network の中で、127.0.0.1:8080 が合言葉を返す' },
      async check(look) {
        const networks = new Set(
          pairs(look)
            .filter((pair) => sharesIpc(pair) && apart(pair))
            .map(({ network }) => network),
        );
        let found: { readonly en: string; readonly ja: string } = none;
        for (const network of networks) {
          const tried = await tryFrom(look, network, '127.0.0.1', 8080);
          if (tried.ok) return tried;
          found = tried.found;
        }
        return { ok: false, found };
      },
    },
  ],
});
