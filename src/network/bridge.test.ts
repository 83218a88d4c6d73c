/** The bridge on the real kernel, in a network namespace that stands for the host. */
import assert from 'node:assert/strict';
import { execFileSync, execSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test, { beforeEach, describe } from 'node:test';
import { needs, needsRoot } from '../../test/support/needs.ts';
import { enterPrivateNetwork, kernel, request } from '../../test/support/private-network.ts';
import { describeCall } from '../kernel/describe.ts';
import { errno } from '../kernel/errno.ts';
import { listAddresses, listLinks } from '../kernel/netlink/inventory.ts';
import { addTable, batch, deleteTable, getTable } from '../kernel/netlink/nftables.ts';
import { addAddress, addBridge, addRoute, addVeth, deleteLink, getLink, linkIndex, setLink } from '../kernel/netlink/rtnetlink.ts';
import { perform } from '../kernel/perform.ts';
import { apply, type Kernel } from '../step/apply.ts';
import { explain } from '../step/explain.ts';
import { ensureBridge, removeBridge } from './bridge.ts';
import { openNetlink } from './netlink.ts';
import { parseSubnet, subnetText } from './subnet.ts';

const skip = needsRoot();
if (!skip) enterPrivateNetwork();
const netlink = openNetlink();
const name = 'hakotest0';
const ensure = (options: Partial<Parameters<typeof ensureBridge>[1]> = {}) => apply(ensureBridge(netlink, { name, ...options }), { kernel });
const remove = () => apply(removeBridge(netlink, name), { kernel });
const sysctl = (path: string): string => readFileSync(`/proc/sys/net/ipv4/${path}`, 'utf8').trim();
const hasTable = (table: string): boolean => perform(netlink.netfilter.call([getTable(table)])) !== -errno.ENOENT;

describe('the bridge', { skip }, () => {
  beforeEach(remove);

  test('is made with a gateway, forwarding and a packet filter, and taken away again', async () => {
    const bridge = await ensure();
    assert.deepEqual([bridge.gateway, subnetText(bridge.subnet), bridge.mtu], ['172.17.0.1', '172.17.0.0/16', 1500]);
    const link = listLinks(netlink.route).find((l) => l.name === name);
    assert.deepEqual([link?.index, link?.kind, link?.up, link?.address], [bridge.index, 'bridge', true, '02:42:ac:11:00:01']);
    assert.deepEqual(
      listAddresses(netlink.route).filter((a) => a.index === bridge.index),
      [{ index: bridge.index, address: '172.17.0.1', prefix: 16 }],
    );
    assert.equal(sysctl('ip_forward'), '1');
    assert.equal(sysctl(`conf/${name}/route_localnet`), '1');
    assert.ok(hasTable(name));
    assert.doesNotMatch(readFileSync('/proc/net/if_inet6', 'utf8'), new RegExp(name), 'it has no IPv6 address by which containers would reach the host');

    await remove();
    assert.ok(!listLinks(netlink.route).some((l) => l.name === name));
    assert.ok(!hasTable(name));
    await remove(); // and once more is no error
  });

  test('is completed and kept when it is there', async () => {
    const first = await ensure({ subnet: parseSubnet('10.201.0.0/24') });
    assert.deepEqual(await ensure(), first);
    request(netlink.netfilter, batch([deleteTable(name)]));
    request(netlink.route, [setLink(name, { up: false })]);
    assert.deepEqual(await ensure(), first);
    assert.ok(hasTable(name));
    assert.ok(listLinks(netlink.route).find((l) => l.name === name)?.up);
    await assert.rejects(ensure({ subnet: parseSubnet('10.202.0.0/24') }), {
      message: /bridge hakotest0 has the subnet 10\.201\.0\.0\/24, not 10\.202\.0\.0\/24/,
    });
  });

  test('keeps its packet size, whatever is plugged in', async () => {
    const uplink = request(netlink.route, [addBridge('uplink'), setLink('uplink', { mtu: 1400, up: true })]);
    const index = request(netlink.route, [getLink('uplink')], linkIndex);
    assert.equal(uplink, 0);
    request(netlink.route, [addAddress(index, '10.77.0.1', 24, '10.77.0.255')]);
    request(netlink.route, [addRoute('10.77.0.2')]);
    const bridge = await ensure();
    assert.equal(bridge.mtu, 1400, 'that of the way out');
    request(netlink.route, [addVeth('port', { master: bridge.index }, { name: 'other' }), setLink('port', { up: true })]);
    assert.equal(listLinks(netlink.route).find((l) => l.name === name)?.mtu, 1400);
    request(netlink.route, [deleteLink('port')]);
    request(netlink.route, [deleteLink('uplink')]);
  });

  test('takes no range that an address or a route of the host uses', async () => {
    request(netlink.route, [addBridge('office'), setLink('office', { up: true })]);
    const office = request(netlink.route, [getLink('office')], linkIndex);
    request(netlink.route, [addAddress(office, '172.17.5.6', 24, '172.17.5.255')]);
    request(netlink.route, [addRoute('172.17.5.1', { address: '172.18.0.0', prefix: 15 })]);
    assert.equal(subnetText((await ensure()).subnet), '172.20.0.0/16');
    await remove();
    await assert.rejects(ensure({ subnet: parseSubnet('172.17.0.0/16') }), {
      message: /subnet 172\.17\.0\.0\/16 is in use on this host \(address 172\.17\.5\.6\/24 of office\)/,
    });
    await assert.rejects(ensure({ subnet: parseSubnet('172.19.4.0/24') }), { message: /route to 172\.18\.0\.0\/15 by office/ });
    assert.ok(!listLinks(netlink.route).some((l) => l.name === name), 'a refusal leaves nothing');
    request(netlink.route, [deleteLink('office')]);
  });

  test('leaves what is not its own alone', async () => {
    request(netlink.netfilter, batch([addTable(name)]));
    await assert.rejects(ensure(), { message: /nftables table "ip hakotest0" exists and is not ours/ });
    await assert.rejects(remove(), { message: /not ours/ });
    assert.ok(hasTable(name));
    request(netlink.netfilter, batch([deleteTable(name)]));

    request(netlink.route, [addVeth(name, {}, { name: 'peer' })]);
    await assert.rejects(ensure(), { message: /interface hakotest0 exists and is not a bridge/ });
    request(netlink.route, [deleteLink(name)]);
    await assert.rejects(ensure({ name: '../x' }), { message: /is not a bridge's name/ });
  });

  test('leaves other tables as they were', { skip: needs('nft') }, async () => {
    execFileSync('nft', [
      'table inet admin { chain forward { type filter hook forward priority 0; policy accept; tcp dport 22 counter drop; }; set s { type ipv4_addr; elements = { 10.0.0.1 }; }; }',
    ]);
    const others = (): string => execFileSync('nft', ['list', 'table', 'inet', 'admin']).toString();
    const beforehand = others();
    await ensure();
    assert.equal(others(), beforehand);
    await remove();
    assert.equal(execFileSync('nft', ['list', 'ruleset']).toString(), beforehand);
    execFileSync('nft', ['delete table inet admin']);
  });

  test('undoes what it did when a step fails', async () => {
    for (const failing of [/RTM_NEWADDR/, /index=\d+, IFF_UP/, /NFT_MSG_NEWCHAIN/]) {
      const faulty: Kernel = { call: (c, resolve) => (failing.test(describeCall(c)) ? -errno.ENOMEM : kernel.call(c, resolve)) };
      await assert.rejects(apply(ensureBridge(netlink, { name }), { kernel: faulty }), { code: 'ENOMEM' });
      assert.ok(!listLinks(netlink.route).some((l) => l.name === name), `${failing} leaves no bridge`);
      assert.ok(!hasTable(name), `${failing} leaves no table`);
    }
  });

  test('is what its shell lines would make', { skip: needs('ip', 'nft') }, async () => {
    const state = (): string =>
      execSync(`ip -d link show ${name}; ip address show ${name}; nft list ruleset; cat /proc/sys/net/ipv4/conf/${name}/route_localnet`)
        .toString()
        .replace(/^\d+: /gm, '')
        .replace(/(gc_timer|hello_timer) +[\d.]+/g, '');
    const published = [
      {
        address: '172.17.0.9',
        bindings: [
          { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const },
          { hostIp: '127.0.0.1', hostPort: 53, containerPort: 53, protocol: 'udp' as const },
        ],
      },
    ];
    const lines = explain(ensureBridge(netlink, { name, published })).map((s) => s.shell);
    await ensure({ published });
    const applied = state();
    await remove();
    for (const line of lines) execSync(line, { stdio: 'pipe' });
    assert.equal(state(), applied);
  });
});
