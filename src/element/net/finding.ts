/**
 * What a probe found: where the packet was last seen, and why it came no further. What was observed decides; the way that was worked
 * out before (way.ts) says what should have come next, and so what is missing.
 */
import { isIPv4 } from 'node:net';
import { errno, errnoName } from '../../kernel/errno.ts';
import { listNeighbours } from '../../kernel/netlink/neighbour.ts';
import { ruleText } from '../../kernel/netlink/nft-text.ts';
import { listenerOn } from './listener.ts';
import { probeTable, type Decision, type Observation, type Sighting } from './probe.ts';
import type { Flow } from './flow.ts';
import type { Scene, Snapshot } from './snapshot.ts';
import { rulesetOf } from './view.ts';
import type { Hop, StopCode, Way } from './hop.ts';

/** A hop, and whether the packet was seen there; undefined where nothing can be seen. */
export interface SeenHop extends Hop {
  readonly seen?: boolean;
}

export interface Finding {
  /**
   * `answered`: it arrived, and the answer came back; `refused`: the destination said no; `arrived`: it got there, and no answer is due;
   * `left`: it left this machine; `lost`: it was dropped, or its answer was.
   */
  readonly outcome: 'answered' | 'refused' | 'arrived' | 'left' | 'lost';
  readonly code?: StopCode | 'answer-lost' | 'unknown';
  /** Where it stopped. */
  readonly at?: { readonly namespace: string; readonly interface?: string };
  readonly reason: string;
  readonly remedy?: string;
  readonly hops: readonly SeenHop[];
  /** What was seen off the way that was expected. */
  readonly elsewhere: readonly string[];
  /** What the packet filters decided on it, where it was not the mere policy of an empty chain. */
  readonly decisions: readonly string[];
}

type End = Pick<Finding, 'outcome' | 'code' | 'at' | 'reason' | 'remedy'>;

/** Makes sense of what was observed. */
export function findingOf(snapshot: Snapshot, flow: Flow, way: Way, seen: Observation): Finding {
  const hops = way.hops.map((hop): SeenHop => (observable(hop) ? { ...hop, seen: seen.sightings.some((s) => s.what === 'probe' && isAt(s, hop)) } : hop));
  const decisions = toldDecisions(seen);
  return {
    ...endOf(snapshot, flow, way, seen, decisions, hops),
    hops,
    elsewhere: seen.sightings.filter((s) => s.what === 'probe' && !way.hops.some((hop) => isAt(s, hop))).map(sightingText),
    decisions: decisions.filter((d) => d.matters).map((d) => `${d.on === 'probe' ? '' : 'the answer: '}${d.text}`),
  };
}

const observable = (hop: Hop): boolean => (hop.kind === 'leave' || hop.kind === 'arrive') && hop.index !== undefined;
const isAt = (s: Sighting, hop: Hop): boolean =>
  observable(hop) && s.scene.place.namespace.inode === hop.inode && s.index === hop.index && (s.way === 'out') === (hop.kind === 'leave');
const nameOf = (s: Sighting): string => s.scene.links.find((l) => l.index === s.index)?.name ?? String(s.index);
const sightingText = (s: Sighting): string =>
  `${s.detail} from ${s.source} to ${s.destination} ${s.way === 'out' ? 'leaving' : 'arriving'} at ${nameOf(s)} of ${s.scene.place.namespace.label}`;
const placeOf = (s: Sighting): NonNullable<Finding['at']> => ({ namespace: s.scene.place.namespace.label, interface: nameOf(s) });
const withRemedy = (remedy: string | undefined): { readonly remedy?: string } => (remedy === undefined ? {} : { remedy });

function endOf(snapshot: Snapshot, flow: Flow, way: Way, seen: Observation, decisions: readonly ToldDecision[], hops: readonly SeenHop[]): End {
  const sender = way.hops[0]!;
  const drop = decisions.find((d) => d.verdict === 'drop');
  if (drop) {
    const { label } = drop.scene.place.namespace;
    const what = drop.on === 'probe' ? 'it' : 'the answer';
    return {
      outcome: 'lost',
      code: drop.on === 'probe' ? 'dropped' : 'answer-lost',
      at: { namespace: label },
      reason: `${label} drops ${what} in ${drop.text}`,
    };
  }
  if (seen.sent < 0) return refusedToSend(way, seen.sent, sender.namespace);
  const back = seen.sightings.find((s) => s.what !== 'probe' && s.way === 'in' && s.scene.place.namespace.inode === sender.inode);
  if (back) return told(flow, way, seen, back);
  return lost(snapshot, flow, way, seen, hops, sender);
}

