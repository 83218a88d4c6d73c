/**
 * Running a hook: a program of the caller's, in the runtime's namespaces or in the container's, with the container's state on its
 * standard input, and not for ever. What is found in the container's root is the image's, whoever named it: it is confined as the
 * container's own program is. See runtime-spec config.md "POSIX-platform Hooks", runtime.md "Lifecycle".
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../kernel/call.ts';
import { memfdFlags, waitFlags } from '../kernel/flags.ts';
import { rawSyscallAsync } from '../kernel/ffi.ts';
import { openProcess, signalProcess } from '../kernel/process.ts';
import { word, words } from '../step/shell.ts';
import { step, type Procedure } from '../step/step.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import type { InitPlan } from './init.ts';
import { enterEarly, entersEarly, enterStep, flagsOf, openContainer, prepareExec, type PreparedExec } from './prepare-exec.ts';
import { becomeRootStep } from './id-map.ts';
import { launchChild } from './launch-child.ts';
import { closeDescriptorsStep, privateStep, sessionStep, stdioStep } from './program-steps.ts';
import type { Supervisor } from './seccomp/listener.ts';
import type { Hook, Personality, ProcessSpec, SeccompSpec } from './spec.ts';
import { mayMount } from './taking.ts';
import { directoryStep } from './work-directory.ts';

/** A hook, and where it is to be run. */
export interface HookPlan {
  readonly hook: Hook;
  /** Its list's name in the configuration: `createRuntime`. */
  readonly kind: string;
  /** The container's state, in JSON. */
  readonly state: string;
  /** The container whose namespaces it is run in: its first process, and the types of its own; absent: ours. */
  readonly inside?: { readonly pid: Known; readonly namespaces: readonly string[]; readonly groupsDenied?: boolean };
  /** What it is held by, inside, where its program is the image's. */
  readonly confinement?: {
    /** The container's: user, capabilities, limits. */
    readonly process: ProcessSpec;
    readonly cgroup: Cgroup;
    readonly seccomp: SeccompSpec | undefined;
    readonly personality: Personality | undefined;
    /** It has a session keyring of its own, as the container has. */
    readonly keyring: boolean;
    readonly supervisor: Supervisor | undefined;
  };
  /** Where it begins, of the mount namespace that it is in. */
  readonly cwd: string;
}

/** What became of a hook. */
export interface HookResult {
  /** Why it failed; absent where it has not. */
  readonly failure?: string;
}

/** Runs a hook and waits for its end. It fails by its exit status, by a signal, or because its time is over. */
export function* runHook(plan: HookPlan): Procedure<HookResult> {
  const { hook, kind, state } = plan;
  const args = hook.args?.length ? hook.args : [hook.path];
  const stdin = yield* memoryFile('hook-state', state);
  const output = yield* memoryFile('hook-output', '');
  const stdio = { stdin, stdout: output, stderr: output, pipes: [] };
  const prepared = plan.confinement ? yield* prepareConfined(plan, plan.confinement, stdio) : yield* prepareFree(plan, stdio);
  const child = yield* launchChild({
    ...prepared,
    name: `${kind}-hook`,
    owner: 'hook',
    exec: {
      id: 'hook.exec',
      what: `Become the hook ${hook.path}`,
      calls: [call('execve', [hook.path, args, hook.env ?? []])],
      shell: `exec env -i ${words([...(hook.env ?? []), hook.path, ...args.slice(1)])}`,
      look: 'cat /proc/$PID/cmdline',
    },
    stdio,
    gated: false,
    shell: `${words([hook.path, ...args.slice(1)])} <${word('state.json')}`,
  });
  let ended: HookResult = {};
  yield* step({
    id: 'hook.end',
    what: `Wait until the ${kind} hook has ended${hook.timeout === undefined ? '' : `, at most ${hook.timeout} s`}`,
    calls: [
      call('wait4', [new Unknown('PID'), new Uint8Array(4), waitFlags.__WALL, null], {
        perform: async () => {
          const failure = describeEnd(await waitFor(child.process, hook.timeout), hook.timeout);
          if (failure) ended = { failure: `${failure}${saidOn(output as number)}` };
          return 0;
        },
      }),
    ],
    shell: 'wait $PID',
    look: 'echo $?',
    undone: 'makes nothing: it waits',
  });
  return ended;
}

