/**
 * The log: where hako-oci's callers look for what went wrong. Records have the form that logrus gives them, as runc's, because
 * containerd's shim and Docker read the last one with level "error" from the file they named with --log. podman reads such a file as
 * one JSON document: of a command that fails there is one record, which has the warnings that came before in it.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { errnoMessage } from '../kernel/errno.ts';
import { OciError } from './error.ts';
import { timestamp } from './timestamp.ts';

/** As long as a message may be, in characters: what it names may be of any length, and its reader takes it in one piece. */
const longest = 4000;
const cut = (message: string): string => (message.length > longest ? `${message.slice(0, longest)}…` : message);

/** From the gravest on; a log keeps those up to its own. */
export const levels = ['error', 'warning', 'info', 'debug'] as const;
export type Level = (typeof levels)[number];

export interface Log {
  /** What ends the command. Also told on standard error, where a person may look. */
  error(message: string): void;
  /** What is not as was asked for, though the command goes on. In JSON, told when it is known whether that fails. */
  warn(message: string): void;
  /** Nothing more can fail: warnings that were held are told. */
  flush(): void;
  debug(message: string): void;
}

export interface LogOptions {
  /** Where the records go; absent or empty: to standard error. */
  readonly file?: string | undefined;
  readonly format: 'text' | 'json';
  readonly level: Level;
}

/**
 * Opens the log; the file is made if need be and appended to.
 * @throws OciError where it cannot be written
 */
export function openLog({ file, format, level }: LogOptions): Log {
  const fd = file ? openFile(file) : 2;
  const held: string[] = [];
  const isKept = (of: Level): boolean => levels.indexOf(of) <= levels.indexOf(level);
  const record = (of: Level, whole: string, more: object = {}): void => {
    if (!isKept(of)) return;
    const message = cut(whole);
    // Whoever reads standard error is a person or, without a file, a program.
    if (fd === 2 && isTerminal(2)) write(2, of === 'error' ? `hako-oci: ${message}\n` : `hako-oci: ${of}: ${message}\n`);
    // podman puts its name for the runtime before this, and shows it to the user: the sentence alone is what reads well there.
    else if (fd === 2 && of === 'error' && format === 'text') write(2, `${message}\n`);
    else write(fd, format === 'json' ? jsonRecord(of, message, more) : textRecord(of, message));
  };
  return {
    error(message) {
      const warnings = held.splice(0);
      record('error', message, warnings.length > 0 ? { warnings } : {});
      if (fd !== 2) write(2, `${cut(message)}\n`);
    },
    warn(message) {
      if (format === 'text') record('warning', message);
      else if (isKept('warning')) held.push(message);
    },
    flush() {
      for (const message of held.splice(0)) record('warning', message);
    },
    debug: (message) => record('debug', message),
  };
}

/** Whether it is a terminal, by its number. Node's own answer has it load its network code first: 9 ms. See admin-guide/devices.rst. */
function isTerminal(fd: number): boolean {
  const found = fstatSync(fd);
  const major = (found.rdev >> 8) & 0xfff;
  return found.isCharacterDevice() && (major === 4 || major === 5 || (major >= 136 && major <= 143));
}

function openFile(file: string): number {
  try {
    // O_NONBLOCK: a FIFO that nobody reads is an error, and not a wait.
    return openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o644);
  } catch (error) {
    throw new OciError(`the log file ${file} cannot be written: ${errnoMessage(-(error as NodeJS.ErrnoException).errno!)}`);
  }
}

/** One write, so that records of several processes in one file stay apart. A log that takes no more is no reason to fail. */
function write(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {
    // A full disk, a reader that went away: nobody is left to be told.
  }
}

/** Seconds are enough for logrus. */
const now = (): string => timestamp().replace(/\.\d+/, '');

/** logrus.JSONFormatter: the keys in this order, and others that a record has. */
const jsonRecord = (level: Level, msg: string, more: object): string => `${JSON.stringify({ level, msg, time: now(), ...more })}\n`;

/** logrus.TextFormatter where there is no terminal: a value is quoted unless it is one plain word. */
function textRecord(level: Level, message: string): string {
  const msg = /^[\w.\-/@^+]+$/.test(message) ? message : JSON.stringify(message);
  return `time="${now()}" level=${level} msg=${msg}\n`;
}
