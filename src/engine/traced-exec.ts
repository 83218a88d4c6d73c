/**
 * The engine's side of `hako why`: a tracer for one exec, and what it must know of the container. The process waits, just before
 * it is confined, until the tracer has hold of it; from there on nothing that it does is missed. See tracer/tracer-process.ts.
 */
import type { WhyReport } from '../api/schema.ts';
import { call, Unknown, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { PTRACE_SEIZE } from '../kernel/ptrace.ts';
import { directoryOf, unifiedDirectory } from '../runtime/cgroup/cgroup.ts';
import { seccompFilter } from '../runtime/seccomp/load.ts';
import { step, type Procedure } from '../step/step.ts';
import type { Container } from './container.ts';
import { EngineError } from './engine.ts';
import type { Parts } from './parts.ts';
import { devicesOf } from './spec/devices.ts';
import { confinementOf } from './spec/process.ts';
import { networkMode } from './network-view.ts';
import type { WhyAnswer } from './tracer/job.ts';
import type { WhyContext } from './tracer/refused-call.ts';
import { TracerProcess } from './tracer/tracer-process.ts';

export class TracedExec {
  readonly #context: WhyContext;
  #tracer: TracerProcess<WhyAnswer> | undefined;
  #holds = false;
  /** Settles when the command has ended; undefined when the tracer did not come to an end. */
  readonly report: Promise<Omit<WhyReport, 'command' | 'exitCode'> | undefined>;
  #settle!: (report: Omit<WhyReport, 'command' | 'exitCode'> | undefined) => void;

  constructor(context: WhyContext) {
    this.#context = context;
    this.report = new Promise((resolve) => (this.#settle = resolve));
  }

  /** Why there is no report; undefined where there is, or may be. */
  get lost(): string | undefined {
    return this.#tracer?.end;
  }

  /** Starts the tracer, and waits until it can take a process. @throws EngineError 500 when it does not come to that */
  async ready(): Promise<void> {
    this.#tracer = new TracerProcess({ kind: 'why', context: this.#context });
    const answer = await this.#tracer.next();
    if (!answer || !('ready' in answer))
      throw new EngineError(500, `the tracer could not be started, so the command was not run: ${this.#tracer.end ?? 'it answered something else'}; try again`);
  }

  /** The step that has the tracer take hold of the process. */
  begin(pid: Known): Procedure {
    return step({
      id: 'exec.trace',
      what: 'Have the tracer watch every system call of the process',
      calls: [call('ptrace', [PTRACE_SEIZE, pid, null, new Unknown('OPTIONS')], { perform: () => this.#hold(Number(pid)) })],
      shell: `strace -f -p ${pid}`,
      look: `grep TracerPid /proc/${pid}/status`,
      undone: 'ends with the process, or with the tracer',
    });
  }

  async #hold(pid: number): Promise<number> {
    this.#tracer!.say({ pid });
    const answer = await this.#tracer!.next();
    const begun = answer && 'begun' in answer ? answer.begun : -errno.ESRCH;
    this.#holds = begun >= 0;
    if (this.#holds) void this.#follow();
    else this.giveUp();
    return begun;
  }

  async #follow(): Promise<void> {
    const answer = await this.#tracer!.next();
    this.#settle(answer && 'report' in answer ? answer.report : undefined);
  }

  /** The process was not made, or has ended before its program: a tracer that waits for one ends; one that has hold of it reports. */
  giveUp(): void {
    this.#tracer?.finish();
    if (!this.#holds) this.#settle(undefined);
  }
}

/** The options behind what the kernel does in a container. @throws EngineError 400 for a device that is gone from the host */
export function whyContext(parts: Parts, container: Container): WhyContext {
  const { hostConfig, mounts, name } = container.record;
  const { capabilities, seccomp } = confinementOf(hostConfig);
  const cgroup = container.running?.cgroup;
  return {
    name,
    capabilities,
    defaultSeccomp: seccomp !== undefined && !(hostConfig.SecurityOpt ?? []).some((option) => /^seccomp[=:](?!builtin$)/.test(option)),
    recordedFilter: seccomp && seccompFilter(seccomp).program,
    deviceRules: ['none', 'needless'].includes(parts.layout.deviceFilter) ? [] : devicesOf(hostConfig).rules,
    mounts: mounts.map((m) => ({ type: m.Type, source: m.Source, destination: m.Destination, writable: m.RW })),
    readOnlyRoot: hostConfig.ReadonlyRootfs ?? false,
    networkMode: networkMode(container),
    cgroup: cgroup ? { pids: directoryOf(cgroup, 'pids'), memory: directoryOf(cgroup, 'memory'), unified: unifiedDirectory(cgroup) } : {},
  };
}
