/**
 * What a process of config.json still needs before it can be made: capabilities cut to those that can be granted, one value for each
 * variable, and a HOME. And what it may ask for that this machine does not have. Containers and execs have this in common.
 */
import { closeSync, openSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { cleanPath, parentPath } from '../kernel/absolute-path.ts';
import { openFlags } from '../kernel/flags.ts';
import { availableCapabilities, grantCapabilities } from '../runtime/capabilities.ts';
import { parseMountOptions } from '../runtime/rootfs/mount-options.ts';
import { refusedLabels } from '../runtime/security-labels.ts';
import type { MountSpec, ProcessSpec, Spec } from '../runtime/spec.ts';
import { homeOf } from '../runtime/user.ts';
import type { Oddities } from './config/read.ts';
import { OciError } from './error.ts';

/** A process that can be made, and what of it could not be had. */
export interface ReadyProcess extends Oddities {
  readonly process: ProcessSpec;
}

/** Makes a container's process ready. @param spec as it was read: paths are absolute. @throws OciError for what this machine lacks */
export function readyContainer(spec: Spec): Oddities & { readonly spec: Spec } {
  const refused = refusedLabels({ ...spec.process, mountLabel: spec.linux.mountLabel });
  if (refused) throw new OciError(refused);
  const inUserNamespace = spec.linux.namespaces.some(({ type }) => type === 'user');
  const { process, ...oddities } = ready(spec.process, inUserNamespace, () => homeInBundle(spec));
  return { spec: { ...spec, process }, ...oddities };
}

/** Makes the process of an exec ready. @param pid of the container's first process, in whose root it is to run. @throws OciError for what this machine lacks */
export function readyExec(process: ProcessSpec, pid: number, inUserNamespace: boolean): ReadyProcess {
  const refused = refusedLabels(process);
  if (refused) throw new OciError(refused);
  return ready(process, inUserNamespace, () => homeBeneath(`/proc/${pid}/root`, process.user.uid));
}

function ready(process: ProcessSpec, inUserNamespace: boolean, home: () => string): ReadyProcess {
  const { capabilities, ...oddities } = grantCapabilities(process.capabilities, availableCapabilities(inUserNamespace));
  return { process: { ...process, capabilities, env: completeEnvironment(process.env, home) }, ...oddities };
}

/** One value for each name, the last that was given, since programs differ in which they take; and a HOME. */
function completeEnvironment(env: readonly string[], home: () => string): string[] {
  const entries = new Map(env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry]));
  if ((entries.get('HOME') ?? 'HOME=') === 'HOME=') entries.set('HOME', `HOME=${home()}`);
  return [...entries.values()];
}

/** The home directory by the passwd(5) that the container will see: the root's, or that of the mount that covers it. */
function homeInBundle({ root, mounts, process: { user } }: Spec): string {
  const passwd = '/etc/passwd';
  const prefixOf = (destination: string): string => (cleanPath(destination) === '/' ? '' : cleanPath(destination));
  const covering = mounts.findLast(({ destination }) => `${passwd}/`.startsWith(`${prefixOf(destination)}/`));
  if (!covering) return homeBeneath(root.path, user.uid);
  if (!isBind(covering)) return '/';
  const below = passwd.slice(prefixOf(covering.destination).length);
  try {
    const source = realpathSync(covering.source);
    return below ? homeBeneath(source, user.uid, below) : homeBeneath(parentPath(source), user.uid, `/${basename(source)}`);
  } catch {
    return '/'; // the mount itself will say what is wrong with its source
  }
}

const isBind = ({ type, options }: MountSpec): boolean => type === 'bind' || parseMountOptions(options).bind !== undefined;

function homeBeneath(directory: string, uid: number, passwd?: string): string {
  // Not by openAt, which follows no link: that of a container's root is one.
  const root = openSync(directory, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  try {
    return homeOf(root, uid, passwd);
  } finally {
    closeSync(root);
  }
}
