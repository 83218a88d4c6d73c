/** The text of a call, as strace would print it. Derived from the syscall table, so it cannot say other than what is made. */
import { Result, Stored, Struct, Unknown, type Arg, type Call } from './call.ts';
import { ambientOptions, flagGroup, prctlOptions, type Format } from './flags.ts';
import { findSyscall } from './syscalls.ts';

/** `mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV, NULL)`. */
export function describeCall(call: Call, nameOf: (r: Result) => string = defaultName): string {
  const formats = formatsOf(call);
  return `${call.name}(${call.args.map((arg, i) => describeArg(arg, formats[i] ?? 'int', nameOf)).join(', ')})`;
}

/** The formats of a call's arguments; what those of prctl(2) are, the first of them says. */
function formatsOf({ name, args: [option, kind] }: Call): readonly Format[] {
  const formats: readonly Format[] = findSyscall(name)!.args;
  if (name !== 'prctl') return formats;
  if (option === prctlOptions.PR_CAPBSET_DROP || option === prctlOptions.PR_CAPBSET_READ) return ['prctl', 'capability'];
  if (option === prctlOptions.PR_CAP_AMBIENT) return ['prctl', 'ambient', kind === ambientOptions.PR_CAP_AMBIENT_CLEAR_ALL ? 'int' : 'capability'];
  return formats;
}

/** Describes calls in order; a value that a later call uses gets a name: `fd1 = openat(…)`, `write(fd1, …)`. */
export function describeCalls(calls: readonly Call[]): string[] {
  const names = new Map<Call, string>();
  const used = new Set(calls.flatMap((c) => c.args.filter((a) => a instanceof Result).map((a) => a.of)));
  let count = 0;
  const nameOf = (r: Result): string => names.get(r.of) ?? defaultName(r);
  return calls.map((c) => {
    const text = describeCall(c, nameOf);
    if (!used.has(c)) return text;
    const name = c.label ?? `fd${++count}`;
    names.set(c, name);
    return `${name} = ${text}`;
  });
}

const defaultName = (r: Result): string => r.of.label ?? `${r.of.name}()`;

/** One argument, as its format says. */
export function describeArg(arg: Arg, format: Format, nameOf: (r: Result) => string = defaultName): string {
  if (arg === null) return 'NULL';
  if (arg instanceof Result) return nameOf(arg);
  if (arg instanceof Unknown) return String(arg);
  if (arg instanceof Stored) return arg.label;
  if (arg instanceof Struct) return arg.text;
  if (typeof arg === 'string') return quote(arg);
  if (arg instanceof Uint8Array) return describeBytes(arg, format);
  if (typeof arg === 'object') return `[${arg.map((s) => quote(s)).join(', ')}]`;
  return describeNumber(BigInt(arg), format);
}

const quote = (s: string): string => JSON.stringify(s.length > 400 ? `${s.slice(0, 400)}…` : s);

function describeBytes(bytes: Uint8Array, format: Format): string {
  if (format === 'out') return `[${bytes.length} bytes]`;
  const text = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  return /^[\x20-\x7e\t\n]*$/.test(text) ? quote(text + (bytes.length > 200 ? '…' : '')) : `<${bytes.length} bytes>`;
}

function describeNumber(value: bigint, format: Format): string {
  if (format === 'dirfd' && value === -100n) return 'AT_FDCWD';
  if (format === 'pointer' && value === 0n) return 'NULL';
  if (format === 'octal') return value === 0n ? '0' : `0${value.toString(8)}`;
  if (format === 'hex') return `0x${value.toString(16)}`;
  const group = flagGroup(format);
  return group ? describeFlags(value, group.values, group.exclusive) : String(value);
}

/** `MS_NOSUID|MS_NODEV`; bits without a name are added in hexadecimal. Exclusive groups are names of whole values. */
export function describeFlags(value: bigint, values: Readonly<Record<string, number | bigint>>, exclusive = false): string {
  const names: string[] = [];
  let rest = BigInt.asUintN(64, value);
  for (const [name, bit] of Object.entries(values)) {
    const b = BigInt.asUintN(64, BigInt(bit));
    if (b === BigInt.asUintN(64, value)) return name;
    if (!exclusive && b !== 0n && (rest & b) === b) {
      names.push(name);
      rest &= ~b;
    }
  }
  if (rest !== 0n) names.push(exclusive ? String(value) : `0x${rest.toString(16)}`);
  return names.length ? names.join('|') : '0';
}
