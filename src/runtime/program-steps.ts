/** The last steps of a new process: its descriptors, its directory, and the program itself. See execve(2), close_range(2). */
import { call, Unknown, type Call, type Known } from '../kernel/call.ts';
import { errno, errnoMessage, errnoName, KernelError } from '../kernel/errno.ts';
import { atFlags, fcntlCommands, memfdFlags, prctlOptions, signals } from '../kernel/flags.ts';
import { initArguments, initProgram } from '../kernel/launch/init-elf.ts';
import { sealedProgram } from '../kernel/launch/program.ts';
import { words } from '../step/shell.ts';
import { step, type Procedure, type Step, type Verdict } from '../step/step.ts';

/** Node ignores these, and what is ignored stays ignored over execve. */
const defaultSignals = (): Call[] => [signals.SIGPIPE, signals.SIGXFSZ].map((signal) => call('rt_sigaction', [signal, new Uint8Array(32), null, 8]));

export function sessionStep(): Step {
  return {
    id: 'process.session',
    what: 'Begin a session, with the default handling of signals',
    calls: [call('setsid', []), ...defaultSignals(), call('umask', [0])],
    shell: 'set -- "$@" setsid\numask 022',
    look: 'ps -o pid,sid,ignored -p $PID',
  };
}

/** In the foreground it stays in the session that it is in, and the terminal's keys reach it as they do any program. */
export function foregroundStep(): Step {
  const SIG_SETMASK = 2;
  return {
    id: 'process.foreground',
    what: 'Stay in the foreground, with the default handling of signals',
    calls: [...defaultSignals(), call('rt_sigprocmask', [SIG_SETMASK, new Uint8Array(8), null, 8])],
    shell: 'trap - PIPE',
    look: 'ps -o pid,sid,ignored,blocked -p $PID',
  };
}

/**
 * Closes the process to others until it is its program: execve makes it dumpable again. Meanwhile it has descriptors of the
 * host's and shares the monitor's table, and it may already hold no more capabilities than a neighbour in its PID namespace,
 * which could then trace it or take what it has through /proc/PID. See ptrace(2), PR_SET_DUMPABLE(2const).
 */
export function privateStep(): Step {
  return {
    id: 'process.private',
    what: 'Let nobody trace it, or look into it, before it is its program',
    calls: [call('prctl', [prctlOptions.PR_SET_DUMPABLE, 0, 0, 0, 0])],
    shell: '# No command for it: execve(2) sets it back, and a shell has nothing to hide.',
    look: 'ls -ld /proc/$PID/fd',
  };
}

/**
 * Opens the process to its maker, who has no power over the machine and is to take a descriptor from it: by then it has left the host's
 * mounts behind, and it closes itself again.
 */
export function openToMakerStep(): Step {
  return {
    id: 'process.private',
    what: 'Let its maker look into it, who has no other right to',
    calls: [call('prctl', [prctlOptions.PR_SET_DUMPABLE, 1, 0, 0, 0])],
    shell: '# No command for it, as there is none for closing it.',
    look: 'ls -ld /proc/$PID/fd',
  };
}

/**
 * Descriptors of standard input, output and error; the pipes' owner becomes the container's user, so that /dev/stdout can be opened.
 * @param lent they are the caller's, and it is tried at least
 */
export function stdioStep(
  stdin: Known,
  stdout: Known,
  stderr: Known,
  pipes: readonly number[],
  user: { readonly uid: number; readonly gid: number },
  lent = false,
): Step {
  // What is lent may not be ours to give, or lie where nothing can be changed; its group stays, which a terminal's mount may want.
  const own: Call[] =
    user.uid || user.gid
      ? pipes.map((fd) =>
          lent ? call('fchown', [fd, user.uid, -1], { accept: [errno.EINVAL, errno.EPERM, errno.EROFS] }) : call('fchown', [fd, user.uid, user.gid]),
        )
      : [];
  return {
    id: 'process.stdio',
    what: 'Take standard input, output and error',
    calls: [call('dup3', [stdin, 0, 0]), call('dup3', [stdout, 1, 0]), call('dup3', [stderr, 2, 0]), ...own],
    shell: `exec <&3 >&4 2>&5${own.length ? `\n\${host}chown ${user.uid}:${user.gid} ${pipes.length > 2 ? '/proc/self/fd/0 ' : ''}/proc/self/fd/1 /proc/self/fd/2` : ''}`,
    look: 'ls -l /proc/$PID/fd',
  };
}

/** Descriptors of the caller's that the program is to have as its third and following ones. */
export function preserveStep(copies: readonly Known[]): Step {
  return {
    id: 'process.preserve',
    what: `Keep ${copies.length} descriptor${copies.length === 1 ? '' : 's'} of the caller's, from 3 on`,
    calls: copies.map((fd, i) => call('dup3', [fd, 3 + i, 0])),
    shell: '# A shell passes on what it was given.',
    look: 'ls -l /proc/$PID/fd',
  };
}

/**
 * Closes every descriptor but 0, 1 and 2, whoever opened it, before the program is looked for: its path could else lead
 * through /proc/self/fd to a directory of the host's (CVE-2024-21626).
 * @param keep what is still needed, and closes with execve
 * @param preserved how many after the third are the program's too
 */
