/** Work that nobody waits for and nobody would ask for again: taking away what a container had. */
import { setTimeout } from 'node:timers/promises';

/** In milliseconds, between one try and the next. */
const delays = [100, 1000];

/**
 * Does something, and again a moment later when it failed: what the kernel was short of may be there then.
 * @param what for the report, as in `taking the network of container 4711 away`
 * @param report told of each try that failed but the last
 * @throws what the last try threw
 */
export async function insist<T>(what: string, report: (message: string) => void, work: () => Promise<T>): Promise<T> {
  for (const delay of delays) {
    try {
      return await work();
    } catch (error) {
      report(`${what}, which is tried again: ${String(error)}`);
      await setTimeout(delay);
    }
  }
  return work();
}
