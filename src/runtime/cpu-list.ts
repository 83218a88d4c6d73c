/** Lists of processors and memory nodes, such as `0-2,4`, and which of them this machine has. See cpuset(7), "List format". */
import { readFileSync } from 'node:fs';

/** No machine has more; a range beyond it is not unfolded. */
const most = 65_536;

/** The numbers in a list; undefined when it is none. */
export function parseCpuList(text: string): ReadonlySet<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.trim().split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? first);
    if (!match || last < first || last >= most) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}

const known = new Map<'cpu' | 'node', string>();

/** The list of those that are online; of a machine without NUMA, memory node 0. Read once. */
export function online(kind: 'cpu' | 'node'): string {
  let list = known.get(kind);
  if (list === undefined) known.set(kind, (list = readOnline(kind)));
  return list;
}

function readOnline(kind: 'cpu' | 'node'): string {
  try {
    return readFileSync(`/sys/devices/system/${kind}/online`, 'utf8').trim();
  } catch {
    return kind === 'node' ? '0' : `0-${process.getBuiltinModule('node:os').cpus().length - 1}`;
  }
}
