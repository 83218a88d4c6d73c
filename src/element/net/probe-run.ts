/** A probe from question to finding: works out the way, watches the namespaces on it, sends, and makes sense of what was seen. */
import { randomInt } from 'node:crypto';
import type { Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { findingOf, watchedScenes, type Finding } from './finding.ts';
import type { Flow } from './flow.ts';
import { sendProbe, type ProbeOptions } from './probe.ts';
import type { Snapshot } from './snapshot.ts';
import type { Way } from './hop.ts';
import { wayOf } from './way.ts';

/** Everything that a probe needs, before anything is done. */
export interface ProbePlan {
  readonly snapshot: Snapshot;
  readonly flow: Flow;
  readonly way: Way;
  readonly options: ProbeOptions;
}

/** Ports above those that the kernel gives to clients by itself. */
const [leastPort, mostPort] = [61000, 65500];

/** Plans a probe. @throws ElementError where it would have to be sent by another machine */
export function probe(snapshot: Snapshot, flow: Flow, timeout: number): ProbePlan {
  if (flow.from.kind === 'outside')
    throw new ElementError(
      `a probe cannot be sent from ${flow.from.source}, which is no address of this machine: "hako net path" works out the way from there`,
    );
  const way = wayOf(snapshot, flow);
  const from = flow.from.scene;
  const packet = {
    protocol: flow.protocol,
    source: way.source ?? flow.from.source ?? '0.0.0.0',
    destination: flow.destination,
    sourcePort: randomInt(leastPort, mostPort),
    destinationPort: flow.port,
    mark: randomInt(1, 2 ** 32 - 2),
  };
  return { snapshot, flow, way, options: { packet, from, watched: watchedScenes(snapshot, flow, way), timeout } };
}

/** Carries it out. */
export function* probeProcedure({ snapshot, flow, way, options }: ProbePlan): Procedure<Finding> {
  return findingOf(snapshot, flow, way, yield* sendProbe(options));
}
