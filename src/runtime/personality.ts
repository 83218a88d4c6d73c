/**
 * The execution domain of a process: as what machine uname(2) shows this one to it. See personality(2), and config-linux.md of the OCI
 * runtime specification.
 */
import { call } from '../kernel/call.ts';
import type { Step } from '../step/step.ts';
import { procFile } from './init-goals.ts';
import type { Personality } from './spec.ts';

/** PER_ values of include/uapi/linux/personality.h, with what setarch(8) calls them. */
const domains = {
  LINUX: { value: 0, name: 'linux64' },
  LINUX32: { value: 8, name: 'linux32' },
} as const;

/** Sets the execution domain, which stays over execve. */
export function personalityStep({ domain }: Personality): Step {
  const { value, name } = domains[domain];
  return {
    id: 'process.personality',
    what: `See the machine as ${domain}`,
    calls: [call('personality', [value])],
    goal: procFile('personality', value.toString(16).padStart(8, '0')),
    shell: `set -- "$@" \${host}setarch ${name}`,
    look: 'cat /proc/$PID/personality',
  };
}
