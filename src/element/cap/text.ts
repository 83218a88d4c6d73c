/** Capability sets as people write them: lists of names, and the text form of libcap (`cap_net_raw,cap_chown=ep`). See cap_from_text(3), cap_text_formats(7). */
import { capabilitiesIn, capabilityMask, capabilityNamed, capabilityNames, lastCapability } from '../../kernel/capability.ts';
import type { FileCapabilities } from '../../kernel/file-capability.ts';
import { ElementError } from '../interpret.ts';
import { nearNames } from '../near.ts';

/** All that this kernel knows. */
export const allCapabilities = (): bigint => (1n << BigInt(lastCapability() + 1)) - 1n;

/** The full name of one capability. @throws ElementError when no kernel has it, with the names that are near */
export function nameOf(text: string): string {
  const name = capabilityNamed(text);
  if (name !== undefined) return name;
  const near = nearNames(
    text.replace(/^cap_/i, ''),
    capabilityNames.map((each) => each.slice('CAP_'.length)),
  ).map((bare) => `CAP_${bare}`);
  throw new ElementError(
    `unknown capability: "${text}"${near.length ? `, did you mean ${near.slice(0, 3).join(' or ')}?` : '; all names: hako cap list'}`,
    125,
  );
}

/** `net_raw,CAP_CHOWN`, `all` or `none`, as a mask; several lists add up. @throws ElementError */
export function maskOf(lists: readonly string[]): bigint {
  let mask = 0n;
  for (const word of lists.flatMap((list) => list.split(',')).map((each) => each.trim())) {
    if (word === '' || word.toLowerCase() === 'none') continue;
    mask |= word.toLowerCase() === 'all' ? allCapabilities() : capabilityMask([nameOf(word)]);
  }
  return mask;
}

/** A mask in few words: the names, or all but some. */
export function maskText(mask: bigint): string {
  if (mask === 0n) return 'none';
  const missing = allCapabilities() & ~mask;
  if (missing === 0n) return 'all';
  const names = capabilitiesIn(mask);
  const lacking = capabilitiesIn(missing);
  return lacking.length < names.length / 3 ? `all but ${lacking.join(', ')}` : names.join(', ');
}

/**
 * The text form for a file: clauses `[names](=|+|-)[eip]`, as setcap(8) takes it. `=` alone, or `all=`, clears everything.
 * @throws ElementError when it is malformed, or asks for what a file cannot hold: its effective set is one bit for all
 */
export function parseFileText(text: string): Omit<FileCapabilities, 'revision'> {
  const sets = { e: 0n, i: 0n, p: 0n };
  const clauses = text.trim().split(/\s+/).filter(Boolean);
  if (clauses.length === 0) throw new ElementError('no capabilities given: write them as cap_net_raw=ep', 125);
  for (const clause of clauses) {
    const match = /^([\w,]*)((?:[=+-][eip]*)+)$/i.exec(clause);
    if (!match)
      throw new ElementError(
        `"${clause}" is not of the form NAMES=FLAGS, such as cap_net_raw,cap_chown=ep (flags: e effective, i inheritable, p permitted)`,
        125,
      );
    const [, names = '', actions = ''] = match;
    const mask = names === '' ? allCapabilities() : maskOf([names]);
    for (const [, operator, flags = ''] of actions.matchAll(/([=+-])([eip]*)/gi)) {
      if (operator === '=') for (const flag of ['e', 'i', 'p'] as const) sets[flag] &= ~mask;
      for (const flag of flags.toLowerCase() as Iterable<'e' | 'i' | 'p'>) sets[flag] = operator === '-' ? sets[flag] & ~mask : sets[flag] | mask;
    }
  }
  if (sets.e !== 0n && sets.e !== (sets.p | sets.i)) {
    throw new ElementError(`a file has one effective bit for all its capabilities: give e to all of them or to none, not to ${maskText(sets.e)} alone`, 125);
  }
  return { effective: sets.e !== 0n, permitted: sets.p, inheritable: sets.i };
}

/** The text form, as getcap(8) prints it: capabilities with the same flags together. */
export function fileText({ effective, permitted, inheritable }: Omit<FileCapabilities, 'revision'>): string {
  const groups: string[] = [];
  const group = (mask: bigint, flags: string): void => {
    if (mask) groups.push(`${mask === allCapabilities() ? '' : capabilitiesIn(mask).join(',').toLowerCase()}=${effective ? 'e' : ''}${flags}`);
  };
  group(permitted & inheritable, 'ip');
  group(permitted & ~inheritable, 'p');
  group(inheritable & ~permitted, 'i');
  return groups.join(' ') || (effective ? '=e' : '=');
}
