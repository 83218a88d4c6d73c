/** The log drivers and their options, as `--log-driver` and `--log-opt` name them. */
import type { LogConfig } from '../api/schema.ts';
import { EngineError } from './engine.ts';

/** What a container's log may take on the disk. */
export interface LogLimits {
  readonly driver: 'json-file' | 'local' | 'none';
  /** Bytes of one file; when it is full the next one begins. */
  readonly maxSize: number;
  /** Files that are kept; the oldest goes first. */
  readonly maxFile: number;
}

/** 8 files of 32 MiB: 256 MiB a container. Docker's default has no limit, which is how a log fills a disk. */
export const defaultLogLimits: LogLimits = { driver: 'json-file', maxSize: 32 * 1024 * 1024, maxFile: 8 };

/** Options of Docker's drivers that change nothing here, each with the reason for the warning. */
const withoutEffect: Readonly<Record<string, string>> = {
  compress: 'old log files are not compressed; max-size and max-file bound what they take',
  mode: 'writing never blocks on a reader, so there is one mode only',
  'max-buffer-size': 'there is no buffer',
  labels: 'extra attributes are not kept in the log',
  'labels-regex': 'extra attributes are not kept in the log',
  env: 'extra attributes are not kept in the log',
  'env-regex': 'extra attributes are not kept in the log',
  tag: 'extra attributes are not kept in the log',
};

const minimalSize = 4096;

/**
 * Checks what the client asked for and fills in the defaults.
 * @returns the limits, and a sentence for each option that is known but has no effect
 * @throws EngineError 400 for an unknown driver or option, or a value that cannot be
 */
export function logLimits(config: LogConfig | undefined): { readonly limits: LogLimits; readonly warnings: string[] } {
  const driver = config?.Type || defaultLogLimits.driver;
  const warnings: string[] = [];
  if (driver !== 'json-file' && driver !== 'local' && driver !== 'none') {
    throw new EngineError(400, `The log driver '${driver}' does not exist here: use 'json-file', 'local' (the same) or 'none'.`);
  }
  let { maxSize, maxFile } = defaultLogLimits;
  for (const [name, value] of Object.entries(config?.Config ?? {})) {
    if (name === 'max-size') maxSize = parseSize(value);
    else if (name === 'max-file') maxFile = parseCount(value);
    else if (name in withoutEffect) warnings.push(`The log option '${name}' has no effect: ${withoutEffect[name]}.`);
    else throw new EngineError(400, `The log option '${name}' is unknown to the driver '${driver}': it knows max-size and max-file.`);
  }
  return { limits: { driver, maxSize, maxFile }, warnings };
}

/** `10m`, `512k`, `1g`, `1048576`; `-1` is no limit, as in Docker. */
function parseSize(text: string): number {
  if (text === '-1') return Number.MAX_SAFE_INTEGER;
  const match = /^(\d{1,12})\s*([kmgt]?)(?:i?b)?$/i.exec(text);
  const size = match ? Number(match[1]) * 1024 ** ' kmgt'.indexOf((match[2] || ' ').toLowerCase()) : 0;
  if (size >= minimalSize && Number.isSafeInteger(size)) return size;
  throw new EngineError(400, `The log option max-size=${text} is not a size of at least ${minimalSize} bytes: write 10m, 512k or 1g.`);
}

function parseCount(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new EngineError(400, `The log option max-file=${text} is not a number of files from 1 to 9999.`);
}
