/** `hako net` makes networks that `ip` sees as it means them, and lists what `ip` made. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { on } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import test, { before, describe } from 'node:test';
import { firstOf, needs, needsRoot } from '../support/needs.ts';
import { buildTopology, enterNetLab, hako, main, mustHako } from '../support/net-lab.ts';
import { listNamespaces } from '../../src/element/net/namespaces.ts';
import { Place } from '../../src/element/net/place.ts';
import { openNamespace } from '../../src/element/net/site.ts';
import { listLinks } from '../../src/kernel/netlink/inventory.ts';
import { apply } from '../../src/step/apply.ts';
import { kernel } from '../support/private-network.ts';
import type { NamespaceView } from '../../src/element/net/view.ts';

const skip = firstOf(needsRoot(), needs('ip', 'nft', 'python3'));
const hidden = spawnSync('cat', [main], { uid: 65534, gid: 65534 }).status !== 0;
const text = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8' });
const ip = <T>(line: string): T[] => JSON.parse(text('ip', '-j', ...line.split(' ')) || '[]') as T[];

interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly mtu: number;
  readonly address: string;
  readonly master?: string;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}
interface IpRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly prefsrc?: string;
}

/** Keeps a network namespace by descriptor 30 alone, and on a line puts a FIFO there. */
const keepsAndSwaps = `import ctypes, os, sys
libc = ctypes.CDLL(None)
own = os.open("/proc/self/ns/net", os.O_RDONLY)
assert libc.unshare(0x40000000) == 0
os.dup2(os.open("/proc/self/ns/net", os.O_RDONLY), 30)
assert libc.setns(own, 0) == 0
os.mkfifo("/run/fifo")
pipe = os.open("/run/fifo", os.O_PATH)
print("keeps", flush=True)
sys.stdin.readline()
os.dup2(pipe, 30)
print("swapped", flush=True)
sys.stdin.readline()`;

