/**
 * A list of what one program needs, and a filter that refuses all else. The program has a hole, and the condition goes in by it: what a
 * stranger's code could still call is tried in the filtered process itself. See seccomp(2), strace(1).
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { architecture } from '../../../../kernel/syscalls.ts';
import { syscallNumbers } from '../../../../runtime/seccomp/syscall-numbers.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { defineExercise } from '../../../exercise.ts';
import { textOf } from '../../../look/files.ts';
import type { Look } from '../../../look/look.ts';
import { runners } from '../../../look/seccomp.ts';

const script = '/srv/job/job';

/** What the scene plants. */
const program = `#!/usr/bin/perl
# Reads a line in /srv/job/in, and writes it backwards to /srv/job/out; again when it has changed.
# A line that begins with ! is run as perl: a hole that was forgotten here.
use strict;
my $last = '';
while (1) {
  if (open my $in, '<', '/srv/job/in') {
    my $line = <$in> // '';
    close $in;
    chomp $line;
    if ($line ne $last) {
      $last = $line;
      my $answer = $line =~ /^!(.*)/ ? eval($1) // "it failed: $@" : scalar reverse $line;
      if (open my $out, '>', '/srv/job/out.new') {
        print $out "$answer\\n";
        close $out;
        rename '/srv/job/out.new', '/srv/job/out';
      }
    }
  }
  select undef, undef, undef, 0.05;
}
`;

/**
 * Calls that the program has no need of, with arguments for which the kernel itself would answer anything but the errors of a filter, and
 * which do no harm where they are let through. See each one's manual page.
 */
const strangers: readonly (readonly [name: string, ...args: number[]])[] = [
  ['socket', 1, 1, 0],
  ['socketpair', 1, 1, 0, 0],
  ['unshare', 0],
  ['setns', -1, 0],
  ['mount', 0, 0, 0, 0, 0],
  ['chroot', 0],
  ['ptrace', 24, 0, 0, 0],
  ['process_vm_readv', 0, 0, 0, 0, 0, 1],
  ['mkdirat', -1, 0, 0],
  ['symlinkat', 0, -1, 0],
  ['linkat', -1, 0, -1, 0, 0],
  ['fchmodat', -1, 0, 0],
  ['inotify_init1', 0],
  ['epoll_create1', 0],
  ['eventfd2', 0, 0],
  ['timerfd_create', 0, 0],
  ['memfd_create', 0, 0],
  ['personality', 0xffffffff],
  ['splice', -1, 0, -1, 0, 0, 0],
  ['sendfile', -1, -1, 0, 0],
];

/** EPERM, EACCES, ENOSYS: what filters refuse with. */
const refusals = new Set([1, 13, 38]);

/** How long the program may take to answer, in milliseconds: it looks twenty times a second. */
const patience = 3000;

/** Processes that are the program, as it was planted. */
const jobs = (look: Look): readonly LabProcess[] => runners(look, { script, text: program }).filter(({ executable }) => /\/perl[\d.]*$/.test(executable ?? ''));

const output = (look: Look): string | undefined => textOf(look.host, '/srv/job/out')?.trim();

/** Gives the program a line. @returns its answer that begins with `head`; undefined where none comes */
async function asked(look: Look, line: string, head: string): Promise<string | undefined> {
  await look.run(['sh', '-c', 'cat > /srv/job/in.new && mv /srv/job/in.new /srv/job/in'], { stdin: `${line}\n` });
  for (const until = Date.now() + patience; Date.now() < until; await pause(20)) {
    const answer = output(look);
    if (answer?.startsWith(head)) return answer;
  }
  return undefined;
}

const nobody = { en: 'nobody runs it under a filter', ja: 'フィルターの下で実行している者がいない' };
const isFiltered = ({ seccomp }: LabProcess): boolean => seccomp === 2;

export default defineExercise({
  needs: ['perl', 'strace'],
  setup: (stage) => stage.sh(`mkdir -p /srv/job && printf %s "$PROGRAM" > ${script} && chmod 755 ${script}`, { PROGRAM: program }).then(() => {}),
  conditions: [
    {
      id: 'filtered',
      says: {
        en: `${script} runs, as it was found, and never without a seccomp filter`,
        ja: `${script} が元のまま実行されていて、seccomp フィルターのないものは 1 つもない`,
      },
      check(look) {
        const all = jobs(look);
        return {
          ok: all.length > 0 && all.every(isFiltered),
          expected: 'Seccomp: 2',
          found: all.map(({ labPid, seccomp, seccompFilters }) => `${labPid}: Seccomp ${seccomp}, Seccomp_filters ${seccompFilters}`).join('; ') || nobody,
        };
      },
    },
    {
      id: 'works',
      says: { en: 'It does its work: a line that is given to it comes back reversed', ja: '仕事ができている(渡された 1 行を逆さにして返す)' },
      async check(look) {
        if (!jobs(look).some(isFiltered)) return { ok: false, found: nobody };
        const word = randomBytes(5).toString('hex');
        const backwards = [...word].toReversed().join('');
        const answer = await asked(look, word, backwards);
        return {
          ok: answer === backwards,
          expected: `${word} → ${backwards}`,
          found: answer ?? { en: `no answer; /srv/job/out has "${output(look) ?? ''}"`, ja: '返事がない' },
        };
      },
    },
    {
      id: 'nothing-else',
      says: {
        en: "A stranger's code in it is refused every system call that it has no need of, and it lives on",
        ja: '入り込んだ他人のコードは、仕事に要らないシステムコールをすべて拒まれる。プログラムは生き続ける',
      },
      async check(look) {
        if (!jobs(look).some(isFiltered)) return { ok: false, found: nobody };
        const table = syscallNumbers(architecture === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64');
        const calls = strangers.map(([name, ...args]) => `[${[table.get(name)!, ...args].join(', ')}]`).join(', ');
        const mark = randomBytes(5).toString('hex');
        const answer = await asked(look, `!join ' ', '${mark}', map { syscall(shift @$_, @$_) < 0 ? $! + 0 : 0 } ${calls}`, mark);
        if (answer === undefined)
          return {
            ok: false,
            found: { en: 'it does not answer any more: was it killed, and not refused?', ja: '返事がなくなった。拒まれたのではなく、殺されたのか' },
          };
        const errors = answer.split(' ').slice(1).map(Number);
        const open = strangers.filter((_, i) => !refusals.has(errors[i]!)).map(([name]) => name);
        return {
          ok: errors.length === strangers.length && open.length === 0,
          found:
            open.length === 0
              ? { en: `${errors.length} calls tried by the hole, all refused`, ja: `穴から ${errors.length} 個を試し、すべて拒まれた` }
              : { en: `let through: ${open.join(', ')}`, ja: `通ってしまった: ${open.join(', ')}` },
        };
      },
    },
  ],
});
