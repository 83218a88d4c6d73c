/**
 * Which devices the processes of a cgroup may open and make. In v1 a list that the devices controller keeps; in v2,
 * and on hybrid machines, an eBPF program on the cgroup: as cheap as the list, with one hierarchy less to make and join,
 * and it knows exceptions from wider rules, which the list does not (docs/decisions/cgroup-join.md).
 */
import { call, result, Unknown, type Call, type Known } from '../../kernel/call.ts';
import { assembleDeviceFilter, accessMask } from '../../kernel/bpf/device-filter.ts';
import { attachDeviceFilter, canLoadDeviceFilter, loadDeviceFilter } from '../../kernel/bpf/program.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { must, perform } from '../../kernel/perform.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import type { DeviceRule } from '../spec.ts';
import { directoryOf, unifiedDirectory, type Cgroup } from './cgroup.ts';
import { noDeviceFilter } from './limits.ts';
import { CgroupError } from './error.ts';

/**
 * Programs that are loaded, by their rules: containers mostly have the same ones, and the kernel takes 0.4 ms to
 * verify and load a program. Their descriptors stay open (close-on-exec) with this process; the oldest gives way.
 */
const loaded = new Map<string, number>();
const mostLoaded = 32;

/**
 * Whether this kernel takes device filters from this process, for who is about to need one: tries it with these rules, whose program is
 * then there. The kernel takes a third of a millisecond for any, and a start would else have it load another only to see.
 */
export function takesDeviceFilter(rules: readonly DeviceRule[]): boolean {
  const key = JSON.stringify(rules);
  if (loaded.has(key)) return true;
  const program = perform(loadDeviceFilter(assembleDeviceFilter(rules))) as number;
  if (program < 0) return canLoadDeviceFilter(); // perhaps it takes others: what is wrong with these is for the step to say
  keep(key, program);
  return true;
}

/**
 * Puts device rules on a new cgroup. What no rule allows is denied; of rules about the same access, the last holds.
 * Rules of the cgroups above hold as well. With no rules at all, nothing is restricted.
 * @returns warnings, one sentence each
 */
export function* devices(cgroup: Cgroup, rules: readonly DeviceRule[]): Procedure<string[]> {
  if (rules.length === 0 || cgroup.layout.deviceFilter === 'needless') return [];
  if (cgroup.layout.deviceFilter === 'none') return [noDeviceFilter];
  return cgroup.layout.deviceFilter === 'bpf' ? yield* attachProgram(cgroup, rules) : yield* writeList(cgroup, rules);
}

