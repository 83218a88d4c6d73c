/**
 * Reality: a program is executed by the kernel, and what it was given is read before its first instruction.
 *
 * How: the process that executes it has hardly any address space left (RLIMIT_AS). The kernel commits the new credentials first and then
 * lays out the program's stack, for which there is no room, so it kills the process inside execve(2), with SIGSEGV. A process that was killed keeps its
 * credentials in /proc until it is waited for. So no tracer is needed, which would change what the kernel gives, no privilege, and nothing
 * of the program runs. See getrlimit(2); fs/binfmt_elf.c (begin_new_exec, setup_arg_pages); ptrace(2), "execve(2) under ptrace".
 */
import { readFileSync } from 'node:fs';
import { call, result, Struct, type Call } from '../../kernel/call.ts';
import { errno, KernelError } from '../../kernel/errno.ts';
import { cloneFlags, rlimitResources, signals, waitFlags, waitTypes } from '../../kernel/flags.ts';
import { cloneArgsLayout, unblockSignals, vforkTable } from '../../kernel/launch/child.ts';
import { resultOf, rows, type Row } from '../../kernel/launch/table.ts';
import { performNow } from '../../kernel/perform.ts';
import { describeCall } from '../../kernel/describe.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { parseCredentials, type Credentials } from './credentials.ts';

/** What the kernel did. */
export interface Reality {
  /** Positive errno of execve, when it failed. */
  readonly refused?: number;
  /** The call before it that failed. */
  readonly failed?: string;
  /** What the program was given; securebits are not in /proc. */
  readonly credentials?: Omit<Credentials, 'root' | 'securebits'>;
}

/** Less than the 128 KiB that the kernel wants for a stack, more than the arguments take. */
const addressSpace = 64 * 1024;

/** Executes a file after some steps, and tells what it was given. @param inside what the process does before, as `hako cap run` would */
export function* probe(path: string, inside: readonly Step<unknown>[]): Procedure<Reality> {
  let reality: Reality = {};
  const make = (): number => {
    reality = execute(
      path,
      inside.flatMap((s) => s.calls),
    );
    return 0;
  };
  yield* step({
    id: 'capability.probe',
    what: `Execute ${path} in a process that is killed before its first instruction, and read what it was given`,
    calls: [
      call('clone3', [new Struct('{flags=0, exit_signal=SIGCHLD}', new Uint8Array(cloneArgsLayout.size)), cloneArgsLayout.size], {
        perform: make,
        label: 'PID',
      }),
    ],
    shell: `(ulimit -v ${addressSpace / 1024}; exec ${path})`,
    look: 'grep -E "^(Uid|Gid|Cap|NoNewPrivs)" /proc/$PID/status',
    inside: [
      ...inside,
      {
        id: 'capability.execve',
        what: `Execute ${path}, with no room for its stack`,
        calls: executing(path),
        shell: `exec ${path}`,
        look: 'cat /proc/$PID/status',
      },
    ],
  });
  return reality;
}

function executing(path: string): Call[] {
  const limit = (resource: number, value: number): Call =>
    call('prlimit64', [0, resource, new Uint8Array(BigUint64Array.of(BigInt(value), BigInt(value)).buffer), null]);
  return [
    // One byte is less than any core file, and the one limit that also keeps the kernel from handing it to a program; core(5).
    limit(rlimitResources.RLIMIT_CORE, 1),
    limit(rlimitResources.RLIMIT_AS, addressSpace),
    call('execve', [path, [path], []]),
  ];
}

/**
 * Runs calls in a process of its own, then execve. It is a copy of ours (no memory is shared, so its users and capabilities are its own),
 * made by a short-lived child so that no handler of ours runs in it, and yet our child (CLONE_PARENT), to be waited for.
 */
export function execute(path: string, before: readonly Call[]): Reality {
  const cloneArgs = new Uint8Array(cloneArgsLayout.size);
  const view = new DataView(cloneArgs.buffer);
  view.setBigUint64(cloneArgsLayout.flags, BigInt(cloneFlags.CLONE_PARENT), true);
  const inner = rows([...before, ...executing(path)]);
  const clone: Row = { call: call('clone3', [cloneArgs, cloneArgsLayout.size]), onZero: inner[0]! };
  // Its table is a copy of ours, in which we do not see results. So the exit code tells: which row failed, or the errno of execve.
  const exits: Row[] = inner.map((row, i) => ({ call: call('exit_group', [row === inner.at(-1) ? result(row.call) : i + 1]) }));
  for (const [i, row] of inner.entries()) row.onError = row.call.accept ? inner[i + 1]! : exits[i]!;
  // No row after an exit_group is walked but by a jump.
  const section = [{ call: unblockSignals() }, clone, { call: call('exit_group', [0]) }, ...inner, ...exits];
  const { pid: forker, table, bytes } = vforkTable(section, 0);
  const pid = resultOf(table, clone, bytes);
  performNow(call('wait4', [forker, null, waitFlags.__WALL, null]));
  if (pid === undefined || pid < 0) throw new KernelError('clone3', -(pid ?? -errno.ENOMEM));
  return judge(pid, inner);
}

/** siginfo_t of a child: si_code, which tells an exit from a death by signal, and si_status. See waitid(2). */
const [codeOffset, statusOffset, CLD_EXITED] = [8, 24, 1];

function judge(pid: number, inner: readonly Row[]): Reality {
  const info = new Uint8Array(128);
  // Not reaped yet: its credentials are to be read.
  performNow(call('waitid', [waitTypes.P_PID, pid, info, waitFlags.WEXITED | waitFlags.WNOWAIT | waitFlags.__WALL, null]));
  try {
    const view = new DataView(info.buffer);
    const status = view.getInt32(statusOffset, true);
    if (view.getInt32(codeOffset, true) !== CLD_EXITED) {
      return status === signals.SIGSEGV || status === signals.SIGKILL
        ? { credentials: credentialsOf(pid) }
        : { failed: `the process was ended by signal ${status}` };
    }
    // An errno is at most 133, and comes as 256 less it.
    if (status > inner.length) return { refused: 256 - status };
    return { failed: describeCall(inner[status - 1]!.call) };
  } finally {
    performNow(call('wait4', [pid, null, waitFlags.__WALL, null]));
  }
}

function credentialsOf(pid: number): Omit<Credentials, 'root' | 'securebits'> {
  const { securebits: _, ...rest } = parseCredentials(readFileSync(`/proc/${pid}/status`, 'utf8'), 0);
  return rest;
}
