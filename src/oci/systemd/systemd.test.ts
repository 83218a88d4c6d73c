/** The systemd driver: messages as another implementation reads them, units as it asks for them, and the whole against a systemd that is none. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { needs } from '../../../test/support/needs.ts';
import { directoryIn } from '../../runtime/cgroup/cgroup.ts';
import { detectCgroups } from '../../runtime/cgroup/detect.ts';
import { ended, firstLine, run, start, testPath, unable } from '../../runtime/cgroup/fixture.ts';
import { killAll } from '../../runtime/cgroup/kill.ts';
import { titleOf } from '../../runtime/cgroup/layout.ts';
import { stats } from '../../runtime/cgroup/stats.ts';
import { prepareCgroup } from '../cgroup-driver.ts';
import type { CgroupRequest } from '../cgroup-making.ts';
import { placeOf, removeContainerCgroup } from '../cgroup-place.ts';
import { pathsOf } from './address.ts';
import { Bus, BusError } from './bus.ts';
import { deviceProperties } from './device-properties.ts';
import { FakeSystemd } from './fake-systemd.ts';
import { annotatedProperties, limitProperties, roundedForSystemd } from './properties.ts';
import { setLimits } from './scope.ts';
import { unitPlace } from './unit-name.ts';
import { decodeMessage, encodeMessage, typesOf, Variant, WireError, type Value } from './wire.ts';

test('a signature is split into its types, and what is none is refused', () => {
  assert.deepEqual(typesOf('ssa(sv)a(sa(sv))'), ['s', 's', 'a(sv)', 'a(sa(sv))']);
  assert.deepEqual(typesOf('aa{sv}(ii)'), ['aa{sv}', '(ii)']);
  for (const bad of ['a', '(s', 'z', '()', 'a()', '('.repeat(99)]) assert.throws(() => typesOf(bad), WireError, bad);
});

const sample: readonly Value[] = [
  7,
  true,
  -2,
  65535,
  -3,
  4_000_000_000,
  -(2n ** 40n),
  2n ** 64n - 1n,
  1.5,
  'é',
  '/a',
  'a(sv)',
  new Variant('a(ss)', [['x', 'y']]),
  [['k', new Variant('ay', [1, 2])]],
  [],
];
const sampleSignature = 'ybnqiuxtdsogva(sv)at';

test('a message is read as it was written, and a part of one is none yet', () => {
  const message = { type: 1, serial: 9, path: '/p', interface: 'i.i', member: 'M', destination: 'd.d', signature: sampleSignature, body: sample };
  const bytes = encodeMessage(message);
  assert.deepEqual(decodeMessage(Buffer.concat([bytes, Buffer.from('more')])), { message, length: bytes.length });
  for (let length = 0; length < bytes.length; length++) assert.equal(decodeMessage(bytes.subarray(0, length)), undefined);
  // What is damaged is refused or read as something else; it never reads beyond its end.
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0xff;
    try {
      decodeMessage(damaged);
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
    }
  }
});

test('a message of any length is read as it was written', () => {
  for (const type of 'ybnqiuxtdsogv') {
    const value = sample['ybnqiuxtdsogv'.indexOf(type)]!;
    for (let length = 0; length < 600; length++) {
      const message = { type: 2, serial: 1, signature: `s${type}`, body: ['x'.repeat(length), value] };
      assert.deepEqual(decodeMessage(encodeMessage(message))!.message, message);
    }
  }
});

/** A bus of the reference implementation, alone in a directory. */
async function realBus(t: TestContext): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'hako-bus-'));
  const policy = '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>';
  writeFileSync(`${directory}/bus.conf`, `<busconfig><listen>unix:path=${directory}/bus</listen><auth>EXTERNAL</auth>${policy}</busconfig>`);
  const daemon = spawn('dbus-daemon', [`--config-file=${directory}/bus.conf`, '--nofork', '--print-address'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    await stop(daemon);
    rmSync(directory, { recursive: true });
  });
  await firstLine(daemon);
  return `${directory}/bus`;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await new Promise((resolve) => child.once('exit', resolve));
}

