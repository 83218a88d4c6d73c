/**
 * Address translation of a person's own: masquerade and published ports, in a table `ip hako_net` of each namespace that has any.
 * No other table is written. The rules are the bridge's own (src/network/rules.ts), so what is learned here holds there.
 */
import { errno } from '../../kernel/errno.ts';
import { masquerade, type Expression } from '../../kernel/netlink/nft-expression.ts';
import { readRuleset, type Ruleset } from '../../kernel/netlink/nft-ruleset.ts';
import { addBaseChain, addMap, addRule, addTable, batch, deleteRule, deleteTable } from '../../kernel/netlink/nftables.ts';
import type { Message } from '../../kernel/netlink/message.ts';
import { portMaps, publishedRules, named, inSubnet } from '../../network/rules.ts';
import { publishPorts, unpublishPorts, type PublishedPorts } from '../../network/ports.ts';
import { subnetText, type Subnet } from '../../network/subnet.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { Place } from './place.ts';
import { setForwarding, type Site } from './site.ts';
import { publishedOf } from './view.ts';

/** The table's name and comment; the comment tells it from somebody else's of that name. */
const natTable = { name: 'hako_net', comment: 'hako net' } as const;

/** A subnet whose packets leave under the address of the interface that they leave by. */
export interface Masquerade {
  readonly subnet: Subnet;
  /** Only packets that leave by this interface; absent: all that leave the subnet. */
  readonly interface?: string | undefined;
}

const commentOf = (m: Masquerade): string => `nat ${subnetText(m.subnet)}${m.interface === undefined ? '' : ` ${m.interface}`}`;

/** What the namespace has now; read also by an explanation, since what would be done depends on it. */
function current(site: Site): Ruleset {
  const place = new Place(site.namespace);
  try {
    return readRuleset(place.netfilter);
  } finally {
    place.close();
  }
}

const ours = (ruleset: Ruleset): boolean => {
  const table = ruleset.tables.find((t) => t.family === 'ip' && t.name === natTable.name);
  if (table && table.comment !== natTable.comment) {
    throw new ElementError(`the nftables table "ip ${natTable.name}" exists and is not hako's: rename or delete it first`);
  }
  return table !== undefined;
};

