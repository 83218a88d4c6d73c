/**
 * Five refusals, and five gates that may have spoken. Each is attributed by lifting one gate alone: the kernel then lets just that
 * thing happen. See capabilities(7), user_namespaces(7), seccomp(2), cgroups(7), path_resolution(7).
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { capabilityMask } from '../../../../kernel/capability.ts';
import { attempt } from '../../../../kernel/attempt.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { defineExercise, type Condition, type Text } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { runners } from '../../../look/seccomp.ts';
import { hostNameOf } from '../../../look/sysctl.ts';
import { userOf } from '../../../look/user.ts';
import { children, gateOf, mostProcesses, plant, program, tries, type Gate, type Try } from './scene.ts';

/** The gates that stand around a process, each by what the kernel has of it. */
const gates: Readonly<Record<Gate, (look: Look, process: LabProcess) => boolean>> = {
  user: (look, process) => userOf(look, process) === 1000,
  capability: (_, { capabilities }) => (capabilities.effective & capabilityMask(['CAP_SYS_CHROOT'])) === 0n,
  userns: (_, process) => process.has('user'),
  seccomp: (_, { seccomp }) => seccomp === 2,
  cgroup: (look, process) => (look.cgroupOf(process, 'pids')?.pidsLimit ?? Infinity) <= mostProcesses,
};

const linkOf = ({ pid }: LabProcess, name: string): string => attempt(() => readlinkSync(`/proc/${pid}/${name}`)) ?? '';

/** Whether a process has done a thing: each is a state of the process that the kernel shows. */
const isDone: Readonly<Record<Try, (look: Look, process: LabProcess) => boolean>> = {
  ledger: (_, process) => (attempt(() => readdirSync(`/proc/${process.pid}/fd`)) ?? []).some((fd) => linkOf(process, `fd/${fd}`).endsWith('/srv/five/ledger')),
  room: (_, process) => /\/srv\/five\/room\/[^/]+$/.test(linkOf(process, 'cwd')),
  hostname: (look, process) => process.has('uts') && hostNameOf(process) === look.facts['hostname-text'],
  children: (look, process) => look.descendantsOf(process).length >= children,
  cell: (_, process) => process.root?.path.endsWith('/srv/five/cell') === true,
};

/** What each try is, in words that do not say who refuses it. */
const words: Readonly<Record<Try, Text>> = {
  ledger: { en: 'it has opened the ledger', ja: '台帳を開けた' },
  room: { en: 'it stands in a directory that it made', ja: '自分で作ったディレクトリーの中にいる' },
  hostname: { en: 'it has set the hostname', ja: 'ホスト名を変えた' },
  children: { en: `it has ${children} children`, ja: `${children} 個の子がいる` },
  cell: { en: 'its root directory is the cell', ja: 'ルートディレクトリーがセルになっている' },
};

/** Processes that are the program, as it was planted, without its children. */
function boxes(look: Look): readonly LabProcess[] {
  const all = runners(look, { script: program, text: look.facts['text'] ?? '' }).filter(({ executable }) => /\/perl[\d.]*$/.test(executable ?? ''));
  const ids = new Set(all.map(({ pid }) => pid));
  return all.filter(({ parent }) => !ids.has(parent));
}

const openGates = (look: Look, process: LabProcess): readonly Gate[] => (Object.keys(gates) as Gate[]).filter((gate) => !gates[gate](look, process));

/** The tries as they are numbered in this scene. */
const inOrder = (look: Look): readonly Try[] => tries.toSorted((a, b) => Number(look.facts[a]) - Number(look.facts[b]));

/** What is told of a box. */
function told(look: Look, process: LabProcess): string {
  const done = inOrder(look).flatMap((name, i) => (isDone[name](look, process) ? [i + 1] : []));
  return `${process.labPid}: done ${done.join(' ') || '-'}, open ${openGates(look, process).join(' ') || '-'}`;
}

/** One thing that is refused succeeds where no other gate than its own was lifted. */
const alone = (name: Try): Condition => ({
  id: name,
  says: {
    en: `Try {{fact:${name}}} succeeds (${words[name].en}) in a box with the other four gates in place`,
    ja: `{{fact:${name}}} 番が成功している(${words[name].ja})。その箱の、ほかの 4 つのゲートは閉じたまま`,
  },
  check(look) {
    const all = boxes(look);
    return {
      ok: all.some((process) => isDone[name](look, process) && openGates(look, process).every((gate) => gate === gateOf[name])),
      found: all.map((process) => told(look, process)).join('; ') || {
        en: `nobody runs ${program} as it was planted`,
        ja: `${program} を元のまま実行している者がいない`,
      },
    };
  },
});

export default defineExercise({
  needs: ['perl', 'cgroup-pids'],
  setup: (stage) => plant(stage),
  conditions: [
    ...tries.map(alone),
    {
      id: 'answered',
      says: {
        en: 'Your answer names who refused the tries 1 to 5, in this order: five of the words user, capability, userns, seccomp, cgroup',
        ja: '答えが、1 番から 5 番までを断った者の名をこの順に挙げている(user、capability、userns、seccomp、cgroup の 5 語)',
      },
      check(look) {
        const truth = inOrder(look).map((name) => gateOf[name]);
        const given = (look.answer ?? '')
          .toLowerCase()
          .split(/[^a-z]+/)
          .filter(Boolean);
        const right = truth.filter((gate, i) => gate === given[i]).length;
        return {
          ok: given.length === truth.length && right === truth.length,
          found:
            look.answer === undefined
              ? { en: 'no answer yet: answer "WORD WORD WORD WORD WORD"', ja: 'まだ答えがない: answer "語 語 語 語 語"' }
              : {
                  en: `"${look.answer}": ${right} of ${truth.length} in their places`,
                  ja: `「${look.answer}」: ${truth.length} 個中 ${right} 個が正しい位置にある`,
                },
        };
      },
    },
  ],
});