describe('hako net', { skip }, () => {
  before(() => {
    enterNetLab();
    buildTopology();
  });

  test('an ordinary user sees the namespace that hako runs in, and is told what not', { skip: hidden && 'nobody can not read this directory' }, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'net', 'show', 'host', '--format', 'json'], {
      encoding: 'utf8',
      uid: 65534,
      gid: 65534,
    });
    assert.equal(status, 0, stderr);
    const [view] = JSON.parse(stdout) as [NamespaceView];
    const bridge = view.interfaces.find(({ name }) => name === 'br0')!;
    assert.deepEqual([bridge.kind, bridge.addresses.includes('10.7.0.1/24')], ['bridge', true]);
    assert.match(view.filterUnread!, /^the packet filter of host cannot be read: that needs CAP_NET_ADMIN \(EPERM\)/);
  });

  test('what it made is what ip shows, namespace by namespace', () => {
    const views = JSON.parse(mustHako('net show host red blue world --format json')) as NamespaceView[];
    assert.deepEqual(
      views.map((v) => v.name),
      ['host', 'red', 'blue', 'world'],
    );
    for (const view of views) {
      const prefix = view.name === 'host' ? '' : `-n ${view.name} `;
      const links = ip<IpLink>(`${prefix}address`.trim()).map((l) => ({
        index: l.ifindex,
        name: l.ifname,
        mtu: l.mtu,
        mac: l.address,
        up: l.flags.includes('UP'),
        carrier: l.flags.includes('LOWER_UP'),
        bridge: l.master,
        addresses: l.addr_info.map((a) => `${a.local}/${a.prefixlen}`).toSorted(),
      }));
      assert.deepEqual(
        view.interfaces.map((i) => ({
          index: i.index,
          name: i.name,
          mtu: i.mtu,
          mac: i.mac,
          up: i.up,
          carrier: i.carrier,
          bridge: i.bridge,
          addresses: i.addresses.toSorted(),
        })),
        links,
      );
      const routes = ip<IpRoute>(`${prefix}route`).map((r) => ({ destination: r.dst, gateway: r.gateway, interface: r.dev, source: r.prefsrc }));
      assert.deepEqual(
        view.routes.map((r) => ({ destination: r.destination, gateway: r.gateway, interface: r.interface, source: r.source })),
        routes,
      );
    }
    const peers = views.flatMap((v) => v.interfaces.flatMap((i) => (i.peer ? [`${v.name}:${i.name}=${i.peer.namespace}:${i.peer.interface}`] : [])));
    assert.deepEqual(peers.toSorted(), [
      'blue:eth0=host:v-blue',
      'host:cable=world:eth0',
      'host:v-blue=blue:eth0',
      'host:v-red=red:eth0',
      'red:eth0=host:v-red',
      'world:eth0=host:cable',
    ]);
  });

  test('the tree shows bridges with ports, peers, routes, translation and published ports', () => {
    const tree = mustHako('net show host');
    assert.match(tree, /├─ br0 {2}bridge {2}up {2}10\.7\.0\.1\/24\n│ {2}├─ v-red {2}veth {2}up .*⇄ eth0 in red\n│ {2}└─ v-blue .*⇄ eth0 in blue\n/);
    assert.match(tree, /10\.7\.0\.0\/24 by br0 from 10\.7\.0\.1\n/);
    assert.match(tree, /ip saddr 10\.7\.0\.0\/24 ip daddr != 10\.7\.0\.0\/24 masquerade/);
    assert.match(tree, /tcp 8080 -> 10\.7\.0\.2:80\n/);
  });

  test('names are those of ip netns, both ways', () => {
    text('ip', 'netns', 'add', 'green');
    assert.match(mustHako('net ls -q'), /^green$/m);
    mustHako('net rm green');
    assert.deepEqual(
      ip<{ name: string }>('netns')
        .map((n) => n.name)
        .toSorted(),
      ['blue', 'red', 'world'],
    );
  });

  test('a namespace that a descriptor alone keeps is the one that was listed, whatever its path leads to meanwhile', async () => {
    // Whose descriptor it is may put anything in its place: a FIFO would keep its opener for ever.
    const holder = spawn('python3', ['-c', keepsAndSwaps], { stdio: ['pipe', 'pipe', 'inherit'] });
    const said = on(holder.stdout, 'data');
    await said.next();
    try {
      const found = listNamespaces().find(({ files }) => files.includes(`/proc/${holder.pid}/fd/30`))!;
      holder.stdin.write('swap\n');
      await said.next();
      assert.ok(statSync(`/proc/${holder.pid}/fd/30`).isFIFO());
      const place = new Place(found);
      assert.deepEqual(
        listLinks(place.route).map(({ name, up }) => [name, up]),
        [['lo', false]],
      );
      place.close();
      const fd = (await apply(openNamespace(found), { kernel })) as number;
      assert.ok(fd > 0);
    } finally {
      holder.kill();
    }
  });

  test('a command runs in a namespace, and its exit code is ours', () => {
    assert.match(mustHako('net run red ip -4 -br address show eth0'), /10\.7\.0\.2\/24/);
    assert.equal(hako('net', 'run', 'red', 'sh', '-c', 'exit 7').code, 7);
  });

  test('what it published and translates is one table, gone with its last rule', () => {
    assert.equal(mustHako('net ls ports --format {{.Published}}@{{.Namespace}}').trim().split('\n').includes('tcp 8080 -> 10.7.0.2:80@host'), true);
    assert.match(mustHako('net ls nat'), /^10\.7\.0\.0\/24 +host/m);
    mustHako('net publish --rm 8080 10.7.0.2:80');
    assert.match(text('nft', 'list', 'tables'), /table ip hako_net/);
    mustHako('net nat --rm 10.7.0.0/24');
    assert.equal(text('nft', 'list', 'tables'), '');
  });

  test('what is there already is refused, and stays', () => {
    for (const line of [
      'net bridge br0',
      'net add red',
      'net veth red:eth0 x',
      'net address --ns red eth0 10.7.0.2/24',
      'net route --ns red default --via 10.7.0.1',
    ]) {
      const { code, stderr } = hako(...line.split(' '));
      assert.equal(code, 1, line);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
      assert.match(stderr, /^hako: /);
    }
    assert.equal(ip<IpLink>('-n red address show eth0')[0]?.addr_info[0]?.local, '10.7.0.2');
    assert.equal(ip<IpRoute>('-n red route').length, 2);
    assert.equal(ip<IpLink>('link show master br0').length, 2);
  });

  test('a command that fails leaves interfaces as they were', () => {
    assert.equal(hako('net', 'bridge', 'br5', '--port', 'v-red', '--port', 'nonesuch').code, 1);
    assert.equal(ip<IpLink>('link show v-red')[0]?.master, 'br0');
    assert.equal(hako('net', 'link', 'v-red', '--up', '--mtu', '1300', '--bridge', 'nonesuch').code, 1);
    const [link] = ip<IpLink>('link show v-red');
    assert.deepEqual([link?.master, link?.mtu, link?.flags.includes('UP')], ['br0', 1500, true]);
  });

  test('a route goes, whoever made it, of whatever scope and type', () => {
    for (const made of ['10.20.0.0/16 dev br0 scope global proto static', 'blackhole 10.21.0.0/16']) text('ip', 'route', 'add', ...made.split(' '));
    for (const subnet of ['10.20.0.0/16', '10.21.0.0/16']) mustHako(`net route --rm ${subnet}`);
    assert.doesNotMatch(text('ip', 'route'), /10\.2\d/);
  });

  test('a route of several ways is shown with each of them', () => {
    text('ip', 'route', 'add', '10.30.0.0/16', 'nexthop', 'via', '10.7.0.2', 'dev', 'br0', 'nexthop', 'via', '192.0.2.2', 'dev', 'cable');
    assert.match(mustHako('net show host'), /10\.30\.0\.0\/16 via 10\.7\.0\.2 by br0\n.*10\.30\.0\.0\/16 via 192\.0\.2\.2 by cable\n/);
    text('ip', 'route', 'delete', '10.30.0.0/16');
  });

  test('a subnet of two addresses has no broadcast address; all of them can be hidden behind an interface', () => {
    mustHako('net address cable 10.40.0.0/31');
    assert.match(text('ip', 'address', 'show', 'cable'), /inet 10\.40\.0\.0\/31 scope/);
    mustHako('net address --rm cable 10.40.0.0/31');
    mustHako('net nat 0.0.0.0/0 --out cable');
    assert.match(text('nft', 'list', 'table', 'ip', 'hako_net'), /^\s*oifname "cable" masquerade comment/m);
    mustHako('net nat --rm 0.0.0.0/0 --out cable');
  });

  test('a name that is left over is told from one that is taken, and goes', () => {
    writeFileSync('/run/netns/old', '');
    assert.match(hako('net', 'add', 'old').stderr, /left over from a network namespace that is gone/);
    mustHako('net rm old');
    assert.equal(existsSync('/run/netns/old'), false);
  });

  test('bad input is one clear sentence', () => {
    const sentence = (line: string): string => {
      const { code, stderr } = hako(...line.split(' '));
      assert.notEqual(code, 0, line);
      return stderr.split('\n')[0]!;
    };
    assert.match(sentence('net show nope'), /no network namespace, running container or process is called "nope"/);
    assert.match(sentence('net show 4194304'), /there is no process 4194304/);
    assert.match(sentence('net add 12'), /would be taken for a process id/);
    assert.match(sentence('net add a/b'), /is not a network namespace's name/);
    assert.match(sentence('net run red --'), /^hako: no command given/);
    assert.match(sentence('net link v-red --mtu -1'), /^hako: invalid argument "-1" for "--mtu" flag/);
    assert.match(sentence('net rm nope'), /there is no network namespace named nope/);
    assert.match(sentence('net address v-red 1.2.3'), /is not an IPv4 address/);
    assert.match(sentence('net address v-red fe80::1/64'), /IPv6/);
    assert.match(sentence('net address nope 10.0.0.1/8'), /interface nope in host.*ENODEV/);
    assert.match(sentence('net publish x 10.0.0.1:3'), /"x" is not a port/);
    assert.match(sentence('net publish 80 10.0.0.1'), /has no port/);
    assert.match(sentence('net nat --rm 10.1.0.0/16'), /is not translated/);
    assert.match(sentence('net nat 0.0.0.0/0'), /every address is in 0\.0\.0\.0\/0/);
    assert.match(sentence('net ls nope'), /must be one of/);
    assert.match(sentence('net link br0'), /nothing to do/);
  });

  test('what it explains is what it would do, and it does nothing', () => {
    const steps = JSON.parse(mustHako('net bridge --explain=json br9 --address 10.9.0.1/24')) as { id: string; shell: string }[];
    assert.deepEqual(
      steps.map((s) => s.id),
      ['network.bridge.create', 'net.link.up', 'net.link.find', 'net.address'],
    );
    assert.equal(
      ip<IpLink>('link').some((l) => l.ifname === 'br9'),
      false,
    );
    // The shell lines, typed, make the same.
    for (const { shell } of steps) execFileSync('sh', ['-ec', shell]);
    assert.equal(ip<IpLink>('address show br9')[0]?.addr_info[0]?.local, '10.9.0.1');
    mustHako('net link --rm br9');
  });
});
