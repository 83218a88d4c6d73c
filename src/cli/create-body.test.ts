/** What the flags of run and create become in the API's body. The expectations are what Docker's own client sends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { after } from 'node:test';
import type { ContainerCreateBody } from '../api/schema.ts';
import { CommandError } from './command.ts';
import { command } from './commands/create.ts';
import { attachedStreams, createBody } from './create-body.ts';
import { parse } from './parse.ts';

const directory = mkdtempSync(join(tmpdir(), 'hako-body-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

function bodyOf(...words: string[]): ContainerCreateBody {
  const parsed = parse(command, [...words, 'image', 'sh', '-c', 'true'], 'create');
  assert.ok(!parsed.help);
  return createBody(parsed, attachedStreams(parsed.flags));
}
const hostOf = (...words: string[]) => bodyOf(...words).HostConfig!;

test('the image and the command, and what is attached', () => {
  const plain = bodyOf();
  assert.equal(plain.Image, 'image');
  assert.deepEqual(plain.Cmd, ['sh', '-c', 'true']);
  assert.deepEqual(
    [plain.AttachStdin, plain.AttachStdout, plain.AttachStderr, plain.Tty, plain.OpenStdin, plain.StdinOnce],
    [false, true, true, false, false, false],
  );
  const interactive = bodyOf('-it');
  assert.deepEqual([interactive.AttachStdin, interactive.Tty, interactive.OpenStdin, interactive.StdinOnce], [true, true, true, true]);
  const chosen = bodyOf('-a', 'stderr', '-i');
  assert.deepEqual([chosen.AttachStdin, chosen.AttachStdout, chosen.AttachStderr, chosen.StdinOnce], [false, false, true, false]);
  assert.throws(() => bodyOf('-a', 'stdfoo'), /valid streams/);
});

test('environment: files first, names without value take ours', () => {
  process.env['HAKO_TEST_OWN'] = 'mine';
  const env = bodyOf(
    '-e',
    'A=1',
    '-e',
    'HAKO_TEST_OWN',
    '-e',
    'HAKO_TEST_UNSET',
    '--env-file',
    file('env', '# comment\nF=x y\n\nHAKO_TEST_OWN\nHAKO_TEST_UNSET\n'),
  ).Env;
  assert.deepEqual(env, ['F=x y', 'HAKO_TEST_OWN=mine', 'A=1', 'HAKO_TEST_OWN=mine', 'HAKO_TEST_UNSET']);
  assert.throws(() => bodyOf('-e', '=x'), /invalid environment variable/);
  assert.throws(() => bodyOf('--env-file', join(directory, 'none')), /cannot read .*none: ENOENT/);
  assert.throws(() => bodyOf('--env-file', file('bad', 'a b=c\n')), /contains whitespaces/);
});

test('labels, from flags and files', () => {
  assert.deepEqual(bodyOf('-l', 'a=b=c', '--label', 'd', '--label-file', file('labels', 'e=f\na=old\n')).Labels, { e: 'f', a: 'b=c', d: '' });
});

test('ports: single, ranges, addresses, protocols', () => {
  const { ExposedPorts, HostConfig } = bodyOf(
    '-p',
    '80',
    '-p',
    '8080:80',
    '-p',
    '127.0.0.1:53:53/udp',
    '-p',
    '9000-9001:90-91',
    '-p',
    '[::1]:1:2',
    '-p',
    '7000-7005:7',
    '--expose',
    '33-34/udp',
  );
  assert.deepEqual(HostConfig!.PortBindings, {
    '80/tcp': [
      { HostIp: '', HostPort: '' },
      { HostIp: '', HostPort: '8080' },
    ],
    '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
    '90/tcp': [{ HostIp: '', HostPort: '9000' }],
    '91/tcp': [{ HostIp: '', HostPort: '9001' }],
    '2/tcp': [{ HostIp: '::1', HostPort: '1' }],
    '7/tcp': [{ HostIp: '', HostPort: '7000-7005' }],
  });
  assert.deepEqual(Object.keys(ExposedPorts!).toSorted(), ['2/tcp', '33/udp', '34/udp', '53/udp', '7/tcp', '80/tcp', '90/tcp', '91/tcp']);
  for (const wrong of ['foo', '0:80', '99999:80', '1.2.3:80:80', '80/icmp', '1-3:1-2', '80:', '1:2:3:4'])
    assert.throws(() => bodyOf('-p', wrong), CommandError, wrong);
});

test('volumes and mounts', () => {
  const { Volumes, HostConfig } = bodyOf('-v', '/a:/b:ro', '-v', 'data:/c', '-v', '/anonymous', '-v', './here:/d');
  assert.deepEqual(Volumes, { '/anonymous': {} });
  assert.deepEqual(HostConfig!.Binds, ['/a:/b:ro', 'data:/c', `${resolve('here')}:/d`]);
  assert.deepEqual(
    hostOf(
      '--mount',
      'type=bind,src=/a,dst=/b,ro,bind-propagation=rslave',
      '--mount',
      'target=/c',
      '--mount',
      'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770',
    ).Mounts,
    [
      { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true, BindOptions: { Propagation: 'rslave' } },
      { Type: 'volume', Target: '/c' },
      { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1 << 20, Mode: 0o1770 } },
    ],
  );
  assert.deepEqual(hostOf('--mount', 'type=bind,"src=/with,comma",dst=/b').Mounts![0]!.Source, '/with,comma');
  assert.deepEqual(hostOf('--tmpfs', '/run', '--tmpfs', '/x:size=1m,mode=700').Tmpfs, { '/run': '', '/x': 'size=1m,mode=700' });
  for (const wrong of ['a:b:c:d', 'a:b', 'x', ':/a', '/a:']) assert.throws(() => bodyOf('-v', wrong), CommandError, wrong);
  for (const wrong of [
    'type=foo,dst=/a',
    'type=bind,dst=/a',
    'foo',
    'type=bind,src=/a',
    'dst=a',
    'dst=/a,tmpfs-size=1',
    'dst=/a,nope=1',
    'type=tmpfs,src=x,dst=/a',
    'dst=/a,readonly=maybe',
  ]) {
    assert.throws(() => bodyOf('--mount', wrong), CommandError, wrong);
  }
});

test('limits', () => {
  const limits = hostOf(
    '-m',
    '512m',
    '--memory-swap=-1',
    '--cpus',
    '1.5',
    '-c',
    '512',
    '--cpuset-cpus',
    '0-1',
    '--pids-limit',
    '-1',
    '--memory-swappiness',
    '0',
    '--oom-score-adj',
    '-5',
  );
  assert.deepEqual(
    [limits.Memory, limits.MemorySwap, limits.NanoCpus, limits.CpuShares, limits.CpusetCpus, limits.PidsLimit, limits.MemorySwappiness, limits.OomScoreAdj],
    [512 << 20, -1, 1.5e9, 512, '0-1', -1, 0, -5],
  );
  const block = hostOf('--device-read-bps', '/dev/vda:1mb', '--device-write-iops', '/dev/vda:100', '--blkio-weight-device', '/dev/vda:200');
  assert.deepEqual(
    [block.BlkioDeviceReadBps, block.BlkioDeviceWriteIOps, block.BlkioWeightDevice],
    [[{ Path: '/dev/vda', Rate: 1 << 20 }], [{ Path: '/dev/vda', Rate: 100 }], [{ Path: '/dev/vda', Weight: 200 }]],
  );
  assert.deepEqual(hostOf('--ulimit', 'nofile=100:200', '--ulimit', 'core=-1').Ulimits, [
    { Name: 'nofile', Soft: 100, Hard: 200 },
    { Name: 'core', Soft: -1, Hard: -1 },
  ]);
  for (const wrong of ['nofile', 'nope=1', 'nofile=5:1', 'nofile=-1:5', 'nofile=-2']) assert.throws(() => bodyOf('--ulimit', wrong), CommandError, wrong);
  assert.throws(() => bodyOf('--device-read-bps', 'vda:1'), /\/dev\/NAME/);
  assert.throws(() => bodyOf('--blkio-weight-device', '/dev/vda:5000'), /10 to 1000/);
});

test('devices', () => {
  assert.deepEqual(hostOf('--device', '/dev/null', '--device', '/dev/zero:/dev/z:r', '--device', '/dev/full:rw').Devices, [
    { PathOnHost: '/dev/null', PathInContainer: '/dev/null', CgroupPermissions: 'rwm' },
    { PathOnHost: '/dev/zero', PathInContainer: '/dev/z', CgroupPermissions: 'r' },
    { PathOnHost: '/dev/full', PathInContainer: '/dev/full', CgroupPermissions: 'rw' },
  ]);
  assert.throws(() => bodyOf('--device', '/dev/null:/x:rwq'), /way of access/);
  assert.throws(() => bodyOf('--device-cgroup-rule', 'c 1'), /invalid device cgroup rule/);
});

test('security options: a profile travels as its content', () => {
  const { SecurityOpt, MaskedPaths } = hostOf(
    '--security-opt',
    'no-new-privileges',
    '--security-opt',
    `seccomp=${file('profile.json', '{ "defaultAction": "SCMP_ACT_ALLOW" }')}`,
    '--security-opt',
    'systempaths=unconfined',
  );
  assert.deepEqual(SecurityOpt, ['no-new-privileges', 'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']);
  assert.deepEqual(MaskedPaths, []);
  assert.throws(() => bodyOf('--security-opt', 'seccomp=/none'), /opening seccomp profile \(\/none\) failed: ENOENT/);
  assert.throws(() => bodyOf('--security-opt', 'foo'), /invalid --security-opt/);
});

test('networks', () => {
  assert.equal(hostOf().NetworkMode, 'default');
  assert.equal(hostOf('--net', 'container:db').NetworkMode, 'container:db');
  const body = bodyOf('--network', 'name=n1,alias=a,ip=1.2.3.4', '--network', 'n2', '--mac-address', '02:42:ac:11:00:02');
  assert.equal(body.HostConfig!.NetworkMode, 'n1');
  assert.deepEqual(body.NetworkingConfig!.EndpointsConfig, {
    n1: { Aliases: ['a'], IPAMConfig: { IPv4Address: '1.2.3.4' }, MacAddress: '02:42:ac:11:00:02' },
    n2: {},
  });
  assert.deepEqual(hostOf('--add-host', 'a:1.2.3.4', '--add-host', 'b=[::1]', '--dns', '1.1.1.1').ExtraHosts, ['a:1.2.3.4', 'b:::1']);
  assert.throws(() => bodyOf('--network', 'host', '--ip', '1.2.3.4'), /conflicting options/);
  assert.throws(() => bodyOf('--link', 'db'), /--link is not supported/);
});

test('restart, health, and what excludes each other', () => {
  assert.deepEqual(hostOf('--restart', 'on-failure:3').RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
  assert.throws(() => bodyOf('--restart', 'always:3'), /only on-failure/);
  assert.throws(() => bodyOf('--restart', 'foo'), /invalid restart policy/);
  assert.throws(() => bodyOf('--rm', '--restart', 'always'), /conflicting options/);
  assert.deepEqual(bodyOf('--health-cmd', 'true x', '--health-interval', '5s', '--health-retries', '3').Healthcheck, {
    Test: ['CMD-SHELL', 'true x'],
    Interval: 5e9,
    Retries: 3,
  });
  assert.deepEqual(bodyOf('--no-healthcheck').Healthcheck, { Test: ['NONE'] });
  assert.throws(() => bodyOf('--no-healthcheck', '--health-cmd', 'x'), /conflicts/);
});

test('an empty entrypoint is sent, to clear the image’s', () => {
  assert.deepEqual(bodyOf('--entrypoint', '').Entrypoint, ['']);
  assert.equal('Entrypoint' in bodyOf(), false);
});
