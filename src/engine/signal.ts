/** Signals by name or number, as clients write them. See signal(7). */
import { constants } from 'node:os';
import { EngineError } from './engine.ts';

/** The number of a signal: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`. @throws EngineError 400 */
export function signalNumber(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '');
  if (/^\d{1,2}$/.test(name) && Number(name) >= 1 && Number(name) <= 64) return Number(name);
  const realtime = /^RTMIN(?:\+(\d{1,2}))?$|^RTMAX(?:-(\d{1,2}))?$/.exec(name);
  if (realtime) {
    const number = name.startsWith('RTMIN') ? 34 + Number(realtime[1] ?? 0) : 64 - Number(realtime[2] ?? 0);
    if (number >= 34 && number <= 64) return number;
  }
  const number = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
  if (number === undefined) throw new EngineError(400, `Invalid signal: ${text}`);
  return number;
}
