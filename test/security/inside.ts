/**
 * Being inside: the two ways a program comes into a container, `run` and `exec`, which must confine alike; and Perl, which
 * every Debian has, as the tongue of hostile programs: it makes any system call.
 */
import { existsSync } from 'node:fs';
import type { Outcome, TestEngine } from '../support/engine.ts';

/** How a program comes into a container. */
export const ways = ['run', 'exec'] as const;
export type Way = (typeof ways)[number];

/** Where and as whom. */
export interface Place {
  /** Options of the container. */
  readonly container?: readonly string[];
  /** Options of the program: given to `run` with the container's, and to `exec`. */
  readonly program?: readonly string[];
  readonly image?: string;
}

/** Runs a command in a new container, as its first process or by an exec, to its end. */
export async function inside(engine: TestEngine, way: Way, place: Place, ...command: readonly string[]): Promise<Outcome> {
  const { container = [], program = [], image = 'base' } = place;
  if (way === 'run') return engine.hako(['run', '--rm', ...container, ...program, image, ...command]);
  const id = await engine.must('run', '-d', ...container, image, 'sleep', '1000');
  try {
    return await engine.hako(['exec', ...program, id, ...command]);
  } finally {
    await engine.must('rm', '-f', id);
  }
}

/** Options with which a container of the image `base` has the machine's Perl. */
export const withPerl: readonly string[] = ['--volume', '/usr:/usr:ro'];

/** The `skip` option of a test that runs Perl in a container. */
export function needsPerl(): string | false {
  return existsSync('/usr/bin/perl') ? false : 'Debian package missing: perl-base';
}

/** The value of a line of /proc/PID/status: `field(text, 'CapEff')`. */
export function field(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1];
}
