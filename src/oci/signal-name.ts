/** Signals by name and number, as a caller writes them. See signal(7). */
import { constants } from 'node:os';
import { OciError } from './error.ts';

/** The real-time signals that a program may use: the C library takes 32 and 33 for itself. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** `9`, `KILL`, `SIGKILL`, `RTMIN+3` → the number. 0 asks whether there is a process. @throws OciError */
export function signalNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= SIGRTMAX) return Number(text);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const number = Object.hasOwn(constants.signals, `SIG${name}`) ? constants.signals[`SIG${name}` as NodeJS.Signals] : undefined;
  if (number !== undefined) return number;
  const realTime = /^RT(?:MIN(?:\+(\d+))?|MAX(?:-(\d+))?)$/.exec(name);
  const value = realTime && (name.startsWith('RTMIN') ? SIGRTMIN + Number(realTime[1] ?? 0) : SIGRTMAX - Number(realTime[2] ?? 0));
  if (value && value >= SIGRTMIN && value <= SIGRTMAX) return value;
  throw new OciError(`unknown signal "${text}": use a number, or a name such as TERM or SIGTERM`);
}
