/**
 * Limits as properties of a unit. They are written to the control files as well (some have no property); but what systemd is not told
 * of, it takes back when it is reloaded. systemd.resource-control(5).
 */
import { blkioWeightToIoWeight, sharesToWeight, swapAlone } from '../../runtime/cgroup/convert.ts';
import type { Resources } from '../../runtime/spec.ts';
import { OciError } from '../error.ts';
import type { Property } from './manager.ts';
import { Variant, type Value } from './wire.ts';

/** What there is no limit for. */
export const infinity = 2n ** 64n - 1n;

/** Properties came with versions of systemd. */
const since = { quotaPeriod: 242, cpuset: 244, idle: 252 };

const defaultPeriod = 100_000; // microseconds

/**
 * @param unified version 2 has all controllers
 * @param version systemd's
 */
export function limitProperties(resources: Resources, unified: boolean, version: number): Property[] {
  const properties = new Map<string, Variant>();
  const set = (name: string, value: bigint | number | undefined): void => {
    if (value !== undefined) properties.set(name, new Variant('t', BigInt(value)));
  };
  const { memory, cpu, pids, blockIO } = resources;
  const bytes = (value: number | undefined): bigint | undefined => (value ? (value < 0 ? infinity : BigInt(value)) : undefined);
  if (unified) {
    set('MemoryMax', bytes(memory?.limit));
    set('MemoryLow', bytes(memory?.reservation));
    if (memory?.swap) set('MemorySwapMax', unlimited(swapAlone(memory.swap, memory.limit || undefined)));
    if (cpu?.idle && version >= since.idle) set('CPUWeight', 0);
    else if (cpu?.shares) set('CPUWeight', sharesToWeight(cpu.shares));
    if (blockIO?.weight) set('IOWeight', blkioWeightToIoWeight(blockIO.weight));
  } else {
    set('MemoryLimit', bytes(memory?.limit));
    if (cpu?.shares) set('CPUShares', cpu.shares);
    if (blockIO?.weight) set('BlockIOWeight', blockIO.weight);
  }
  if (cpu?.quota || cpu?.period) setQuota(set, cpu.quota, cpu.period, version);
  if (pids?.limit) set('TasksMax', unlimited(pids.limit));
  if (version >= since.cpuset) {
    if (cpu?.cpus) properties.set('AllowedCPUs', bitmap(cpu.cpus));
    if (cpu?.mems) properties.set('AllowedMemoryNodes', bitmap(cpu.mems));
  }
  for (const [file, value] of Object.entries(resources.unified ?? {})) setByFile(file, value.trim(), set, properties, version);
  return [...properties];
}

type Set = (name: string, value: bigint | number | undefined) => void;

const unlimited = (value: number): bigint => (value < 0 || value === Infinity ? infinity : BigInt(value));

function setQuota(set: Set, quota: number | undefined, period: number | undefined, version: number): void {
  if (period && version >= since.quotaPeriod) set('CPUQuotaPeriodUSec', period);
  if (quota) set('CPUQuotaPerSecUSec', quota < 0 ? infinity : perSecond(quota, period));
}

/** systemd counts processor time per second, in steps of a hundredth of a processor. Rounded up, as runc does. */
function perSecond(quota: number, period: number | undefined): number {
  const step = 10_000;
  return Math.ceil((quota * 1_000_000) / (period || defaultPeriod) / step) * step;
}

/** The limits with a processor quota that systemd can hold: it would write its own to the control file sooner or later. */
export function roundedForSystemd(resources: Resources, period = resources.cpu?.period): Resources {
  const { cpu } = resources;
  if (!cpu?.quota || cpu.quota < 0) return resources;
  return { ...resources, cpu: { ...cpu, quota: Math.floor((perSecond(cpu.quota, period) * (period || defaultPeriod)) / 1_000_000) } };
}

/** Files of `linux.resources.unified` that systemd has a property for; the others are of the control file alone. */
const byFile: Readonly<Record<string, string>> = {
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.max': 'MemoryMax',
  'memory.swap.max': 'MemorySwapMax',
  'pids.max': 'TasksMax',
  'cpu.weight': 'CPUWeight',
};

