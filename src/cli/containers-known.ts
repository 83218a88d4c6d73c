/**
 * What the commands of the element technologies ask the engine for: names of containers, and their processes. An engine that is
 * not running is not started for it: then there is no container to be named.
 */
import type { ContainerInspect, ContainerSummary } from '../api/schema.ts';
import { ApiError, get, segment } from './client.ts';
import { CommandError } from './command.ts';
import { isAbsent, socketPath, tryConnect } from './engine-socket.ts';

/** Whether an engine answers, and to us. */
async function engineAnswers(): Promise<boolean> {
  try {
    (await tryConnect()).destroy();
    return true;
  } catch {
    return false;
  }
}

/** Names of the running containers by their ids; empty where no engine answers. */
export async function containerNames(): Promise<ReadonlyMap<string, string>> {
  if (!(await engineAnswers())) return new Map();
  try {
    const list = await get<ContainerSummary[]>('/containers/json');
    return new Map(list.map(({ Id, Names }) => [Id, (Names[0] ?? Id).replace(/^\//, '')]));
  } catch {
    return new Map(); // it ended between two questions
  }
}

/**
 * The process id, as this process counts, of a container's first process.
 * @returns undefined where no engine answers, or it has no such container
 * @throws CommandError when the container is not running
 */
export async function containerProcess(name: string): Promise<number | undefined> {
  if (!(await engineAnswers())) return undefined;
  try {
    const { State } = await get<ContainerInspect>(`/containers/${segment(name)}/json`);
    if (!State.Pid) throw new CommandError(`the container ${name} is not running, so it has no process`);
    return State.Pid;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * The process that a word of the command line names: a process id, `self` (this one), or a running container.
 * @throws CommandError when it is none of these
 */
export async function namedProcess(word: string): Promise<number> {
  if (word === 'self') return process.pid;
  const pid = /^\d{1,9}$/.test(word) ? Number(word) : await containerProcess(word);
  if (pid === undefined) throw new CommandError(`"${word}" is neither a process id nor a running container${await whereUnasked()}`);
  return pid;
}

/** What is to be said besides where the engine runs, and does not let us ask it: then a container's name is as good as none. */
async function whereUnasked(): Promise<string> {
  try {
    (await tryConnect()).destroy();
    return '';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return isAbsent(error)
      ? ''
      : ` that you may ask for: the engine's socket ${socketPath} cannot be opened (${code})${code === 'EACCES' ? '; run it as root' : ''}`;
  }
}
