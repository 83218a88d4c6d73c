/** The flags of `hako-oci update`, which are runc's, and what they come to as `linux.resources`. */
import type { Flags, Values } from './command.ts';
import { OciError } from './error.ts';

const limitOf = (help: string, placeholder = 'n'): { readonly kind: 'string'; readonly placeholder: string; readonly help: string } => ({
  kind: 'string',
  placeholder,
  help,
});

export const updateFlags = {
  resources: {
    kind: 'string',
    short: 'r',
    placeholder: 'file|-',
    help: 'limits in JSON, as linux.resources of config.json has them; the other flags are then ignored',
  },
  'blkio-weight': limitOf('weight in block I/O, 10 to 1000'),
  'cpu-period': limitOf('period of the processor ceiling, in microseconds'),
  'cpu-quota': limitOf('processor time in each period, in microseconds; -1 lifts the ceiling'),
  'cpu-burst': limitOf('processor time that can be saved up, in microseconds'),
  'cpu-share': limitOf('weight among the containers in processor time; 1024 are usual'),
  'cpu-rt-period': limitOf('period of the real-time limit, in microseconds'),
  'cpu-rt-runtime': limitOf('real-time processor time in each period, in microseconds'),
  'cpu-idle': limitOf('1: run only when the processors have nothing else to do', '0|1'),
  'cpuset-cpus': limitOf('processors to run on', '0-2,5'),
  'cpuset-mems': limitOf('memory nodes to use', '0,1'),
  memory: limitOf('memory, as bytes or with k, m, g or t; -1 lifts the limit', 'size'),
  'memory-reservation': limitOf('memory left to it when memory gets short', 'size'),
  'memory-swap': limitOf('memory and swap together; -1 lifts the limit', 'size'),
  'kernel-memory': limitOf('ignored: the kernel has no such limit any more', 'size'),
  'kernel-memory-tcp': limitOf('ignored, as --kernel-memory', 'size'),
  'pids-limit': limitOf('processes and threads; -1 lifts the limit'),
  'l3-cache-schema': limitOf("Intel RDT's cache schema", 'schema'),
  'mem-bw-schema': limitOf("Intel RDT's memory bandwidth schema", 'schema'),
} as const satisfies Flags;

export type UpdateValues = Values<typeof updateFlags>;

/** The limits that the flags name, as JSON would have them. @throws OciError for what is no number or size */
export function resourcesOf(flags: UpdateValues): object {
  const number = (flag: keyof UpdateValues): number | undefined => given(flags[flag], (text) => wholeNumber(flag, text));
  const bytes = (flag: keyof UpdateValues): number | undefined => given(flags[flag], (text) => (text === '-1' ? -1 : sizeInBytes(flag, text)));
  const resources = present({
    cpu: present({
      shares: number('cpu-share'),
      quota: number('cpu-quota'),
      period: number('cpu-period'),
      burst: number('cpu-burst'),
      realtimePeriod: number('cpu-rt-period'),
      realtimeRuntime: number('cpu-rt-runtime'),
      idle: number('cpu-idle'),
      cpus: given(flags['cpuset-cpus'], (text) => text),
      mems: given(flags['cpuset-mems'], (text) => text),
    }),
    memory: present({ limit: bytes('memory'), reservation: bytes('memory-reservation'), swap: bytes('memory-swap') }),
    blockIO: present({ weight: number('blkio-weight') }),
    pids: present({ limit: number('pids-limit') }),
  });
  return resources ?? {};
}

/** An empty value is none: Go's programs pass what they have not. */
const given = <T>(text: string | undefined, convert: (text: string) => T): T | undefined => (text === undefined || text === '' ? undefined : convert(text));

/** What is there of an object; undefined where that is nothing. */
const present = (values: object): object | undefined => {
  const there = Object.entries(values).filter(([, value]) => value !== undefined);
  return there.length > 0 ? Object.fromEntries(there) : undefined;
};

function wholeNumber(flag: string, text: string): number {
  if (/^[+-]?\d{1,19}$/.test(text)) return Number(text);
  throw new OciError(`invalid value for ${flag}: "${text}" is not a whole number`);
}

/** Sizes as Docker writes them, by powers of 1024: `512m`, `1.5GiB`. */
function sizeInBytes(flag: string, text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (amount === undefined) throw new OciError(`invalid value for ${flag}: "${text}" is not a size such as 512m`);
  return Math.floor(Number(amount) * 1024 ** (unit === '' ? 0 : 'kmgtp'.indexOf(unit.toLowerCase()) + 1));
}
