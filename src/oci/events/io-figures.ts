/** A container's input and output by block device: v1's tables, also of v2's one file. Documentation/admin-guide/cgroup-v1/blkio-controller.rst; cgroup-v2.rst, "IO". */
import type { Source } from './figures.ts';
import { parseExact, readRows, sparse } from './read.ts';

interface Entry {
  readonly major: bigint;
  readonly minor: bigint;
  readonly op: string;
  readonly value: bigint;
}

/** Fields of runc's figures, and the files of v1 that they come from; the first file that has lines counts. */
const tables = {
  ioServiceBytesRecursive: ['bfq.io_service_bytes_recursive', 'throttle.io_service_bytes_recursive', 'throttle.io_service_bytes'],
  ioServicedRecursive: ['bfq.io_serviced_recursive', 'throttle.io_serviced_recursive', 'throttle.io_serviced'],
  ioQueueRecursive: ['bfq.io_queued_recursive'],
  ioServiceTimeRecursive: ['bfq.io_service_time_recursive'],
  ioWaitTimeRecursive: ['bfq.io_wait_time_recursive'],
  ioMergedRecursive: ['bfq.io_merged_recursive'],
  ioTimeRecursive: ['bfq.time_recursive'],
  sectorsRecursive: ['bfq.sectors_recursive'],
} as const;

/** v2's words for what v1 has in two of its tables. */
const words: Readonly<Record<string, readonly [table: keyof typeof tables, op: string]>> = {
  rbytes: ['ioServiceBytesRecursive', 'Read'],
  wbytes: ['ioServiceBytesRecursive', 'Write'],
  dbytes: ['ioServiceBytesRecursive', 'Discard'],
  rios: ['ioServicedRecursive', 'Read'],
  wios: ['ioServicedRecursive', 'Write'],
  dios: ['ioServicedRecursive', 'Discard'],
};

export function ioFigures(source: Source | undefined): object {
  if (!source) return {};
  const { directory, version } = source;
  const found: Record<string, Entry[]> = {};
  if (version === 2) {
    for (const [device, ...pairs] of readRows(`${directory}/io.stat`) ?? [])
      for (const pair of pairs) {
        const [name, value] = pair.split('=');
        const [table, op] = words[name ?? ''] ?? [];
        if (table && op) (found[table] ??= []).push(...entry(device, op, value));
      }
  } else {
    for (const [table, files] of Object.entries(tables))
      for (const file of files) {
        const rows = readRows(`${directory}/blkio.${file}`) ?? [];
        // `254:0 Read 4096`, or `254:0 17` where there is but one operation; the last line is a total.
        found[table] = rows.flatMap(([device, ...rest]) => (rest.length > 1 ? entry(device, rest[0]!, rest[1]) : entry(device, '', rest[0])));
        if (found[table].length > 0) break;
      }
  }
  return Object.fromEntries(
    Object.entries(found)
      .filter(([, entries]) => entries.length > 0)
      .map(([table, entries]) => [table, entries.map(({ op, ...numbers }) => ({ ...sparse(numbers), ...(op && { op }) }))]),
  );
}

function entry(device: string | undefined, op: string, text: string | undefined): Entry[] {
  const [major, minor] = (device ?? '').split(':').map(parseExact);
  const value = parseExact(text);
  return major === undefined || minor === undefined || value === undefined ? [] : [{ major, minor, op, value }];
}
