/** A program in namespaces that are there: a process's, or ones that files stand for. See setns(2), nsenter(1). */
import { readFileSync, readlinkSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../../kernel/call.ts';
import { errnoName } from '../../kernel/errno.ts';
import { closeFd } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { holdNamespace, namespaceKind, namespaceKinds, type NamespaceType } from '../../kernel/namespace.ts';
import { enterStep, openContainer } from '../../runtime/prepare-exec.ts';
import { becomeRootStep } from '../../runtime/id-map.ts';
import { joinNamespaceStep } from '../../runtime/init.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { foreground } from '../foreground.ts';
import { ElementError, unlessRoot } from '../error.ts';
import { attempt } from '../../kernel/attempt.ts';
import { ended, forbidden, isForbidden, isRefusal, ProcessDirectory, vanished } from './processes.ts';

/** What is to be run, and where. */
export interface NamespaceEntry {
  /** A process, and the types of its namespaces to enter; all those that are not ours, where none is named. */
  readonly process?: { readonly pid: number; readonly types: ReadonlySet<NamespaceType> };
  /** Files of namespaces: bind mounts, or of /proc/PID/ns. */
  readonly files: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Shown in the list of processes, as its monitor's first argument. */
  readonly name?: string;
}

/** Runs the program. @returns its exit code @throws ElementError when there is nothing to enter, or it may not be entered */
export function* enterNamespaces(entry: NamespaceEntry): Procedure<number> {
  const directory = entry.process && ProcessDirectory.of(entry.process.pid);
  try {
    return yield* enter(entry, directory);
  } finally {
    directory?.close();
  }
}

function* enter({ process: target, files, args, env, name = 'ns-enter' }: NamespaceEntry, directory: ProcessDirectory | undefined): Procedure<number> {
  const before: Step[] = [];
  const inside: Step[] = [];
  const inherit: Known[] = [];
  let entersUser = false;
  if (target && directory) {
    const types = target.types.size > 0 ? [...target.types] : othersOf(directory);
    const container = yield* openContainer(target.pid);
    // As long as the process is there, its id is its own, and so is what was opened by it.
    if (directory.gone) throw vanished(target.pid);
    inherit.push(container);
    if (types.includes('pid')) before.push(enterStep('pid', 'Have its child enter the PID namespace', container, namespaceKind('pid').flag, target.pid));
    const rest = types.filter((type) => type !== 'pid');
    if (rest.length > 0) {
      const flags = rest.reduce((all, type) => all | namespaceKind(type).flag, 0);
      inside.push(
        enterStep('all', `Enter the ${rest.join(', ')} namespace${rest.length > 1 ? 's' : ''} of process ${target.pid}`, container, flags, target.pid),
      );
    }
    entersUser = types.includes('user') && /^\s*0\s/m.test(attempt(() => readFileSync(`${directory.path}/uid_map`, 'utf8')) ?? '');
  }
  for (const file of files) {
    const type = typeOf(file);
    const fd = yield* openFile(file, type);
    inherit.push(fd);
    (type === 'pid' ? before : inside).push(joinNamespaceStep(type === 'net' ? 'network' : type === 'mnt' ? 'mount' : type, fd, namespaceKind(type).flag));
  }
  return yield* foreground({
    name,
    flags: 0,
    otherPids: before.length > 0,
    before,
    inside: [...inside, ...(entersUser ? [becomeRootStep()] : [])],
    inherit,
    args,
    env,
    shell: `nsenter ${[...(target ? [`--target ${target.pid}`, ...optionsFor(target.types)] : []), ...files.map((file) => `--${namespaceKind(typeOf(file)).option}=${word(file)}`)].join(' ')} ${args.map(word).join(' ')}`,
  });
}

const optionsFor = (types: ReadonlySet<NamespaceType>): string[] => (types.size > 0 ? [...types].map((type) => `--${namespaceKind(type).option}`) : ['--all']);

/** The types of a process's namespaces that are not ours. @throws ElementError */
function othersOf(directory: ProcessDirectory): NamespaceType[] {
  const { pid, path } = directory;
  const types = namespaceKinds.map(({ type }) => type).filter((type) => attempt(() => readlinkSync(`/proc/self/ns/${type}`)) !== undefined);
  const others = types.filter((type) => {
    try {
      return readlinkSync(`${path}/ns/${type}`) !== readlinkSync(`/proc/self/ns/${type}`);
    } catch (error) {
      throw isForbidden(error) ? forbidden(pid, 'the namespaces') : directory.gone ? vanished(pid) : ended(pid);
    }
  });
  if (others.length === 0) throw new ElementError(`process ${pid} is in the same namespaces as this command: there is none to enter`, 125);
  return others;
}

/** The type of the namespace that a file is. @throws ElementError when it is none */
export function typeOf(file: string): NamespaceType {
  const held = holdNamespace(file);
  if (typeof held !== 'number') {
    closeFd(held.fd);
    return held.type;
  }
  const why = errnoName(-held);
  if (isRefusal(held)) throw new ElementError(`${file} may not be opened (${why})${unlessRoot(': run hako as root')}`, 125);
  throw new ElementError(
    why === 'ENOTTY' ? `${file} is no namespace: it is neither a file of /proc/PID/ns nor a bind mount of one` : `${file} can't be opened (${why})`,
    125,
  );
}

function openFile(file: string, type: NamespaceType): Procedure<Known> {
  const open = call('openat', [AT_FDCWD, file, openFlags.O_CLOEXEC, 0], { label: 'ns' });
  return step<Known>({
    id: 'namespace.open',
    what: `Open the ${type} namespace ${file}`,
    calls: [open],
    shell: `ls -l ${word(file)}`,
    look: `readlink ${word(file)}`,
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('NS'),
  });
}
