/** Netlink: what is encoded, what it reads like, and what the kernel makes of it, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test, { describe } from 'node:test';
import { needs, needsRoot } from '../../../test/support/needs.ts';
import { enterPrivateNetwork, request } from '../../../test/support/private-network.ts';
import { Unknown } from '../call.ts';
import { describeCall } from '../describe.ts';
import { errno } from '../errno.ts';
import { perform } from '../perform.ts';
import { Attributes, decodeList, encodeAttributes, list, nested, raw, string, u16be, u32, u32be, u8 } from './attribute.ts';
import { listAddresses, listLinks, listRoutes } from './inventory.ts';
import { decodeAcknowledgement, decodeMessages, encodeMessages } from './message.ts';
import { compare, interfaceName, meta, verdict } from './nft-expression.ts';
import {
  addBaseChain,
  addElements,
  addMap,
  addRule,
  addTable,
  batch,
  deleteElements,
  deleteTable,
  elementsOf,
  getElements,
  getTable,
  portBytes,
  tableComment,
} from './nftables.ts';
import { addAddress, addBridge, addRoute, addVeth, deleteGroup, deleteLink, getLink, linkIndex, setGroup, setLink } from './rtnetlink.ts';
import { NetlinkSocket } from './socket.ts';

const skip = needsRoot();
if (!skip) enterPrivateNetwork();

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('messages as data', () => {
  test('attributes have length, type and padding, as RFC 3549 draws them', () => {
    assert.equal(hex(encodeAttributes([u8(4, 'hairpin', 1)])), '0500040001000000');
    assert.equal(hex(encodeAttributes([u16be(2, 'port', 80)])), '0600020000500000');
    assert.equal(hex(encodeAttributes([string(3, 'ifname', 'lo')])), '070003006c6f0000');
    assert.equal(hex(encodeAttributes([nested(18, 'linkinfo', [u32(4, 'mtu', 1500)])])), '0c00128008000400dc050000', 'a nested one is marked so');
  });

  test('what is encoded is decoded', () => {
    const encoded = encodeAttributes([
      string(3, 'ifname', 'veth1'),
      nested(1, 'data', [u32(2, 'index', 7)]),
      list(4, 'elements', 1, [[u32be(1, 'a', -5)], [u32be(1, 'a', 6)]]),
    ]);
    const attributes = new Attributes(encoded);
    assert.equal(attributes.string(3), 'veth1');
    assert.equal(attributes.nested(1)?.u32(2), 7);
    assert.deepEqual(
      decodeList(attributes.bytes(4)!).map((e) => e.i32be(1)),
      [-5, 6],
    );
    assert.equal(attributes.u32(99), undefined);
  });

  test('a malformed reply is read as far as it makes sense', () => {
    const whole = encodeAttributes([u32(1, 'a', 1), u32(2, 'b', 2)]);
    assert.equal(new Attributes(whole.subarray(0, 12)).u32(1), 1);
    assert.equal(new Attributes(whole.subarray(0, 12)).u32(2), undefined);
    assert.equal(new Attributes(new Uint8Array(8)).u32(0), undefined, 'a length of zero does not loop');
    assert.deepEqual([...decodeMessages(new Uint8Array(40))], []);
  });

  test('several messages go into one buffer, numbered in order', () => {
    const encoded = encodeMessages([deleteLink('a'), deleteLink('bcdef')], 7, () => 4);
    const decoded = [...decodeMessages(encoded)];
    assert.deepEqual(
      decoded.map((m) => [m.type, m.flags, m.sequence]),
      [
        [17, 5, 7],
        [17, 5, 8],
      ],
    );
    assert.equal(new Attributes(decoded[1]!.body.subarray(16)).string(3), 'bcdef');
  });

  test("an error's own sentence is found behind the request that it quotes, whole or capped", () => {
    const text = encodeAttributes([raw(1, 'msg', Buffer.from('no such thing\0'))]);
    const quoted = encodeMessages([deleteLink('lo')], 1, () => 0);
    const reply = (flags: number, ...parts: Uint8Array[]) =>
      decodeAcknowledgement({
        type: 2,
        flags,
        sequence: 1,
        body: Buffer.concat([Int32Array.of(-19), ...parts].map((p) => Buffer.from(p.buffer, p.byteOffset, p.byteLength))),
      });
    assert.deepEqual(reply(0x300, quoted.subarray(0, 16), text), { errno: 19, text: 'no such thing' });
    assert.deepEqual(reply(0x200, quoted, text), { errno: 19, text: 'no such thing' });
    assert.deepEqual(reply(0, quoted), { errno: 19, text: undefined });
  });

  test('a call reads like what it does, and cannot be made while a value is not known', () => {
    const socket = new NetlinkSocket('NETLINK_ROUTE');
    const pair = socket.call([
      addVeth('veth1a2b3c4', { mtu: 1500, master: 3 }, { name: 'eth0', namespace: new Unknown('netns'), address: '02:42:ac:11:00:02' }),
    ]);
    assert.equal(
      describeCall(pair),
      'sendto($rtnetlink, {RTM_NEWLINK, NLM_F_CREATE|NLM_F_EXCL, ifname="veth1a2b3c4", mtu=1500, master=3, linkinfo={kind="veth", ' +
        'data={peer={ifname="eth0", net_ns_fd=$netns, address=02:42:ac:11:00:02}}}}, 136, 0, NULL, 0)',
    );
    assert.throws(() => perform(pair), /\$netns.*not known/);
    const rule = new NetlinkSocket('NETLINK_NETFILTER').call(
      batch([addRule('hako0', 'forward', [meta('iifname'), compare('eq', interfaceName('hako0'), '"hako0"'), verdict('accept')])]),
    );
    assert.match(
      describeCall(rule),
      /NFT_MSG_NEWRULE.*\{meta, key=iifname, dreg=r0\}, \{cmp, sreg=r0, op=eq, data="hako0"\}, \{immediate, dreg=reg0, data=accept\}\]/,
    );
  });
});

describe('requests to the kernel', { skip }, () => {
  const route = new NetlinkSocket('NETLINK_ROUTE');
  const netfilter = new NetlinkSocket('NETLINK_NETFILTER');

  test('interfaces, addresses and routes are made, listed and deleted', async () => {
    request(route, [addBridge('br-test', { address: '02:00:00:00:00:01' }), setLink('br-test', { mtu: 1400 })]);
    const index = request(route, [getLink('br-test')], linkIndex);
    request(route, [addVeth('left', { master: index }, { name: 'right' }), setLink('left', { up: true }), setLink(index, { up: true })]);
    request(route, [addAddress(index, '10.88.0.1', 24, '10.88.0.255')]);
    request(route, [addRoute('10.88.0.9', { address: '10.89.0.0', prefix: 16 })]);
    const links = listLinks(route);
    assert.deepEqual(
      links.find((l) => l.name === 'br-test'),
      {
        index,
        name: 'br-test',
        kind: 'bridge',
        master: undefined,
        address: '02:00:00:00:00:01',
        mtu: 1400,
        up: true,
        carrier: true,
        peer: undefined,
        peerNamespace: undefined,
      },
    );
    const left = links.find((l) => l.name === 'left');
    assert.deepEqual([left?.kind, left?.master, left?.up], ['veth', index, true]);
    assert.ok(listAddresses(route).some((a) => a.index === index && a.address === '10.88.0.1' && a.prefix === 24));
    assert.ok(listRoutes(route).some((r) => r.destination === '10.89.0.0' && r.prefix === 16 && r.gateway === '10.88.0.9' && r.interface === index));
    request(route, [setGroup('left', 77777)]);
    assert.equal(await perform(route.call([deleteGroup(77777)], { onThread: true })), 0);
    request(route, [deleteLink('br-test')]);
    assert.deepEqual(
      listLinks(route).map((l) => l.name),
      ['lo'],
    );
  });

  test('a refusal is the errno of the first request that failed; what the kernel says beside it goes into the detail', async () => {
    assert.equal(perform(route.call([setLink('lo', { up: true }), deleteLink('not-there'), deleteLink('')])), -errno.ENODEV);
    const c = route.call([addAddress(1, '127.0.0.1', 8, '127.255.255.255')]);
    assert.equal(perform(c), -errno.EEXIST);
    assert.equal(c.failureDetail?.(17), 'ipv4: Address already assigned');
    assert.equal(await perform(route.call([deleteLink('not-there')], { onThread: true })), -errno.ENODEV, 'on another thread, too');
    assert.equal(perform(route.call([setLink('lo', { up: true })])), 0, 'and the socket goes on working');
  });

  test('requests on another thread take turns, while this one goes on', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `turn${i}`);
    const calls = names.map(async (name) => perform(route.call([addBridge(name)], { onThread: true })));
    assert.equal(perform(route.call([getLink('lo')], { answer: linkIndex })), 1);
    assert.deepEqual(
      await Promise.all(calls),
      names.map(() => 0),
    );
    assert.deepEqual(
      await Promise.all(names.map(async (name) => perform(route.call([deleteLink(name)], { onThread: true })))),
      names.map(() => 0),
    );
  });

  test('a batch takes effect whole or not at all', () => {
    const map = { name: 'ports', key: ['inet_proto', 'inet_service'], data: ['ipv4_addr', 'inet_service'] } as const;
    const element = (port: number) => ({ key: [Uint8Array.of(6), portBytes(port)], data: [Uint8Array.of(10, 0, 0, 2), portBytes(80)], text: '' });
    const make = [addTable('t', 'a comment'), addMap('t', map, 1), addElements('t', 'ports', [element(8080)])];
    assert.equal(perform(netfilter.call(batch([...make, deleteTable('another')]))), -errno.ENOENT);
    assert.equal(perform(netfilter.call([getTable('t')])), -errno.ENOENT);

    request(netfilter, batch(make));
    let comment: string | undefined;
    request(netfilter, [getTable('t')], (replies) => ((comment = tableComment(replies)), 0));
    assert.equal(comment, 'a comment');
    const elements = () => elementsOf(netfilter.dump(getElements('t', 'ports'))).map((e) => `${hex(e.key)} ${hex(e.data)}`);
    assert.deepEqual(elements(), ['060000001f900000 0a00000200500000']);
    assert.equal(
      perform(
        netfilter.call(
          batch([
            addElements('t', 'ports', [element(8081)]),
            addElements('t', 'ports', [{ ...element(8080), data: [Uint8Array.of(10, 0, 0, 3), portBytes(80)] }]),
          ]),
        ),
      ),
      -errno.EEXIST,
    );
    assert.equal(elements().length, 1);
    request(netfilter, batch([deleteElements('t', 'ports', [element(8080)])]));
    assert.deepEqual(elements(), []);
    request(netfilter, batch([deleteTable('t')]));
  });

  test('nft lists chains and rules as they were meant', { skip: needs('nft') }, () => {
    request(
      netfilter,
      batch([
        addTable('t'),
        addBaseChain('t', 'c', 'filter', 'forward', 'security'),
        addRule('t', 'c', [meta('iifname'), compare('neq', interfaceName('eth7')), verdict('drop')], 'why'),
      ]),
    );
    const listed = execFileSync('nft', ['list', 'table', 'ip', 't']).toString().replace(/\s+/g, ' ');
    assert.equal(listed, 'table ip t { chain c { type filter hook forward priority security; policy accept; iifname != "eth7" drop comment "why" } } ');
    request(netfilter, batch([deleteTable('t')]));
  });

  test('hundreds of changes in one batch are acknowledged', () => {
    const map = { name: 'ports', key: ['inet_service'], data: ['inet_service'] } as const;
    const additions = Array.from({ length: 1000 }, (_, i) => addElements('t', 'ports', [{ key: [portBytes(i + 1)], data: [portBytes(80)], text: '' }]));
    request(netfilter, batch([addTable('t'), addMap('t', map, 1), ...additions]));
    assert.equal(elementsOf(netfilter.dump(getElements('t', 'ports'))).length, 1000);
    request(netfilter, batch([deleteTable('t')]));
  });
});
