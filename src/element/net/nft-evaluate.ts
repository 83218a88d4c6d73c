/**
 * Follows one packet through the chains at a hook, as the kernel would: registers are loaded, compared, looked up, until a rule
 * decides. What cannot be known from outside (limits, programs that a packet is handed to, xtables' matches) is said to be so, and
 * taken not to match.
 */
import { ipv4Text } from '../../kernel/netlink/attribute.ts';
import { ctKeys, fib, metaKeys, type Decoded, type Verdict } from '../../kernel/netlink/nft-decode.ts';
import { hostOrder } from '../../kernel/netlink/nft-expression.ts';
import type { Chain, NftSet, Rule, Ruleset } from '../../kernel/netlink/nft-ruleset.ts';
import type { hooks } from '../../kernel/netlink/nftables.ts';
import { metaOf, payloadOf, Undecided, type Packet } from './nft-packet.ts';
import { compared, findElement } from './nft-set.ts';

/** What a nat expression makes of the addresses; absent parts stay as they are. */
export interface Translation {
  readonly type: 'dnat' | 'snat' | 'masquerade' | 'redirect';
  readonly address?: string;
  readonly port?: number;
}

/** A packet's way through one base chain. */
export interface ChainPass {
  readonly chain: Chain;
  readonly verdict: 'accept' | 'drop';
  /** The rule that decided, with the chain that it is in; absent: the policy did. */
  readonly by?: { readonly chain: Chain; readonly rule: Rule };
  readonly translation?: Translation;
  /** Rules that could not be decided, by why. */
  readonly undecided: readonly { readonly chain: Chain; readonly rule: Rule; readonly reason: string }[];
}

/** The type of an address in the namespace (RTN_LOCAL is 2), for `fib daddr type`. */
export type AddressType = (address: string) => number;

/**
 * Passes a packet through all base chains at a hook of the families ip and inet, by priority, until one drops it. What a nat chain
 * rewrites is rewritten for the chains after it; a connection is given one translation of each direction at a hook.
 */
export function evaluateHook(
  ruleset: Ruleset,
  hook: keyof typeof hooks,
  packet: Packet,
  addressType: AddressType,
): { readonly passes: ChainPass[]; readonly packet: Packet } {
  const sleeping = (c: Chain): boolean => ruleset.tables.some((t) => t.dormant && t.family === c.family && t.name === c.table);
  const chains = ruleset.chains.filter((c) => c.hook?.name === hook && (c.family === 'ip' || c.family === 'inet') && !sleeping(c));
  const passes: ChainPass[] = [];
  let current = packet;
  let translated = false;
  for (const chain of chains.toSorted((a, b) => a.hook!.priority - b.hook!.priority)) {
    if (chain.hook!.type === 'nat' && (translated || current.state === UNTRACKED)) continue;
    const evaluation = new Evaluation(ruleset, current, addressType);
    const pass = evaluation.pass(chain);
    passes.push(pass);
    current = evaluation.packet;
    if (pass.translation) {
      translated = true;
      current = translate(current, pass.translation);
    }
    if (pass.verdict === 'drop') break;
  }
  return { passes, packet: current };
}

const DNAT_STATUS = 32;
const SNAT_STATUS = 16;
const UNTRACKED = 64;
/** Expressions that decide nothing, and let each packet go on to the next. */
const harmless: ReadonlySet<string> = new Set(['log', 'notrack', 'last', 'objref', 'dynset', 'ct set']);
const limits: ReadonlySet<string> = new Set(['limit', 'quota', 'connlimit', 'objref limit', 'dynset limit']);
/** Jumps can make a walk as long as anybody likes: so many rules are followed of one base chain. */
const mostRules = 100_000;

function translate(p: Packet, t: Translation): Packet {
  if (t.type === 'dnat' || t.type === 'redirect')
    return { ...p, destination: t.address ?? p.destination, destinationPort: t.port ?? p.destinationPort, status: p.status | DNAT_STATUS };
  return { ...p, source: t.address ?? p.source, sourcePort: t.port ?? p.sourcePort, status: p.status | SNAT_STATUS };
}

class Evaluation {
  /** As the rules have left it: a mark may have been set. */
  packet: Packet;
  readonly #ruleset: Ruleset;
  readonly #addressType: AddressType;
  #rules = 0;
  #by: { readonly chain: Chain; readonly rule: Rule } | undefined;
  readonly #undecided = new Map<Rule, { readonly chain: Chain; readonly rule: Rule; readonly reason: string }>();
  #translation: Translation | undefined;

  constructor(ruleset: Ruleset, packet: Packet, addressType: AddressType) {
    this.#ruleset = ruleset;
    this.packet = packet;
    this.#addressType = addressType;
  }

