/** What an engine does of which each call is to fail: starts with every feature on, execs, and the ends of containers. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { ContainerCreateBody, HostConfig } from '../../src/api/schema.ts';
import type { Attachment, Engine } from '../../src/engine/engine.ts';
import type { Scenario } from './fault-bench.ts';

const limits: HostConfig = { Memory: 64 * 2 ** 20, NanoCpus: 5e8, PidsLimit: 50 };
const sleep = ['sleep', 'infinity'];
const rootDevice = ['/dev/vda', '/dev/sda', '/dev/loop0'].find((path) => existsSync(path));

const everything: ContainerCreateBody = {
  Image: 'base',
  Cmd: sleep,
  OpenStdin: true,
  User: '1000:1000',
  Hostname: 'faults',
  Domainname: 'example.org',
  WorkingDir: '/srv/work',
  Volumes: { '/data': {}, '/more/data': {} },
  ExposedPorts: { '80/tcp': {}, '53/udp': {} },
  HostConfig: {
    ...limits,
    MemorySwap: 128 * 2 ** 20,
    MemoryReservation: 32 * 2 ** 20,
    CpuShares: 512,
    CpusetCpus: '0',
    CpusetMems: '0',
    ...(rootDevice ? { BlkioDeviceReadBps: [{ Path: rootDevice, Rate: 2 ** 30 }], BlkioDeviceWriteIOps: [{ Path: rootDevice, Rate: 10_000 }] } : {}),
    Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/deep/null' }],
    DeviceCgroupRules: ['c 42:* rwm'],
    Binds: ['/srv:/mnt/host:ro', '/etc/hostname:/mnt/file', '/usr:/opt/deep/usr:ro'],
    Tmpfs: { '/cache': 'size=1m,mode=1777' },
    ShmSize: 2 ** 20,
    Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0', 'kernel.msgmax': '4096' },
    Ulimits: [{ Name: 'nofile', Soft: 99, Hard: 100 }],
    ReadonlyRootfs: true,
    GroupAdd: ['2000', '3000'],
    CapAdd: ['NET_ADMIN'],
    CapDrop: ['MKNOD'],
    PortBindings: { '80/tcp': [{ HostPort: '8080' }], '53/udp': [{ HostPort: '8053', HostIp: '127.0.0.1' }] },
    Dns: ['192.0.2.1'],
    DnsSearch: ['example.org'],
    ExtraHosts: ['other:192.0.2.2'],
    OomScoreAdj: 300,
    Init: true,
    Annotations: { 'hakobune.time.boottime': '3600' },
  },
};

const bodies: readonly (readonly [name: string, body: ContainerCreateBody])[] = [
  ['with everything', everything],
  [
    'with a terminal',
    {
      Image: 'base',
      Cmd: sleep,
      Tty: true,
      User: '1000',
      Volumes: { '/data': {} },
      HostConfig: { ...limits, ConsoleSize: [24, 80], SecurityOpt: ['no-new-privileges'] },
    },
  ],
  [
    'in a user namespace',
    {
      Image: 'base',
      Cmd: sleep,
      OpenStdin: true,
      User: '1000',
      Volumes: { '/data': {} },
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { ...limits, UsernsMode: 'private', PortBindings: { '80/tcp': [{ HostPort: '8081' }] }, Tmpfs: { '/cache': '' } },
    },
  ],
  [
    "with the host's namespaces",
    { Image: 'base', Cmd: sleep, HostConfig: { ...limits, NetworkMode: 'host', PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' } },
  ],
];

const published: ContainerCreateBody = {
  Image: 'base',
  Cmd: sleep,
  Volumes: { '/data': {} },
  ExposedPorts: { '80/tcp': {}, '53/udp': {} },
  HostConfig: { ...limits, PortBindings: { '80/tcp': [{ HostPort: '8080' }], '53/udp': [{ HostPort: '8053' }] } },
};
const sharing: ContainerCreateBody = {
  Image: 'base',
  Cmd: ['sh', '-c', 'sleep infinity & sleep infinity'],
  HostConfig: { ...limits, NetworkMode: 'none', PidMode: 'host' },
};

/** A container that scenarios make, and lose. */
class Subject {
  readonly #body: ContainerCreateBody;
  id = '';