/** Makes the table where it is not there yet, and has packets forwarded: without that nothing is translated. */
function* prepare(site: Site, ruleset: Ruleset): Procedure {
  yield* setForwarding(site, true);
  if (ours(ruleset)) return;
  const { name, comment } = natTable;
  const rules = (chain: string): Message[] => publishedRules.map((r) => addRule(name, chain, r));
  const published = [
    'dnat ip to ip daddr . meta l4proto . th dport map @published_on_address',
    'fib daddr type local dnat ip to meta l4proto . th dport map @published',
  ];
  const chain = (of: string, hook: string, priority: string, lines: readonly string[]): string =>
    `  chain ${of} {\n    type nat hook ${hook} priority ${priority}; policy accept;\n${lines.map((l) => `    ${l}\n`).join('')}  }`;
  yield* step({
    id: 'net.nat.table',
    what: `Make the packet filter table ip ${name}, which translates addresses`,
    calls: [
      site.netlink.netfilter.call(
        batch([
          addTable(name, comment),
          addMap(name, portMaps.anyAddress, 1),
          addMap(name, portMaps.oneAddress, 2),
          addBaseChain(name, 'prerouting', 'nat', 'prerouting', 'dstnat'),
          ...rules('prerouting'),
          addBaseChain(name, 'output', 'nat', 'output', 'dstnat'),
          ...rules('output'),
          addBaseChain(name, 'postrouting', 'nat', 'postrouting', 'srcnat'),
        ]),
      ),
    ],
    shell: `nft ${word(
      [
        `table ip ${name} {`,
        `  comment "${comment}"`,
        ...Object.values(portMaps).map((m) => `  map ${m.name} { type ${m.key.join(' . ')} : ${m.data.join(' . ')}; }`),
        chain('prerouting', 'prerouting', 'dstnat', published),
        chain('output', 'output', '-100', published),
        chain('postrouting', 'postrouting', 'srcnat', []),
        '}',
      ].join('\n'),
    )}`,
    look: `nft list table ip ${name}`,
    undo: [site.netlink.netfilter.call(batch([deleteTable(name)]), { accept: [errno.ENOENT] })],
  });
}

/** Hides a subnet behind the namespace's own addresses. */
export function* addMasquerade(site: Site, m: Masquerade): Procedure {
  if (m.subnet.prefix === 0 && m.interface === undefined)
    throw new ElementError(`every address is in ${subnetText(m.subnet)}, so no packet leaves it: name the interface that they leave by (--out)`);
  const ruleset = current(site);
  if (ours(ruleset) && ruleOf(ruleset, m)) throw new ElementError(`${subnetText(m.subnet)} is translated already in ${site.namespace.label}`);
  yield* prepare(site, ruleset);
  const leaving: Expression[] = m.interface === undefined ? inSubnet('destination', m.subnet, 'neq') : named('oifname', 'eq', m.interface);
  const condition = m.interface === undefined ? `ip daddr != ${subnetText(m.subnet)}` : `oifname "${m.interface}"`;
  yield* step({
    id: 'net.nat',
    what: `Let packets from ${subnetText(m.subnet)} leave under the address of the interface that they leave by`,
    calls: [
      site.netlink.netfilter.call(batch([addRule(natTable.name, 'postrouting', [...inSubnet('source', m.subnet), ...leaving, masquerade()], commentOf(m))])),
    ],
    shell: `nft add rule ip ${natTable.name} postrouting ip saddr ${subnetText(m.subnet)} ${condition} masquerade comment '"${commentOf(m)}"'`,
    look: `nft list chain ip ${natTable.name} postrouting`,
    undone: 'it is the last step',
  });
}

const ruleOf = (ruleset: Ruleset, m: Masquerade) =>
  ruleset.chains.find((c) => c.family === 'ip' && c.table === natTable.name && c.name === 'postrouting')?.rules.find((r) => r.comment === commentOf(m));

/** Takes a translation back, and the table with the last of them. */
export function* removeMasquerade(site: Site, m: Masquerade): Procedure {
  const ruleset = current(site);
  const rule = ours(ruleset) ? ruleOf(ruleset, m) : undefined;
  if (!rule) throw new ElementError(`${subnetText(m.subnet)} is not translated in ${site.namespace.label}: "hako net ls nat" lists what is`);
  yield* step({
    id: 'net.nat.delete',
    what: `Stop translating packets from ${subnetText(m.subnet)}`,
    calls: [site.netlink.netfilter.call(batch([deleteRule(natTable.name, 'postrouting', rule.handle)]))],
    shell: `nft delete rule ip ${natTable.name} postrouting handle ${rule.handle}`,
    look: `nft list chain ip ${natTable.name} postrouting`,
    undone: 'it is the last step',
  });
  if (masqueradesOf(ruleset).length === 1 && publishedOf(ruleset, natTable.name).length === 0) yield* removeTable(site);
}

/** Publishes a port of the namespace: what arrives there goes to another address. */
export function* publish(site: Site, published: PublishedPorts): Procedure {
  yield* prepare(site, current(site));
  yield* publishPorts(site.netlink, natTable, published);
}

/** Takes a published port back, and the table with the last of them. */
export function* unpublish(site: Site, published: PublishedPorts): Procedure {
  const ruleset = current(site);
  const before = ours(ruleset) ? publishedOf(ruleset, natTable.name) : [];
  const asked = published.bindings.map((b) => `${b.protocol} ${b.hostIp === '' ? '' : `${b.hostIp}:`}${b.hostPort} -> ${published.address}:${b.containerPort}`);
  const missing = asked.find((a) => !before.includes(a));
  if (missing) throw new ElementError(`"${missing}" is not published in ${site.namespace.label}: "hako net ls ports" lists what is`);
  yield* unpublishPorts(site.netlink, natTable, published);
  if (before.length === asked.length && masqueradesOf(ruleset).length === 0) yield* removeTable(site);
}

/** What is translated, as it was asked for: `10.0.0.0/24`, or with an interface behind it. */
export function masqueradesOf(ruleset: Ruleset): string[] {
  return ruleset.chains
    .filter((c) => c.family === 'ip' && c.table === natTable.name && c.name === 'postrouting')
    .flatMap((c) => c.rules.flatMap((r) => (r.comment?.startsWith('nat ') ? [r.comment.slice(4)] : [])));
}

function* removeTable(site: Site): Procedure {
  yield* step({
    id: 'net.nat.table.delete',
    what: `Delete the packet filter table ip ${natTable.name}: nothing is left in it`,
    calls: [site.netlink.netfilter.call(batch([deleteTable(natTable.name)]), { accept: [errno.ENOENT] })],
    shell: `nft delete table ip ${natTable.name}`,
    look: 'nft list tables',
    undone: 'taking it away is what was asked for',
  });
}
