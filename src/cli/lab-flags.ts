/** What the commands of the lab share: its name, and errors that are sentences. */
import { defaultName, LabError, type Lab } from '../lab/lab.ts';
import { CommandError, type Flag } from './command.ts';
import { refusal } from './element.ts';

/** `--name`. */
export const nameFlag = {
  kind: 'string',
  placeholder: 'name',
  help: 'Which lab, where there are several (default from HAKO_LAB, else "lab")',
} as const satisfies Flag;

/** The ceilings that a lab is started with. */
export const ceilingFlags = {
  'real-root': { kind: 'bool', help: "Without a user namespace: the lab's root is the machine's, behind a device list (for the exercises that ask for it)" },
  memory: { kind: 'bytes', short: 'm', help: 'Ceiling of its memory (default 2g, or half of the machine)' },
  'pids-limit': { kind: 'int', help: 'Ceiling of its processes (default 1024)' },
  size: { kind: 'bytes', help: 'Ceiling of its files, which are in memory (default 1g)' },
} as const satisfies Record<string, Flag>;

export const nameOf = (flag: string | undefined): string => flag ?? defaultName();

/** Does something with a lab. @throws CommandError with the sentence of what failed */
export async function withLab<R>(act: () => Promise<R> | R): Promise<R> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof LabError ? new CommandError(error.message) : refusal(error);
  }
}

/** What a person does next, where there is no lab. */
export function noLab(name: string, before: Lab | undefined): CommandError {
  const by = name === 'lab' ? '' : ` --name ${name}`;
  return before
    ? new CommandError(`the lab "${name}" has ended: its first process is gone`, { hint: `Bring it back with: hako lab reset${by}` })
    : new CommandError(`there is no lab "${name}"`, { hint: `Start it with: hako lab start${by}` });
}
