/** One process with every belt and brace on; each is read from the kernel. See capabilities(7), seccomp(2), cgroups(7), namespaces(7). */
import { defineExercise, type Condition, type Finding, type Text } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { Mount } from '../../../../kernel/mountinfo.ts';
import type { NamespaceType } from '../../../../kernel/namespace.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { isDevice } from '../../../look/files.ts';
import { mapOf } from '../../../look/user.ts';
import { isRootedElsewhere, named } from '../secret.ts';

const mebibyte = 2 ** 20;
const apart: readonly NamespaceType[] = ['mnt', 'pid', 'net', 'ipc', 'uts'];

const mountOn = (look: Look, process: LabProcess, path: string): Mount | undefined => look.mountsOf(process).findLast(({ mountPoint }) => mountPoint === path);

/** What is asked of the process, in the order in which it is shown. */
const predicates: readonly { readonly id: string; readonly says: Text; readonly ask: (look: Look, process: LabProcess) => Finding }[] = [
  {
    id: 'namespaces',
    says: { en: 'shares no mount, PID, network, IPC or UTS namespace with the lab', ja: 'mount、PID、network、IPC、UTS のどの namespace もラボと共有しない' },
    ask(_, process) {
      const shared = apart.filter((type) => !process.has(type));
      return {
        ok: shared.length === 0,
        found: shared.length === 0 ? { en: 'none', ja: '共有なし' } : { en: `shares ${shared.join(', ')}`, ja: `共有: ${shared.join(', ')}` },
      };
    },
  },
  {
    id: 'user-namespace',
    says: {
      en: "is in a user namespace of its own: what it may is worth nothing to the lab's objects",
      ja: '独自の user namespace の中にいる(そこでの権限は、ラボのものには通用しない)',
    },
    ask(look, process) {
      const map = mapOf(look, process).map(({ inside, outside, count }) => `${inside} → ${outside} (${count})`);
      return { ok: process.has('user'), found: process.has('user') ? `uid_map ${map.join(', ')}` : { en: "the lab's own", ja: 'ラボのもの' } };
    },
  },
  {
    id: 'not-root',
    says: { en: "is not root, neither really nor effectively, and not of root's group", ja: 'root ではない(実 UID、実効 UID、グループとも)' },
    ask(look, { uids, gids }) {
      const own = look.host;
      return {
        ok: uids.every((id) => id !== own.uids[0] && id !== 0) && gids.every((id) => id !== own.gids[0] && id !== 0),
        found: `uid ${uids[1]! - own.uids[0]!}, gid ${gids[1]! - own.gids[0]!}`,
      };
    },
  },
  {
    id: 'no-capabilities',
    says: { en: 'has no capability, and can get none: its bounding set is empty', ja: 'capability を 1 つも持たず、得ることもできない(bounding set が空)' },
    ask(_, { capabilities: { effective, permitted, bounding, ambient } }) {
      return {
        ok: [effective, permitted, bounding, ambient].every((set) => set === 0n),
        found: `CapEff ${effective.toString(16)}, CapPrm ${permitted.toString(16)}, CapBnd ${bounding.toString(16)}`,
      };
    },
  },
  {
    id: 'no-new-privileges',
    says: { en: 'gets no privileges from programs either (no_new_privs)', ja: 'プログラムの実行によって権限が増えない(no_new_privs)' },
    ask: (_, { noNewPrivileges }) => ({ ok: noNewPrivileges, found: `NoNewPrivs: ${noNewPrivileges ? 1 : 0}` }),
  },
  {
    id: 'seccomp',
    says: { en: 'is under a seccomp filter', ja: 'seccomp フィルターの下にある' },
    ask: (_, { seccomp, seccompFilters }) => ({ ok: seccomp === 2, expected: 'Seccomp: 2', found: `Seccomp: ${seccomp}, Seccomp_filters: ${seccompFilters}` }),
  },
  {
    id: 'read-only-root',
    says: {
      en: 'has a root file system that is read-only, and to work in a /tmp of its own: a tmpfs with nosuid and nodev',
      ja: 'ルートファイルシステムが読み取り専用で、作業用に、nosuid と nodev の付いた自分専用の tmpfs を /tmp に持つ',
    },
    ask(look, process) {
      const [root, tmp] = [mountOn(look, process, '/'), mountOn(look, process, '/tmp')];
      return {
        ok: root?.options.includes('ro') === true && tmp?.type === 'tmpfs' && ['rw', 'nosuid', 'nodev'].every((option) => tmp.options.includes(option)),
        found:
          [root, tmp]
            .flatMap((mount) => mount ?? [])
            .map(({ mountPoint, type, options }) => `${mountPoint}: ${type} ${options.join(',')}`)
            .join('; ') || '-',
      };
    },
  },
  {
    id: 'kernel-closed',
    says: {
      en: "cannot change the kernel's parameters, nor see its keys: /proc/sys is read-only, /proc/keys is masked",
      ja: 'カーネルのパラメーターを変えられず、鍵も見えない(/proc/sys が読み取り専用、/proc/keys がマスクされている)',
    },
    ask(look, process) {
      const parameters = mountOn(look, process, '/proc/sys') ?? mountOn(look, process, '/proc');
      const masked = isDevice(process, '/proc/keys', 1, 3);
      return {
        ok: parameters?.options.includes('ro') === true && masked,
        found: `${parameters ? `${parameters.mountPoint}: ${parameters.options.join(',')}` : '-'}; /proc/keys: ${masked ? '/dev/null' : '-'}`,
      };
    },
  },
  {
    id: 'pids-limit',
    says: { en: 'is limited to 100 processes at the most', ja: 'プロセス数の上限が 100 以下である' },
    ask(look, process) {
      const limit = look.cgroupOf(process, 'pids')?.pidsLimit ?? Infinity;
      return { ok: limit <= 100, found: `pids.max = ${limit === Infinity ? 'max' : limit}` };
    },
  },
  {
    id: 'memory-limit',
    says: { en: 'is limited to 64 MiB of memory at the most', ja: 'メモリーの上限が 64 MiB 以下である' },
    ask(look, process) {
      const limit = look.cgroupOf(process, 'memory')?.memoryLimit ?? Infinity;
      return { ok: limit <= 64 * mebibyte, found: limit === Infinity ? { en: 'no limit', ja: '上限なし' } : `${limit / mebibyte} MiB` };
    },
  },
];

