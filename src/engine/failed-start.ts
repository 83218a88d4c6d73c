/** What a failed start says, and with which exit code: 127 not found, 126 not executable, 125 the engine's own. */
import { NetworkError } from '../network/error.ts';
import { StartError } from '../runtime/start-error.ts';
import { StepError } from '../step/apply.ts';
import { StorageError } from '../storage/error.ts';
import { EngineError } from './engine.ts';

/**
 * @param name the container's
 * @returns the error to answer with, and the exit code that the container's state gets
 */
export function describeFailedStart(name: string, error: unknown): { readonly error: Error; readonly exitCode: number } {
  if (error instanceof StartError) {
    const status = error.code === 125 ? 500 : 400;
    return { error: new EngineError(status, `container ${name} could not be started: ${error.message}`), exitCode: error.code };
  }
  if (error instanceof EngineError) return { error, exitCode: 125 };
  if (error instanceof NetworkError || error instanceof StepError || error instanceof StorageError) {
    return { error: new EngineError(500, `container ${name} could not be started: ${error.message}`), exitCode: 125 };
  }
  return { error: error instanceof Error ? error : new Error(String(error)), exitCode: 125 };
}
