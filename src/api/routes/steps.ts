/**
 * Starts under somebody's eyes: their trace, and the dialogue in which somebody decides about each step. It is JSON lines both ways on
 * one connection: a StepMessage a line to the client, a StepAnswer a line from it. A client that goes away gives up.
 */
import { createInterface } from 'node:readline';
import type { StepDialogue } from '../../engine/engine.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Route } from '../http/router.ts';
import { StepAnswers } from '../step-answers.ts';

export const stepRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/containers/{ref}/trace',
    async handle(exchange) {
      exchange.json(exchange.engine.containers.trace(exchange.parameter('ref')));
    },
  },
  {
    method: 'GET',
    path: '/containers/{ref}/steps',
    async handle(exchange) {
      exchange.json(exchange.engine.containers.waitingStep(exchange.parameter('ref')));
    },
  },
  { method: 'POST', path: '/containers/{ref}/steps/start', handle: startStepwise },
];

async function startStepwise(exchange: Exchange): Promise<void> {
  const { query } = exchange;
  const ref = exchange.parameter('ref');
  await exchange.engine.containers.inspect(ref, { size: false });
  const names = (name: string): string[] => (query.text(name) ?? '').split(',').filter(Boolean);
  const before = query.text('before') === 'all' ? ('all' as const) : names('before');
  const { output, input } = exchange.hijack('application/x-ndjson');
  const answers = new StepAnswers();
  output.once('close', () => answers.give({ do: 'abort' }));
  if (input) {
    const lines = createInterface({ input });
    lines.on('line', (line) => answers.take(line)).once('close', () => answers.give({ do: 'abort' }));
  } else answers.give({ do: 'abort' });
  const dialogue: StepDialogue = {
    tell(message) {
      if (!output.destroyed) output.write(`${JSON.stringify(message)}\n`);
    },
    answer: (signal, milliseconds) => answers.next(signal, milliseconds),
  };
  await exchange.engine.containers.startStepwise(ref, { before, hand: names('hand'), trace: query.flag('trace') }, dialogue);
  output.end();
}
