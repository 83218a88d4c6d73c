/**
 * A container explained from the kernel: for a running one its namespaces, cgroup, capabilities, filter, mounts, network, user
 * and limits, each compared with the record; for another, what can be said of it and how it is started.
 */
import type { ContainerExplanation, LiveExplanation } from '../../api/schema.ts';
import type { Container, Running } from '../container.ts';
import { commandOf } from '../inspect-container.ts';
import type { Parts } from '../parts.ts';
import { tryRead } from '../process-files.ts';
import { capabilitiesOf } from './capabilities.ts';
import { cgroupOf } from './cgroup.ts';
import { filesOf } from './files.ts';
import { mountsOf } from './mounts.ts';
import { namespacesOf } from './namespaces.ts';
import { networkOf } from './network.ts';
import { seccompOf } from './seccomp.ts';
import type { Subject } from './subject.ts';
import { limitsOf, userOf } from './user.ts';

/** Options of an explanation. */
export interface ExplainOptions {
  /** Paths in the container whose layer is asked for; none: the program and its libraries. */
  readonly files: readonly string[];
}

/** Explains a container. @throws EngineError 400 for a path that cannot be one */
export async function explainContainer(parts: Parts, container: Container, options: ExplainOptions): Promise<ContainerExplanation> {
  const differences: string[] = [];
  const { running } = container;
  const live = running && (await explainLive(parts, container, running, options, (sentence) => differences.push(sentence)));
  const { record } = container;
  return {
    id: record.id,
    name: record.name,
    image: record.image.reference,
    command: commandOf(record.config),
    status: record.state.status,
    state: stateOf(container),
    ...(live ? { live } : {}),
    differences,
  };
}

async function explainLive(
  parts: Parts,
  container: Container,
  running: Running,
  options: ExplainOptions,
  differs: (sentence: string) => void,
): Promise<LiveExplanation | undefined> {
  const { pid } = running.handle;
  const status = tryRead(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const subject: Subject = { parts, container, running, pid, status, differs };
  try {
    return {
      pid,
      namespaces: namespacesOf(subject),
      cgroup: cgroupOf(subject),
      capabilities: capabilitiesOf(subject),
      mounts: mountsOf(subject),
      ...filesOf(subject, options.files),
      network: networkOf(subject),
      user: userOf(subject),
      limits: limitsOf(subject),
      seccomp: await seccompOf(subject),
    };
  } catch (error) {
    // It ended while it was looked at: what was read is no longer true of anything.
    if (tryRead(`/proc/${pid}/ns/mnt`) === undefined && !container.running) return undefined;
    throw error;
  }
}

/** What state it is in, and what a person can do next. */
function stateOf({ record: { name, state, hostConfig }, running }: Container): string[] {
  const started = `hako start ${name}`;
  switch (state.status) {
    case 'created':
      return state.error
        ? [`It could not be started: ${state.error}`, `To try again: ${started}`]
        : [
            'It has been created and was never started: it has a record and an empty writable layer, and no process, namespace or cgroup.',
            `To start it: ${started}`,
          ];
    case 'paused':
      return ['Its processes are frozen by the cgroup freezer.', `To let them go on: hako unpause ${name}`];
    case 'restarting':
      return [
        `It ended with code ${state.exitCode} and is about to be started again (--restart ${hostConfig.RestartPolicy?.Name ?? ''}).`,
        `To stop that: hako stop ${name}`,
      ];
    case 'exited':
    case 'dead':
      return [
        `It ended at ${state.finishedAt} with code ${state.exitCode}${state.oomKilled ? ', killed since its memory limit was reached' : ''}${state.error ? ` (${state.error})` : ''}: of it there are left a record, a writable layer and its log, and no process, namespace or cgroup.`,
        `To see what it wrote: hako logs ${name}`,
        `To start it again: ${started}`,
      ];
    default:
      return running ? [`It runs since ${state.startedAt}.`] : [];
  }
}