/** The process that comes nearest. All conditions are asked of the same one. */
function nearest(look: Look): LabProcess | undefined {
  const score = (process: LabProcess): number => predicates.filter(({ ask }) => ask(look, process).ok).length;
  return look.others
    .filter((process) => isRootedElsewhere(look, process))
    .map((process) => ({ process, met: score(process) }))
    .toSorted((a, b) => b.met - a.met)[0]?.process;
}

export default defineExercise({
  needs: ['cgroup-pids', 'cgroup-memory'],
  setup: (stage) => stage.sh('hako run -d --name soft --privileged base sleep infinity >/dev/null 2>&1').then(() => {}),
  conditions: predicates.map(({ id, says, ask }): Condition => ({
    id,
    says: { en: `One process ${says.en}`, ja: `あるプロセスが、${says.ja}` },
    check(look) {
      const process = nearest(look);
      if (!process) return { ok: false, found: { en: 'no process has a root of its own', ja: '自分のルートを持つプロセスがいない' } };
      const { ok, expected, found } = ask(look, process);
      const [en, ja] = typeof found === 'string' ? [found, found] : [found.en, found.ja];
      return { ok, ...(expected === undefined ? {} : { expected }), found: { en: `${named(process)}: ${en}`, ja: `${named(process)}: ${ja}` } };
    },
  })),
});