function setByFile(file: string, value: string, set: Set, properties: Map<string, Variant>, version: number): void {
  const name = byFile[file];
  if (name && /^(max|\d+)$/.test(value)) set(name, value === 'max' ? infinity : BigInt(value));
  if (file === 'cpu.idle' && value === '1' && version >= since.idle) set('CPUWeight', 0);
  if (file === 'cpu.max') {
    const [quota = 'max', period] = value.split(/\s+/);
    setQuota(set, quota === 'max' ? -1 : Number(quota), period === undefined ? undefined : Number(period), version);
  }
  if ((file === 'cpuset.cpus' || file === 'cpuset.mems') && version >= since.cpuset && value !== '')
    properties.set(file === 'cpuset.cpus' ? 'AllowedCPUs' : 'AllowedMemoryNodes', bitmap(value));
}

/** `0-2,8` as bits, the lowest first. */
function bitmap(list: string): Variant {
  const bytes: number[] = [];
  for (const range of list.split(',')) {
    const [, from, to = from] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(range) ?? [];
    if (from === undefined || Number(to) < Number(from) || Number(to) > 0xffff)
      throw new OciError(`linux.resources.cpu: "${list}" is not a list such as 0-2,8`);
    for (let bit = Number(from); bit <= Number(to); bit++) {
      while (bytes.length <= bit >> 3) bytes.push(0);
      bytes[bit >> 3]! |= 1 << (bit & 7);
    }
  }
  return new Variant('ay', bytes);
}

/** How the annotations of a caller name a property: podman and CRI-O set `org.systemd.property.TimeoutStopUSec` so. */
const annotated = 'org.systemd.property.';

/**
 * Properties that annotations ask for. Their values are GVariant texts, of which plain ones are read: `true`, `'text'`, `uint32 5`,
 * `['a', 'b']`. A name that ends with `Sec` is one in seconds, as in unit files.
 * @throws OciError for a value that is none of these
 */
export function annotatedProperties(annotations: Readonly<Record<string, string>> = {}): Property[] {
  return Object.entries(annotations).flatMap(([key, text]): Property[] => {
    if (!key.startsWith(annotated)) return [];
    const name = key.slice(annotated.length);
    if (!/^[A-Za-z]{3,}$/.test(name)) throw new OciError(`annotations["${key}"]: "${name}" is not the name of a property`);
    const value = parseVariant(text.trim());
    if (!value) throw new OciError(`annotations["${key}"]: ${JSON.stringify(text)} is not a value such as true, 'text', uint32 5 or ['a', 'b']`);
    return [/[a-z]Sec$/.test(name) ? [name.replace(/Sec$/, 'USec'), microseconds(value, key)] : [name, value]];
  });
}

const numberTypes: Readonly<Record<string, string>> = { byte: 'y', int16: 'n', uint16: 'q', int32: 'i', uint32: 'u', int64: 'x', uint64: 't', double: 'd' };

function parseVariant(text: string): Variant | undefined {
  if (text === 'true' || text === 'false') return new Variant('b', text === 'true');
  const [, type = 'int32', number] = /^(?:(byte|u?int(?:16|32|64)|double) )?(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (number !== undefined) {
    const signature = text === number && number.includes('.') ? 'd' : numberTypes[type]!;
    return signature === 'x' || signature === 't' ? new Variant(signature, BigInt(number.replace(/\..*/, ''))) : new Variant(signature, Number(number));
  }
  const string = quotedText(text);
  if (string !== undefined) return new Variant('s', string);
  const [, inner] = /^\[(.*)\]$/s.exec(text) ?? [];
  if (inner === undefined) return undefined;
  const items = inner.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs) ?? [];
  const values = items.map(quotedText);
  return items.join(',').length === inner.replaceAll(/\s*,\s*/g, ',').trim().length && values.length > 0 ? new Variant('as', values as Value[]) : undefined;
}

function quotedText(text: string): string | undefined {
  const [, inner] = /^'((?:[^'\\]|\\.)*)'$/s.exec(text) ?? /^"((?:[^"\\]|\\.)*)"$/s.exec(text) ?? [];
  return inner?.replaceAll(/\\(.)/gs, '$1');
}

function microseconds({ signature, value }: Variant, key: string): Variant {
  if (!'nqiuxtd'.includes(signature)) throw new OciError(`annotations["${key}"]: a number of seconds is wanted`);
  return new Variant('t', BigInt(Math.round(Number(value) * 1_000_000)));
}
