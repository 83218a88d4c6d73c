/** `--security-opt`: a seccomp profile is a file of the client's, which goes to the engine as its content. */
import { readFileSync } from 'node:fs';
import type { HostConfig } from '../api/schema.ts';
import { CommandError, UsageError } from './command.ts';

/** @throws CommandError when a profile cannot be read or is not JSON */
export function securityOptions(options: readonly string[]): HostConfig {
  const all: string[] = [];
  let unconfinedPaths = false;
  for (const option of options) {
    // `=` is the separator; `:` is the older spelling.
    const [, key = option, value] = /^([^=:]+)[=:](.*)$/s.exec(option) ?? [];
    if (value === undefined && key !== 'no-new-privileges') throw new UsageError(`invalid --security-opt '${option}': it must have the form NAME=VALUE`);
    if (key === 'systempaths') {
      if (value !== 'unconfined') throw new UsageError(`invalid --security-opt '${option}': systempaths can only be unconfined`);
      unconfinedPaths = true;
    } else if (key === 'seccomp' && value !== 'unconfined' && value !== 'builtin') all.push(`seccomp=${readProfile(value!)}`);
    else all.push(value === undefined ? key : `${key}=${value}`);
  }
  return { ...(all.length && { SecurityOpt: all }), ...(unconfinedPaths && { MaskedPaths: [], ReadonlyPaths: [] }) };
}

function readProfile(path: string): string {
  const fail = (why: string): never => {
    throw new CommandError(`opening seccomp profile (${path}) failed: ${why}`, { exitCode: 125 });
  };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return fail((error as NodeJS.ErrnoException).code ?? String(error));
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    return fail((error as Error).message);
  }
}