  pass(chain: Chain): ChainPass {
    const verdict = this.#chain(chain, 0);
    return {
      chain,
      verdict: verdict ?? chain.hook!.policy,
      ...(this.#by ? { by: this.#by } : {}),
      ...(this.#translation ? { translation: this.#translation } : {}),
      undecided: [...this.#undecided.values()],
    };
  }

  /** Walks a chain. @returns undefined where it comes back to its caller */
  #chain(chain: Chain, depth: number): 'accept' | 'drop' | undefined {
    for (const rule of chain.rules) {
      if (++this.#rules > mostRules) {
        if (this.#rules === mostRules + 1) this.#leave(chain, rule, `comes after ${mostRules} others: that is too long a way to follow`);
        return undefined;
      }
      const verdict = this.#rule(chain, rule);
      if (!verdict) continue;
      if (verdict.code === 'return') return undefined;
      if (verdict.code === 'jump' || verdict.code === 'goto') {
        const target = this.#ruleset.chains.find((c) => c.family === chain.family && c.table === chain.table && c.name === verdict.chain);
        const inner = target && depth < 16 ? this.#chain(target, depth + 1) : undefined;
        if (inner || verdict.code === 'goto') return inner;
        continue;
      }
      if (verdict.code !== 'accept' && verdict.code !== 'drop') {
        this.#leave(chain, rule, verdict.code === 'queue' ? 'hands it to a program, which decides' : 'has a verdict that is not understood');
        continue;
      }
      this.#by = { chain, rule };
      return verdict.code;
    }
    return undefined;
  }

  /** A rule is left undecided. */
  #leave(chain: Chain, rule: Rule, reason: string): void {
    this.#undecided.set(rule, { chain, rule, reason });
  }

  /** Evaluates a rule. @returns its verdict; undefined where it does not match, only counts, or cannot be known */
  #rule(chain: Chain, rule: Rule): Verdict | undefined {
    const registers = new Uint8Array(80);
    try {
      for (const e of rule.expressions) {
        const outcome = this.#expression(e, registers, chain);
        if (outcome === false) return undefined;
        if (outcome !== true) return outcome;
      }
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
      this.#leave(chain, rule, error.message);
    }
    return undefined;
  }

  /** @returns true: go on; false: the rule does not match; else what it decides */
  #expression(e: Decoded, registers: Uint8Array, chain: Chain): boolean | Verdict {
    const at = (register: number, length: number): Uint8Array => registers.subarray(register * 4, register * 4 + length);
    const load = (register: number, value: Uint8Array): true => {
      registers.fill(0, register * 4, register * 4 + 4 * Math.ceil(value.length / 4));
      registers.set(value, register * 4);
      return true;
    };
    const set = (name: string): NftSet => {
      const found = this.#ruleset.sets.find((s) => s.family === chain.family && s.table === chain.table && s.name === name);
      if (!found) throw new Undecided(`set ${name} is not listed`);
      return found;
    };
    switch (e.kind) {
      case 'meta':
        if (e.to !== undefined) return load(e.to, metaOf(this.packet, e.key));
        if (e.key === metaKeys.mark) this.packet = { ...this.packet, mark: hostNumber(at(e.from ?? 0, 4)) };
        return true;
      case 'payload':
        return load(e.to, payloadOf(this.packet, e.base, e.offset, e.length));
      case 'cmp':
        return compared(Buffer.compare(at(e.from, e.value.length), e.value), e.operator);
      case 'range': {
        const value = at(e.from, e.low.length);
        return (Buffer.compare(value, e.low) >= 0 && Buffer.compare(value, e.high) <= 0) !== e.negated;
      }
      case 'bitwise':
        return load(
          e.to,
          Uint8Array.from(e.mask, (m, i) => (at(e.from, e.mask.length)[i]! & m) ^ (e.xor[i] ?? 0)),
        );
      case 'lookup': {
        const searched = set(e.set);
        const element = findElement(searched, (length) => at(e.from, length));
        if (e.negated) return !element;
        if (!element) return false;
        if (element.verdict) return element.verdict;
        return e.to === undefined || load(e.to, element.data ?? new Uint8Array());
      }
      case 'immediate':
        return load(e.to, e.value);
      case 'verdict':
        return e.verdict.code === 'continue' ? true : e.verdict.code === 'break' ? false : e.verdict;
      case 'ct':
        if (e.key !== ctKeys.state && e.key !== ctKeys.status) throw new Undecided('looks at a property of the connection that is not known from outside');
        return load(e.to, hostOrder(e.key === ctKeys.state ? this.packet.state : this.packet.status));
      case 'fib':
        if (e.result !== fib.addressType) throw new Undecided('looks up a route');
        return load(e.to, hostOrder(this.#addressType(e.flags & fib.source ? this.packet.source : this.packet.destination)));
      case 'nat': {
        const address = e.address === undefined ? undefined : ipv4Text(at(e.address, 4));
        const port = e.port === undefined ? undefined : (at(e.port, 2)[0]! << 8) | at(e.port, 2)[1]!;
        this.#translation = { type: e.type, ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port }) };
        return { code: 'accept' };
      }
      case 'masquerade':
        this.#translation = { type: 'masquerade' };
        return { code: 'accept' };
      case 'redirect': {
        const port = e.port === undefined ? undefined : (at(e.port, 2)[0]! << 8) | at(e.port, 2)[1]!;
        this.#translation = { type: 'redirect', ...(port === undefined ? {} : { port }) };
        return { code: 'accept' };
      }
      case 'reject':
        return { code: 'drop' };
      case 'counter':
        return true;
      default:
        if (e.name === 'notrack') this.packet = { ...this.packet, state: UNTRACKED };
        if (harmless.has(e.name)) return true;
        if (e.name === 'queue') return { code: 'queue' };
        throw new Undecided(limits.has(e.name) ? `depends on how much has passed before (${e.name})` : `has an expression "${e.name}" that is not understood`);
    }
  }
}

/** A register's word in the machine's byte order. */
const hostNumber = (word: Uint8Array): number => new DataView(word.buffer, word.byteOffset).getUint32(0, true);
