/** What `hako root` is given as a new root: a directory of this machine, or an image or a container of the engine, whose layers are stacked for the time. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { NewRoot } from '../element/root/run.ts';
import { holdingSignals } from '../element/signals.ts';
import { CommandError } from './command.ts';
import { overlayTarget } from './overlay-target.ts';

/** How roots are written, for the help. */
export const rootHelp =
  'ROOT is a directory, written with a slash or a dot in front, or an image or a container of the engine. Layers of an image\n' +
  'are stacked below a writable one that is thrown away at the end; a container that runs is not changed.';

/**
 * Finds a root, and takes away what was made for it when `use` is done with it, also when a signal ends that.
 * @param make false for an explanation: then no directory is made
 * @throws CommandError when there is none of the name
 */
export async function withRoot<R>(name: string, make: boolean, use: (root: NewRoot) => Promise<R>): Promise<R> {
  if (/^[./]/.test(name)) return use({ directory: resolve(name) });
  const { stack } = await overlayTarget(name);
  if (stack.layers.length === 0) throw new CommandError(`${name} has no layers`);
  const lower = stack.layers.map(({ directory }) => directory);
  const layersAt = (base: string): NewRoot => ({ layers: { lower, upper: join(base, 'upper'), work: join(base, 'work'), target: join(base, 'root') } });
  if (!make) return use(layersAt(join(tmpdir(), 'hako-root-XXXXXX')));
  return holdingSignals(async () => {
    const base = mkdtempSync(join(tmpdir(), 'hako-root-'));
    try {
      for (const part of ['upper', 'work', 'root']) mkdirSync(join(base, part));
      return await use(layersAt(base));
    } finally {
      rmSync(base, { recursive: true, force: true });
    }
  });
}
