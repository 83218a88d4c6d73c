/** Rules that nft(8) has made are read from the kernel, and followed as the kernel would. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { firstOf, needs, needsRoot } from '../../../test/support/needs.ts';
import { enterPrivateNetwork } from '../../../test/support/private-network.ts';
import { readRuleset, type Ruleset } from '../../kernel/netlink/nft-ruleset.ts';
import { ruleText } from '../../kernel/netlink/nft-text.ts';
import { NetlinkSocket } from '../../kernel/netlink/socket.ts';
import { evaluateHook } from './nft-evaluate.ts';
import type { Packet } from './nft-packet.ts';

const packet: Packet = {
  source: '10.0.0.1',
  destination: '10.0.0.2',
  protocol: 6,
  sourcePort: 40000,
  destinationPort: 80,
  incoming: { index: 7, name: 'eth7' },
  mark: 0,
  state: 8,
  status: 0,
};

/** The ruleset of a script, and what its base chain at the hook `forward` does to the packet. */
function follow(script: string) {
  execFileSync('nft', ['-f', '-'], { input: `flush ruleset\n${script}`, stdio: ['pipe', 'ignore', 'inherit'] });
  const socket = new NetlinkSocket('NETLINK_NETFILTER');
  const ruleset: Ruleset = readRuleset(socket);
  socket.close();
  const { passes, packet: after } = evaluateHook(ruleset, 'forward', packet, () => 1);
  return {
    after,
    ruleset,
    verdicts: passes.map((p) => p.verdict),
    by: passes.map((p) => (p.by ? ruleText(ruleset, p.by.chain, p.by.rule) : 'policy')),
    undecided: passes.flatMap((p) => p.undecided.map((u) => u.reason)),
  };
}

/** A table with one base chain at the hook `forward`, and what else is given. */
const table = (rules: string, more = '', flags = ''): string =>
  `table ip t {\n${flags}\n${more}\nchain f { type filter hook forward priority 0; policy accept;\n${rules}\n}\n}`;

describe('a packet through rules', { skip: firstOf(needsRoot(), needs('nft')) }, () => {
  before(enterPrivateNetwork);

  for (const [name, script, verdict, by] of [
    ['a counter decides nothing', table('tcp dport 80 counter drop'), 'drop', /^tcp dport 80 drop$/],
    ['a mark set by one rule is seen by the next', table('meta mark set 0x5\nmeta mark 0x5 drop'), 'drop', /mark/],
    ['the interface that it came by', table('iifname "eth7" drop'), 'drop', /eth7/],
    ['an element for all others', table('tcp dport vmap { 22 : accept, * : drop }'), 'drop', /vmap/],
    ['an element that is nearer than that', table('tcp dport vmap { 80 : accept, * : drop }'), 'accept', /vmap/],
    ['a range of ports', table('tcp dport 70-90 drop'), 'drop', /dport/],
    ['a set of ranges', table('ip saddr @s drop', 'set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/30, 10.2.0.0/16 }; }'), 'drop', /@s/],
    [
      'ranges of components that are longer than a word',
      table('iifname . tcp dport @s drop', 'set s { type ifname . inet_service; flags interval; elements = { "eth7" . 80-90 }; }'),
      'drop',
      /@s/,
    ],
    [
      'such ranges elsewhere',
      table('iifname . tcp dport @s drop', 'set s { type ifname . inet_service; flags interval; elements = { "eth8" . 80-90 }; }'),
      'accept',
      /policy/,
    ],
    ['goto does not come back', table('goto c\ndrop', 'chain c { tcp dport 81 drop; }'), 'accept', /policy/],
    ['jump does', table('jump c\ndrop', 'chain c { tcp dport 81 drop; }'), 'drop', /^drop$/],
    ['a table that is asleep', table('drop', '', 'flags dormant;'), undefined, undefined],
  ] as const)
    test(name, () => {
      const found = follow(script);
      assert.deepEqual([found.verdicts[0], found.undecided], [verdict, []]);
      if (by) assert.match(found.by[0]!, by);
    });

  for (const [name, script, reason] of [
    ['a limit', table('limit rate 1/second drop'), /how much has passed before \(limit\)/],
    ['a quota', table('quota over 1 mbytes drop'), /\(quota\)/],
    ['a named quota', table('quota name "q" drop', 'quota q { over 1 mbytes }'), /objref limit/],
    ['a rule that rewrites bytes', table('ip daddr set 10.9.9.9 accept'), /"payload set"/],
    ['a property of the connection', table('ct mark 3 drop'), /property of the connection/],
  ] as const)
    test(`${name} is left undecided`, () => {
      const found = follow(script);
      assert.deepEqual([found.verdicts[0], found.by[0]], ['accept', 'policy']);
      assert.match(found.undecided.join(), reason);
    });

  test('a mark goes on to the next hook', () => assert.equal(follow(table('meta mark set 0x5')).after.mark, 5));

  test('jumps that would take for ever are given up', () => {
    const chains = Array.from({ length: 9 }, (_, i) => `chain c${i} {\n${i === 0 ? 'tcp dport 81 drop' : `jump c${i - 1}\n`.repeat(6)}\n}`).join('\n');
    const found = follow(table('jump c8', chains));
    assert.match(found.undecided.join(), /too long a way/);
    assert.equal(found.undecided.length, 1);
  });

  test('hooks have the names of their family', () => {
    const { ruleset } = follow(
      'table arp a { chain i { type filter hook input priority 0; }; }\ntable netdev n { chain i { type filter hook ingress device "lo" priority 0; }; }',
    );
    assert.deepEqual(
      ruleset.chains.map((c) => [c.family, c.hook?.name]),
      [
        ['arp', 'input'],
        ['netdev', 'ingress'],
      ],
    );
  });
});