function* attachProgram(cgroup: Cgroup, rules: readonly DeviceRule[]): Procedure<string[]> {
  const directory = unifiedDirectory(cgroup);
  if (directory === undefined) throw new CgroupError(`the cgroup ${cgroup.path} has no directory in the v2 tree, where its device filter belongs`);
  const key = JSON.stringify(rules);
  const program = loaded.get(key) ?? (yield* load(rules, key));
  const open = call('openat', [AT_FDCWD, directory, openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { label: 'cgroup' });
  const fd = yield* step<Known>({
    id: 'cgroup.devices.open',
    what: `Open the cgroup ${cgroup.path}, to attach a program to it`,
    calls: [open],
    get shell() {
      return `test -d ${word(directory)}`;
    },
    get look() {
      return `ls -d ${word(directory)}`;
    },
    finally: [call('close', [result(open)])],
    result: ([descriptor]) => descriptor!,
    unknown: new Unknown('cgroup'),
  });
  yield* step({
    id: 'cgroup.devices',
    what: `Let an eBPF program decide which devices the processes of ${cgroup.path} may use`,
    calls: [attachDeviceFilter(fd, program)],
    get shell() {
      return `perl "$TMP"/tools/device-filter.pl ${word(directory)} <"$TMP"/tools/device-filter`;
    },
    get look() {
      return `bpftool cgroup show ${word(directory)} # bpftool(8) is a package of its own`;
    },
    undone: 'goes with the cgroup',
  });
  return [];
}

function* load(rules: readonly DeviceRule[], key: string): Procedure<Known> {
  return yield* step<Known>({
    id: 'cgroup.devices.load',
    what: `Load an eBPF program made of ${rules.length} device rules, for this and all later containers with the same ones`,
    calls: [loadDeviceFilter(assembleDeviceFilter(rules))],
    shell: '# The next line loads it and attaches it at once: no file holds on to a program in between.',
    look: 'bpftool prog show name hako_devices # bpftool(8) is a package of its own',
    undone: 'stays, for the next container with the same rules; goes with the engine',
    result: ([program]) => keep(key, program!),
    unknown: new Unknown('program'),
  });
}

function keep(key: string, program: number): number {
  const [oldest] = loaded;
  if (loaded.size >= mostLoaded && oldest) {
    loaded.delete(oldest[0]);
    must(call('close', [oldest[1]]));
  }
  loaded.set(key, program);
  return program;
}

function* writeList(cgroup: Cgroup, rules: readonly DeviceRule[]): Procedure<string[]> {
  const directory = directoryOf(cgroup, 'devices');
  if (directory === undefined) throw new CgroupError(`the cgroup ${cgroup.path} has no directory in the devices hierarchy, where its device rules belong`);
  // A new cgroup starts with the list of the one above: emptied first, because what no rule allows is denied.
  const open = (label: string): Call => call('openat', [AT_FDCWD, `${directory}/devices.${label}`, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label });
  const deny = open('deny');
  const allow = open('allow');
  const entries = [{ file: deny, value: 'a' }, ...rules.flatMap((rule) => listEntries(rule).map((value) => ({ file: rule.allow ? allow : deny, value })))];
  yield* step({
    id: 'cgroup.devices',
    what: `List the devices that the processes of ${cgroup.path} may use`,
    calls: [deny, allow, ...entries.map(({ file, value }) => call('write', [result(file), Buffer.from(value), value.length]))],
    finally: [deny, allow].map((file) => call('close', [result(file)])),
    get shell() {
      return entries.map(({ file, value }) => `echo ${word(value)} >${word(`${directory}/devices.${file.label}`)}`).join('\n');
    },
    get look() {
      return `cat ${word(directory)}/devices.list`;
    },
    undone: 'goes with the cgroup',
  });
  return listWarnings(rules);
}

/** A rule as v1 writes it: `c 1:3 rwm`, `b *:* m`, `a` for everything. Documentation/admin-guide/cgroup-v1/devices.rst. */
export function listEntries(rule: DeviceRule): string[] {
  const access = rule.access ?? 'rwm';
  const mask = accessMask(access);
  const number = (n: number | undefined): string => (n === undefined || n < 0 ? '*' : String(n));
  const numbers = `${number(rule.major)}:${number(rule.minor)}`;
  if (rule.type === 'b' || rule.type === 'c') return [`${rule.type} ${numbers} ${access}`];
  // After an `a` the kernel reads no further, so a rule for some numbers of both kinds is two entries.
  return numbers === '*:*' && mask === accessMask() ? ['a'] : ['b', 'c'].map((type) => `${type} ${numbers} ${access}`);
}

/** v1 has no exceptions to exceptions: a denial is lost behind an allowance that is wider and came before. */
function listWarnings(rules: readonly DeviceRule[]): string[] {
  const any = (number: number | undefined): boolean => number === undefined || number < 0;
  const covers = (wide: DeviceRule, rule: DeviceRule): boolean => {
    const sameType = wide.type === rule.type || (wide.type ?? 'a') === 'a';
    const inside = (any(wide.major) || wide.major === rule.major) && (any(wide.minor) || wide.minor === rule.minor);
    const wider = any(wide.major) !== any(rule.major) || any(wide.minor) !== any(rule.minor) || wide.type !== rule.type;
    const exceptionsWork = listEntries(wide)[0] === 'a'; // then the list is one of denials
    return wide.allow && !exceptionsWork && sameType && inside && wider;
  };
  return rules
    .filter((rule, i) => !rule.allow && rules.slice(0, i).some((earlier) => covers(earlier, rule)))
    .map(
      (rule) => `The denial of device ${listEntries(rule).join(', ')} will not be in force: the list of cgroup v1 can not make an exception from a wider rule`,
    );
}
