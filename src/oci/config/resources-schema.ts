/** The schema of limits: `linux.resources` of config.json, and the file of `update --resources`. See config-linux.md "Control groups". */
import type { DeviceRule, Resources, Throttle } from '../../runtime/spec.ts';
import {
  array,
  boolean,
  integer,
  map,
  matching,
  maxInt64,
  maxUint32,
  maxUint64,
  object,
  oneOf,
  optional,
  optionalText,
  otherwise,
  quoted,
  rare,
  required,
  text,
  textOrEmpty,
  type Schema,
} from './schema.ts';
import { cpuList, hasControl } from './texts.ts';

type Part<K extends keyof Resources> = NonNullable<Resources[K]>;
type BlockIO = Part<'blockIO'>;

const orUnlimited = (of?: string): Schema<number> => integer(-1, maxInt64, of);
const bytes = orUnlimited('bytes');
/** A device's number, of as many bits as the kernel has for it. */
export const major = integer(0, 0xfff);
export const minor = integer(0, 0xfffff);

/** -1 is any, as no number is. */
const orAny = (number: Schema<number>): Schema<number> => ({
  read: (value, reading) => (value === -1 ? undefined : number.read(value, reading)),
});

/** Some of three letters, each once. */
const access = text((letters) =>
  letters.length <= 3 && [...letters].every((letter, i) => 'rwm'.includes(letter) && letters.indexOf(letter) === i)
    ? undefined
    : `must be made of r, w and m, not ${quoted(letters)}`,
);

const deviceRule: Schema<DeviceRule> = object<DeviceRule>({
  allow: otherwise(boolean, false),
  type: optionalText(oneOf('a', 'c', 'b')),
  major: optional(orAny(major)),
  minor: optional(orAny(minor)),
  access: otherwise(access, 'rwm'),
});

const memory = rare(() =>
  object<Part<'memory'>>(
    {
      limit: optional(bytes),
      reservation: optional(bytes),
      swap: optional(bytes),
      kernel: optional(bytes),
      kernelTCP: optional(bytes),
      swappiness: optional(integer(0, 100)),
      disableOOMKiller: optional(boolean),
      useHierarchy: optional(boolean),
      checkBeforeUpdate: optional(boolean),
    },
    {},
    ({ limit = 0, swap = 0 }, reading) => {
      if (limit > 0 && swap > 0 && swap < limit)
        reading.problemAt('.swap', `is of memory and swap together, and must not be below memory's limit: ${swap} < ${limit}`);
    },
  ),
);

const cpu = rare(() => {
  const microseconds = integer(0, maxUint64, 'microseconds');
  return object<Part<'cpu'>>({
    shares: optional(integer(0, maxUint64)),
    quota: optional(orUnlimited('microseconds')),
    period: optional(microseconds),
    burst: optional(microseconds),
    realtimeRuntime: optional(orUnlimited('microseconds')),
    realtimePeriod: optional(microseconds),
    cpus: optionalText(cpuList),
    mems: optionalText(cpuList),
    idle: optional(integer(0, 1)),
  });
});

/** 0 says nothing; Docker writes it always. */
const weight: Schema<number> = {
  read(value, reading) {
    return value === 0 ? 0 : integer(10, 1000).read(value, reading);
  },
};
const blockIO = rare(() => {
  const throttles = array(object<Throttle>({ major: required(major), minor: required(minor), rate: required(integer(0, maxUint64)) }));
  return object<BlockIO>({
    weight: optional(weight),
    leafWeight: optional(weight),
    weightDevice: optional(
      array(
        object<NonNullable<BlockIO['weightDevice']>[number]>({
          major: required(major),
          minor: required(minor),
          weight: optional(weight),
          leafWeight: optional(weight),
        }),
      ),
    ),
    throttleReadBpsDevice: optional(throttles),
    throttleWriteBpsDevice: optional(throttles),
    throttleReadIOPSDevice: optional(throttles),
    throttleWriteIOPSDevice: optional(throttles),
  });
});

/** A name that is a word of a line, and no path. */
const word =
  (what: string) =>
  (name: string): string | undefined =>
    hasControl(name) || /[\s/]/.test(name) || name === '.' || name === '..' ? `must be ${what}, not ${quoted(name)}` : undefined;

const network = rare(() =>
  object<Part<'network'>>({
    classID: optional(integer(0, maxUint32)),
    priorities: optional(
      array(
        object<NonNullable<Part<'network'>['priorities']>[number]>({
          name: required(text(word('the name of a network interface'))),
          priority: required(integer(0, maxUint32)),
        }),
      ),
    ),
  }),
);

const rdma = rare(() => {
  const handles = integer(0, maxUint32);
  return map(
    object<Part<'rdma'>[string]>({ hcaHandles: optional(handles), hcaObjects: optional(handles) }, {}, (limits, reading) => {
      if (limits.hcaHandles === undefined && limits.hcaObjects === undefined) reading.problem('must have hcaHandles, hcaObjects or both');
    }),
    word('the name of an RDMA device'),
  );
});

const writtenPids = object<{ readonly limit?: number }>({ limit: optional(orUnlimited()) });
/** Without a limit it asks for nothing; version 1.3 lets it be left out. */
const pids: Schema<Part<'pids'>> = {
  ...writtenPids,
  read(value, reading) {
    const limit = writtenPids.read(value, reading)?.limit;
    return limit === undefined ? undefined : { limit };
  },
};

export const resourcesSchema: Schema<Resources> = object<Resources>({
  devices: optional(array(deviceRule)),
  memory: optional(memory),
  cpu: optional(cpu),
  pids: optional(pids),
  blockIO: optional(blockIO),
  hugepageLimits: optional(
    rare(() =>
      array(
        object<Part<'hugepageLimits'>[number]>({
          pageSize: required(matching(/^[1-9]\d{0,9}[KMG]B$/, 'a size such as 2MB')),
          limit: required(integer(0, maxUint64, 'bytes')),
        }),
      ),
    ),
  ),
  network: optional(network),
  rdma: optional(rdma),
  unified: optional(map(textOrEmpty(), word('the name of a file of cgroup version 2'))),
});
