/**
 * A program in new namespaces: any mix of the eight types, as unshare(1) makes them. All but the time namespace are made by the clone
 * itself; id maps are written while the process waits, since only another process may write them. See namespaces(7), user_namespaces(7).
 */
import { call, type Known } from '../../kernel/call.ts';
import { mountFlags } from '../../kernel/flags.ts';
import { namespaceKind, type NamespaceType } from '../../kernel/namespace.ts';
import { becomeRootStep, writeIdMaps } from '../../runtime/id-map.ts';
import { propagationStep } from '../../runtime/rootfs/root-steps.ts';
import { word } from '../../step/shell.ts';
import type { IdMapping } from '../../runtime/spec.ts';
import { timeOffsetsStep } from '../../runtime/time.ts';
import type { Procedure, Step } from '../../step/step.ts';
import { foreground } from '../foreground.ts';
import { ElementError } from '../interpret.ts';

/** What is to be run, and in which new namespaces. */
export interface NamespaceRun {
  readonly types: ReadonlySet<NamespaceType>;
  /** Maps of a new user namespace; none: everybody is nobody in it. */
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  /** Seconds by which the clocks of a new time namespace are ahead of ours. */
  readonly offsets: Readonly<Record<string, number>>;
  /** Mount a procfs over /proc, which shows the processes of the new PID namespace. */
  readonly proc: boolean;
  readonly args: readonly string[];
  readonly env: readonly string[];
}

/** Runs the program. @returns its exit code @throws ElementError for what cannot go together */
export function* runInNew(run: NamespaceRun): Procedure<number> {
  const { types, uidMappings, gidMappings, offsets, proc, args, env } = run;
  check(run);
  const maps = types.has('user') && uidMappings.length + gidMappings.length > 0;
  const flags = [...types].filter((type) => type !== 'time').reduce((all, type) => all + namespaceKind(type).flag, 0);
  const seconds = Object.fromEntries(Object.entries(offsets).map(([clock, secs]) => [clock, { secs, nanosecs: 0 }]));
  // One whose own id is mapped is that user already; who maps others has to become one of them.
  const own = process.geteuid!();
  const isMapped = uidMappings.some(({ hostID, size }) => own >= hostID && own < hostID + size);
  const becomes = maps && !isMapped && uidMappings.some((m) => m.containerID === 0);
  return yield* foreground({
    name: 'ns-run',
    flags,
    otherPids: types.has('pid'),
    before: types.has('time') ? [timeOffsetsStep(seconds)] : [],
    inside: [...(becomes ? [becomeRootStep()] : []), ...(types.has('mnt') ? [propagationStep('private')] : []), ...(proc ? [procStep()] : [])],
    ...(maps ? { whileWaiting: (pid: Known) => writeIdMaps(pid, { uidMappings, gidMappings }) } : {}),
    args,
    env,
    shell: shellLine(run),
  });
}

function check({ types, uidMappings, gidMappings, offsets, proc }: NamespaceRun): void {
  if (types.size === 0) throw new ElementError('no namespace is asked for: name at least one type, such as --uts, or --all', 125);
  if (!types.has('user') && uidMappings.length + gidMappings.length > 0) throw new ElementError('id maps belong to a new user namespace: add --user', 125);
  if (!types.has('time') && Object.keys(offsets).length > 0) throw new ElementError('clock offsets belong to a new time namespace: add --time', 125);
  if (proc && !types.has('mnt'))
    throw new ElementError("a procfs is to be mounted only in a mount namespace of its own, else it would be the host's: add --mount", 125);
  for (const mappings of [uidMappings, gidMappings]) checkMaps(mappings);
}

/** The kernel says EINVAL to all of these. */
function checkMaps(mappings: readonly IdMapping[]): void {
  const most = 2 ** 32 - 1;
  for (const [i, map] of mappings.entries()) {
    const { containerID, hostID, size } = map;
    const text = `${containerID}:${hostID}:${size}`;
    if (size < 1 || containerID + size > most || hostID + size > most)
      throw new ElementError(`the id map ${text} is none: ids go from 0 to ${most - 1}, and at least one is mapped`, 125);
    for (const side of ['containerID', 'hostID'] as const)
      if (mappings.some((other, j) => j !== i && other[side] < map[side] + size && map[side] < other[side] + other.size))
        throw new ElementError(
          `the id map ${text} overlaps another one ${side === 'hostID' ? 'outside' : 'inside'} the namespace: each id may stand for one only`,
          125,
        );
  }
}

function procStep(): Step {
  return {
    id: 'mount.proc',
    what: 'Mount proc at /proc, over the one that shows the processes outside',
    calls: [call('mount', ['proc', '/proc', 'proc', mountFlags.MS_NOSUID | mountFlags.MS_NODEV | mountFlags.MS_NOEXEC, null])],
    shell: 'mount -t proc -o nosuid,nodev,noexec proc /proc',
    look: "grep ' /proc ' /proc/$PID/mountinfo",
  };
}

function shellLine({ types, args }: NamespaceRun): string {
  const options = [...types].map((type) => `--${namespaceKind(type).option}`).join(' ');
  return `unshare ${options} --fork ${args.map(word).join(' ')}`;
}
