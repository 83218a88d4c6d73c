/** Starting a container under somebody's eyes: traced, or step by step; and what is left to look at afterwards. */
import type { Trace, WaitingStep } from '../api/schema.ts';
import { describeFailedStart } from './failed-start.ts';
import type { Container } from './container.ts';
import { EngineError, type StepDialogue, type StepOptions } from './engine.ts';
import type { Parts } from './parts.ts';
import { startContainer } from './start-container.ts';
import { explainedStart } from './start-plan.ts';
import { TracedStart } from './start-watch.ts';
import { Aborted, SteppedStart } from './stepped-start.ts';

/** A start that failed, with what had happened until then and how it was undone. */
class TracedFailure extends EngineError {
  readonly trace: Trace;
  constructor(error: EngineError, trace: Trace) {
    super(error.status, error.message);
    this.trace = trace;
  }
}

/** Starts a container and keeps the trace of it. @throws TracedFailure, or EngineError where nothing was begun */
export async function startTraced(parts: Parts, container: Container): Promise<Trace> {
  const watch = new TracedStart();
  return container.exclusive(async () => {
    try {
      await startContainer(parts, container, watch);
      keep(parts, container, watch.trace);
      return watch.trace!;
    } catch (error) {
      if (!watch.trace) throw error;
      if (!container.record.hostConfig.AutoRemove) keep(parts, container, watch.trace);
      throw error instanceof EngineError ? new TracedFailure(error, watch.trace) : error;
    }
  });
}

function keep(parts: Parts, container: Container, trace: Trace | undefined): void {
  if (trace) parts.files.saveTrace(container, trace);
}

/** The trace of the container's last traced start. @throws EngineError 404 */
export function traceOf(parts: Parts, container: Container): Trace {
  const trace = parts.files.readTrace(container, parts.report);
  if (trace) return trace;
  throw new EngineError(404, `no trace was kept of container ${container.record.name}: it is made by a start that is watched, as with: hako start --trace`);
}

/** Starts a container with somebody deciding about each step. All that happens is told in the dialogue; nothing is thrown. */
export async function startStepwise(parts: Parts, container: Container, options: StepOptions, dialogue: StepDialogue): Promise<void> {
  const watch = new SteppedStart(dialogue, options);
  try {
    checkNames(parts, container, watch);
    await container.exclusive(async () => {
      container.stepping = { waiting: () => watch.waiting(), abort: (why) => watch.abort(why) };
      try {
        await startContainer(parts, container, watch);
      } finally {
        container.stepping = undefined;
      }
      keep(parts, container, watch.trace);
    });
  } catch (error) {
    const { error: told } = describeFailedStart(container.record.name, error);
    const status = told instanceof EngineError ? told.status : 500;
    if (!(told instanceof EngineError) && !(error instanceof Aborted)) parts.report(`the stepwise start of container ${container.record.name}: ${told.stack}`);
    dialogue.tell({ kind: 'failed', status, message: told.message, aborted: error instanceof Aborted, undone: watch.undone });
  }
}

function checkNames(parts: Parts, container: Container, watch: SteppedStart): void {
  const { plan, close } = explainedStart(parts, container);
  try {
    watch.check(plan);
  } finally {
    close();
  }
}

/** Where a stepwise start stands. @throws EngineError 409 when there is none */
export function waitingStepOf(container: Container): WaitingStep {
  const waiting = container.stepping?.waiting();
  if (waiting) return waiting;
  const { name } = container.record;
  throw new EngineError(409, `no start of container ${name} waits for a decision: one does that is begun with: hako run --step`);
}
