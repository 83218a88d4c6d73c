/** The graduation work: a runtime of one's own, from an empty file, judged by what it starts: twenty predicates. */
import { randomInt } from 'node:crypto';
import type { LabProcess } from '../../../../lab/processes.ts';
import { defineExercise, type Condition, type Text } from '../../../exercise.ts';
import { isDevice } from '../../../look/files.ts';
import type { Look } from '../../../look/look.ts';
import { showsOwnProcesses } from '../../../look/proc.ts';
import { isPivoted, seesLabRoot } from '../../../look/root.ts';
import { hostNameOf } from '../../../look/sysctl.ts';
import { userOf } from '../../../look/user.ts';
import { rootfsLines } from '../../../rootfs-lines.ts';

interface Predicate {
  readonly id: string;
  readonly en: string;
  readonly ja: string;
  holds(look: Look, process: LabProcess): boolean;
}

const MiB = 2 ** 20;

const mountOf = (look: Look, process: LabProcess, place: string): ReturnType<Look['mountsOf']>[number] | undefined =>
  look.mountsOf(process).findLast(({ mountPoint }) => mountPoint === place);

const predicates: readonly Predicate[] = [
  { id: 'mnt', en: 'a mount namespace of its own', ja: '独自の mount namespace', holds: (_, p) => p.has('mnt') },
  {
    id: 'pid',
    en: 'a PID namespace of its own, in which it is process 1',
    ja: '独自の PID namespace の、プロセス 1 である',
    holds: (_, p) => p.has('pid') && p.pids.at(-1) === 1,
  },
  { id: 'uts', en: 'a UTS namespace of its own', ja: '独自の UTS namespace', holds: (_, p) => p.has('uts') },
  { id: 'ipc', en: 'an IPC namespace of its own', ja: '独自の IPC namespace', holds: (_, p) => p.has('ipc') },
  { id: 'net', en: 'a network namespace of its own', ja: '独自の network namespace', holds: (_, p) => p.has('net') },
  { id: 'cgroup', en: 'a cgroup namespace of its own', ja: '独自の cgroup namespace', holds: (_, p) => p.has('cgroup') },
  { id: 'hostname', en: 'the hostname from /root/name', ja: '/root/name のホスト名', holds: (look, p) => hostNameOf(p) === look.facts['name'] },
  {
    id: 'pivot',
    en: 'a root by pivot_root, and nothing of the old one mounted',
    ja: 'pivot_root によるルート。古いルートはどこにもマウントされていない',
    holds: (look, p) => isPivoted(look, p) && !seesLabRoot(look, p),
  },
  { id: 'proc', en: 'a /proc of its own processes', ja: '自分たちのプロセスだけの /proc', holds: (look, p) => p.has('pid') && showsOwnProcesses(look, p) },
  { id: 'null', en: '/dev/null is the null device', ja: '/dev/null が本物の null デバイス', holds: (_, p) => p.has('mnt') && isDevice(p, '/dev/null', 1, 3) },
  {
    id: 'pts',
    en: 'a devpts of its own at /dev/pts',
    ja: '/dev/pts に独自の devpts',
    holds: (look, p) =>
      ((mount) => mount?.type === 'devpts' && !look.mountsOf(look.host).some(({ device }) => device === mount.device))(mountOf(look, p, '/dev/pts')),
  },
  {
    id: 'sys-ro',
    en: '/proc/sys cannot be written',
    ja: '/proc/sys に書き込めない',
    holds: (look, p) => mountOf(look, p, '/proc/sys')?.options.includes('ro') === true,
  },
  { id: 'masked', en: '/proc/keys is masked', ja: '/proc/keys がマスクされている', holds: (_, p) => p.has('mnt') && isDevice(p, '/proc/keys', 1, 3) },
  {
    id: 'cpu',
    en: '30 % of a processor at most',
    ja: 'CPU は最大 30 %',
    holds: (look, p) => ((limit) => limit?.quota !== undefined && limit.quota / limit.period <= 0.311)(look.cgroupOf(p, 'cpu')?.cpuLimit),
  },
  {
    id: 'memory',
    en: '64 MiB of memory at most',
    ja: 'メモリーは最大 64 MiB',
    holds: (look, p) => (look.cgroupOf(p, 'memory')?.memoryLimit ?? Infinity) <= 64 * MiB,
  },
  { id: 'pids', en: '64 processes at most', ja: 'プロセスは最大 64 個', holds: (look, p) => (look.cgroupOf(p, 'pids')?.pidsLimit ?? Infinity) <= 64 },
  {
    id: 'powerless',
    en: 'user 1000, without any capability, for good',
    ja: 'ユーザー 1000 で、capability を一切持たず、得ることもない',
    holds: (look, p) => userOf(look, p) === 1000 && (p.capabilities.bounding | p.capabilities.permitted | p.capabilities.effective) === 0n,
  },
  { id: 'locked', en: 'no_new_privs is set', ja: 'no_new_privs が設定されている', holds: (_, p) => p.noNewPrivileges },
];

