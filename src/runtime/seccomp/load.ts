/**
 * The step that loads a seccomp filter, and the default filter of a container, each made once.
 *
 * Order: the kernel takes a filter from a process with CAP_SYS_ADMIN or with no_new_privs. With no_new_privs, load it
 * last, right before execve; without, load it before the capabilities are dropped, and what follows must be allowed by it.
 */
import { call } from '../../kernel/call.ts';
import { sockFprog } from '../../kernel/bpf/classic.ts';
import { seccompOperations } from '../../kernel/flags.ts';
import type { Step } from '../../step/step.ts';
import type { SeccompSpec } from '../spec.ts';
import { compileSeccomp, type SeccompFilter } from './compile.ts';
import { defaultProfile } from './default-profile.ts';
import { resolveProfile } from './profile.ts';

const filters = new WeakMap<SeccompSpec, SeccompFilter>();
const defaults = new Map<string, SeccompSpec>();

/**
 * The default profile for a container with these capabilities. Equal sets get the same object, whose filter is compiled once.
 * @param capabilities the bounding set, such as `CAP_CHOWN`
 */
export function defaultSeccomp(capabilities: readonly string[]): SeccompSpec {
  const key = capabilities
    .filter((name) => (deciding ??= decidingCapabilities()).has(name))
    .sort()
    .join();
  let spec = defaults.get(key);
  if (!spec) defaults.set(key, (spec = resolveProfile(defaultProfile(), { capabilities })));
  return spec;
}

let deciding: ReadonlySet<string> | undefined;

/** The capabilities that the default profile asks about: the others make no other filter. */
function decidingCapabilities(): ReadonlySet<string> {
  return new Set(defaultProfile().syscalls.flatMap((rule) => [...(rule.includes?.caps ?? []), ...(rule.excludes?.caps ?? [])]));
}

/** The filter of a configuration, compiled at the first use. Throws SeccompError, as compileSeccomp does. */
export function seccompFilter(spec: SeccompSpec): SeccompFilter {
  let filter = filters.get(spec);
  if (!filter) filters.set(spec, (filter = compileSeccomp(spec)));
  return filter;
}

/**
 * The step that makes the calling thread, and all that it starts, obey the filter.
 * With SCMP_ACT_NOTIFY in the profile, the call's value is the descriptor of the listener.
 */
export function seccompSteps(spec: SeccompSpec): Step[] {
  const { bytes, flags, program } = seccompFilter(spec);
  return [
    {
      id: 'seccomp.filter',
      what: `Filter system calls by a program of ${program.length} instructions`,
      calls: [call('seccomp', [seccompOperations.SECCOMP_SET_MODE_FILTER, flags, sockFprog(bytes)], { label: 'listener' })],
      shell: 'set -- "$@" ${host}perl ./seccomp-filter.pl ./seccomp-filter',
      look: 'grep Seccomp /proc/$PID/status',
    },
  ];
}