function refusedToSend(way: Way, sent: number, sender: string): End {
  if (way.outcome === 'stopped')
    return { outcome: 'lost', ...(way.code ? { code: way.code } : {}), at: { namespace: sender }, reason: way.reason, ...withRemedy(way.remedy) };
  const code = sent === -errno.EPERM ? 'dropped' : 'no-route';
  return { outcome: 'lost', code, at: { namespace: sender }, reason: `the kernel of ${sender} refuses to send it: ${errnoName(-sent)}` };
}

/** The sender got an answer, or an error that somebody on the way sent. */
function told(flow: Flow, way: Way, seen: Observation, back: Sighting): End {
  // Where the answer was first seen is where it comes from: in each namespace the sightings are in order.
  const answers = seen.sightings.filter((s) => s.what === back.what && s.detail === back.detail);
  const source = answers.find((s) => s.way === 'out' && !answers.some((o) => o.scene === s.scene && o.way === 'in' && answers.indexOf(o) < answers.indexOf(s)));
  const from = source ?? back;
  const at = placeOf(from);
  if (back.detail === 'RST' || back.detail === 'port unreachable') {
    const port = `${flow.destination}:${flow.port}`;
    return {
      outcome: 'refused',
      code: 'no-listener',
      at,
      reason: way.code === 'no-listener' ? way.reason : `${at.namespace} refuses it (${back.detail}): nobody listens on ${port}, or a rule rejects it`,
    };
  }
  if (back.what === 'error') {
    const agrees = way.outcome === 'stopped' && way.hops.at(-1)?.inode === from.scene.place.namespace.inode;
    return {
      outcome: 'refused',
      code: (agrees && way.code) || 'no-route',
      at,
      reason: `${back.source} (${at.namespace}) answers with ICMP ${back.detail}${agrees ? `: ${way.reason}` : ''}`,
      ...withRemedy(agrees ? way.remedy : undefined),
    };
  }
  return { outcome: 'answered', at, reason: `${back.detail} came back from ${at.namespace}` };
}

/** Nothing came back. */
function lost(snapshot: Snapshot, flow: Flow, way: Way, seen: Observation, hops: readonly SeenHop[], sender: Hop): End {
  const answer = seen.sightings.findLast((s) => s.what !== 'probe');
  if (answer) return lostAnswer(seen, answer);
  const watched = hops.filter((h) => h.seen !== undefined);
  const lastIndex = watched.findLastIndex((h) => h.seen);
  const last = watched[lastIndex];
  const expected = watched[lastIndex + 1];
  const at = last ? { namespace: last.namespace, interface: last.interface! } : { namespace: sender.namespace };
  const stopped = (where: NonNullable<Finding['at']>, prefix = ''): End => ({
    outcome: 'lost',
    ...(way.code ? { code: way.code } : {}),
    at: where,
    reason: `${prefix}${way.reason}`,
    ...withRemedy(way.remedy),
  });
  if (!expected) {
    if (way.outcome === 'left')
      return { outcome: 'left', at, reason: `it went out by ${at.interface ?? '?'} of ${at.namespace}, and no answer came back: ${way.reason}` };
    if (way.outcome === 'stopped') return stopped(at);
    if (flow.protocol === 'udp') return { outcome: 'arrived', at, reason: `${way.reason}; it has not answered, which a UDP program need not do` };
    return unanswered(snapshot, flow, way, { ...at, inode: (last ?? sender).inode });
  }
  const end = watched.at(-1)!;
  const asked = unresolved(snapshot, expected, way);
  // It never went out, since nobody said who has the address. What was worked out says why, if it is of the same wire.
  if (asked !== undefined) {
    const where = { namespace: end.namespace, interface: end.interface! };
    if (way.outcome === 'stopped' && end.wire === expected.wire)
      return stopped(where, way.code === 'no-neighbour' ? '' : `nobody answers for ${asked} (ARP): `);
    return {
      outcome: 'lost',
      code: 'no-neighbour',
      at,
      reason: `nobody answers when ${asked} is asked for on ${expected.interface} of ${expected.namespace} (ARP)`,
    };
  }
  // An interface that is switched off passes nothing on: it is the next one, which was not seen.
  if (way.code === 'link-down' && expected === end) return stopped({ namespace: end.namespace, interface: end.interface! });
  return {
    outcome: 'lost',
    code: 'unknown',
    at,
    reason: last
      ? `it was last seen ${last.kind === 'leave' ? 'leaving' : 'arriving'} at ${last.interface} of ${last.namespace}, and should have been seen next at ${expected.interface} of ${expected.namespace}`
      : `it was never seen: it should have left ${expected.namespace} by ${expected.interface}`,
  };
}

