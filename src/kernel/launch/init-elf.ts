/**
 * The small init of `--init`: process 1 of a container whose command was not written to be one. It starts the command,
 * passes every signal on to it, reaps what is orphaned, and ends as the command ends. A static executable of less than
 * a kilobyte, without data or library, since nothing of the image may be needed to run it.
 *
 * Its arguments: `init CANDIDATE… -- ARGV…`. The candidates are paths of the command's program, tried in order: the
 * search through PATH, done by the caller. ARGV are the command's arguments, beginning with its name.
 * Exit status: the command's, 128+n when signal n ended it, 127 when no candidate exists, 126 when none can be executed.
 */
import { architecture, type Architecture } from '../syscalls.ts';
import { staticElf } from './elf.ts';
import { initArm64 } from './init-arm64.ts';
import { initX64 } from './init-x64.ts';

/** The executable for an architecture (by default, this machine's). */
export function initProgram(of: Architecture = architecture): Uint8Array {
  return staticElf(of === 'x64' ? initX64() : initArm64(), of);
}

/**
 * The init's arguments.
 * @param candidates absolute paths in the container, tried in order
 * @param argv the command's arguments, its name first
 */
export function initArguments(candidates: readonly string[], argv: readonly string[]): string[] {
  return ['init', ...candidates, '--', ...argv];
}