export function closeDescriptorsStep(keep: readonly Known[], preserved = 0): Step {
  // In an explanation they are names, and so are their neighbours.
  const kept = keep
    .map((fd) => (typeof fd === 'number' && fd > 2 ? { fd, below: fd - 1, above: fd + 1 } : neighbours(typeof fd === 'number' ? 'SYNC' : fd.label)))
    .toSorted((a, b) => Number(a.fd) - Number(b.fd));
  const gaps = [{ above: 3 + preserved }, ...kept]
    .map(({ above }, i) => [above, kept[i]?.below ?? 0xffffffff] as const)
    .filter(([first, last]) => typeof first !== 'number' || typeof last !== 'number' || first <= last);
  return {
    id: 'process.descriptors',
    what: 'Close every other descriptor',
    calls: [
      ...kept.map(({ fd }) => call('fcntl', [fd, fcntlCommands.F_SETFD, FD_CLOEXEC])),
      ...gaps.map(([first, last]) => call('close_range', [first, last, 0])),
    ],
    shell: 'exec 3<&- 4<&- 5<&- 6<&- 7<&-',
    look: 'ls -l /proc/$PID/fd',
  };
}

const FD_CLOEXEC = 1;

function neighbours(label: string): { readonly fd: Unknown; readonly below: Unknown; readonly above: Unknown } {
  return { fd: new Unknown(label), below: new Unknown(`${label}-1`), above: new Unknown(`${label}+1`) };
}

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The paths that a command may stand for. A name without a slash is looked for in PATH, as execvp(3) does. */
export function candidatesFor(name: string, env: readonly string[]): string[] {
  const path = env.findLast((entry) => entry.startsWith('PATH='))?.slice(5) ?? defaultPath;
  return name.includes('/') ? [name] : [...new Set(path.split(':'))].map((directory) => `${directory || '.'}/${name}`);
}

let initFd: number | undefined;

/** A small init to be process 1 in the command's place (`--init`): its executable, as a descriptor. The engine makes one, and keeps it. */
export function* takeInit(): Procedure<Known> {
  if (initFd !== undefined) return initFd;
  const make = (): number => {
    try {
      return sealedProgram('hako-init', initProgram());
    } catch (error) {
      if (error instanceof KernelError) return -error.errno;
      throw error;
    }
  };
  return yield* step<Known>({
    id: 'process.init',
    what: 'Make the executable of a small init, in memory that nobody can change',
    calls: [call('memfd_create', ['hako-init', memfdFlags.MFD_CLOEXEC | memfdFlags.MFD_ALLOW_SEALING], { perform: make, label: 'init' })],
    shell: '# No program of util-linux is such an init.',
    look: 'readlink /proc/$PID/exe',
    undone: 'stays, for the next container with an init; goes with the engine',
    result: ([fd]) => (initFd = fd!),
    unknown: new Unknown('INIT'),
  });
}

/** Becomes a small init, which starts the program, passes signals on to it and reaps what is orphaned. */
export function execInitStep(init: Known, args: readonly string[], env: readonly string[]): Step {
  return {
    id: 'process.exec-init',
    what: `Become an init that runs ${args.join(' ').slice(0, 200)}`,
    calls: [call('execveat', [init, '', initArguments(candidatesFor(args[0] ?? '', env), args), env, atFlags.AT_EMPTY_PATH], { accept: [errno.ENOENT] })],
    shell: `# Without the init: the program is process 1 itself.\n${execLine(args, env)}`,
    look: "tr '\\0' ' ' < /proc/$PID/cmdline; pgrep -P $PID -a",
  };
}

/** Becomes the program. */
export function execStep(args: readonly string[], env: readonly string[]): Step {
  return {
    id: 'process.exec',
    what: `Become ${args.join(' ').slice(0, 200)}`,
    // Which error ends the search is decided afterwards; each call goes on to the next.
    calls: candidatesFor(args[0] ?? '', env).map((file) => call('execve', [file, args, env], { accept: [errno.ENOENT] })),
    get shell() {
      return execLine(args, env);
    },
    look: "tr '\\0' ' ' < /proc/$PID/cmdline",
  };
}

/** By env(1), since no shell goes to a directory, sets back ignored signals and keeps every name of a variable. */
function execLine(args: readonly string[], env: readonly string[]): string {
  const variables = env.filter((entry) => entry.indexOf('=') > 0);
  const refused = args[0]?.includes('=') ? '# env(1) takes this name of a program for a variable.\n' : '';
  return `${refused}exec "$@" \${host}env --ignore-environment --default-signal --chdir="\${cwd-.}" -- ${words([...variables, ...args])}`;
}

/** Judges what the execve calls returned. */
export function execFailure(name: string, returned: readonly number[]): Verdict {
  const errors = returned.map((value) => -value);
  const found = errors.find((e) => e !== errno.ENOENT && e !== errno.ENOTDIR && e !== errno.EACCES) ?? errors.find((e) => e === errno.EACCES);
  if (found === undefined) {
    const message = name.includes('/') ? `exec: "${name}": no such file or directory` : `exec: "${name}": executable file not found in $PATH`;
    return { code: 127, message: `${message} (ENOENT)` };
  }
  const why: Readonly<Record<number, string>> = {
    [errno.EACCES]: 'permission denied (EACCES); is it a directory, or not marked executable?',
    [errno.ENOEXEC]: 'exec format error (ENOEXEC); is it for another architecture, or a script without #!?',
    [errno.EISDIR]: 'is a directory (EISDIR)',
    [errno.E2BIG]: 'argument list too long (E2BIG)',
  };
  return { code: 126, message: `exec: "${name}": ${why[found] ?? `${errnoMessage(found)} (${errnoName(found)})`}` };
}
