/**
 * For tests: what of systemd the driver talks to, over a socket of its own, on the real kernel: a scope becomes a cgroup below the
 * test's, in every hierarchy, and the processes named are moved into it.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { findCgroup } from '../../runtime/cgroup/cgroup.ts';
import { detectCgroups } from '../../runtime/cgroup/detect.ts';
import { run } from '../../runtime/cgroup/fixture.ts';
import { killAll } from '../../runtime/cgroup/kill.ts';
import { removeCgroup } from '../../runtime/cgroup/remove.ts';
import { expandSlice } from './unit-name.ts';
import { decodeMessage, encodeMessage, messageTypes, Variant, type Message, type Value } from './wire.ts';

type Answer = { readonly signature: string; readonly body: readonly Value[] };
const nothing: Answer = { signature: '', body: [] };

export class FakeSystemd {
  readonly address: string;
  /** The cgroup that all of its units are below. */
  readonly base: string;
  /** Properties of its units, by their names; those of a unit that was stopped stay. */
  readonly units = new Map<string, Map<string, Value>>();
  /** Names of methods in the order in which they were called. */
  readonly calls: string[] = [];
  /** How the next job ends. */
  jobResult = 'done';
  readonly #running = new Set<string>();
  readonly #layout = detectCgroups();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #serial = 0;
  #jobs = 0;

  private constructor(directory: string, base: string) {
    this.base = base;
    this.address = `unix:path=${directory}/bus`;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Listens where the system's bus is looked for, until the test is over. @param base its cgroup */
  static async start(t: TestContext, base: string): Promise<FakeSystemd> {
    const directory = mkdtempSync(join(tmpdir(), 'hako-systemd-'));
    const fake = new FakeSystemd(directory, base);
    await new Promise<void>((resolve) => fake.#server.listen(`${directory}/bus`, resolve));
    const before = process.env['DBUS_SYSTEM_BUS_ADDRESS'];
    process.env['DBUS_SYSTEM_BUS_ADDRESS'] = fake.address;
    t.after(async () => {
      if (before === undefined) delete process.env['DBUS_SYSTEM_BUS_ADDRESS'];
      else process.env['DBUS_SYSTEM_BUS_ADDRESS'] = before;
      for (const socket of fake.#sockets) socket.destroy();
      await new Promise((resolve) => fake.#server.close(resolve));
      rmSync(directory, { recursive: true });
    });
    return fake;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let received = Buffer.alloc(0);
    let talking = false;
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      for (let end; !talking && (end = received.indexOf('\r\n')) >= 0;) {
        const line = received.toString('latin1', 0, end).replace('\0', '');
        received = received.subarray(end + 2);
        if (line === 'BEGIN') talking = true;
        else socket.write(line === 'DATA' ? 'OK 0123456789abcdef0123456789abcdef\r\n' : 'DATA\r\n');
      }
      for (let next; talking && (next = decodeMessage(received));) {
        received = received.subarray(next.length);
        void this.#answer(socket, next.message);
      }
    });
  }

  async #answer(socket: Socket, message: Message): Promise<void> {
    this.calls.push(message.member!);
    const send = (fields: Partial<Message>): unknown =>
      socket.write(encodeMessage({ type: messageTypes.reply, serial: ++this.#serial, replyTo: message.serial, ...nothing, ...fields }));
    try {
      send(await this.#do(message, socket));
    } catch (error) {
      send({ type: messageTypes.error, errorName: `org.freedesktop.systemd1.${(error as Error).message}`, signature: 's', body: ['it is so'] });
    }
  }

  async #do({ member, body }: Message, socket: Socket): Promise<Answer> {
    const name = body[0] as string;
    switch (member) {
      case 'Get':
        return { signature: 'v', body: [new Variant('s', body[1] === 'Version' ? '252.30-1~deb12u2' : this.base)] };
      case 'StartTransientUnit':
        if (this.#running.has(name)) throw new Error('UnitExists');
        this.units.set(name, propertiesOf(body[2]!));
        if (this.jobResult === 'done') this.#makeScope(name);
        return this.#job(name, socket);
      case 'StopUnit':
        if (!this.#running.delete(name)) throw new Error('NoSuchUnit');
        await this.#removeScope(name);
        return this.#job(name, socket);
      case 'SetUnitProperties':
        if (!this.#running.has(name)) throw new Error('NoSuchUnit');
        for (const [key, value] of propertiesOf(body[2]!)) this.units.get(name)!.set(key, value);
        return nothing;
      default:
        return nothing;
    }
  }

  #job(unit: string, socket: Socket): Answer {
    const job = `/org/freedesktop/systemd1/job/${++this.#jobs}`;
    const signal = { path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager', member: 'JobRemoved' };
    // Before the answer, as it can come from systemd, too.
    socket.write(
      encodeMessage({ type: messageTypes.signal, serial: ++this.#serial, ...signal, signature: 'uoss', body: [this.#jobs, job, unit, this.jobResult] }),
    );
    return { signature: 'o', body: [job] };
  }

  #path(unit: string): string {
    return `${this.base}${expandSlice(this.units.get(unit)!.get('Slice') as string)}/${unit}`;
  }

  #makeScope(unit: string): void {
    this.#running.add(unit);
    for (const { mountPoint, controllers, version } of this.#layout.hierarchies) {
      const directory = mountPoint + this.#path(unit);
      mkdirSync(directory, { recursive: true });
      if (version === 1 && controllers.includes('cpuset')) continue; // systemd has none of it in version 1
      for (const pid of this.units.get(unit)!.get('PIDs') as number[]) writeFileSync(`${directory}/cgroup.procs`, String(pid));
    }
  }

  async #removeScope(unit: string): Promise<void> {
    const cgroup = findCgroup(this.#layout, this.#path(unit));
    if (!cgroup) return;
    await run(killAll(cgroup));
    await run(removeCgroup(cgroup));
  }

  /** Whether there is a unit with a cgroup. */
  isRunning(unit: string): boolean {
    return this.#running.has(unit) && existsSync(this.#layout.hierarchies[0]!.mountPoint + this.#path(unit));
  }
}

function propertiesOf(value: Value): Map<string, Value> {
  return new Map((value as [string, Variant][]).map(([name, variant]) => [name, variant.value]));
}