test('another implementation reads what is sent, and its errors are told', { skip: needs('dbus-daemon', 'dbus-monitor') }, async (t) => {
  const path = await realBus(t);
  const monitor = spawn('dbus-monitor', ['--address', `unix:path=${path}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => stop(monitor));
  const lines: string[] = [];
  const output = createInterface({ input: monitor.stdout }).on('line', (line) => lines.push(line.trim()));
  const printed = async (what: RegExp): Promise<void> => {
    while (!lines.some((line) => what.test(line))) await once(output, 'line');
  };
  await printed(/NameLost|Monitoring/);
  const bus = await Bus.connect(path);
  t.after(() => bus.close());
  const call = { destination: 'a.b', path: '/p', interface: 'i.i', member: 'Sample', signature: sampleSignature, body: sample };
  await assert.rejects(bus.call(call), (error) => error instanceof BusError && error.kind === 'org.freedesktop.DBus.Error.ServiceUnknown');
  await bus.call({ destination: 'org.freedesktop.DBus', path: '/', interface: 'org.freedesktop.DBus', member: 'GetId' });
  await assert.rejects(bus.call({ ...call, signature: 's', body: ['x'.repeat(200_000)] }), BusError);
  // The monitor prints when it is scheduled: what followed the sample shows that it has printed the whole of it.
  await printed(/member=GetId/);
  const from = lines.findIndex((line) => line.includes('member=Sample'));
  const text = lines
    .slice(from + 1, from + 40)
    .join(' ')
    .replaceAll(/\s+/g, ' ');
  const whole =
    'byte 7 boolean true int16 -2 uint16 65535 int32 -3 uint32 4000000000 int64 -1099511627776 uint64 18446744073709551615 double 1.5 ' +
    'string "é" object path "/a" signature "a(sv)" variant array [ struct { string "x" string "y" } ] ' +
    'array [ struct { string "k" variant array of bytes [ 01 02 ] } ] array [ ]';
  assert.ok(text.startsWith(whole), text);
});

test('addresses of a bus', () => {
  assert.deepEqual(pathsOf('unix:path=/run/user/1000/bus,guid=12'), ['/run/user/1000/bus']);
  assert.deepEqual(pathsOf('tcp:host=x;unix:abstract=/tmp/a%20b;unix:path=/c'), ['\0/tmp/a b', '/c']);
});

test('a path names a unit in a slice', () => {
  const of = (path: string | undefined, rootless = false): string => {
    const { slice, unit, path: cgroup } = unitPlace(path, 'id+1', rootless);
    return `${slice} ${unit} ${cgroup}`;
  };
  assert.equal(of('machine-a-b.slice:libpod:7'), 'machine-a-b.slice libpod-7.scope /machine.slice/machine-a.slice/machine-a-b.slice/libpod-7.scope');
  assert.equal(of(':docker:7'), 'system.slice docker-7.scope /system.slice/docker-7.scope');
  assert.equal(of('::7', true), 'user.slice 7.scope /user.slice/7.scope');
  assert.equal(of('-.slice:x:7'), '-.slice x-7.scope /x-7.scope');
  assert.equal(of(undefined), 'system.slice hako-oci-id\\x2b1.scope /system.slice/hako-oci-id\\x2b1.scope');
  for (const bad of ['/docker/7', 'a:b', 'a:b:c:d', 'a.slice:b:', 'a:b:c', 'a--b.slice:b:c', '../a.slice:b:c', '-a.slice:b:c', ':a:b/c', ':a:b.slice', ':a:\n'])
    assert.throws(() => unitPlace(bad, 'id', false), /linux\.cgroupsPath/, bad);
});

const plain = (properties: readonly (readonly [string, Variant])[]): Record<string, Value> =>
  Object.fromEntries(properties.map(([name, { value }]) => [name, value]));

test('limits as properties', () => {
  const resources = {
    memory: { limit: 1000, swap: 3000, reservation: 500 },
    cpu: { shares: 1024, quota: 12_345, period: 50_000, cpus: '0-2,9', mems: '0' },
    pids: { limit: -1 },
    blockIO: { weight: 500 },
    unified: { 'memory.high': '77', 'cpu.max': 'max 20000', 'memory.oom.group': '1' },
  };
  const { unified, ...first } = resources;
  assert.deepEqual(plain(limitProperties(first, true, 252)), {
    MemoryMax: 1000n,
    MemoryLow: 500n,
    MemorySwapMax: 2000n,
    CPUWeight: 100n,
    IOWeight: 4950n,
    CPUQuotaPeriodUSec: 50_000n,
    CPUQuotaPerSecUSec: 250_000n,
    TasksMax: 2n ** 64n - 1n,
    AllowedCPUs: [7, 2],
    AllowedMemoryNodes: [1],
  });
  assert.deepEqual(plain(limitProperties({ unified }, true, 252)), { MemoryHigh: 77n, CPUQuotaPeriodUSec: 20_000n, CPUQuotaPerSecUSec: 2n ** 64n - 1n });
  assert.deepEqual(plain(limitProperties({ cpu: { idle: 1, shares: 5, cpus: '0' } }, true, 252)), { CPUWeight: 0n, AllowedCPUs: [1] });
  assert.deepEqual(plain(limitProperties(first, false, 230)), {
    MemoryLimit: 1000n,
    CPUShares: 1024n,
    BlockIOWeight: 500n,
    CPUQuotaPerSecUSec: 250_000n,
    TasksMax: 2n ** 64n - 1n,
  });
  assert.equal(roundedForSystemd(first).cpu!.quota, 12_500);
});

test('device rules as a list where they are one', () => {
  const deny = { allow: false };
  const allow = (type: 'a' | 'b' | 'c', major?: number, minor?: number, access = 'rw'): object => ({ allow: true, type, major, minor, access });
  const of = (...rules: object[]): Value[] => {
    const list = deviceProperties(rules as Parameters<typeof deviceProperties>[0]);
    return [list[1]![1].value, list.at(-1)![1].value];
  };
  assert.deepEqual(of(deny, allow('c', 1, 3), allow('b', 8), allow('a', undefined, undefined, 'm')), [
    'strict',
    [
      ['/dev/char/1:3', 'rw'],
      ['block-8', 'rw'],
      ['char-*', 'm'],
      ['block-*', 'm'],
    ],
  ]);
  assert.equal(of({ allow: true, access: 'rwm' })[0], 'auto');
  assert.equal(of(deny, allow('c', undefined, 5))[0], 'auto');
  assert.equal(of(deny, allow('c'), { allow: false, type: 'c', major: 1, minor: 3 })[0], 'auto');
});

test('properties that annotations ask for', () => {
  const of = (key: string, text: string): string =>
    annotatedProperties({ [key]: text })
      .map(
        ([name, { signature, value }]) =>
          `${name} ${signature} ${JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part))}`,
      )
      .join();
  assert.equal(of('org.systemd.property.KillSignal', '37'), 'KillSignal i 37');
  assert.equal(of('org.systemd.property.TimeoutStopUSec', 'uint64 90000000'), 'TimeoutStopUSec t 90000000');
  assert.equal(of('org.systemd.property.TimeoutStopSec', '1.5'), 'TimeoutStopUSec t 1500000');
  assert.equal(of('org.systemd.property.CollectMode', "'inactive-or-failed'"), 'CollectMode s "inactive-or-failed"');
  assert.equal(of('org.systemd.property.After', '["a.service", \'b\']'), 'After as ["a.service","b"]');
  assert.equal(of('org.other', '{'), '');
  for (const [key, text] of [
    ['CollectMode', 'x'],
    ['A', '1'],
    ['After', "['a' 'b'"],
    ['After', '[1]'],
    ['TimeoutStopSec', "'x'"],
  ] as const)
    assert.throws(() => of(`org.systemd.property.${key}`, text), /annotations\["org\.systemd\.property/, text);
});

const layout = unable ? undefined : detectCgroups();

test('a container in a scope: made, changed, stopped', { skip: unable }, async (t) => {
  const systemd = await FakeSystemd.start(t, testPath(t, layout!));
  const request: CgroupRequest = {
    id: 'c1',
    driver: 'systemd',
    cgroupsPath: 'hakotest.slice:box:c1',
    rootless: false,
    resources: { pids: { limit: 9 }, devices: [{ allow: false }] },
    annotations: { 'org.systemd.property.TimeoutStopUSec': 'uint64 1' },
  };
  const { record, begin, make, settle } = await prepareCgroup(request);
  assert.deepEqual(
    { ...record, hierarchies: [] },
    { driver: 'systemd', path: `${systemd.base}/hakotest.slice/box-c1.scope`, unit: 'box-c1.scope', hierarchies: [] },
  );
  assert.deepEqual(systemd.calls.includes('StartTransientUnit'), false, 'nothing is made before it is noted');
  await begin();
  const { cgroup } = await run(make());
  const asked = systemd.units.get('box-c1.scope')!;
  assert.equal(asked.get('Delegate'), true);
  assert.equal(asked.get('Slice'), 'hakotest.slice');
  assert.equal(asked.get('TasksMax'), 9n);
  assert.equal(asked.get('TimeoutStopUSec'), 1n);
  assert.equal(asked.get('DevicePolicy'), 'strict');
  const child = start(cgroup, 'echo ready; exec sleep 60');
  const end = ended(child);
  await firstLine(child);
  await settle();
  assert.equal(stats(cgroup).pids!.limit, 9);
  const inside = readFileSync(`/proc/${child.pid}/cgroup`, 'utf8').trim().split('\n');
  assert.deepEqual(
    inside.filter((line) => !line.endsWith(`:${record.path}`)),
    [],
  );

  await setLimits(record.unit!, { pids: { limit: 20 } }, true, false);
  assert.equal(asked.get('TasksMax'), 20n);

  await assert.rejects(
    prepareCgroup(request).then(async (again) => {
      await again.begin().catch(async (error: unknown) => {
        await again.abandon();
        throw error;
      });
    }),
    /systemd did not make the unit box-c1\.scope/,
  );
  assert.equal(systemd.isRunning('box-c1.scope'), true, 'a unit that was there is not stopped by who could not make it');

  await run(killAll(cgroup));
  await end;
  await removeContainerCgroup(record);
  assert.equal(systemd.isRunning('box-c1.scope'), false);
  assert.deepEqual(
    placeOf(record)
      .hierarchies.filter((h) => existsSync(directoryIn(h, record.path)))
      .map(titleOf),
    [],
  );
  await removeContainerCgroup(record); // gone already: no failure
});

test('a creation that fails leaves no unit', { skip: unable }, async (t) => {
  const systemd = await FakeSystemd.start(t, testPath(t, layout!));
  const request = { id: 'c2', driver: 'systemd', cgroupsPath: ':box:c2', rootless: false } as const;
  const failing = await prepareCgroup({ ...request, resources: { hugepageLimits: [{ pageSize: '3MB', limit: 1 }] } });
  await failing.begin();
  assert.equal(systemd.isRunning('box-c2.scope'), true);
  await assert.rejects(run(failing.make()), /3MB/);
  await failing.abandon();
  assert.equal(systemd.isRunning('box-c2.scope'), false);

  systemd.jobResult = 'failed';
  const refused = await prepareCgroup(request);
  await assert.rejects(refused.begin(), /its job ended with "failed"/);
  await refused.abandon();
  assert.equal(systemd.calls.at(-1), 'ResetFailedUnit');
});

test('without systemd there is one sentence', { skip: unable }, async (t) => {
  const before = process.env['DBUS_SYSTEM_BUS_ADDRESS'];
  process.env['DBUS_SYSTEM_BUS_ADDRESS'] = 'unix:path=/nowhere/bus';
  t.after(() => {
    if (before === undefined) delete process.env['DBUS_SYSTEM_BUS_ADDRESS'];
    else process.env['DBUS_SYSTEM_BUS_ADDRESS'] = before;
  });
  await assert.rejects(prepareCgroup({ id: 'x', driver: 'systemd', rootless: true, cgroupsPath: '/a/b' }), /slice:prefix:name/);
  if (!existsSync('/run/systemd/private'))
    await assert.rejects(prepareCgroup({ id: 'x', driver: 'systemd', rootless: false }), /systemd can not be reached.*\/nowhere\/bus/);
});
