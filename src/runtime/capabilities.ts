/**
 * Which capabilities a container gets: Docker's default set, changed by `--cap-add`, `--cap-drop` and `--privileged`,
 * and cut to what this machine can give.
 */
import { capabilitiesIn, capabilityMask, capabilityNamed, capabilityNames, lastCapability, ownCapabilityMasks } from '../kernel/capability.ts';
import type { CapabilitySets } from './spec.ts';

/** What Docker leaves to a container's root user. */
export const defaultCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

/** The options of `run` that change capabilities. */
export interface CapabilityOptions {
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
  readonly privileged?: boolean;
}

/** A container's capabilities, and what had to be left out. */
export interface ContainerCapabilities {
  readonly capabilities: string[];
  readonly warnings: string[];
}

/** A capability option that cannot be used. */
class CapabilityError extends Error {
  override readonly name = 'CapabilityError';
}

/**
 * The capabilities for the options, as Docker has it: `--cap-add ALL` gives everything but the dropped ones;
 * `--cap-drop ALL` gives the added ones alone; otherwise the default set without the dropped ones, and the added ones.
 * @param available what the container can have; {@link availableCapabilities}
 * @throws CapabilityError for a name that no kernel has
 */
export function containerCapabilities(options: CapabilityOptions, available: readonly string[]): ContainerCapabilities {
  const add = (options.add ?? []).map((name) => normalize(name, 'CapAdd'));
  const drop = (options.drop ?? []).map((name) => normalize(name, 'CapDrop'));
  const wanted = new Set(wantedCapabilities(options.privileged === true, add, drop, available));
  const can = new Set(available);
  const missing = [...wanted].filter((name) => !can.has(name));
  const warnings =
    missing.length === 0 ? [] : [`${missing.join(', ')} cannot be given: the engine does not have ${missing.length === 1 ? 'it' : 'them'} on this machine`];
  return { capabilities: capabilityNames.filter((name) => wanted.has(name) && can.has(name)), warnings };
}

function wantedCapabilities(privileged: boolean, add: readonly string[], drop: readonly string[], available: readonly string[]): readonly string[] {
  if (privileged) return available;
  if (add.includes('ALL')) return [...available.filter((name) => !drop.includes(name)), ...add.filter((name) => name !== 'ALL' && !drop.includes(name))];
  if (drop.includes('ALL')) return add;
  return [...defaultCapabilities.filter((name) => !drop.includes(name)), ...add];
}

/** `net_raw`, `CAP_NET_RAW` and `Cap_Net_Raw` are the same. */
function normalize(name: string, option: string): string {
  const upper = name.trim().toUpperCase();
  if (upper === 'ALL') return upper;
  const full = /^\d+$/.test(upper) ? undefined : capabilityNamed(upper); // Docker takes no numbers
  if (full === undefined) {
    const meant = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    throw new CapabilityError(`invalid ${option}: unknown capability: "${meant}": see capabilities(7) for the names`);
  }
  return full;
}

let ours: string[] | undefined;

/**
 * What a container can have: all that the kernel knows, cut to the engine's own bounding set, which nothing can exceed.
 * @param inUserNamespace a new user namespace begins with every capability, over what belongs to it
 */
export function availableCapabilities(inUserNamespace = false): readonly string[] {
  if (inUserNamespace) return capabilityNames.slice(0, lastCapability() + 1);
  return (ours ??= capabilitiesIn(ownCapabilityMasks().bounding & capabilityMask(capabilityNames)));
}

/**
 * The sets of a container's process. Inheritable and ambient stay empty: an inheritable set would let programs with
 * file capabilities in an image raise what their user should not have.
 */
export function capabilitySets(capabilities: readonly string[]): CapabilitySets {
  return { bounding: capabilities, permitted: capabilities, effective: capabilities };
}

/** Sets that can be had, and a sentence for each reason why others could not. */
export interface GrantedCapabilities {
  readonly capabilities: Required<CapabilitySets>;
  /** Of what this machine cannot give. */
  readonly warnings: string[];
  /** Of what the sets themselves rule out: callers write such sets as a matter of course (ambient without inheritable ones). */
  readonly notes: string[];
}

/**
 * What of a configuration's sets can be granted. The runtime specification has a runtime go on without the rest, with a warning:
 * callers ask for all that they know, on whatever machine. No sets are empty sets. See config.md "process", capabilities.
 * @param available {@link availableCapabilities}
 */
export function grantCapabilities(asked: CapabilitySets = {}, available: readonly string[] = availableCapabilities()): GrantedCapabilities {
  const missing = new Map<string, Set<string>>();
  const unavailable = 'ignoring unknown or unavailable capabilities';
  const within = (set: keyof CapabilitySets, allowed: readonly string[], reason: string): string[] =>
    [...new Set(asked[set])].filter((name) => {
      if (allowed.includes(name)) return true;
      const why = available.includes(name) ? `left out of the ${set} set: ${reason}` : unavailable;
      missing.set(why, (missing.get(why) ?? new Set()).add(name));
      return false;
    });
  const bounding = within('bounding', available, '');
  const permitted = within('permitted', available, '');
  const effective = within('effective', permitted, 'they are not permitted');
  // As capset(2) and PR_CAP_AMBIENT_RAISE have it.
  const inheritable = within('inheritable', bounding, 'they are not in the bounding set');
  const both = permitted.filter((name) => inheritable.includes(name));
  const ambient = within('ambient', both, 'they are not both permitted and inheritable');
  const [warnings, notes] = [true, false].map((warned) =>
    [...missing].filter(([why]) => (why === unavailable) === warned).map(([why, names]) => `process.capabilities: ${why} [${[...names].join(' ')}]`),
  ) as [string[], string[]];
  return { capabilities: { bounding, permitted, effective, inheritable, ambient }, warnings, notes };
}
