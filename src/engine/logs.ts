/**
 * A container's log: `openLog` while it runs, `readLog` any time after. The format is in logs-record.ts, the reasons in docs/decisions/logs.md.
 */
import { EngineError, type LogOptions } from './engine.ts';
import type { LogChunk } from './logs-lines.ts';
import type { LogLimits } from './logs-options.ts';
import { readLog as readLogFiles } from './logs-reader.ts';
import { LogFiles, type LogWriter, nullLog } from './logs-writer.ts';

export type { LogChunk } from './logs-lines.ts';
export { defaultLogLimits, type LogLimits, logLimits } from './logs-options.ts';
export type { LogStream } from './logs-record.ts';
export type { LogWriter } from './logs-writer.ts';

/**
 * Gives a writer that appends to the log in `directory`. Costs nothing before the first write, which makes the directory and opens the newest file,
 * cutting off a record that a killed engine left half-written.
 * @param onError hears, once per spell of failures, that output is being lost (a full disk, say) and why
 */
export function openLog(directory: string, limits: LogLimits, onError: (message: string) => void): LogWriter {
  return limits.driver === 'none' ? nullLog : new LogFiles(directory, limits, onError);
}

/**
 * The log in a directory, oldest first; nothing when nothing was ever written.
 * @param signal ends the reading, without an error, as `options.signal` does
 * @param writer the one that `openLog` gave, while the container runs: `follow` waits for it and ends when it is closed; without it, at the end
 * @throws EngineError 501 when the container's driver keeps no log
 */
export function readLog(directory: string, limits: LogLimits, options: LogOptions, signal: AbortSignal, writer?: LogWriter): AsyncGenerator<LogChunk, void> {
  if (limits.driver === 'none') throw new EngineError(501, "The container's log driver is 'none': nothing was kept that could be read.");
  const ending = options.signal ? AbortSignal.any([signal, options.signal]) : signal;
  return readLogFiles(directory, options, ending, writer instanceof LogFiles ? writer : undefined);
}
