/** The flags before the command, which hold for every command, and what they come to. */
import { absolutePath } from '../kernel/absolute-path.ts';
import { inFirstUserNamespace } from '../kernel/user-namespace.ts';
import type { Kernel } from '../step/apply.ts';
import type { Flags, Values } from './command.ts';
import { OciError } from './error.ts';
import { levels, openLog, type Level, type Log } from './log.ts';

export interface Settings {
  /** The directory of the containers' states; absolute. */
  readonly root: string;
  readonly cgroupManager: 'cgroupfs' | 'systemd' | 'disabled';
  /** Errors of missing permissions in cgroups are passed over: the caller is not the machine's root. */
  readonly rootless: boolean;
  /** The name or path of criu(8). */
  readonly criu: string;
  readonly log: Log;
  /** What makes the calls of steps, where it is not the machine's own. */
  readonly kernel?: Kernel;
}

export const globalFlags = {
  root: { kind: 'string', placeholder: 'directory', help: 'where the states of containers are kept; should be on a tmpfs', default: '/run/hako-oci' },
  log: { kind: 'string', placeholder: 'file', help: 'the log file', default: '/dev/stderr' },
  'log-format': { kind: 'string', placeholder: 'text|json', help: 'the form of the log', default: 'text' },
  'log-level': { kind: 'string', placeholder: levels.join('|'), help: 'what is logged', default: 'warning' },
  debug: { kind: 'bool', help: 'as --log-level debug' },
  'systemd-cgroup': { kind: 'bool', help: 'have systemd make the cgroups; cgroupsPath is then "slice:prefix:name"' },
  'cgroup-manager': { kind: 'string', placeholder: 'cgroupfs|systemd|disabled', help: 'who makes the cgroups', default: 'cgroupfs' },
  rootless: { kind: 'string', placeholder: 'true|false|auto', help: 'pass over missing permissions in cgroups', default: 'auto' },
  criu: { kind: 'string', placeholder: 'program', help: 'criu(8), for checkpoint and restore', default: 'criu' },
  version: { kind: 'bool', short: 'v', help: 'print the version' },
} as const satisfies Flags;

type GlobalValues = Values<typeof globalFlags>;

/** Opens the log that the flags name. @throws OciError */
export function logOf(flags: GlobalValues): Log {
  const { 'log-level': asked = 'warning' } = flags;
  const level = flags.debug ? 'debug' : asked === 'warn' ? 'warning' : asked;
  return openLog({
    file: flags.log,
    format: oneOf('--log-format', flags['log-format'] ?? 'text', ['text', 'json']),
    level: oneOf<Level>('--log-level', level, levels),
  });
}

/** What the flags come to. @throws OciError */
export function settingsOf(flags: GlobalValues, log: Log): Settings {
  const manager = flags['cgroup-manager'] ?? (flags['systemd-cgroup'] ? 'systemd' : 'cgroupfs');
  const cgroupManager = oneOf('--cgroup-manager', manager, ['cgroupfs', 'systemd', 'disabled']);
  if (flags['systemd-cgroup'] && cgroupManager !== 'systemd')
    throw new OciError(`--systemd-cgroup and --cgroup-manager ${cgroupManager} contradict each other`);
  const rootless = oneOf('--rootless', flags.rootless ?? 'auto', ['true', 'false', 'auto']);
  return {
    root: flags.root ? absolutePath(flags.root) : defaultRoot(),
    cgroupManager,
    rootless: rootless === 'auto' ? !isMachineRoot() : rootless === 'true',
    criu: flags.criu || 'criu',
    log,
  };
}

/** Whether we are root of the machine, not of a user namespace that somebody made. */
const isMachineRoot = (): boolean => process.geteuid!() === 0 && inFirstUserNamespace();

/** As runc: the user's own directory, unless this is the machine's root (or root of a namespace who calls himself root). */
function defaultRoot(): string {
  const own = process.env['XDG_RUNTIME_DIR'];
  const honoured = own && (process.geteuid!() !== 0 || (!inFirstUserNamespace() && process.env['USER'] !== 'root'));
  return honoured ? `${absolutePath(own)}/hako-oci` : '/run/hako-oci';
}

function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new OciError(`invalid value "${value}" of ${flag}: use ${allowed.join(', ').replace(/, ([^,]*)$/, ' or $1')}`);
}
