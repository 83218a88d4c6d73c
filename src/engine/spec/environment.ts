/** Environment variables: how those of image, container and exec come together, and what every process gets. */
import type { ContainerConfig } from '../../api/schema.ts';
import { defaultPath } from '../../runtime/program-steps.ts';

const nameOf = (entry: string): string => entry.split('=', 1)[0]!;

/** The client's variables, and those of the image that it does not name. A bare name is kept: it takes a variable away. */
export function mergeEnvironment(image: readonly string[], asked: readonly string[]): string[] {
  const named = new Set(asked.map(nameOf));
  return [...asked, ...image.filter((entry) => !named.has(nameOf(entry)))];
}

/**
 * A process's environment. Of two values for one name the later counts; each name is there once, since programs differ
 * in which of two they take.
 * @param config `Env` as `NAME=VALUE`, or `NAME` to take one away; `Tty` sets TERM
 * @param home of the user, for HOME
 */
export function environmentOf(config: Pick<ContainerConfig, 'Env' | 'Tty'>, hostname: string, home: string): string[] {
  const values = new Map([
    ['PATH', defaultPath],
    ['HOSTNAME', hostname],
  ]);
  if (config.Tty) values.set('TERM', 'xterm');
  for (const entry of config.Env ?? []) {
    const at = entry.indexOf('=');
    if (at < 0) values.delete(entry);
    else values.set(entry.slice(0, at), entry.slice(at + 1));
  }
  if (!values.get('HOME')) values.set('HOME', home);
  return Array.from(values, ([name, value]) => `${name}=${value}`);
}
