/**
 * How the kernel shows what was written to a control file: amounts of memory in whole pages, no limit as a huge number, sets of
 * processors in ranges, several settings in one line. A goal that compared texts would never hold.
 * Documentation/admin-guide/cgroup-v1/; cgroup-v2.rst, "Interface Files".
 */
import { parseAmount, readText } from '../../kernel/cgroupfs.ts';
import { pageSize } from '../../kernel/page-size.ts';
import type { Condition } from '../../step/goal.ts';

/** Whether a file with this text shows a value. */
type Shows = (value: string, text: string) => boolean;

const formats: readonly (readonly [file: RegExp, shows: (file: string) => Shows])[] = [
  [/^cpuset\.(cpus|mems)$/, () => asSet],
  [/^memory\.oom_control$/, () => (value, text) => linesOf(text).includes(`oom_kill_disable ${value}`)],
  [/^memory\.(.*_in_bytes|min|low|high|max|z?swap\.(max|high))$/, () => inWhole(pageSize())],
  [/^hugetlb\./, (file) => inWhole(hugePageSize(file))],
  [/^(io|blkio)\./, () => forDevice],
];

/** Whether a control file, by its name, shows a value that was written to it. */
export function shows(file: string, value: string, text: string): boolean {
  const format = formats.find(([name]) => name.test(file));
  return format ? format[1](file)(value, text) : linesOf(text).includes(value);
}

/** A control file shows a value. */
export function holdsValue(path: string, value: string): Condition {
  const text = readText(path);
  const file = path.slice(path.lastIndexOf('/') + 1);
  return { what: path, expected: value, found: linesOf(text ?? '').join(', '), holds: text !== undefined && shows(file, value, text) };
}

const linesOf = (text: string): string[] => text.split('\n').map((line) => line.trim());

/** An amount is cut to whole units. */
function inWhole(unit: number): Shows {
  const amount = (text: string): number | undefined => (text === '-1' ? Infinity : parseAmount(text));
  return (value, text) => {
    const [wanted, found] = [amount(value), amount(text)];
    return wanted !== undefined && found !== undefined && (wanted === found || found === wanted - (wanted % unit));
  };
}

/** `hugetlb.2MB.max`: the size is in the file's name. */
function hugePageSize(file: string): number {
  const [, count = '1', unit = 'K'] = /\.(\d+)([KMG])B\./.exec(file) ?? [];
  return Number(count) * 1024 ** ('KMG'.indexOf(unit) + 1);
}

/** `0,1,2` is shown as `0-2`. */
function asSet(value: string, text: string): boolean {
  const set = (list: string): Set<number> =>
    new Set(
      list
        .split(',')
        .filter(Boolean)
        .flatMap((range) => {
          const [from = 0, to = from] = range.split('-').map(Number);
          return Array.from({ length: to - from + 1 }, (_, i) => from + i);
        }),
    );
  return set(value).symmetricDifference(set(text)).size === 0;
}

/** A line for each device, with all its settings; none where it has no limit. What is for all of them is `default` in some files. */
function forDevice(value: string, text: string): boolean {
  const lines = linesOf(text);
  const [device, ...wanted] = value.split(' ');
  if (wanted.length === 0) return lines.includes(value) || lines.includes(`default ${value}`);
  const has = lines.map((line) => line.split(' ')).find(([name]) => name === device);
  return wanted.every((setting) => (has ? has.includes(setting) : /^(0|\w+=max)$/.test(setting)));
}
