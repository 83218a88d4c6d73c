/** How a request that cannot be served is refused: status 400 and one sentence. */
import { EngineError } from '../engine.ts';

/** @throws EngineError 400 with the sentence, when the condition holds */
export function refuse(condition: boolean, sentence: string): void {
  if (condition) throw new EngineError(400, sentence);
}

/** Runs a check of the runtime's or the network's; what it throws is the client's mistake. @throws EngineError 400 */
export function refusing<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof EngineError ? error : new EngineError(400, (error as Error).message);
  }
}
