/** The packet filters on a packet's way: each namespace's is read once, and what its chains do to the packet is told as hops. */
import type { Ruleset } from '../../kernel/netlink/nft-ruleset.ts';
import { chainText, ruleText } from '../../kernel/netlink/nft-text.ts';
import type { hooks } from '../../kernel/netlink/nftables.ts';
import { lookupRoute } from '../../kernel/netlink/route-lookup.ts';
import { routeTypes } from '../../kernel/netlink/rtnetlink.ts';
import { addressOfInterface } from './flow.ts';
import { destinationText, End, type HopKind } from './hop.ts';
import { evaluateHook, type ChainPass } from './nft-evaluate.ts';
import type { Packet } from './nft-packet.ts';
import type { Scene } from './snapshot.ts';
import { rulesetOf } from './view.ts';

/** What there is to know of a pass beside the packet. */
export interface PassOptions {
  /** The address that is asked for on the wire, which `masquerade` takes a source for. */
  readonly near?: string | undefined;
  /** The packet was sent here, too: its translation is decided already. */
  readonly again?: boolean;
}

export class PacketFilters {
  readonly #rulesets = new Map<Scene, Ruleset>();
  readonly #tell: (scene: Scene, kind: HopKind, text: string) => void;

  /** @param tell takes the hops */
  constructor(tell: (scene: Scene, kind: HopKind, text: string) => void) {
    this.#tell = tell;
  }

  /** The packet filter of a namespace. */
  of(scene: Scene): Ruleset {
    const known = this.#rulesets.get(scene);
    if (known) return known;
    const read = rulesetOf(scene);
    this.#rulesets.set(scene, read);
    const legacy = (scene.place.read('/proc/thread-self/net/ip_tables_names') ?? '').split('\n').filter(Boolean);
    if (legacy.length)
      this.#tell(scene, 'note', `tables of iptables-legacy are there (${legacy.join(', ')}), which are not followed: "iptables-legacy-save" lists them`);
    return read;
  }

  /** Passes a packet through the chains at a hook. @returns the packet as they leave it @throws End where one drops it */
  pass(scene: Scene, hook: keyof typeof hooks, packet: Packet, { near, again = false }: PassOptions = {}): Packet {
    const ruleset = this.of(scene);
    const followed = again ? { ...ruleset, chains: ruleset.chains.filter((c) => c.hook?.type !== 'nat') } : ruleset;
    const { passes, packet: after } = evaluateHook(followed, hook, packet, (address) => typeOf(scene, address));
    let result = after;
    for (const pass of passes) {
      const where = chainText(pass.chain);
      for (const { chain, rule, reason } of pass.undecided)
        this.#tell(scene, 'note', `${hook}: ${where}: "${ruleText(ruleset, chain, rule)}"${inChain(pass, chain)} ${reason}`);
      const by = pass.by ? `"${ruleText(ruleset, pass.by.chain, pass.by.rule)}"${inChain(pass, pass.by.chain)}` : `policy ${pass.verdict}`;
      if (pass.translation) {
        result = completed(scene, packet, result, pass.translation, near);
        const destination = pass.translation.type === 'dnat' || pass.translation.type === 'redirect';
        const changed = destination ? `to ${destinationText(result)}` : `to come from ${result.source}, not from ${packet.source}`;
        this.#tell(scene, 'translate', `${hook}: ${where} rewrites it ${changed}, by ${by}`);
      } else if (pass.verdict === 'drop') {
        this.#tell(scene, 'filter', `${hook}: ${where} drops it, by ${by}`);
        throw new End('stopped', `${scene.place.namespace.label} drops it in ${where} (${hook}), by ${by}`, 'dropped');
      } else if (pass.chain.rules.length > 0) this.#tell(scene, 'filter', `${hook}: ${where} accepts it, by ${by}`);
    }
    return result;
  }
}

const inChain = (pass: ChainPass, chain: ChainPass['chain']): string => (chain === pass.chain ? '' : ` (chain ${chain.name})`);

/** The number of an address's type (RTN_LOCAL, …); the kernel is asked. */
function typeOf(scene: Scene, address: string): number {
  const answer = lookupRoute(scene.place.route, { destination: address });
  return routeTypes.indexOf('errno' in answer ? 'unicast' : answer.type);
}

/** Puts in the address that a translation takes from an interface. */
function completed(scene: Scene, before: Packet, after: Packet, { type }: NonNullable<ChainPass['translation']>, near = before.destination): Packet {
  const link = (end: Packet['incoming']): Scene['links'][number] | undefined => scene.links.find((l) => l.index === end?.index);
  if (type === 'masquerade') {
    const out = link(before.outgoing);
    return { ...after, source: (out && addressOfInterface({ scene, link: out }, near)) ?? after.source };
  }
  if (type !== 'redirect') return after;
  const incoming = link(before.incoming);
  return { ...after, destination: incoming ? (addressOfInterface({ scene, link: incoming }, before.source) ?? before.destination) : '127.0.0.1' };
}
