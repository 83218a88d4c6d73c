/** Inspect: what the engine knows of containers, images and volumes, in JSON or through a template. */
import { ApiError, get, segment } from './client.ts';
import { CommandError } from './command.ts';
import { formatObjects } from './object-output.ts';
import { complain } from './terminal-text.ts';

export type ObjectType = 'container' | 'image' | 'volume';

const paths: Readonly<Record<ObjectType, (name: string) => string>> = {
  container: (name) => `/containers/${segment(name)}/json`,
  image: (name) => `/images/${segment(name)}/json`,
  volume: (name) => `/volumes/${segment(name)}`,
};

/**
 * Prints each object that a name stands for; the first type that has it is taken. What is not found is told after the rest.
 * @returns the exit code
 */
export async function inspectObjects(
  names: readonly string[],
  types: readonly ObjectType[],
  options: { readonly format?: string | undefined; readonly size?: boolean },
): Promise<number> {
  const objects: unknown[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      objects.push(await find(name, types, options.size ?? false));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failures.push(error.message);
    }
  }
  const { format } = options;
  process.stdout.write(format ? await formatObjects(objects, format) : `${JSON.stringify(objects, null, 4)}\n`);
  for (const failure of failures) complain(failure);
  return failures.length ? 1 : 0;
}

async function find(name: string, types: readonly ObjectType[], size: boolean): Promise<unknown> {
  let lastError: ApiError | undefined;
  for (const type of types) {
    try {
      return await get(paths[type](name), { size: size && type === 'container' });
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 404 && !(types.length > 1 && error.status === 400))) throw error;
      lastError = error;
    }
  }
  throw types.length === 1 ? lastError! : new CommandError(`no such object: ${name}`);
}
