/**
 * Creating a container: its id is claimed, its record written, its process made. What fails on the way is taken back, and nothing is
 * left. See runtime-spec runtime.md "Lifecycle".
 */
import { closeSync, openSync } from 'node:fs';
import { absolutePath } from '../kernel/absolute-path.ts';
import type { Known } from '../kernel/call.ts';
import { call } from '../kernel/call.ts';
import { AT_FDCWD } from '../kernel/flags.ts';
import { must, perform } from '../kernel/perform.ts';
import { killProcess, openProcess, type ProcessIdentity } from '../kernel/process.ts';
import { killAll } from '../runtime/cgroup/kill.ts';
import { create, type Created } from '../runtime/create.ts';
import { collectChild } from '../runtime/launch-child.ts';
import type { Spec } from '../runtime/spec.ts';
import { apply, type Kernel } from '../step/apply.ts';
import type { Procedure } from '../step/step.ts';
import { prepareCgroup } from './cgroup-driver.ts';
import { removeContainerCgroup } from './cgroup-place.ts';
import { readConfig } from './config/read.ts';
import { connectTo, type DescriptorSocket } from './descriptor-socket.ts';
import type { ContainerRecord } from './container-record.ts';
import { OciError } from './error.ts';
import { asOciError } from './start-failure.ts';
import { hasHooks, HookError, runAllHooks, runHooks } from './hooks.ts';
import { groupOf, withGroup } from './intel-rdt.ts';
import { writePidFile } from './pid-file.ts';
import { cgroupRequestOf, recordOf } from './new-container.ts';
import { readyContainer } from './process.ts';
import type { Settings } from './settings.ts';
import { writeStoredSpec } from './stored-spec.ts';
import { supervisorOf } from './supervisor.ts';
import { gateName, StateStore } from './state-store.ts';

/** What a caller asks for. */
export interface CreateRequest {
  readonly id: string;
  /** The bundle's directory, as it was given. */
  readonly bundle: string;
  /** Another file than the bundle's config.json. */
  readonly config?: string | undefined;
  readonly consoleSocket?: string | undefined;
  readonly pidFile?: string | undefined;
  /** How many descriptors, from 3 on, the program is to have. */
  readonly preserveFds: number;
  /** Do without pivot_root(2). */
  readonly noPivot: boolean;
  /** Leave the process in the caller's session keyring. */
  readonly noNewKeyring: boolean;
  /** A unix socket that is sent a pidfd of the process. */
  readonly pidfdSocket?: string | undefined;
  /** The process waits for its start. */
  readonly gated: boolean;
  /** Given the terminal's master where there is no console socket. */
  readonly takeTerminal?: ((master: number) => void) | undefined;
}

/** A container that was created. */
export interface CreatedContainer {
  readonly record: ContainerRecord;
  readonly spec: Spec;
  readonly child: Created;
}

