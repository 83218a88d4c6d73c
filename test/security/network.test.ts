/** What publishing a port does not open, and who has the last word on what it does. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import test, { after, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';
import { needsPerl, withPerl } from './inside.ts';

/** Says `hello` to every caller of an address and port. */
const serve =
  'use IO::Socket::INET; $| = 1; my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => $ARGV[0], ReuseAddr => 1) or die; print "up\\n"; while (my $c = $l->accept) { print $c "hello\\n"; close $c }';
/** Calls an address and port, and prints the answer, or `silence`. */
const ask = 'use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 1); print $s ? scalar <$s> : "silence\\n"';

describe('the network of a container', { skip: firstOf(needsRoot(), needsPerl(), needs('ip')) }, () => {
  let engine: TestEngine;
  let service: ChildProcess;
  let gateway: string;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    // A service of the host's that only the host is meant to reach.
    service = spawn('nsenter', [`--net=/proc/${engine.networkOf}/ns/net`, 'perl', '-e', serve, '127.0.0.1:9999'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(service.stdout!, 'data');
    await engine.must(
      'run',
      '-d',
      '--name',
      'web',
      '--publish',
      '8080:80',
      '--publish',
      '127.0.0.1:8081:80',
      ...withPerl,
      'base',
      'perl',
      '-e',
      serve,
      '0.0.0.0:80',
    );
    gateway = /via (\S+)/.exec(await engine.must('run', '--rm', 'base', 'ip', 'route'))![1]!;
  });
  after(async () => {
    service?.kill();
    await engine?.close();
  });

  const fromHost = async (address: string): Promise<string> => (await engine.runInNetwork('perl', '-e', ask, address)).stdout;
  const fromContainer = async (address: string, ...options: readonly string[]): Promise<string> =>
    (await engine.hako(['run', '--rm', ...withPerl, ...options, 'base', 'perl', '-e', ask, address])).stdout;

  test('a published port is reached from the host, and from a sibling where it is not for localhost alone', async () => {
    assert.equal(await fromHost('127.0.0.1:8080'), 'hello\n');
    assert.equal(await fromHost('127.0.0.1:8081'), 'hello\n');
    assert.equal(await fromContainer(`${gateway}:8080`), 'hello\n');
    assert.equal(await fromContainer(`${gateway}:8081`), 'silence\n');
  });

  test('publishing on localhost does not open the host’s own 127.0.0.1 to containers', async () => {
    assert.equal(await fromHost('127.0.0.1:9999'), 'hello\n');
    // The container sends what is for 127.0.0.1 out by its interface, to the gateway (CVE-2020-8558).
    const way =
      'ip address del 127.0.0.1/8 dev lo; ip route flush table local dev lo; ' +
      `ip route add 127.0.0.0/8 via ${gateway} src $(ip -o -4 address show dev eth0 | awk '{print $4}' | cut -d/ -f1); ip route get 127.0.0.1 >&2; exec perl -e "$0" "$1"`;
    for (const port of [9999, 8081]) {
      const options = ['--cap-add', 'NET_ADMIN', '--sysctl', 'net.ipv4.conf.all.route_localnet=1', ...withPerl];
      const { stdout, stderr } = await engine.hako(['run', '--rm', ...options, 'base', 'sh', '-c', way, ask, `127.0.0.1:${port}`]);
      assert.match(stderr, /127\.0\.0\.1 via .* dev eth0/, 'the packet leaves the container');
      assert.equal(stdout, 'silence\n');
    }
  });

  test('a drop rule of the administrator’s at the documented place holds', { skip: needs('nft') }, async () => {
    const table = `${engine.bridge}admin`;
    const rules = `table inet ${table} { chain forward { type filter hook forward priority filter + 10; policy accept; meta l4proto tcp ct original proto-dst 8080 drop; }; }`;
    assert.equal(await fromContainer(`${gateway}:8080`), 'hello\n');
    assert.equal((await engine.runInNetwork('nft', rules)).code, 0);
    assert.equal(await fromContainer(`${gateway}:8080`), 'silence\n');
    // Not by publishing more, nor by a new engine.
    await engine.must('run', '--rm', '--publish', '8090:80', 'base', 'true');
    await engine.kill();
    await engine.start();
    assert.equal(await fromContainer(`${gateway}:8080`), 'silence\n');
    await engine.runInNetwork('nft', 'delete', 'table', 'inet', table);
    assert.equal(await fromContainer(`${gateway}:8080`), 'hello\n');
  });
});
