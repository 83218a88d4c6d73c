/**
 * Capabilities: their names and numbers, sets as bit masks, and the structures of capset(2). See capabilities(7).
 * Numbers: include/uapi/linux/capability.h.
 */
import { readFileSync } from 'node:fs';
import { Struct } from './call.ts';

/** All capabilities up to Linux 5.9 (none came later); a name's place is its number. */
export const capabilityNames = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

const numbers: ReadonlyMap<string, number> = new Map(capabilityNames.map((name, number) => [name, number]));

/** The number of `CAP_NAME`; undefined for a name that no kernel has. */
export function capabilityNumber(name: string): number | undefined {
  return numbers.get(name);
}

/** The full name for what a person writes: `net_raw`, `Cap_Net_Raw` and `13` are CAP_NET_RAW. Undefined for what no kernel has. */
export function capabilityNamed(text: string): string | undefined {
  if (/^\d{1,2}$/.test(text)) return capabilityNames[Number(text)];
  const upper = text.trim().toUpperCase();
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  return numbers.has(full) ? full : undefined;
}

/** The mask with the bits of `names`. Names that no kernel has are an error: they never come this far. */
export function capabilityMask(names: readonly string[]): bigint {
  let mask = 0n;
  for (const name of names) {
    const number = numbers.get(name);
    if (number === undefined) throw new RangeError(`unknown capability: ${name}`);
    mask |= 1n << BigInt(number);
  }
  return mask;
}

/** The names in a mask, in the order of their numbers; a bit without a name is `CAP_` and its number. */
export function capabilitiesIn(mask: bigint): string[] {
  const names: string[] = [];
  for (let number = 0; mask >> BigInt(number) !== 0n; number++) {
    if ((mask >> BigInt(number)) & 1n) names.push(capabilityNames[number] ?? `CAP_${number}`);
  }
  return names;
}

/** The five sets of a process, as masks. */
export interface CapabilityMasks {
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
}

/** The sets of a process, from the text of its /proc/PID/status. Sets that the kernel does not show are empty. */
export function parseCapabilityMasks(status: string): CapabilityMasks {
  const mask = (field: string): bigint => {
    const at = status.indexOf(`\n${field}:\t`);
    if (at < 0) return 0n;
    const from = at + field.length + 3;
    return BigInt(`0x${status.slice(from, status.indexOf('\n', from))}`);
  };
  return { inheritable: mask('CapInh'), permitted: mask('CapPrm'), effective: mask('CapEff'), bounding: mask('CapBnd'), ambient: mask('CapAmb') };
}

let last: number | undefined;
let own: CapabilityMasks | undefined;

/** The sets of this process. Read once: it is other processes that programs of ours take capabilities from. */
export const ownCapabilityMasks = (): CapabilityMasks => (own ??= parseCapabilityMasks(readFileSync('/proc/self/status', 'utf8')));

/** Whether capabilities of this process are in force in the user namespace that it is in. */
export function holds(...names: readonly string[]): boolean {
  const mask = capabilityMask(names);
  return (ownCapabilityMasks().effective & mask) === mask;
}

/** The highest capability number of the running kernel. */
export function lastCapability(): number {
  return (last ??= Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')));
}

/** Version 3 of the structures: 64 bits in two halves. */
const version = 0x20080522;

/** struct __user_cap_header_struct for the calling thread. */
export function capabilityHeader(): Struct {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, version, true);
  return new Struct('{version=_LINUX_CAPABILITY_VERSION_3, pid=0}', bytes);
}

/** struct __user_cap_data_struct[2]: the three sets that capset(2) sets. */
export function capabilityData(sets: Pick<CapabilityMasks, 'effective' | 'permitted' | 'inheritable'>): Struct {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  const fields = [sets.effective, sets.permitted, sets.inheritable];
  fields.forEach((mask, i) => {
    view.setUint32(i * 4, Number(mask & 0xffffffffn), true);
    view.setUint32(12 + i * 4, Number(mask >> 32n), true);
  });
  const [effective, permitted, inheritable] = fields.map((mask) => `0x${mask.toString(16)}`);
  return new Struct(`{effective=${effective}, permitted=${permitted}, inheritable=${inheritable}}`, bytes);
}
