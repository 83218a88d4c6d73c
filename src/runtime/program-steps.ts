/** The last steps of a new process: its descriptors, its directory, and the program itself. See execve(2), close_range(2). */
import { call, result, Unknown, type Call, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { AT_FDCWD, atFlags, fcntlCommands, openFlags, prctlOptions, resolveFlags, signals } from '../kernel/flags.ts';
import { initArguments, initProgram } from '../kernel/launch/init-elf.ts';
import { sealedProgram } from '../kernel/launch/program.ts';
import type { Step } from '../step/step.ts';
import { openHow } from './mount-steps.ts';

/** The engine ignores SIGPIPE, and what is ignored stays ignored over execve. */
export function sessionStep(): Step {
  return {
    id: 'process.session',
    what: 'Begin a session, with the default handling of signals',
    calls: [call('setsid', []), call('rt_sigaction', [signals.SIGPIPE, new Uint8Array(32), null, 8]), call('umask', [0])],
    shell: 'setsid',
    look: 'ps -o pid,sid,ignored -p $PID',
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
    shell: ': no command for it: execve(2) sets it back',
    look: 'ls -ld /proc/$PID/fd',
  };
}

/** Descriptors of standard input, output and error; the pipes' owner becomes the container's user, so that /dev/stdout can be opened. */
export function stdioStep(stdin: Known, stdout: Known, stderr: Known, pipes: readonly number[], user: { readonly uid: number; readonly gid: number }): Step {
  const own: Call[] = user.uid || user.gid ? pipes.map((fd) => call('fchown', [fd, user.uid, user.gid])) : [];
  return {
    id: 'process.stdio',
    what: 'Take standard input, output and error',
    calls: [call('dup3', [stdin, 0, 0]), call('dup3', [stdout, 1, 0]), call('dup3', [stderr, 2, 0]), ...own],
    shell: 'exec < "$STDIN" > "$STDOUT" 2> "$STDERR"',
    look: 'ls -l /proc/$PID/fd',
  };
}

/** The working directory, and the mask of new files' modes. No link of /proc/PID/fd leads to a descriptor of the host's (CVE-2024-21626). */
export function directoryStep(cwd: string, umask = 0o022): Step {
  const how = openHow(openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, resolveFlags.RESOLVE_NO_MAGICLINKS);
  const directory = call('openat2', [AT_FDCWD, cwd, how, 24], { label: 'cwd' });
  return {
    id: 'process.directory',
    what: `Go to ${cwd}`,
    calls: [directory, call('fchdir', [result(directory)]), call('umask', [umask])],
    shell: `cd ${cwd}; umask ${umask.toString(8).padStart(4, '0')}`,
    look: 'ls -l /proc/$PID/cwd',
  };
}

/**
 * Closes every descriptor but 0, 1 and 2, whoever opened it, before the program is looked for: its path could else lead
 * through /proc/self/fd to a directory of the host's (CVE-2024-21626).
 * @param keep what is still needed, and closes with execve
 */
export function closeDescriptorsStep(keep: readonly Known[]): Step {
  // In an explanation they are names, and so are their neighbours.
  const kept = keep
    .map((fd) => (typeof fd === 'number' && fd > 2 ? { fd, below: fd - 1, above: fd + 1 } : neighbours(typeof fd === 'number' ? 'SYNC' : fd.label)))
    .toSorted((a, b) => Number(a.fd) - Number(b.fd));
  const gaps = [{ above: 3 }, ...kept]
    .map(({ above }, i) => [above, kept[i]?.below ?? 0xffffffff] as const)
    .filter(([first, last]) => typeof first !== 'number' || typeof last !== 'number' || first <= last);
  return {
    id: 'process.descriptors',
    what: 'Close every other descriptor',
    calls: [
      ...kept.map(({ fd }) => call('fcntl', [fd, fcntlCommands.F_SETFD, FD_CLOEXEC])),
      ...gaps.map(([first, last]) => call('close_range', [first, last, 0])),
    ],
    shell: 'exec 3>&- 4>&- 5>&-',
    look: 'ls -l /proc/$PID/fd',
  };
}

const FD_CLOEXEC = 1;

function neighbours(label: string): { readonly fd: Unknown; readonly below: Unknown; readonly above: Unknown } {
  return { fd: new Unknown(label), below: new Unknown(`${label}-1`), above: new Unknown(`${label}+1`) };
}

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The paths that a command may stand for. A name without a slash is looked for in PATH, as execvp(3) does. */
function candidatesFor(name: string, env: readonly string[]): string[] {
  const path = env.findLast((entry) => entry.startsWith('PATH='))?.slice(5) ?? defaultPath;
  return name.includes('/') ? [name] : path.split(':').map((directory) => `${directory || '.'}/${name}`);
}

let initFd: number | undefined;

/** A small init to be process 1 in the command's place (`--init`): its executable, as a descriptor. */
export function initDescriptor(): number {
  initFd ??= sealedProgram('hako-init', initProgram());
  return initFd;
}

/** Becomes a small init, which starts the program, passes signals on to it and reaps what is orphaned. */
export function execInitStep(init: Known, args: readonly string[], env: readonly string[]): Step {
  return {
    id: 'process.exec-init',
    what: `Become an init that runs ${args.join(' ').slice(0, 200)}`,
    calls: [call('execveat', [init, '', initArguments(candidatesFor(args[0] ?? '', env), args), env, atFlags.AT_EMPTY_PATH], { accept: [errno.ENOENT] })],
    shell: `exec tini -- ${args.map(shellQuote).join(' ')}`,
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
    shell: `exec ${args.map(shellQuote).join(' ')}`,
    look: "tr '\\0' ' ' < /proc/$PID/cmdline",
  };
}

/** A word as a shell takes it. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Why a program could not be started, with the exit code that says so: 127 not found, 126 not executable. */
export interface ExecFailure {
  readonly code: 126 | 127;
  readonly message: string;
}

/** Judges what the execve calls returned. */
export function execFailure(name: string, returned: readonly number[]): ExecFailure {
  const errors = returned.map((value) => -value);
  const found = errors.find((e) => e !== errno.ENOENT && e !== errno.ENOTDIR && e !== errno.EACCES) ?? errors.find((e) => e === errno.EACCES);
  if (found === undefined) {
    const message = name.includes('/') ? `exec: "${name}": no such file or directory` : `exec: "${name}": executable file not found in $PATH`;
    return { code: 127, message: `${message} (ENOENT); look into the image with: hako run IMAGE ls` };
  }
  const why: Readonly<Record<number, string>> = {
    [errno.EACCES]: 'permission denied (EACCES); is it a directory, or not marked executable?',
    [errno.ENOEXEC]: 'exec format error (ENOEXEC); is it for another architecture, or a script without #!?',
    [errno.EISDIR]: 'is a directory (EISDIR)',
    [errno.E2BIG]: 'argument list too long (E2BIG)',
  };
  return { code: 126, message: `exec: "${name}": ${why[found] ?? `failed with errno ${found}`}` };
}
