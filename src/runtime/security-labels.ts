/**
 * What Linux security modules call the program: its AppArmor profile and its SELinux label. The process says both of its next execve,
 * by files of its own below /proc/self/attr, and nothing changes until then. The procfs is the host's, taken hold of by the process
 * before it is in the container: there /proc may be what the image likes (CVE-2019-16884, CVE-2025-52881).
 * See apparmor(7), setexeccon(3), proc_pid_attr(5).
 */
import { readFileSync } from 'node:fs';
import { call, result, type Call } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { AT_FDCWD, openFlags } from '../kernel/flags.ts';
import { word } from '../step/shell.ts';
import type { Step } from '../step/step.ts';
import type { ProcessSpec } from './spec.ts';

/** Which of the two this kernel runs with. */
export interface SecurityModules {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

/** Asks the kernel. SELinux has its file system only where it is enabled. */
export function securityModules(): SecurityModules {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  return { apparmor: read('/sys/module/apparmor/parameters/enabled').startsWith('Y'), selinux: /^nodev\s+selinuxfs$/m.test(read('/proc/filesystems')) };
}

/** What is asked of security modules, by the configuration's names. */
export interface AskedLabels extends Pick<ProcessSpec, 'apparmorProfile' | 'selinuxLabel'> {
  readonly mountLabel?: string | undefined;
}

/** Why labels cannot be had on this machine, as a sentence; undefined when they can. What asks for no confinement is had everywhere. */
export function refusedLabels({ apparmorProfile, selinuxLabel, mountLabel }: AskedLabels, known?: SecurityModules): string | undefined {
  if (!apparmorProfile && !selinuxLabel && !mountLabel) return undefined;
  const modules = known ?? securityModules();
  const refused = (field: string, label: string, module: string): string =>
    `${field} asks for ${JSON.stringify(label)}, but ${module} is not enabled in this machine's kernel: leave it out, or boot with ${module}`;
  if (apparmorProfile && apparmorProfile !== unconfined && !modules.apparmor) return refused('process.apparmorProfile', apparmorProfile, 'AppArmor');
  if (selinuxLabel && !modules.selinux) return refused('process.selinuxLabel', selinuxLabel, 'SELinux');
  if (mountLabel && !modules.selinux) return refused('linux.mountLabel', mountLabel, 'SELinux');
  return undefined;
}

const unconfined = 'unconfined';

/** The steps that say with which profile and label the program is executed. Before the process enters anything of the container's. */
export function labelSteps({ apparmorProfile, selinuxLabel }: AskedLabels, known?: SecurityModules): Step[] {
  // Without AppArmor everything is unconfined already.
  const profile = apparmorProfile === unconfined && !(known ?? securityModules()).apparmor ? '' : apparmorProfile;
  return [...(profile ? [apparmorStep(profile)] : []), ...(selinuxLabel ? [selinuxStep(selinuxLabel)] : [])];
}

const opening = (path: string, accept: readonly number[] = []): Call =>
  call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'attr', ...(accept.length ? { accept } : {}) });

function apparmorStep(profile: string): Step {
  const text = `exec ${profile}`;
  const writing = (open: Call): Call =>
    call('write', [result(open), Buffer.from(text), Buffer.byteLength(text)], {
      failureDetail: (number) => (number === errno.ENOENT ? `no AppArmor profile ${profile} is loaded: load it with apparmor_parser(8)` : undefined),
    });
  // Kernels before 5.8 have one file for whichever module there is.
  const own = opening('/proc/self/attr/apparmor/exec', [errno.ENOENT]);
  const shared = opening('/proc/self/attr/exec');
  const written = writing(own);
  return {
    id: 'process.apparmor',
    what: `Have the program confined by the AppArmor profile ${profile}`,
    calls: [own, written, shared, writing(shared)],
    jumps: new Map([
      [own, { onError: shared }],
      [written, { onPositive: 'done' }],
    ]),
    shell: `set -- "$@" \${host}aa-exec --profile=${word(profile)} --`,
    look: 'cat /proc/$PID/attr/apparmor/current',
  };
}

function selinuxStep(label: string): Step {
  const open = opening('/proc/self/attr/exec');
  const failureDetail = (number: number): string | undefined =>
    number === errno.EINVAL ? `the policy that is loaded does not know the context ${label}` : undefined;
  return {
    id: 'process.selinux',
    what: `Have the program run with the SELinux label ${label}`,
    calls: [open, call('write', [result(open), Buffer.from(label), Buffer.byteLength(label)], { failureDetail })],
    shell: `set -- "$@" \${host}runcon ${word(label)}`,
    look: 'cat /proc/$PID/attr/current',
  };
}