  constructor(body: ContainerCreateBody) {
    this.#body = body;
  }

  async create(engine: Engine): Promise<void> {
    ({ Id: this.id } = await engine.containers.create(this.#body));
  }

  async run(engine: Engine): Promise<void> {
    await this.create(engine);
    await engine.containers.start(this.id);
  }

  async isListed(engine: Engine): Promise<boolean> {
    return (await engine.containers.list({ all: true, size: false, filters: {} })).some(({ Id }) => Id === this.id);
  }

  async state(engine: Engine): Promise<{ Status: string; Pid: number }> {
    return (await engine.containers.inspect(this.id, { size: false })).State;
  }

  async remove(engine: Engine, force = true): Promise<void> {
    await engine.containers.remove(this.id, { force, volumes: true });
    assert.equal(await this.isListed(engine), false, 'it was removed and is still listed');
    this.id = '';
  }
}

function starting(name: string, body: ContainerCreateBody, more: Partial<Scenario> = {}): Scenario {
  const subject = new Subject(body);
  return {
    name: `start ${name}`,
    prepare: (engine) => subject.create(engine),
    act: (engine) => engine.containers.start(subject.id),
    async restore(engine, failed) {
      const { Status } = await subject.state(engine);
      assert.equal(Status, failed ? 'created' : 'running');
      await subject.remove(engine, !failed);
    },
    ...more,
  };
}

async function textOf({ output }: Attachment): Promise<string> {
  let text = '';
  for await (const { data } of output) text += Buffer.from(data).toString();
  return text;
}

/** A container that stays from case to case. */
function staying(body: ContainerCreateBody): {
  readonly subject: Subject;
  readonly prepare: (engine: Engine) => Promise<void>;
  readonly close: (engine: Engine) => Promise<void>;
} {
  const subject = new Subject(body);
  return {
    subject,
    prepare: (engine) => (subject.id === '' ? subject.run(engine) : Promise.resolve()),
    close: (engine) => (subject.id === '' ? Promise.resolve() : subject.remove(engine)),
  };
}

function executing(name: string, body: ContainerCreateBody, terminal: boolean): Scenario {
  const { subject, prepare, close } = staying(body);
  return {
    name: `exec ${name}${terminal ? ', on a terminal' : ''}`,
    prepare,
    close,
    async act(engine) {
      const { Id } = await engine.execs.create(subject.id, {
        Cmd: ['echo', 'hi'],
        Tty: terminal,
        AttachStdout: true,
        AttachStderr: true,
        AttachStdin: !terminal,
      });
      const attached = await engine.execs.start(Id, { detach: false, terminal });
      attached!.input?.end();
      assert.equal((await textOf(attached!)).trim(), 'hi');
      assert.equal((await engine.execs.inspect(Id)).ExitCode, 0);
    },
    async restore(engine) {
      assert.equal((await subject.state(engine)).Status, 'running', 'a failed exec ended its container');
    },
  };
}

/** What ends a container: if it fails, it can be tried again, and then all is gone. */
function ending(name: string, body: ContainerCreateBody, act: (engine: Engine, id: string) => Promise<void>): Scenario {
  const subject = new Subject(body);
  return {
    name,
    prepare: (engine) => subject.run(engine),
    act: (engine) => act(engine, subject.id),
    async restore(engine, failed) {
      if (failed) {
        assert.ok(await subject.isListed(engine), 'the container was lost');
        await act(engine, subject.id).catch((error: unknown) => {
          if ((error as { status?: number }).status !== 304) throw error;
        });
      }
      if (!(await subject.isListed(engine))) return;
      const { Status } = await subject.state(engine);
      assert.equal(Status, 'exited');
      await subject.remove(engine, false);
    },
  };
}

/** Ends the process from outside, as if by itself. */
async function endedByItself(engine: Engine, id: string): Promise<void> {
  const { Pid } = (await engine.containers.inspect(id, { size: false })).State;
  if (Pid === 0) return;
  const { ready, done } = engine.containers.wait(id, 'not-running');
  await ready;
  process.kill(Pid, 'SIGKILL');
  await done;
}

function pausing(): Scenario[] {
  const kept = staying(published);
  const { subject } = kept;
  return [
    {
      name: 'pause',
      prepare: kept.prepare,
      close: kept.close,
      act: (engine) => engine.containers.pause(subject.id),
      async restore(engine, failed) {
        if (failed) {
          assert.equal((await subject.state(engine)).Status, 'running');
          // It is not frozen: an exec comes to its end.
          const { Id } = await engine.execs.create(subject.id, { Cmd: ['true'], AttachStdout: true });
          await textOf((await engine.execs.start(Id, { detach: false, terminal: false }))!);
          await engine.containers.pause(subject.id);
        }
        assert.equal((await subject.state(engine)).Status, 'paused');
        await engine.containers.unpause(subject.id);
      },
    },
    {
      name: 'unpause',
      close: kept.close,
      async prepare(engine) {
        await kept.prepare(engine);
        await engine.containers.pause(subject.id);
      },
      act: (engine) => engine.containers.unpause(subject.id),
      async restore(engine, failed) {
        if (failed) {
          assert.equal((await subject.state(engine)).Status, 'paused');
          await engine.containers.unpause(subject.id);
        }
        assert.equal((await subject.state(engine)).Status, 'running');
      },
    },
  ];
}

function updating(): Scenario {
  const subject = new Subject({ Image: 'base', Cmd: sleep, HostConfig: { NetworkMode: 'none', Memory: 2 ** 26 } });
  const wanted = { Memory: 2 ** 27, MemorySwap: 2 ** 28, CpuShares: 100, NanoCpus: 5e8, PidsLimit: 20, CpusetCpus: '0' };
  return {
    name: 'update',
    prepare: (engine) => subject.run(engine),
    act: async (engine) => void (await engine.containers.update(subject.id, wanted)),
    async restore(engine, failed) {
      assert.equal((await subject.state(engine)).Status, 'running');
      const { HostConfig: now } = await engine.containers.inspect(subject.id, { size: false });
      assert.equal(now.Memory, failed ? 2 ** 26 : 2 ** 27);
      if (failed) await engine.containers.update(subject.id, wanted);
      await subject.remove(engine);
    },
  };
}

/** The engine's own end; what it does at its beginning is in the first start of {@link scenarios}. */
function closing(): Scenario {
  const subject = new Subject(published);
  return {
    name: 'the end of the engine',
    fresh: true,
    async prepare(engine) {
      await subject.run(engine);
      await subject.remove(engine);
    },
    act: (engine) => engine.close(),
    restore: (engine, failed) => (failed ? engine.close() : Promise.resolve()),
  };
}

/** Everything that is to be tried. */
export const scenarios: readonly Scenario[] = [
  starting('of the first container, with its bridge', { ...published, Volumes: {} }, { fresh: true, once: true }),
  ...bodies.map(([name, body]) => starting(name, body)),
  executing('with everything', everything, false),
  executing('with everything', everything, true),
  executing('in a user namespace', bodies[2]![1], false),
  ending('stop', published, (engine, id) => engine.containers.stop(id, { seconds: 0 })),
  ending('kill', published, (engine, id) => engine.containers.kill(id, 'SIGKILL')),
  ending("stop, in the host's PID namespace", sharing, (engine, id) => engine.containers.stop(id, { seconds: 0 })),
  ending("kill, in the host's PID namespace", sharing, (engine, id) => engine.containers.kill(id, 'SIGKILL')),
  ending('rm -f', published, (engine, id) => engine.containers.remove(id, { force: true, volumes: true })),
  ending("rm -f, in the host's PID namespace", sharing, (engine, id) => engine.containers.remove(id, { force: true, volumes: true })),
  ending('its end', published, endedByItself),
  ending('its end, with --rm', { ...published, HostConfig: { ...published.HostConfig, AutoRemove: true } }, endedByItself),
  ...pausing(),
  updating(),
  closing(),
];
