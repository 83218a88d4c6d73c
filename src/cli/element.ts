/**
 * What the commands of the element technologies (`hako ns`, `hako cgroup`, …) share: their steps are applied by this very process,
 * or explained. The engine is asked for nothing but names. Loaded by those commands alone: it brings the addon for system calls with it.
 */
import { constants } from 'node:os';
import { applied, explained, type Procedure } from '../element/interpret.ts';
import { CommandError, type Flag } from './command.ts';
import { printSteps } from './explain.ts';

/** `--explain`, `--explain=json`. */
export const explainFlag = {
  kind: 'optional',
  alone: 'text',
  help: 'Print every step that would be taken, and do nothing; =json for programs',
  completes: ['text', 'json'],
} as const satisfies Flag;

/**
 * Takes a procedure's steps, or prints them.
 * @param form the value of {@link explainFlag}
 * @returns what the procedure gives; undefined when its steps were printed
 * @throws CommandError with the sentence of what failed
 */
export async function take<R>(procedure: Procedure<R>, form: string | undefined): Promise<R | undefined> {
  try {
    if (form === undefined) return await applied(procedure);
    printSteps(form, explained(procedure));
    return undefined;
  } catch (error) {
    throw refusal(error);
  }
}

/** Errors with a sentence for the user: those of the kernel, of steps, of a start, and of what was asked. Others are defects. */
const told: ReadonlySet<string> = new Set([
  'StepError',
  'KernelError',
  'StartError',
  'ElementError',
  'CgroupError',
  'UserError',
  'NetworkError',
  'StorageError',
  'SecurityOptionError',
  'SeccompError',
]);

/** The error as the client tells it; a defect stays as it is. */
export function refusal(error: unknown): unknown {
  if (!(error instanceof Error) || !told.has(error.name)) return error;
  const { exitCode, code, errno } = error as { readonly exitCode?: number; readonly code?: unknown; readonly errno?: number };
  const forbidden = (code === 'EACCES' || code === 'EPERM' || errno === constants.errno.EPERM) && process.getuid?.() !== 0 ? '; run it as root' : '';
  return new CommandError(error.message + forbidden, { exitCode: exitCode ?? (typeof code === 'number' ? code : 1) });
}
