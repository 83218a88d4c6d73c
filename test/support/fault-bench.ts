/**
 * An engine in this process whose calls to the kernel can be told to fail (failing-kernel.ts), in a network of its own, and what is
 * asked after each failure: was it told, in a sentence that names step, call and errno; can it be tried again; is nothing left.
 */
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { errnoName } from '../../src/kernel/errno.ts';
import { plausibleErrnos } from './errnos.ts';
import { FailingKernel, type Fault, type Maker, type Point } from './failing-kernel.ts';
import { difference, inventory, withoutReadyEndpoints, type Scope } from './inventory.ts';
import { enterPrivateNetwork } from './private-network.ts';
import { sweep } from './sweep.ts';

/** Something that an engine does, of which each call is to fail once. */
export interface Scenario {
  readonly name: string;
  /** What must be there before; nothing fails in it. */
  prepare?(engine: Engine): Promise<void>;
  /** What is to fail. */
  act(engine: Engine): Promise<void>;
  /**
   * Afterwards: if it failed, tries again, which must succeed; then takes away what was made. Throws what is wrong.
   * @param failed it was told that it failed
   */
  restore(engine: Engine, failed: boolean): Promise<void>;
  /** The engine begins anew each time. */
  readonly fresh?: boolean;
  /** Only the calls that an engine makes the first time. */
  readonly once?: boolean;
  /** Takes away what was kept from case to case. */
  close?(engine: Engine): Promise<void>;
}

/** A call with the errno that it is to give. */
export interface Case extends Fault {
  readonly scenario: Scenario;
  readonly by: Maker;
  readonly text: string;
}

/** What came of a case: nothing that is wrong; or what is; or undefined where the call was not made this time. */
export type Verdict = readonly string[] | undefined;

/** Longer than anything here takes, if it does not hang. */
const patience = 30_000;

export class FaultBench {
  readonly directory = mkdtempSync(join(tmpdir(), 'hako-faults-'));
  readonly scope: Scope = { directory: this.directory, bridge: 'hako-faults', cgroup: `hako-faults-${process.pid}`, networkOf: process.pid };
  readonly kernel = new FailingKernel();
  #engine: Engine | undefined;
  #reports: string[] = [];
  #clean: readonly string[] = [];
  #current: Scenario | undefined;

  constructor() {
    enterPrivateNetwork();
  }

  async #open(): Promise<Engine> {
    const { directory, scope, kernel } = this;
    const settings = { root: join(directory, 'root'), run: join(directory, 'run'), bridge: scope.bridge, cgroup: `/${scope.cgroup}` };
    return (this.#engine ??= await createEngine(settings, (message) => this.#reports.push(message), kernel));
  }

