/** The operations on containers, each in a file of its own; here they get their names and their order. */
import type { Readable } from 'node:stream';
import { updateCgroup } from '../runtime/cgroup/update.ts';
import { apply } from '../step/apply.ts';
import { explain } from '../step/explain.ts';
import { start } from '../runtime/start.ts';
import type { Container } from './container.ts';
import { createContainer, draftContainer } from './create-container.ts';
import { EngineError, type ContainerOperations } from './engine.ts';
import { explainContainer } from './explain-container/explain.ts';
import { exportScript } from './export-script.ts';
import { changes, copyIn, copyOut, exportRoot, statPath } from './files.ts';
import { inspectContainer } from './inspect-container.ts';
import { listContainers } from './list-containers.ts';
import { attachContainer, readContainerLogs } from './container-output.ts';
import { announce, type Parts } from './parts.ts';
import { pruneContainers } from './prune-containers.ts';
import { removeOnDemand } from './remove-container.ts';
import { updateResources } from './spec/resources.ts';
import { validateName } from './spec/validate.ts';
import { startContainer } from './start-container.ts';
import { explainedStart } from './start-plan.ts';
import { containerStats } from './container-stats.ts';
import { killContainer, pauseContainer, runningOf, stopContainer, unpauseContainer } from './stop-container.ts';
import { processesOf } from './container-processes.ts';
import { processTable } from './top.ts';
import { startStepwise, startTraced, traceOf, waitingStepOf } from './watched-start.ts';

/** Ignores the error that says that nothing was to be done. */
async function unlessNothingToDo(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!(error instanceof EngineError && error.status === 304)) throw error;
  });
}

export function containerOperations(parts: Parts): ContainerOperations {
  const find = (ref: string): Container => parts.containers.find(ref);
  return {
    create: (body, name) => createContainer(parts, body, name),
    async explain(body, name) {
      const { container } = await draftContainer(parts, body, name, true);
      const { plan, close } = explainedStart(parts, container);
      try {
        return explain(start(plan));
      } finally {
        close();
      }
    },
    async start(ref) {
      const container = find(ref);
      await container.exclusive(() => startContainer(parts, container));
    },
    script: (ref, cgroup) => exportScript(parts, find(ref), cgroup),
    startTraced: (ref) => startTraced(parts, find(ref)),
    trace: (ref) => traceOf(parts, find(ref)),
    startStepwise: (ref, options, dialogue) => startStepwise(parts, find(ref), options, dialogue),
    waitingStep: (ref) => waitingStepOf(find(ref)),
    stop: (ref, options) => stopContainer(parts, find(ref), options),
    async restart(ref, options) {
      const container = find(ref);
      await unlessNothingToDo(stopContainer(parts, container, options));
      await container.exclusive(() => startContainer(parts, container));
      announce(parts, container, 'restart');
    },
    kill: (ref, signal) => killContainer(parts, find(ref), signal),
    async pause(ref) {
      const container = find(ref);
      await container.exclusive(() => pauseContainer(parts, container));
    },
    async unpause(ref) {
      const container = find(ref);
      await container.exclusive(() => unpauseContainer(parts, container));
    },
    wait(ref, condition) {
      const container = find(ref);
      const { state } = container.record;
      const done =
        condition === 'not-running' && !container.running && state.status !== 'restarting'
          ? Promise.resolve({ StatusCode: state.exitCode, ...(state.error ? { Error: { Message: state.error } } : {}) })
          : container.wait(condition);
      return { ready: Promise.resolve(), done };
    },
    remove: (ref, options) => removeOnDemand(parts, find(ref), options),
    async rename(ref, name) {
      const container = find(ref);
      const wanted = name.replace(/^\//, '');
      validateName(wanted);
      await container.exclusive(async () => {
        const before = container.record.name;
        if (wanted === before) throw new EngineError(400, 'Renaming a container with the same name as its current name');
        parts.containers.rename(container, wanted);
        await parts.files.save(container);
        announce(parts, container, 'rename', { oldName: `/${before}` });
      });
    },
    async update(ref, body) {
      const container = find(ref);
      return container.exclusive(async () => {
        const { hostConfig, resources } = updateResources(container.record.hostConfig, body);
        const warnings: string[] = [];
        if (container.running) {
          const updated = await apply(updateCgroup(container.running.cgroup, resources), { kernel: parts.kernel });
          container.running = { ...container.running, cgroup: updated.cgroup };
          warnings.push(...updated.warnings);
        }
        container.record.hostConfig = hostConfig;
        await parts.files.save(container);
        announce(parts, container, 'update');
        return { Warnings: warnings };
      });
    },
    async resize(ref, height, width) {
      runningOf(find(ref)).handle.resize(height, width);
    },
    attach: (ref, options) => attachContainer(parts, find(ref), options),
    logs: (ref, options) => readContainerLogs(parts, find(ref), options),
    list: (options) => listContainers(parts, options),
    explainContainer: (ref, options) => explainContainer(parts, find(ref), options),
    inspect: (ref, options) => inspectContainer(parts, find(ref), options),
    async top(ref, psArguments) {
      const running = runningOf(find(ref));
      return processTable(() => processesOf(running), psArguments);
    },
    stats: (ref, options) => containerStats(parts, find(ref), options),
    changes: (ref) => changes(parts, find(ref)),
    export: (ref): Promise<Readable> => exportRoot(parts, find(ref)),
    getArchive: (ref, path) => copyOut(parts, find(ref), path),
    statArchive: (ref, path) => statPath(parts, find(ref), path),
    putArchive: (ref, path, tar, options) => copyIn(parts, find(ref), path, tar, options),
    prune: (filters) => pruneContainers(parts, filters),
  };
}
