/**
 * Which capabilities a container gets: Docker's default set, changed by `--cap-add`, `--cap-drop` and `--privileged`,
 * and cut to what this machine can give.
 */
import { readFileSync } from 'node:fs';
import { capabilitiesIn, capabilityMask, capabilityNames, capabilityNumber, lastCapability, parseCapabilityMasks } from '../kernel/capability.ts';
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
export class CapabilityError extends Error {
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
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (capabilityNumber(full) === undefined) throw new CapabilityError(`invalid ${option}: unknown capability: "${full}": see capabilities(7) for the names`);
  return full;
}

let ours: string[] | undefined;

/**
 * What a container can have: all that the kernel knows, cut to the engine's own bounding set, which nothing can exceed.
 * @param inUserNamespace a new user namespace begins with every capability, over what belongs to it
 */
export function availableCapabilities(inUserNamespace = false): readonly string[] {
  if (inUserNamespace) return capabilityNames.slice(0, lastCapability() + 1);
  return (ours ??= capabilitiesIn(parseCapabilityMasks(readFileSync('/proc/self/status', 'utf8')).bounding & capabilityMask(capabilityNames)));
}

/**
 * The sets of a container's process. Inheritable and ambient stay empty: an inheritable set would let programs with
 * file capabilities in an image raise what their user should not have.
 */
export function capabilitySets(capabilities: readonly string[]): CapabilitySets {
  return { bounding: capabilities, permitted: capabilities, effective: capabilities };
}
