import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Filters, Health } from '../api/schema.ts';
import { Container } from './container.ts';
import { ContainerIndex } from './container-index.ts';
import { humanDuration, statusText } from './container-status.ts';
import { EngineError } from './engine.ts';
import { StorageError } from '../storage/error.ts';
import { listContainers, type ListOptions } from './list-containers.ts';
import type { Parts } from './parts.ts';
import { recordWith, runningWith } from './record-fixture.ts';

const id = (digit: string): string => digit.repeat(64);
const image = (digit: string): string => `sha256:${id(digit)}`;

const web = new Container(
  recordWith({
    id: id('a'),
    name: 'web',
    created: '2024-01-01T00:00:01.000000000Z',
    image: { id: image('1'), reference: 'nginx', chain: [image('8'), image('9')] },
    config: { Entrypoint: ['/start.sh'], Cmd: ['serve', 'two words'], Labels: { tier: 'front' }, ExposedPorts: { '80/tcp': {}, '443/tcp': {} } },
    mounts: [{ Type: 'volume', Name: 'pages', Source: '/v/pages', Destination: '/srv', Driver: 'local', Mode: '', RW: true, Propagation: '' }],
    state: { status: 'running', startedAt: '2024-01-01T00:00:02.000000000Z' },
  }),
);
web.running = runningWith({
  endpoint: { address: '172.20.0.2', hostInterface: 'veth1' },
  ports: [
    { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostIp: '127.0.0.1', hostPort: 53, containerPort: 5353, protocol: 'udp' },
  ],
});
const job = new Container(
  recordWith({
    id: id('b'),
    name: 'job',
    created: '2024-01-01T00:00:02.000000000Z',
    image: { id: image('2'), reference: 'base', chain: [image('8')] },
    config: { Cmd: ['true'] },
    hostConfig: { NetworkMode: 'none' },
    state: { status: 'exited', exitCode: 3, startedAt: '2024-01-01T00:00:03Z', finishedAt: '2024-01-01T00:00:04Z' },
  }),
);
const fresh = new Container(
  recordWith({
    id: id('c'),
    name: 'fresh',
    created: '2024-01-01T00:00:03.000000000Z',
    image: { id: image('2'), reference: 'base', chain: [image('8')] },
    config: { Labels: { tier: 'back' } },
  }),
);

const containers = new ContainerIndex();
for (const c of [job, web, fresh]) containers.add(c);

const healthy: Health = { Status: 'healthy', FailingStreak: 0, Log: [] };
const images = new Map([
  ['nginx', { id: image('1'), names: ['docker.io/library/nginx:latest'], chain: [image('8'), image('9')] }],
  ['base', { id: image('5'), names: ['docker.io/library/base:latest'], chain: [image('8')] }],
]);
const parts = {
  containers,
  networking: { view: { gateway: '172.20.0.1', prefix: 16 } },
  images: {
    list: () => [...images.values()].map(({ id: Id }) => ({ Id })),
    resolve(ref: string) {
      const found = images.get(ref) ?? [...images.values()].find((i) => i.id === ref);
      if (!found) throw new StorageError('not-found', `No such image: ${ref}`);
      return found;
    },
    inspect: () => ({ Size: 100 }),
  },
  snapshots: { size: async () => 10 },
} as unknown as Parts;

const list = (options: Partial<ListOptions> = {}) => listContainers(parts, { all: true, size: false, filters: {}, ...options });
const names = async (filters: Filters, options: Partial<ListOptions> = {}) => (await list({ filters, ...options })).map((c) => c.Names[0]);

test('ps lists what runs, with -a all, with a limit the newest, newest first', async () => {
  assert.deepEqual(await names({}, { all: false }), ['/web']);
  assert.deepEqual(await names({}), ['/fresh', '/job', '/web']);
  assert.deepEqual(await names({}, { all: false, limit: 2 }), ['/fresh', '/job']);
});

test('a line of ps has what Docker sends', async () => {
  const [line] = await list({ filters: { name: ['web'] }, size: true });
  assert.ok(line);
  assert.equal(line.Command, "/start.sh serve 'two words'");
  assert.equal(line.Image, 'nginx');
  assert.equal(line.Created, 1704067201);
  assert.match(line.Status, /^Up \d+ years$/);
  assert.deepEqual(line.Ports, [
    { IP: '0.0.0.0', PublicPort: 8080, PrivatePort: 80, Type: 'tcp' },
    { IP: '::', PublicPort: 8080, PrivatePort: 80, Type: 'tcp' },
    { PrivatePort: 443, Type: 'tcp' },
    { IP: '127.0.0.1', PublicPort: 53, PrivatePort: 5353, Type: 'udp' },
  ]);
  assert.deepEqual([line.SizeRw, line.SizeRootFs], [10, 110]);
  assert.equal(line.HostConfig.NetworkMode, 'bridge');
  assert.equal(line.NetworkSettings.Networks['bridge']?.IPAddress, '172.20.0.2');
});

