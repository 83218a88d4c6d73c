/** Programs of a scene that tell what their filter lets through, by what they leave behind; and the processes that run them. See seccomp(2). */
import { textOf } from './files.ts';
import type { Look } from './look.ts';
import type { LabProcess } from '../../lab/processes.ts';

/** Processes that run the scene's probe under a filter. @param probe the script, by its path */
export const filtered = (look: Look, probe: string): readonly LabProcess[] =>
  look.others.filter(
    ({ args, seccomp, seccompFilters }) =>
      args.some((arg) => arg === probe || arg.endsWith(`/${probe.split('/').at(-1)}`)) && seccomp === 2 && seccompFilters > 0,
  );

/** What the probe has last written about itself. */
export const reported = (look: Look, file: string): string | undefined => textOf(look.host, file)?.trim();