const nothing = { en: 'nothing has been started', ja: 'まだ何も起動されていない' };

/** The process for which most of them hold. */
const best = (look: Look): { readonly process: LabProcess; readonly held: readonly string[] } | undefined =>
  look.others
    .filter((process) => process.has('mnt') || process.has('pid'))
    .map((process) => ({ process, held: predicates.filter((predicate) => predicate.holds(look, process)).map(({ id }) => id) }))
    .toSorted((a, b) => b.held.length - a.held.length)[0];

/** What a trial of the runtime gave: what came back, and what its program has ended with. */
interface Trial {
  /** The status of a program that is refused a user namespace. */
  readonly status: number;
  readonly came: number;
}

/** Added to the status by a program that could make a user namespace. */
const unfiltered = 100;
const trials = new WeakMap<Look, Promise<Trial>>();

/** Starts a program by the learner's runtime that tries to make a user namespace, and ends with a status that nobody can know before. */
async function runTrial(look: Look): Promise<Trial> {
  const status = randomInt(10, unfiltered);
  const lines = `unshare --user true 2>/dev/null && exit $(($1 + ${unfiltered})); exit "$1"`;
  const { code } = await look.run(['/root/runtime', '/srv/rootfs', look.facts['name']!, 'sh', '-c', lines, 'sh', String(status)], { timeout: 10_000 });
  return { status, came: code };
}

/** The trial of this look; undefined as long as the runtime is not finished otherwise, and should not be run unasked. */
function trialOf(look: Look): Promise<Trial> | undefined {
  if (best(look)?.held.length !== predicates.length) return undefined;
  const known = trials.get(look) ?? runTrial(look);
  trials.set(look, known);
  return known;
}

const later = { en: 'it is tried as soon as the other eighteen hold', ja: '残りの 18 個が満たされてから試す' };

const tried: readonly Condition[] = [
  {
    id: 'seccomp',
    says: {
      en: 'What it starts has: a seccomp filter, by which it can make no user namespace',
      ja: '起動されたプロセス: seccomp フィルターがかかっていて、user namespace を作れない',
    },
    async check(look) {
      const process = best(look)?.process;
      if (process?.seccomp !== 2) return { ok: false, expected: 'Seccomp: 2', found: process ? `Seccomp: ${process.seccomp}` : nothing };
      const trial = await trialOf(look);
      if (!trial) return { ok: false, found: later };
      const made = trial.came === trial.status + unfiltered;
      return {
        ok: trial.came === trial.status,
        found: made ? { en: 'a program in it made a user namespace', ja: '中のプログラムが user namespace を作れた' } : `Seccomp: 2; ${cameBack(trial).en}`,
      };
    },
  },
  {
    id: 'status',
    says: {
      en: "The exit status of the program comes back: it is the runtime's own",
      ja: 'プログラムの終了ステータスが、ランタイムの終了ステータスとして返ってくる',
    },
    async check(look) {
      const trial = await trialOf(look);
      if (!trial) return { ok: false, found: later };
      return { ok: [trial.status, trial.status + unfiltered].includes(trial.came), found: cameBack(trial) };
    },
  },
];

const cameBack = ({ status, came }: Trial): Text => ({ en: `it ended with ${status}, and ${came} came back`, ja: `${status} で終わり、${came} が返ってきた` });

export default defineExercise({
  needs: ['cgroup-cpu', 'cgroup-memory', 'cgroup-pids'],
  async setup(stage) {
    const name = `grad-${stage.nonce().slice(0, 4)}`;
    await stage.sh(
      `${rootfsLines('/srv/rootfs')}
      echo "$NAME" > /root/name; : > /root/runtime; chmod 755 /root/runtime`,
      { NAME: name },
    );
    return { name };
  },
  conditions: [
    ...predicates.map(({ id, en, ja }): Condition => ({
      id,
      says: { en: `What it starts has: ${en}`, ja: `起動されたプロセス: ${ja}` },
      check(look) {
        const found = best(look);
        return {
          ok: found?.held.includes(id) ?? false,
          found: found
            ? {
                en: `${found.process.name} (${found.process.labPid}) has ${found.held.length} of ${predicates.length}`,
                ja: `${found.process.name}(${found.process.labPid})は ${predicates.length} 個中 ${found.held.length} 個`,
              }
            : nothing,
        };
      },
    })),
    ...tried,
  ],
});
