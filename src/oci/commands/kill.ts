/** `hako-oci kill`: a signal to a container's first process, or to all of its processes. */
import { call } from '../../kernel/call.ts';
import { errno, errnoMessage } from '../../kernel/errno.ts';
import { signals } from '../../kernel/flags.ts';
import { performNow } from '../../kernel/perform.ts';
import { openProcess, signalProcess } from '../../kernel/process.ts';
import { freeze, thaw } from '../../runtime/cgroup/freeze.ts';
import { StepError } from '../../step/apply.ts';
import { applyToFiles, placeOf } from '../cgroup-place.ts';
import { defineCommand } from '../command.ts';
import { processesOf } from '../container-processes.ts';
import type { ContainerRecord } from '../container-record.ts';
import { OciError } from '../error.ts';
import { signalNumber } from '../signal-name.ts';
import { StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: 'CONTAINER [SIGNAL]',
  description: 'The signal is a number or a name, by default TERM.',
  count: [1, 2],
  flags: { all: { kind: 'bool', short: 'a', help: 'to all processes of the container, also those that outlived the first' } },
  async run({ flags, args: [id, signal = 'TERM'] }, { root }) {
    const number = signalNumber(signal);
    const store = new StateStore(root);
    const record = store.read(id!);
    const status = store.status(record);
    if (flags.all) await signalAll(record, number, status === 'paused');
    else if (!record.process || status === 'stopped' || status === 'creating') throw new OciError(`container not running: ${id} is ${status}`);
    else signalOne(record, number);
    // What version 1 has frozen does not die before it goes on.
    if (number === signals.SIGKILL && status === 'paused') await thawContainer(record);
  },
});

function signalOne(record: ContainerRecord, signal: number): void {
  const pidfd = openProcess(record.process!);
  const answer = pidfd === undefined ? -errno.ESRCH : signalProcess(pidfd, signal);
  if (answer === -errno.ESRCH) throw new OciError('container not running: process already finished');
  if (answer < 0) throw new OciError(`the signal ${signal} could not be sent to the process ${record.process!.pid} of ${record.id}: ${errnoMessage(-answer)}`);
}

/** While they stand still, so that none makes another one that is passed over. */
async function signalAll(record: ContainerRecord, signal: number, paused: boolean): Promise<void> {
  const place = placeOf(record.cgroup);
  const still = !paused && place.hierarchies.some((h) => h.version === 2 || h.controllers.includes('freezer'));
  if (still && processesOf(record).length > 0) await applyToFiles(freeze(place));
  try {
    signalEach(record, signal);
  } finally {
    // Whether they still stand is no question: a signal has them look up for a moment.
    if (still) await thawContainer(record);
  }
}

/** A cgroup that somebody has removed meanwhile needs none. */
async function thawContainer({ cgroup }: ContainerRecord): Promise<void> {
  try {
    await applyToFiles(thaw(placeOf(cgroup)));
  } catch (error) {
    if (!(error instanceof StepError && error.code === 'ENOENT')) throw error;
  }
}

function signalEach(record: ContainerRecord, signal: number): void {
  const opened = processesOf(record).map((pid) => ({ pid, pidfd: performNow(call('pidfd_open', [pid, 0])) }));
  // An id that was read may have come into other hands before it was opened; one that is still the container's has not.
  const still = new Set(processesOf(record));
  const answers = opened.filter(({ pid, pidfd }) => pidfd >= 0 && still.has(pid)).map(({ pidfd }) => signalProcess(pidfd, signal));
  if (answers.length === 0) throw new OciError(`container not running: no process of ${record.id} is left`);
  const refused = answers.find((answer) => answer < 0 && answer !== -errno.ESRCH);
  if (refused !== undefined) throw new OciError(`the signal ${signal} could not be sent to all processes of ${record.id}: ${errnoMessage(-refused)}`);
}