/** Creates a container. @throws OciError, and then nothing of it is left */
export async function createContainer(request: CreateRequest, settings: Settings): Promise<CreatedContainer> {
  const { id } = request;
  const store = new StateStore(settings.root);
  const directory = store.directory(id);
  const bundle = absolutePath(request.bundle);
  const read = readConfig(bundle, request.config);
  const { spec, ...oddities } = readyContainer(read.spec);
  for (const note of [...read.notes, ...oddities.notes]) settings.log.debug(note);
  for (const warning of [...read.warnings, ...oddities.warnings]) settings.log.warn(warning);
  const terminal = terminalOf(spec, request);
  const kernel = settings.kernel ?? { call: perform };
  let record: ContainerRecord | undefined;
  let gate: number | undefined;
  let child: Created | undefined;
  try {
    const prepared = await prepareCgroup(cgroupRequestOf(id, spec, settings));
    const group = groupOf(spec.linux.intelRdt, id);
    const cgroup = { ...prepared.record, ...(group && { resctrl: { mountPoint: group.mountPoint, directory: group.directory, isOwn: group.isOwn } }) };
    const claimed = recordOf(id, bundle, spec, { cgroup, keyring: !request.noNewKeyring });
    store.create(claimed);
    record = claimed; // from here on it is ours to take away
    // As it was read: another user of an exec has another HOME.
    const storeSpec = (): void => writeStoredSpec(directory, read.spec);
    // Who takes away what is left of a creation that died runs its last hooks by it; nobody else reads it before.
    if (claimed.hooks) storeSpec();
    if (request.gated) gate = makeGate(directory);
    try {
      await prepared.begin();
      child = await apply(
        create({
          id,
          owner: 'hako-oci',
          spec,
          rootfs: spec.root.path,
          bundle,
          noPivot: request.noPivot,
          noNewKeyring: request.noNewKeyring,
          makeCgroup: group ? () => withGroup(prepared.make, group) : prepared.make,
          ...(hasHooks(spec, 'prestart', 'createRuntime', 'createContainer') ? { beforePivot: (pid: Known) => hooksOfCreation(spec, claimed, pid) } : {}),
          ...(gate === undefined ? {} : { gate }),
          preserveFds: request.preserveFds,
          meanwhile: claimed.hooks ? undefined : storeSpec,
          supervisor: supervisorOf(spec, claimed, 'creating'),
          takeTerminal: terminal ? (master) => terminal.send(master) : request.takeTerminal,
        }),
        { kernel },
      );
    } catch (error) {
      await prepared.abandon();
      throw error;
    }
    for (const warning of child.warnings) settings.log.warn(warning);
    await prepared.settle();
    record = { ...claimed, process: child.process };
    store.update(record);
    child.entrust();
    if (request.pidfdSocket) sendPidfd(request.pidfdSocket, child.process);
    if (request.pidFile) writePidFile(request.pidFile, child.process.pid);
    return { record, spec, child };
  } catch (error) {
    if (record) {
      if (child) await destroy(child, record, kernel);
      if (error instanceof HookError) await afterHooks(spec, record, settings);
      try {
        store.remove(id);
      } catch (failure) {
        settings.log.warn((failure as Error).message); // what began it is the error
      }
    }
    throw asOciError(error);
  } finally {
    if (gate !== undefined) closeSync(gate);
    terminal?.close();
  }
}

function terminalOf({ process: { terminal } }: Spec, { consoleSocket, takeTerminal }: CreateRequest): DescriptorSocket | undefined {
  if (!terminal) {
    if (consoleSocket) throw new OciError('cannot use console socket if process.terminal is not set in config.json');
    return undefined;
  }
  if (consoleSocket) return connectTo(consoleSocket, 'console socket');
  if (takeTerminal) return undefined;
  throw new OciError('cannot allocate tty without setting console socket: process.terminal is set, and nobody would have its other end (--console-socket)');
}

function* hooksOfCreation(spec: Spec, record: ContainerRecord, pid: Known): Procedure {
  for (const kind of ['prestart', 'createRuntime', 'createContainer'] as const) yield* runHooks(kind, { spec, record, status: 'creating', pid });
}

/** A hook that has failed ends the container as a deletion would: what the caller set up in earlier hooks is to be taken down. */
async function afterHooks(spec: Spec, record: ContainerRecord, { log, kernel = { call: perform } }: Settings): Promise<void> {
  for (const failure of await apply(runAllHooks('poststop', { spec, record, status: 'stopped' }), { kernel })) log.warn(failure);
}

function sendPidfd(path: string, process: ProcessIdentity): void {
  const socket = connectTo(path, 'pidfd socket');
  const pidfd = openProcess(process);
  try {
    if (pidfd !== undefined) socket.send(pidfd);
  } finally {
    if (pidfd !== undefined) closeSync(pidfd);
    socket.close();
  }
}

/** Ends a container that was made, when what follows has failed. */
async function destroy({ process: { pid, startTime }, cgroup }: Created, record: ContainerRecord, kernel: Kernel): Promise<void> {
  killProcess({ pid, startTime });
  collectChild(pid);
  await apply(killAll(cgroup), { kernel });
  await removeContainerCgroup(record.cgroup, kernel);
}

/** Makes the FIFO at which the process will wait. @returns a descriptor that both reads and writes it, for the process to have */
function makeGate(directory: string): number {
  const path = `${directory}/${gateName}`;
  must(call('mknodat', [AT_FDCWD, path, 0o010600, 0]));
  return openSync(path, 'r+');
}