type Streams = Exclude<InitPlan['stdio'], 'terminal'>;

/** A hook of the caller's own program, with the caller's rights. */
function* prepareFree({ inside, cwd }: HookPlan, { stdin, stdout, stderr }: Streams): Procedure<Pick<PreparedExec, 'flags' | 'before' | 'init' | 'inherit'>> {
  const container = inside && (yield* openContainer(inside.pid));
  const types = inside?.namespaces ?? [];
  const early = entersEarly(types);
  const flags = flagsOf(types.filter((type) => !early.includes(type)));
  const pid = inside?.pid ?? 0;
  return {
    flags: 0,
    before: container === undefined ? [] : enterEarly(early, container, pid),
    init: (sync) => ({
      steps: [
        sessionStep(),
        ...(mayMount() ? [privateStep()] : []),
        ...(flags ? [enterStep('all', "Enter the container's namespaces", container!, flags, pid)] : []),
        ...(types.includes('user') ? [becomeRootStep(inside!.groupsDenied)] : []),
        stdioStep(stdin, stdout, stderr, [], { uid: 0, gid: 0 }),
        directoryStep(cwd),
        closeDescriptorsStep([sync]),
      ],
    }),
    inherit: container === undefined ? [] : [container],
  };
}

/** A hook whose program is the container's: one more process of the container, as by an exec. */
function prepareConfined({ hook, inside, cwd }: HookPlan, confinement: NonNullable<HookPlan['confinement']>, stdio: Streams): Procedure<PreparedExec> {
  const { terminal: _, consoleSize: __, ...process } = confinement.process;
  return prepareExec({
    ...confinement,
    process: { ...process, args: [hook.path], env: hook.env ?? [], cwd },
    container: inside!.pid as number,
    namespaces: inside!.namespaces,
    groupsDenied: inside!.groupsDenied,
    // oxlint-disable-next-line require-yield -- they are there already
    *takeStreams() {
      return stdio;
    },
  });
}

/** A file in memory: unlike a pipe it holds nobody up, whoever does not read it or leaves it open. */
function memoryFile(name: string, text: string): Procedure<Known> {
  const file = call('memfd_create', [name, memfdFlags.MFD_CLOEXEC], { label: 'file' });
  const bytes = Buffer.from(text);
  return step<Known>({
    id: 'hook.file',
    what: text ? "Write the container's state into a file in memory, the hook's standard input" : "Make a file in memory for the hook's output",
    calls: [file, ...(text ? [call('pwrite64', [result(file), bytes, bytes.length, 0])] : [])],
    shell: text ? `printf %s ${word(text)} >state.json` : ': >output',
    look: text ? 'cat state.json' : 'cat output',
    undone: 'goes with its last descriptor',
    finally: [call('close', [result(file)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('FILE'),
  });
}

interface End {
  readonly timedOut: boolean;
  /** As wait(2) gives it. */
  readonly status: number;
}

async function waitFor(process: { readonly pid: number; readonly startTime: string }, timeout: number | undefined): Promise<End> {
  const status = new Uint8Array(4);
  const waiting = rawSyscallAsync('wait4', process.pid, status, waitFlags.__WALL, null);
  let timedOut = false;
  const pidfd = timeout === undefined ? undefined : openProcess(process);
  const timer =
    pidfd === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          signalProcess(pidfd, 9);
        }, timeout! * 1000);
  await waiting;
  clearTimeout(timer);
  if (pidfd !== undefined) closeSync(pidfd);
  return { timedOut, status: new DataView(status.buffer).getInt32(0, true) };
}

function describeEnd({ timedOut, status }: End, timeout: number | undefined): string | undefined {
  if (timedOut) return `it took longer than its timeout of ${timeout} s, and was killed`;
  if (status === 0) return undefined;
  return (status & 0x7f) === 0 ? `exit status ${status >> 8}` : `it was ended by signal ${status & 0x7f}`;
}

const mostSaid = 1000;

/** The end of what it said. */
function saidOn(file: number): string {
  const { size } = fstatSync(file);
  const bytes = Buffer.alloc(Math.min(size, mostSaid));
  readSync(file, bytes, 0, bytes.length, Math.max(0, size - mostSaid));
  const text = bytes.toString('utf8').trim();
  return text ? `; it said: ${text}` : '';
}