test("a container whose image's name has gone to another shows the image's id", async () => {
  const [line] = await list({ filters: { name: ['job'] } });
  assert.equal(line?.Image, image('2'));
  assert.deepEqual(line?.Ports, []);
  assert.deepEqual(Object.keys(line?.NetworkSettings.Networks ?? {}), ['none']);
  assert.equal(line && 'SizeRw' in line, false);
});

test('filters keep what they name', async () => {
  const cases: [Filters, string[]][] = [
    [{ status: ['exited'] }, ['/job']],
    [{ status: ['created', 'running'] }, ['/fresh', '/web']],
    [{ name: ['^/we'] }, ['/web']],
    [{ name: ['^e'] }, []],
    [{ name: ['^job$', 'fre.h'] }, ['/fresh', '/job']],
    [{ id: ['aaa'] }, ['/web']],
    [{ label: ['tier'] }, ['/fresh', '/web']],
    [{ label: ['tier', 'tier=front'] }, ['/web']],
    [{ exited: ['3'] }, ['/job']],
    [{ exited: ['0'] }, []],
    [{ ancestor: ['nginx'] }, ['/web']],
    [{ ancestor: ['base'] }, ['/fresh', '/job', '/web']],
    [{ ancestor: ['unknown'] }, []],
    [{ before: ['job'] }, ['/web']],
    [{ since: ['web'], status: ['exited'] }, ['/job']],
    [{ volume: ['pages'] }, ['/web']],
    [{ volume: ['/srv'] }, ['/web']],
    [{ network: ['none'] }, ['/job']],
    [{ publish: ['8000-8100'] }, ['/web']],
    [{ publish: ['8080/udp'] }, []],
    [{ expose: ['443'] }, ['/web']],
    [{ health: ['none'] }, ['/fresh', '/job', '/web']],
    [{ 'is-task': ['true'] }, []],
  ];
  for (const [filters, expected] of cases) assert.deepEqual(await names(filters), expected, JSON.stringify(filters));
  assert.deepEqual(await names({ status: ['exited'] }, { all: false }), ['/job']);
});

test('filters that mean nothing, or would hold up the engine, are refused', async () => {
  for (const filters of [
    { color: ['red'] },
    { constructor: ['x'] },
    { status: ['gone'] },
    { exited: ['x'] },
    { publish: ['99999'] },
    { name: ['('] },
    { name: ['(a+)+$'] },
    { name: ['a*a*a*a*a*b'] },
  ]) {
    await assert.rejects(
      list({ filters: filters as unknown as Filters }),
      (e: unknown) => e instanceof EngineError && e.status === 400,
      JSON.stringify(filters),
    );
  }
  await assert.rejects(list({ filters: { before: ['nobody'] } }), (e: unknown) => e instanceof EngineError && e.status === 404);
});

test('the status is in the words of ps', () => {
  const now = Date.parse('2024-01-01T01:00:00Z');
  const at = { startedAt: '2024-01-01T00:59:57Z', finishedAt: '2024-01-01T00:58:00Z' };
  const text = (state: Parameters<typeof recordWith>[0] & {}, health?: Health): string => statusText(recordWith(state).state, health, now);
  assert.equal(text({}), 'Created');
  assert.equal(text({ state: { status: 'running', ...at } }), 'Up 3 seconds');
  assert.equal(text({ state: { status: 'running', ...at } }, { ...healthy, Status: 'starting' }), 'Up 3 seconds (health: starting)');
  assert.equal(text({ state: { status: 'paused', ...at } }), 'Up 3 seconds (Paused)');
  assert.equal(text({ state: { status: 'restarting', exitCode: 1, ...at } }), 'Restarting (1) 2 minutes ago');
  assert.equal(text({ state: { status: 'exited', exitCode: 137, ...at } }), 'Exited (137) 2 minutes ago');
  assert.equal(text({ state: { status: 'removing' } }), 'Removal In Progress');
});

test('spans of time are in the largest unit', () => {
  const hour = 3600;
  const spans: [number, string][] = [
    [0.4, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [119, 'About a minute'],
    [120, '2 minutes'],
    [59 * 60, '59 minutes'],
    [hour, 'About an hour'],
    [47 * hour, '47 hours'],
    [48 * hour, '2 days'],
    [13 * 24 * hour, '13 days'],
    [14 * 24 * hour, '2 weeks'],
    [60 * 24 * hour, '2 months'],
    [730 * 24 * hour, '2 years'],
  ];
  for (const [seconds, text] of spans) assert.equal(humanDuration(seconds * 1000), text);
});
