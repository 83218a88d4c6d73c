/** What a look sees of a lab's networks, compared with what was built in it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { firstOf, needs, needsRoot } from '../../../test/support/needs.ts';
import { inventoryOf, runInLab, startLab, stopLab, type Lab } from '../../lab/lab.ts';
import { Look } from './look.ts';
import { networksOf, runIn, wordsFrom } from './network.ts';

describe("a lab's networks", { skip: firstOf(needsRoot(), needs('ip'), needs('nft')) }, () => {
  let directory: string;
  let lab: Lab;
  const look = (): Look =>
    new Look({
      name: lab.name,
      first: lab.pid,
      hierarchies: lab.cgroups,
      facts: {},
      answer: undefined,
      inventoryAtStart: [],
      inventory: () => inventoryOf(lab),
      run: (args, options) => runInLab(lab, args, options),
    });
  const sh = async (lines: string): Promise<string> => {
    const { code, stdout, stderr } = await runInLab(lab, ['bash', '-eu', '-c', lines]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hako-look-'));
    Object.assign(process.env, { HAKO_RUN: join(directory, 'run'), HAKO_ROOT: join(directory, 'root'), HAKO_LAB: `n${process.pid}` });
    lab = await startLab();
  });
  after(async () => {
    const left = await stopLab();
    rmSync(directory, { recursive: true, force: true });
    assert.deepEqual(left, []);
  });

  test('an untouched one has its own alone, with a loopback', () => {
    const networks = networksOf(look());
    assert.deepEqual(
      networks.all.map(({ label, links }) => [label, links.map(({ name, up }) => [name, up])]),
      [['lab', [['lo', true]]]],
    );
    assert.deepEqual(networks.others(), []);
  });

  test('cables, bridges, addresses, routes, rules and what was learned are seen as they were made', async () => {
    await sh(`
      ip link add sw type bridge; ip link set sw up; ip address add 10.1.0.1/24 dev sw
      ip netns add one; ip netns add two
      ip link add p1 type veth peer name eth0 netns one; ip link set p1 master sw up
      ip -n one link set eth0 up; ip -n one address add 10.1.0.2/24 dev eth0; ip -n one route add default via 10.1.0.1
      ip link add eth1 netns one type veth peer name eth1 netns two
      nft add table ip t; nft add chain ip t c '{ type filter hook input priority 0; }'; nft add rule ip t c counter accept
      echo 1 >/proc/sys/net/ipv4/ip_forward
      ip netns exec one bash -c '(echo </dev/tcp/10.1.0.1/9) 2>/dev/null || :'`);
    const networks = networksOf(look());
    const [host, one, two] = [networks.host!, networks.named('one')!, networks.named('two')!];
    assert.deepEqual(networks.others('one'), [two], 'what the scene was set with is left out');
    const bridge = host.link('sw')!;
    assert.equal(bridge.kind, 'bridge');
    assert.deepEqual(
      host.portsOf(bridge).map(({ name }) => name),
      ['p1'],
    );
    assert.equal(networks.peerOf(host.link('p1')!), one.link('eth0'));
    assert.equal(networks.peerOf(one.link('eth0')!), host.link('p1'));
    assert.equal(networks.peerOf(one.link('eth1')!), two.link('eth1'), 'with neither end in the lab');
    assert.equal(networks.peerOf(bridge), undefined);
    assert.equal(two.link('eth1')!.up, false);
    assert.deepEqual(
      one.addresses.map(({ address, prefix }) => `${address}/${prefix}`),
      ['10.1.0.2/24'],
    );
    assert.equal(one.defaultRoute?.gateway, '10.1.0.1');
    assert.equal(two.defaultRoute, undefined);
    assert.ok(host.forwards);
    const learned = host.forwarding.filter((entry) => entry.learned);
    assert.deepEqual(
      learned.map(({ mac, port }) => [mac, port]),
      [[one.link('eth0')!.address, host.link('p1')!.index]],
    );
    assert.ok(one.neighbours.some(({ address, mac }) => address === '10.1.0.1' && mac === bridge.address));
    const counted = host.chainsAt('filter', 'input').flatMap(({ rules }) => rules.flatMap(({ expressions }) => expressions));
    assert.ok(counted.some((expression) => expression.kind === 'counter' && expression.packets > 0n));
    assert.deepEqual(host.chainsAt('nat', 'postrouting'), []);
  });

  test('a namespace is found by a process, and by a mount in a mount namespace that only a process has; both can be entered', async () => {
    await sh(`
      unshare --net sleep infinity & by=$!
      unshare --mount bash -c 'touch /tmp/kept; unshare --net=/tmp/kept true; exec sleep infinity' & kept=$!
      until [ "$(readlink /proc/$by/ns/net)" != "$(readlink /proc/self/ns/net)" ] && grep -q nsfs /proc/$kept/mountinfo; do sleep 0.02; done`);
    const now = look();
    const found = networksOf(now).others('one', 'two');
    assert.deepEqual(
      found.map(({ names, processes }) => `${names.length} names, ${processes.length} processes`).toSorted((a, b) => a.localeCompare(b)),
      ['0 names, 0 processes', '0 names, 1 processes'],
    );
    for (const network of found) {
      const { stdout } = await runIn(now, network, ['readlink', '/proc/self/ns/net']);
      assert.equal(stdout.trim(), `net:[${network.inode}]`);
      assert.equal(await wordsFrom(now, network, '127.0.0.1', 9), undefined);
    }
  });
});
