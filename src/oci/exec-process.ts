/** What `exec` is to run: a process in JSON, or the container's own with what the flags change of it. */
import type { ProcessSpec, Spec } from '../runtime/spec.ts';
import { parseJson } from './config/json.ts';
import { readDocument, validateProcess, type Oddities } from './config/read.ts';
import { OciError } from './error.ts';

/** The flags that say what is run. */
export interface ProcessFlags {
  readonly process: string | undefined;
  readonly tty: boolean;
  readonly user: string | undefined;
  readonly 'additional-gids': readonly string[];
  readonly cwd: string | undefined;
  readonly env: readonly string[];
  readonly cap: readonly string[];
  readonly 'no-new-privs': boolean;
  readonly apparmor: string | undefined;
  readonly 'process-label': string | undefined;
}

/** @param program with its arguments @throws OciError */
export function processOf(spec: Spec, flags: ProcessFlags, program: readonly string[]): Oddities & { readonly process: ProcessSpec } {
  if (flags.process !== undefined) {
    const { process, ...oddities } = validateProcess(parseJson(readDocument(flags.process, 'the process'), 'the process'));
    return { process: { ...ofContainer(spec.process), ...process }, ...oddities };
  }
  if (program.length === 0) throw new OciError('exec requires a program: name it after the container, or give a process with --process');
  const own = spec.process;
  const { terminal: _, consoleSize: __, ...rest } = own;
  const noNewPrivileges = flags['no-new-privs'] || own.noNewPrivileges === true;
  const process: ProcessSpec = {
    ...rest,
    args: program,
    env: [...own.env, ...flags.env],
    cwd: flags.cwd ?? own.cwd,
    user: userOf(own.user, flags),
    ...(flags.tty ? { terminal: true } : {}),
    ...(noNewPrivileges ? { noNewPrivileges } : {}),
    ...(flags.apparmor === undefined ? {} : { apparmorProfile: flags.apparmor }),
    ...(flags['process-label'] === undefined ? {} : { selinuxLabel: flags['process-label'] }),
    ...(flags.cap.length > 0 ? { capabilities: withCapabilities(own, flags.cap) } : {}),
  };
  // Names and numbers that came by flags are looked at as those of a file are.
  return validateProcess(process);
}

/** What belongs to the container rather than to one process, and holds for all where nothing else is said. As runc has it. */
function ofContainer({ apparmorProfile, selinuxLabel, oomScoreAdj, scheduler, ioPriority, execCPUAffinity }: ProcessSpec): Partial<ProcessSpec> {
  return {
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(ioPriority === undefined ? {} : { ioPriority }),
    ...(execCPUAffinity === undefined ? {} : { execCPUAffinity }),
  };
}

function userOf(own: ProcessSpec['user'], { user, 'additional-gids': groups }: ProcessFlags): ProcessSpec['user'] {
  const ids = user === undefined ? undefined : /^(\d+)(?::(\d+))?$/.exec(user);
  if (ids === null) throw new OciError(`invalid value "${user}" of --user: use numbers, uid or uid:gid`);
  const more = groups.map((group) => {
    if (!/^\d+$/.test(group)) throw new OciError(`invalid value "${group}" of --additional-gids: use a number`);
    return Number(group);
  });
  return {
    ...own,
    ...(ids ? { uid: Number(ids[1]), ...(ids[2] === undefined ? {} : { gid: Number(ids[2]) }) } : {}),
    ...(more.length > 0 ? { additionalGids: [...(own.additionalGids ?? []), ...more] } : {}),
  };
}

function withCapabilities({ capabilities = {} }: ProcessSpec, more: readonly string[]): NonNullable<ProcessSpec['capabilities']> {
  const names = more.map((name) => (/^CAP_/i.test(name) ? name.toUpperCase() : `CAP_${name.toUpperCase()}`));
  const add = (set: readonly string[] = []): string[] => [...new Set([...set, ...names])];
  return { ...capabilities, bounding: add(capabilities.bounding), permitted: add(capabilities.permitted), effective: add(capabilities.effective) };
}
