/** `hako net path` and `hako net probe`: the classic topology, made by hako alone, carries packets; broken in turn, the probe names the hop. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import test, { after, before, describe } from 'node:test';
import type { Finding } from '../../src/element/net/finding.ts';
import { forgetFlows } from '../../src/kernel/netlink/conntrack.ts';
import { NetlinkSocket } from '../../src/kernel/netlink/socket.ts';
import { buildTopology, enterNetLab, hako, mustHako } from '../support/net-lab.ts';
import { request } from '../support/private-network.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const run = (line: string): string => execFileSync('sh', ['-c', line], { encoding: 'utf8' });
/** A server in a namespace that says a line when it listens. */
const serve = `import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("", 80)); s.listen()
print("listens", flush=True)
while True: s.accept()[0].close()`;

function probe(line: string): Finding & { readonly code_: number | null } {
  const { code, stdout, stderr } = hako('net', 'probe', '--format', 'json', '--timeout', '400', ...line.split(' '));
  assert.ok(stdout, stderr);
  return { ...(JSON.parse(stdout) as Finding), code_: code };
}

describe('a packet on its way', { skip: firstOf(needsRoot(), needs('ip', 'nft', 'python3')) }, () => {
  let server: ChildProcess;
  before(async () => {
    enterNetLab();
    buildTopology();
    server = spawn('ip', ['netns', 'exec', 'red', 'python3', '-c', serve], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(server.stdout!, 'data');
  });
  after(() => void server?.kill('SIGKILL'));

  const state = (): string => run('nft list ruleset; for n in red blue world; do ip netns exec $n nft list ruleset; done; ip -br link');

  test('arrives, and is answered: from a neighbour, and through the published port', () => {
    const before = state();
    for (const line of ['blue red:80', 'world 192.0.2.1:8080', 'blue red', 'red blue']) {
      const found = probe(line);
      assert.deepEqual([line, found.outcome, found.code_], [line, 'answered', 0], found.reason);
      assert.ok(found.hops.some(({ seen }) => seen) && found.hops.every(({ seen }) => seen !== false), JSON.stringify(found.hops));
    }
    assert.equal(state(), before, 'nothing of the probe is left');
    const path = mustHako('net path world 192.0.2.1:8080');
    assert.match(path, /rewrites .*to 10\.7\.0\.2:80/);
    assert.match(path, /it arrives: python3 \(\d+\) listens on \*:80/);
  });

  for (const [name, broken, mended, line, code, where] of [
    ['no listener', 'true', 'true', 'blue red:81', 'no-listener', { namespace: 'red', interface: 'eth0' }],
    [
      'a link that is switched off',
      'ip -n red link set eth0 down',
      'ip -n red link set eth0 up; ip -n red route add default via 10.7.0.1',
      'blue red:80',
      'link-down',
      { namespace: 'host' },
    ],
    [
      'no route back',
      'ip -n red route del default',
      'ip -n red route add default via 10.7.0.1',
      'world 192.0.2.1:8080',
      'no-route-back',
      { namespace: 'red', interface: 'eth0' },
    ],
    ['no route', 'ip -n blue route del default', 'ip -n blue route add default via 10.7.0.1', 'blue 192.0.2.2', 'no-route', { namespace: 'blue' }],
    [
      'forwarding that is off',
      'sysctl -qw net.ipv4.ip_forward=0',
      'sysctl -qw net.ipv4.ip_forward=1',
      'world 192.0.2.1:8080',
      undefined,
      { namespace: 'host' },
    ],
    [
      'a rule that drops',
      `nft 'add table ip guard; add chain ip guard f { type filter hook forward priority 0; }; add rule ip guard f tcp dport 80 drop'`,
      'nft delete table ip guard',
      'world 192.0.2.1:8080',
      'dropped',
      { namespace: 'host' },
    ],
    ['an address that nobody has', 'true', 'true', 'blue 10.7.0.99:80', 'no-neighbour', { namespace: 'blue', interface: 'eth0' }],
  ] as const)
    test(`is stopped by ${name}, and the hop is named`, () => {
      run(broken);
      try {
        const found = probe(line);
        assert.notEqual(found.outcome, 'answered', JSON.stringify(found));
        assert.equal(found.code_, 1);
        if (code !== undefined) assert.equal(found.code, code, found.reason);
        assert.equal(found.at?.namespace, where.namespace, JSON.stringify(found.at));
        if ('interface' in where) assert.equal(found.at.interface, where.interface, found.reason);
      } finally {
        run(mended);
      }
      if (line !== 'blue red:81' && !line.includes('10.7.0.99')) assert.equal(probe(line).outcome, 'answered', 'it is mended');
    });

  test('what a rule decides is told by the packet filter itself, though nobody could have worked it out', () => {
    run(`nft 'add table ip guard; add chain ip guard f { type filter hook forward priority 0; }; add rule ip guard f meta length 20-100 drop'`);
    try {
      assert.doesNotMatch(mustHako('net path world 192.0.2.1:8080'), /drops it/);
      const found = probe('world 192.0.2.1:8080');
      assert.deepEqual([found.code, found.at], ['dropped', { namespace: 'host' }], JSON.stringify(found));
      assert.match(found.reason, /host drops it in ip guard f \(forward\), by ".* drop"/);
      assert.ok(
        found.decisions.some((d) => d.startsWith('ip hako_net prerouting (prerouting), by "')),
        'and the rule that rewrote it',
      );
    } finally {
      run('nft delete table ip guard');
    }
  });

  test('what was seen is in the order of time, across namespaces', () => {
    // The answer comes back to the host, and is routed nowhere: red, which is looked at after the host, sent it before.
    run('ip rule add iif br0 blackhole');
    try {
      const found = probe('world 192.0.2.1:8080');
      assert.deepEqual([found.code, found.at], ['answer-lost', { namespace: 'host', interface: 'br0' }], found.reason);
    } finally {
      run('ip rule delete iif br0 blackhole');
    }
  });

  test("an answer may be empty, and a table of somebody else's stays, whatever it is called", async () => {
    const line = `import socket
s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("", 53)); print("listens", flush=True)
s.sendto(b"", s.recvfrom(99)[1])`;
    const short = spawn('ip', ['netns', 'exec', 'red', 'python3', '-c', line], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(short.stdout, 'data');
    run('nft add table ip hako_probe');
    assert.equal(probe('blue red:53/udp').outcome, 'answered');
    run('nft delete table ip hako_probe');
  });

  test('the flows that a probe forgets are its own', () => {
    for (const from of ['red', 'blue'])
      run(`ip netns exec ${from} python3 -c 'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("", 5555)); s.sendto(b"x", ("192.0.2.2", 9))'`);
    const socket = new NetlinkSocket('NETLINK_NETFILTER');
    const sources = (): string[] => {
      const found: string[] = [];
      forgetFlows(socket, ({ source, sourcePort }) => sourcePort === 5555 && found.push(source) > 0);
      return found.toSorted();
    };
    assert.deepEqual(sources(), ['10.7.0.2', '10.7.0.3']);
    request(
      socket,
      forgetFlows(socket, (flow) => flow.protocol === 17 && flow.source === '10.7.0.3' && flow.destination === '192.0.2.2' && flow.sourcePort === 5555),
    );
    assert.deepEqual(sources(), ['10.7.0.2']);
    socket.close();
  });

  test('an address that several namespaces have names none of them', () => {
    run('ip -n world address add 10.7.0.3/32 dev lo');
    // Others on this machine may have it too, even in namespaces that only a descriptor keeps alive.
    const { code, stderr } = hako('net', 'path', '10.7.0.3', 'red:80');
    assert.equal(code, 1);
    assert.match(stderr, /10\.7\.0\.3 is an address of \d+ namespaces.*blue.*world/);
    run('ip -n world address delete 10.7.0.3/32 dev lo');
  });

  test('what is not followed, and what no route leads to, is said to be so', () => {
    run('ip route add blackhole 10.66.0.0/16');
    run('ip route add prohibit 10.67.0.0/16');
    assert.match(hako('net', 'path', 'blue', '10.66.0.1').stdout, /host has a route or a routing rule of the type blackhole/);
    assert.match(hako('net', 'path', 'host', '10.67.0.1').stdout, /host has a route or a routing rule of the type prohibit/);
    assert.match(mustHako('net path blue 10.7.0.255'), /10\.7\.0\.255 is a broadcast address/);
    run('sysctl -qw net.ipv4.conf.cable.rp_filter=1; ip -n world address add 10.7.0.9/32 dev lo');
    assert.match(hako('net', 'path', '10.7.0.9', '192.0.2.1').stdout, /host drops it at cable: an answer to 10\.7\.0\.9 would not leave there \(rp_filter=1\)/);
    run('sysctl -qw net.ipv4.conf.cable.rp_filter=0; ip -n world address delete 10.7.0.9/32 dev lo');
    run('ip route delete blackhole 10.66.0.0/16; ip route delete prohibit 10.67.0.0/16');
  });

  test('routing rules see the mark that the packet filter gives', () => {
    run('ip rule add fwmark 7 prohibit');
    run(`nft 'add table ip guard; add chain ip guard p { type filter hook prerouting priority -150; }; add rule ip guard p iifname br0 meta mark set 7'`);
    try {
      assert.match(hako('net', 'path', 'blue', '192.0.2.2').stdout, /host has a route or a routing rule of the type prohibit/);
    } finally {
      run('nft delete table ip guard; ip rule delete fwmark 7 prohibit');
    }
  });

  test('what is explained makes no packet', () => {
    const before = state();
    const steps = JSON.parse(mustHako('net probe --explain=json blue red:80')) as { id: string }[];
    assert.ok(steps.some(({ id }) => id === 'net.probe.send'));
    assert.equal(state(), before);
  });

  for (const [line, reason] of [
    ['net probe blue nowhere', /nowhere/],
    ['net probe green red', /green/],
    ['net path blue red:99999', /99999/],
  ] as const)
    test(`bad input is one sentence: ${line}`, () => {
      const { code, stderr } = hako(...line.split(' '));
      assert.notEqual(code, 0);
      assert.match(stderr, reason);
      assert.ok(!/\n\s+at /.test(stderr), stderr);
    });
});