/** The address that is asked for on the wire of a hop without an answer; undefined where somebody answered. */
function unresolved(snapshot: Snapshot, hop: Hop, way: Way): string | undefined {
  const next = way.next[hop.wire];
  const first = way.hops.find((h) => h.wire === hop.wire && h.kind === 'leave');
  const scene = snapshot.scenes.find((s) => s.place.namespace.inode === first?.inode);
  const neighbour = scene && listNeighbours(scene.place.route).find((n) => n.address === next && n.index === first?.index);
  return neighbour && ['INCOMPLETE', 'FAILED'].includes(neighbour.state) ? next : undefined;
}

/** It arrived, and whoever it was for said nothing. */
function unanswered(snapshot: Snapshot, flow: Flow, way: Way, { inode, ...at }: NonNullable<Finding['at']> & Pick<Hop, 'inode'>): End {
  const scene = snapshot.scenes.find((s) => s.place.namespace.inode === inode);
  const listener = scene && flow.protocol === 'tcp' ? listenerOn(scene, 'tcp', flow.destination, flow.port) : undefined;
  return {
    outcome: 'lost',
    code: 'answer-lost',
    at,
    reason: `it arrived at ${at.interface} of ${at.namespace}, and nothing was sent back${listener ? `, though ${listener.process ?? 'a socket'} listens: its queue may be full` : ` (${way.reason})`}`,
  };
}

/** It was answered, and the answer is gone. */
function lostAnswer(seen: Observation, answer: Sighting): End {
  const { scene } = answer;
  const { label } = scene.place.namespace;
  const forwards = scene.place.sysctl(['ipv4', 'ip_forward']) === '1';
  const own = scene.addresses.some((a) => isIPv4(a.address) && a.address === answer.destination);
  const why = answer.way === 'in' && !forwards && !own ? `: ${label} does not forward packets (net.ipv4.ip_forward is 0)` : '';
  return {
    outcome: 'lost',
    code: 'answer-lost',
    at: placeOf(answer),
    reason: `it arrived and was answered (${answer.detail}), but the answer did not come back to ${seen.packet.source}: it was last seen ${answer.way === 'out' ? 'leaving' : 'arriving'} at ${nameOf(answer)} of ${label}${why}`,
  };
}

/** A decision with the chain and the rule that took it, as they are listed. */
interface ToldDecision extends Decision {
  /** The chain has rules of its own, or dropped it: what the policy of an empty chain lets pass is nobody's decision. */
  readonly matters: boolean;
  /** `ip filter FORWARD (forward), by "tcp dport 80 drop"`. */
  readonly text: string;
}

/** Says of each decision what took it; the probe's own rules are left out. Each namespace's packet filter is read once. */
function toldDecisions({ packet, decisions }: Observation): ToldDecision[] {
  const foreign = decisions.filter((d) => d.table !== probeTable(packet) && d.kind !== 'return');
  const rulesets = new Map([...new Set(foreign.map((d) => d.scene))].map((scene) => [scene, rulesetOf(scene)]));
  return foreign.map((d) => {
    const ruleset = rulesets.get(d.scene)!;
    const chain = ruleset.chains.find((c) => c.family === d.family && c.table === d.table && c.name === d.chain);
    const rule = chain?.rules.find((r) => r.handle === d.handle);
    const by = d.kind === 'policy' || !rule ? `policy ${d.verdict}` : `"${ruleText(ruleset, d, rule)}"`;
    return {
      ...d,
      matters: d.kind !== 'policy' || d.verdict === 'drop' || (chain?.rules.length ?? 0) > 0,
      text: `${d.family} ${d.table} ${d.chain}${chain?.hook ? ` (${chain.hook.name})` : ''}, by ${by}`,
    };
  });
}

/** The namespaces that a probe has to be watched in: those on its way, and whoever has the address that it is for. */
export function watchedScenes(snapshot: Snapshot, flow: Flow, way: Way): readonly Scene[] {
  const holders = new Set(snapshot.holdersOf(flow.destination).map(({ scene }) => scene));
  // What several claim to have (127.0.0.1 all of them) tells nothing.
  return snapshot.scenes.filter((s) => (holders.size === 1 && holders.has(s)) || way.hops.some((h) => h.inode === s.place.namespace.inode));
}
