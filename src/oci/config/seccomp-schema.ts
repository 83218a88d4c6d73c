/** The schema of `linux.seccomp` in config.json. See config-linux.md "Seccomp"; what a filter is compiled to is src/runtime/seccomp/. */
import type { SeccompSpec } from '../../runtime/spec.ts';
import { array, integer, integer64, maxUint64, object, oneOf, optional, optionalText, rare, required, text, textOrEmpty, type Reading } from './schema.ts';
import { absolutePath } from './texts.ts';

type Rule = NonNullable<SeccompSpec['syscalls']>[number];
type Condition = NonNullable<Rule['args']>[number];

function arch(name: string): string {
  return `SCMP_ARCH_${name}`;
}

/** Only two actions give a number along. */
const checkErrno = (ofAction: string, value: number | undefined, name: string, reading: Reading): void => {
  if (value === undefined || ofAction === 'SCMP_ACT_TRACE') return;
  if (ofAction !== 'SCMP_ACT_ERRNO') reading.problemAt(`.${name}`, `cannot be given with ${ofAction}, which returns no errno`);
  else if (value > 4095) reading.problemAt(`.${name}`, `must be an errno from 0 to 4095, not ${value}`);
};

function checkProfile(read: SeccompSpec, reading: Reading): void {
  checkErrno(read.defaultAction, read.defaultErrnoRet, 'defaultErrnoRet', reading);
  if (read.defaultAction === 'SCMP_ACT_NOTIFY') reading.problemAt('.defaultAction', 'must not be SCMP_ACT_NOTIFY: the listener could never be handed over');
  const notify = (read.syscalls ?? []).findIndex((each) => each.action === 'SCMP_ACT_NOTIFY');
  if (notify >= 0 && read.listenerPath === undefined) reading.problemAt('.listenerPath', `is missing: linux.seccomp.syscalls[${notify}] has SCMP_ACT_NOTIFY`);
  if (read.listenerMetadata !== undefined && read.listenerPath === undefined) reading.problemAt('.listenerMetadata', 'needs a listenerPath');
}

/** An object with nothing in it is no filter: so callers written in Go say that they want none. */
const isNone = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isEmpty);
const isEmpty = (value: unknown): boolean => value === null || value === '' || (Array.isArray(value) && value.length === 0);

export const seccompSchema = rare<SeccompSpec>(() => {
  const action = oneOf(
    'SCMP_ACT_KILL',
    'SCMP_ACT_KILL_PROCESS',
    'SCMP_ACT_KILL_THREAD',
    'SCMP_ACT_TRAP',
    'SCMP_ACT_ERRNO',
    'SCMP_ACT_TRACE',
    'SCMP_ACT_ALLOW',
    'SCMP_ACT_LOG',
    'SCMP_ACT_NOTIFY',
  );
  const operator = oneOf('SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ');
  const architecture = oneOf(
    ...['X86', 'X86_64', 'X32', 'ARM', 'AARCH64', 'MIPS', 'MIPS64', 'MIPS64N32', 'MIPSEL', 'MIPSEL64', 'MIPSEL64N32', 'PPC', 'PPC64', 'PPC64LE'].map(arch),
    ...['S390', 'S390X', 'PARISC', 'PARISC64', 'RISCV64', 'LOONGARCH64', 'M68K', 'SH', 'SHEB'].map(arch),
  );
  const flag = oneOf('SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV');

  const argument = integer64(0, maxUint64);
  const condition = object<Condition>({
    index: required(integer(0, 5)),
    value: required(argument),
    valueTwo: optional(argument),
    op: required(operator),
  });
  const errnoRet = integer(0, 0xffff);

  const rule = object<Rule>(
    { names: required(array(text(), { min: 1 })), action: required(action), errnoRet: optional(errnoRet), args: optional(array(condition)) },
    {},
    (read, reading) => checkErrno(read.action, read.errnoRet, 'errnoRet', reading),
  );

  const profile = object<SeccompSpec>(
    {
      defaultAction: required(action),
      defaultErrnoRet: optional(errnoRet),
      architectures: optional(array(architecture)),
      flags: optional(array(flag)),
      listenerPath: optionalText(absolutePath),
      listenerMetadata: optionalText(textOrEmpty()),
      syscalls: optional(array(rule)),
    },
    {},
    checkProfile,
  );
  return { ...profile, read: (value, reading) => (isNone(value) ? undefined : profile.read(value, reading)) };
});
