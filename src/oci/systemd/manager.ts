/** What is asked of systemd: units made for the moment, changed and stopped. org.freedesktop.systemd1(5). */
import { OciError } from '../error.ts';
import { connectToManager, type Connected } from './address.ts';
import { BusError, type Bus } from './bus.ts';
import { Variant, type Message, type Value } from './wire.ts';

/** A property of a unit, as systemd.resource-control(5) and its like name it; on the bus, with `USec` for `Sec`. */
export type Property = readonly [name: string, value: Variant];

const managerAt = { destination: 'org.freedesktop.systemd1', path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' } as const;

/** How long systemd may take for a job, in milliseconds. */
const patience = 30_000;

export class Manager {
  readonly #bus: Bus;
  /** Results of jobs that have ended, by the job's path. */
  readonly #ended = new Map<string, string>();
  #wake = (): void => {};

  private constructor(bus: Bus) {
    this.#bus = bus;
    bus.onSignal((signal) => this.#note(signal));
  }

  /** @param rootless the user's manager, instead of the system's @throws OciError where there is none */
  static async connect(rootless: boolean): Promise<Manager> {
    return Manager.over(await connectToManager(rootless));
  }

  /** For a connection that is there. */
  static async over({ bus, direct }: Connected): Promise<Manager> {
    const manager = new Manager(bus);
    if (!direct) await bus.subscribe(`type='signal',interface='${managerAt.interface}',member='JobRemoved',path='${managerAt.path}'`);
    await bus.call({ ...managerAt, member: 'Subscribe' });
    return manager;
  }

  close(): void {
    this.#bus.close();
  }

  /** A property of the manager's own: `Version`, `ControlGroup`. */
  async property(name: string): Promise<string> {
    const property = { ...managerAt, interface: 'org.freedesktop.DBus.Properties', member: 'Get', signature: 'ss' };
    const [value] = await this.#bus.call({ ...property, body: [managerAt.interface, name] });
    return value instanceof Variant && typeof value.value === 'string' ? value.value : '';
  }

  /** systemd's version: 252. */
  async version(): Promise<number> {
    return Number(/\d+/.exec(await this.property('Version'))?.[0] ?? 0);
  }

  /**
   * Makes a unit and waits until it is there. A unit of that name that has failed is cleared away.
   * @throws OciError when systemd does not make it
   */
  async startTransientUnit(name: string, properties: readonly Property[]): Promise<void> {
    const start = (): Promise<string> =>
      this.#job({ member: 'StartTransientUnit', signature: 'ssa(sv)a(sa(sv))', body: [name, 'replace', properties.map(([key, value]) => [key, value]), []] });
    let result: string;
    try {
      result = await start();
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      if (!error.kind.endsWith('.UnitExists')) throw new OciError(`systemd did not make the unit ${name}: ${error.message}`);
      await this.resetFailed(name);
      result = await start().catch((again: unknown) => {
        throw new OciError(`systemd did not make the unit ${name}: ${(again as Error).message}: stop it, or give linux.cgroupsPath another name`);
      });
    }
    if (result === 'done') return;
    await this.resetFailed(name);
    throw new OciError(`systemd did not make the unit ${name}: its job ended with "${result}"`);
  }

  /** Stops a unit, with all processes in it, and waits until it is gone. One that is not there is no failure. */
  async stopUnit(name: string): Promise<void> {
    try {
      await this.#job({ member: 'StopUnit', signature: 'ss', body: [name, 'replace'] });
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      if (!error.kind.endsWith('.NoSuchUnit')) throw new OciError(`systemd did not stop the unit ${name}: ${error.message}`);
    }
    await this.resetFailed(name);
  }

  /** Changes properties until the next boot. @throws OciError */
  async setProperties(name: string, properties: readonly Property[]): Promise<void> {
    if (properties.length === 0) return;
    try {
      const body: Value[] = [name, true, properties.map(([key, value]) => [key, value])];
      await this.#bus.call({ ...managerAt, member: 'SetUnitProperties', signature: 'sba(sv)', body });
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      throw new OciError(`systemd did not change the unit ${name}: ${error.message}`);
    }
  }

  /** Has systemd forget a unit that has failed; one that has not, or is not there, is no failure. */
  async resetFailed(name: string): Promise<void> {
    try {
      await this.#bus.call({ ...managerAt, member: 'ResetFailedUnit', signature: 's', body: [name] });
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
    }
  }

  /** Calls a method that begins a job. @returns the job's result: `done`, `failed`, `canceled`, … */
  async #job(call: { readonly member: string; readonly signature: string; readonly body: readonly Value[] }): Promise<string> {
    const [job] = await this.#bus.call({ ...managerAt, ...call });
    if (typeof job !== 'string') throw new OciError(`systemd answered ${call.member} with no job`);
    const deadline = performance.now() + patience;
    for (;;) {
      const result = this.#ended.get(job);
      if (result !== undefined) return result;
      const left = deadline - performance.now();
      if (left <= 0) throw new OciError(`systemd did not end ${call.member} of ${call.body[0] as string} in ${patience / 1000} seconds`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => (clearTimeout(timer), resolve());
      });
    }
  }

  #note({ member, body }: Message): void {
    const [, job, , result] = body;
    if (member !== 'JobRemoved' || typeof job !== 'string' || typeof result !== 'string') return;
    this.#ended.set(job, result);
    this.#wake();
  }
}
