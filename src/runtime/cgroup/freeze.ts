/** Pausing all processes of a cgroup. cgroup-v2.rst, "cgroup.freeze"; Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst. */
import { call, Unknown, type Call } from '../../kernel/call.ts';
import { awaitChange, readKeyed, readText } from '../../kernel/cgroupfs.ts';
import { errno } from '../../kernel/errno.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import { directoryOf, unifiedDirectory, type CgroupPlace } from './cgroup.ts';
import { restoreCalls, writeCalls } from './write.ts';
import { CgroupError } from './error.ts';

/** How long processes may take to stop, in milliseconds; one in an uninterruptible wait (a dead NFS server) never does. */
const patience = 10_000;

/** inotify(7): the file changed, which is how the kernel announces a new state. */
const IN_MODIFY = 2;

/** Where and how a cgroup is frozen. */
interface Freezer {
  readonly path: string;
  readonly frozen: string;
  readonly thawed: string;
  /** The file that shows the state; `event` when the kernel announces its changes. */
  readonly state: string;
  readonly event?: string;
  /** Whether all are stopped; undefined when the cgroup is gone. */
  readonly isFrozen: () => boolean | undefined;
}

function freezerOf(cgroup: CgroupPlace): Freezer {
  const unified = unifiedDirectory(cgroup);
  if (unified !== undefined) {
    const events = `${unified}/cgroup.events`;
    const isFrozen = (): boolean | undefined => {
      const state = readKeyed(events);
      return state && state['frozen'] === 1;
    };
    return { path: `${unified}/cgroup.freeze`, frozen: '1', thawed: '0', state: events, event: events, isFrozen };
  }
  const directory = directoryOf(cgroup, 'freezer');
  if (directory === undefined) {
    throw new CgroupError(`the cgroup ${cgroup.path} can not be paused: this machine has neither a cgroup v2 tree nor the freezer controller`);
  }
  const path = `${directory}/freezer.state`;
  const isFrozen = (): boolean | undefined => {
    const state = readText(path);
    return state === undefined ? undefined : state === 'FROZEN';
  };
  return { path, frozen: 'FROZEN', thawed: 'THAWED', state: path, isFrozen };
}

/** Whether the cgroup's processes are all paused now. False for one that is gone. */
export function isFrozen(cgroup: CgroupPlace): boolean {
  return freezerOf(cgroup).isFrozen() === true;
}

/**
 * Pauses all processes of the cgroup and returns when they are. They notice nothing, and can not resist.
 * Undone (thawed) when they are not all paused after ten seconds.
 */
export function* freeze(cgroup: CgroupPlace): Procedure {
  const freezer = freezerOf(cgroup);
  yield* step({
    id: 'cgroup.freeze',
    what: `Pause all processes of ${cgroup.path}`,
    ...writeCalls(freezer.path, freezer.frozen),
    shell: `echo ${freezer.frozen} > ${word(freezer.path)}`,
    look: `cat ${word(freezer.state)}`,
    undo: restoreCalls(freezer.path, freezer.thawed),
  });
  yield* step({
    id: 'cgroup.freeze.wait',
    what: `Wait until all processes of ${cgroup.path} have stopped`,
    calls: [awaitFrozen(freezer)],
    shell: `until grep -q ${freezer.event ? "'frozen 1'" : 'FROZEN'} ${word(freezer.state)}; do sleep 0.01; done`,
    look: `cat ${word(freezer.state)}`,
    undone: 'makes nothing: it looks',
  });
}

/** inotify tells when v2's state is reached; v1 shows FREEZING until it is, and each look at the file makes the kernel try on. */
function awaitFrozen(freezer: Freezer): Call {
  const answer = (): number => ({ true: 0, false: -errno.ETIMEDOUT, undefined: -errno.ENOENT })[`${freezer.isFrozen()}`];
  const perform = (): number | Promise<number> =>
    freezer.isFrozen() ? 0 : awaitChange(freezer.event, () => freezer.isFrozen() !== false, patience).then(answer);
  if (freezer.event) return call('inotify_add_watch', [new Unknown('inotify'), freezer.event, IN_MODIFY], { perform });
  return call('openat', [AT_FDCWD, freezer.state, openFlags.O_CLOEXEC, 0], { perform });
}

/** Lets the processes of the cgroup go on. */
export function* thaw(cgroup: CgroupPlace): Procedure {
  const freezer = freezerOf(cgroup);
  yield* step({
    id: 'cgroup.thaw',
    what: `Let the processes of ${cgroup.path} go on`,
    ...writeCalls(freezer.path, freezer.thawed),
    shell: `echo ${freezer.thawed} > ${word(freezer.path)}`,
    look: `cat ${word(freezer.state)}`,
    undone: 'is not: processes that go on are as they were',
  });
}