  async #shut(): Promise<void> {
    await this.#engine?.close();
    this.#engine = undefined;
  }

  async close(): Promise<void> {
    await this.#leave();
    await this.#shut();
    await sweep(this.scope);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #leave(): Promise<void> {
    if (this.#engine) await this.#current?.close?.(this.#engine);
    this.#current = undefined;
  }

  /**
   * Goes through a scenario without a failure, some times, and notes what is there then.
   * @returns every call that it makes, with each errno that it may plausibly give
   */
  async cases(scenario: Scenario): Promise<Case[]> {
    await this.#leave();
    this.#current = scenario;
    const points = new Map<string, Point>();
    for (let pass = 0; pass < 3; pass++) {
      const { error } = await this.#pass(scenario);
      if (error) throw error;
      // What is made once for all is not made again, but by a new engine.
      if (pass > 0 || scenario.fresh) for (const point of this.kernel.points) points.set(point.key, point);
    }
    if (scenario.once) await this.#forgetRepeated(scenario, points);
    this.#clean = await this.#steady();
    return [...points.values()].flatMap((point) =>
      plausibleErrnos(point.call.name).map((errno) => ({ key: point.key, by: point.by, errno, scenario, text: `${point.key}: ${errnoName(errno)}` })),
    );
  }

  async #forgetRepeated(scenario: Scenario, points: Map<string, Point>): Promise<void> {
    for (let pass = 0; pass < 3; pass++) {
      await this.#pass({ ...scenario, fresh: false });
      if (pass > 0) for (const { key } of this.kernel.points) points.delete(key);
    }
    await this.#shut();
  }

  /** One call fails. The inventory is not taken: see {@link left}. */
  async run({ scenario, key, errno }: Case): Promise<Verdict> {
    const { error, wrong } = await this.#pass(scenario, { key, errno });
    const { failed } = this.kernel;
    if (!failed) return undefined;
    // What it does in the background is told of when it has been undone.
    const isBackground = failed.by !== 'monitor' && failed.by !== 'process' && !failed.call.accept?.includes(errno) && !error;
    for (let tries = 0; isBackground && this.#reports.length === 0 && tries < 40; tries++) await setTimeout(50);
    return [...wrong, ...this.#judge(failed, errno, error)];
  }

  async #pass(scenario: Scenario, fault?: Fault): Promise<{ error: Error | undefined; wrong: string[] }> {
    const engine = await this.#open();
    const wrong: string[] = [];
    await scenario.prepare?.(engine);
    this.#reports = [];
    this.kernel.watch(fault);
    const error = await withPatience(scenario.act(engine), scenario.name).then(
      () => undefined,
      (e: unknown) => (e instanceof Error ? e : new Error(String(e))),
    );
    this.kernel.unwatch();
    try {
      await withPatience(scenario.restore(engine, error !== undefined), `${scenario.name}, afterwards`);
    } catch (e) {
      wrong.push(`afterwards: ${String(e)}`);
    }
    if (scenario.fresh) await this.#shut();
    return { error, wrong };
  }

  /** Whether it was told as it should be. */
  #judge({ call, by }: Point, errno: number, error: Error | undefined): string[] {
    const name = errnoName(errno);
    const isAnswer = call.accept?.includes(errno) ?? false;
    // A row that says that its object is there has not made it: what comes of it is for the rows behind to tell.
    if (isAnswer && by !== 'engine') return [];
    if (isAnswer) return error ? [`the answer ${name} of ${call.name} was taken for a failure: ${error.message}`] : [];
    // What the monitor does when the process has ended tells the engine in time what it would find out all the same.
    if (by === 'monitor' && (call.name === 'write' || call.name === 'read') && !error) return [];
    // The program is looked for in the next place of PATH.
    if (by === 'process' && call.name.startsWith('exec') && !error) return [];
    const told = [...(error ? [error.message] : []), ...this.#reports];
    if (told.length === 0) return ['nobody was told'];
    const isExec = by === 'process' && call.name.startsWith('exec');
    const says = (text: string): boolean =>
      isExec ? text.includes('exec: "') : /\[step [a-z]+(\.[a-z-]+)+\]/.test(text) && text.includes(`${call.name}(`) && text.includes(`(${name})`);
    const complaints = told.some(says) ? [] : [`the message does not name step, call and ${name}: ${told.join(' | ')}`];
    if (error && !['EngineError', 'StepError'].includes(error.name)) complaints.push(`the error is a ${error.name}: ${error.message}`);
    return complaints;
  }

  /** What is there that was not, or is no more: waits a moment, since the engine goes on clearing up after it has answered. */
  async left(): Promise<string[]> {
    let found = difference(this.#clean, this.#objects());
    for (let tries = 0; found.length > 0 && tries < 100; tries++) {
      await setTimeout(100);
      found = difference(this.#clean, this.#objects());
    }
    // Descriptors that only then were closed are no leak; from now on they are not counted as there.
    if (found.length > 0 && found.every((line) => line.startsWith('- descriptor of hakod'))) {
      this.#clean = this.#objects();
      return [];
    }
    return found;
  }

  /** What is there is taken as what should be: after a leak, so that the next case is not blamed for it. */
  async forgive(): Promise<void> {
    this.#clean = await this.#steady();
  }

  async #steady(): Promise<string[]> {
    let last = this.#objects();
    for (let same = 0; same < 3;) {
      await setTimeout(100);
      const now = this.#objects();
      same = difference(last, now).length === 0 ? same + 1 : 0;
      last = now;
    }
    return last;
  }

  /** The kernel's objects, and this process's own descriptors, which hold some of them. */
  #objects(): string[] {
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // that of the listing
      }
    });
    // A pipe with both ends here is Node's own: threads that it keeps for a while have some.
    const isOurs = (target: string): boolean => !target.startsWith('pipe:') || open.filter((other) => other === target).length === 1;
    const kept = open.filter((target) => target !== '' && isOurs(target));
    return withoutReadyEndpoints([...inventory(this.scope), ...kept.map((target) => `descriptor of hakod: ${nameless(target)}`)]);
  }
}

/** What a descriptor leads to, without what differs from container to container. */
const nameless = (target: string): string => target.replace(/^(\w+):.*/, '$1').replaceAll(/[0-9a-f]{12,}/g, 'ID');

/** Fails what does not come to its end. */
async function withPatience(work: Promise<void>, what: string): Promise<void> {
  const waiting = new AbortController();
  const hangs = setTimeout(patience, undefined, { signal: waiting.signal }).then(
    () => {
      throw new Error(`${what}: it hangs`);
    },
    () => undefined,
  );
  await Promise.race([work, hangs]);
  waiting.abort();
}
