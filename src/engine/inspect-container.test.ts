import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container } from './container.ts';
import { describeContainer, type InspectContext } from './inspect-container.ts';
import { recordWith, runningWith } from './record-fixture.ts';

const context: InspectContext = {
  overlay: { lower: ['/l/2', '/l/1'], upper: '/s/upper', work: '/s/work', target: '/s/merged' },
  runDirectory: '/run/hako/containers/x',
  logDirectory: '/nowhere/log',
  bridge: { gateway: '172.20.0.1', prefix: 16 },
};

test('inspect of a container that never ran has every field, with defaults', () => {
  const container = new Container(recordWith({ config: { Cmd: ['sh', '-c', 'id'] }, hostConfig: { Memory: 1 << 20 } }));
  const seen = describeContainer(container, context);
  assert.equal(seen.Name, '/box');
  assert.equal(seen.Path, 'sh');
  assert.deepEqual(seen.Args, ['-c', 'id']);
  assert.deepEqual(seen.State, {
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: '0001-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  });
  assert.equal(seen.HostConfig.Memory, 1 << 20);
  assert.equal(seen.HostConfig.NetworkMode, 'bridge');
  assert.deepEqual(seen.HostConfig.RestartPolicy, { Name: 'no', MaximumRetryCount: 0 });
  assert.ok(seen.HostConfig.MaskedPaths?.includes('/proc/kcore'));
  assert.equal(seen.Config.Image, 'base');
  assert.deepEqual(seen.NetworkSettings.Ports, {});
  assert.equal(seen.NetworkSettings.Networks['bridge']?.IPAddress, '');
  assert.deepEqual(seen.GraphDriver.Data, { ID: container.id, LowerDir: '/l/2:/l/1', MergedDir: '/s/merged', UpperDir: '/s/upper', WorkDir: '/s/work' });
  assert.equal(seen.HostsPath, '/run/hako/containers/x/hosts');
  assert.equal(seen.LogPath, '/nowhere/log/log.1');
  assert.equal('SizeRw' in seen, false);
});

test('inspect of a running container shows its process and network', () => {
  const container = new Container(recordWith({ config: { ExposedPorts: { '443/tcp': {} } }, state: { status: 'paused' } }));
  container.running = runningWith({
    pid: 4711,
    endpoint: { address: '172.20.0.2', hostInterface: 'veth1' },
    ports: [{ hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
  });
  container.execs.add('e1');
  const seen = describeContainer(container, { ...context, health: { Status: 'healthy', FailingStreak: 0, Log: [] }, sizes: { rw: 1, rootFs: 2 } });
  assert.deepEqual([seen.State.Status, seen.State.Running, seen.State.Paused, seen.State.Pid], ['paused', true, true, 4711]);
  assert.equal(seen.State.Health?.Status, 'healthy');
  assert.deepEqual(seen.ExecIDs, ['e1']);
  assert.deepEqual([seen.SizeRw, seen.SizeRootFs], [1, 2]);
  const { NetworkSettings: network } = seen;
  assert.deepEqual(network.Ports, {
    '443/tcp': null,
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '8080' },
    ],
  });
  assert.deepEqual([network.IPAddress, network.IPPrefixLen, network.Gateway, network.MacAddress], ['172.20.0.2', 16, '172.20.0.1', '02:42:ac:14:00:02']);
  assert.equal(network.Networks['bridge']?.EndpointID, network.EndpointID);
  assert.equal(network.SandboxKey, '/proc/4711/ns/net');
});

test("a container in another's network has none of its own", () => {
  const container = new Container(recordWith({ hostConfig: { NetworkMode: 'container:abc', Privileged: true } }));
  const seen = describeContainer(container, context);
  assert.deepEqual(seen.NetworkSettings.Networks, {});
  assert.equal(seen.HostConfig.NetworkMode, 'container:abc');
  assert.deepEqual(seen.HostConfig.MaskedPaths, []);
});
