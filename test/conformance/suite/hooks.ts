/** Hooks that record what they are given. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle } from './bench.ts';

/** The kinds of hooks, in the order of a container's life. */
export const hookKinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
export type HookKind = (typeof hookKinds)[number];

/** An entry of `hooks`. */
export interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

/**
 * A hook that runs a script. In it, `$out` is a directory of the container's root file system, by the name that it has where the hook runs.
 */
export function scriptHook(kind: HookKind, directory: string, script: string, more: Partial<Hook> = {}): Hook {
  const rootfs = kind === 'startContainer' ? '' : join(directory, 'rootfs');
  return { path: `${rootfs}/bin/sh`, args: ['sh', '-c', `PATH=/bin:/usr/bin out=${rootfs}/var; ${script}`], ...more };
}

/** What a hook wrote to `$out/NAME`, or undefined. */
export function written(bundle: Bundle, name: string): string | undefined {
  const file = join(bundle.rootfs, 'var', name);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
