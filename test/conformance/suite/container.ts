/** A container that the runtime has created. */
import assert from 'node:assert/strict';
import type { Bundle } from './bench.ts';
import { hasEnded, procStat, until } from './proc.ts';
import type { CallOptions, Outcome, Runtime, RuntimeCall } from './runtime.ts';

/** The answer of `state`, see runtime.md#runtimeState. */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: string;
  readonly pid: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** By the runtime's commands, and by the kernel. */
export class Container {
  readonly id: string;
  readonly bundle: Bundle;
  readonly #runtime: Runtime;
  readonly #created: RuntimeCall;
  /** The container's process, by its id on the host. */
  readonly pid: number;
  readonly #startTime: string;

  constructor(runtime: Runtime, bundle: Bundle, created: RuntimeCall, pid: number) {
    this.#runtime = runtime;
    this.pid = pid;
    this.#startTime = procStat(pid, 22);
    this.#created = created;
    this.bundle = bundle;
    this.id = bundle.id;
  }

  /** Makes a call about the container: `call('kill', 'TERM')` is `runtime kill ID TERM`. */
  call(command: string, ...args: readonly string[]): Promise<Outcome> {
    const flags = args.filter((arg) => arg.startsWith('-'));
    return this.#runtime.call([command, ...flags, this.id, ...args.filter((arg) => !arg.startsWith('-'))]);
  }

  /** Makes a call that must succeed. @returns its output */
  async must(command: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.call(command, ...args);
    assert.equal(code, 0, `${command} exits with ${code}: ${stderr.trim()}`);
    return stdout.trimEnd();
  }

  /** Makes a call that must fail, and say why. @returns the error */
  async mustFail(command: string, ...args: readonly string[]): Promise<string> {
    const { code, stderr } = await this.call(command, ...args);
    assert.notEqual(code, 0, `${command} succeeds`);
    assert.notEqual(stderr.trim(), '', `${command} fails without a word`);
    return stderr.trim();
  }

  /** Runs one more process in it to its end. */
  exec(flags: readonly string[], command: readonly string[], options?: CallOptions): Promise<Outcome> {
    return this.#runtime.call(['exec', ...flags, this.id, ...command], options);
  }

  /** What `state` says. */
  async state(): Promise<State> {
    return JSON.parse(await this.must('state')) as State;
  }

  /** Waits until the program has written something. */
  said(pattern: RegExp): Promise<void> {
    return this.#created.said(pattern);
  }

  /** What it has written so far. */
  get output(): string {
    return this.#created.stdout;
  }
  get errors(): string {
    return this.#created.stderr;
  }

  /** Waits for the end of the program that was started. @returns what it has written */
  async ended(): Promise<string> {
    await until('the container’s process has ended', () => hasEnded(this.pid, this.#startTime));
    await this.#created.closed;
    return this.#created.stdout.trimEnd();
  }
}
