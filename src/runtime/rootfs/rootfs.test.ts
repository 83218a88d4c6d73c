import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, afterEach, describe, test } from 'node:test';
import { perform } from '../../kernel/perform.ts';
import { apply, StepError } from '../../step/apply.ts';
import type { Procedure } from '../../step/step.ts';
import { mountOverlay, openOverlay, prepareMountPoints, type MountPoint, type Overlay } from './rootfs.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to mount';
const run = <R>(procedure: Procedure<R>): Promise<R> => apply(procedure, { kernel: { call: perform } });

describe('the root file system', { skip: unable }, () => {
  let directory: string;
  let overlay: Overlay;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'hako-rootfs-'));
    const at = (name: string): string => {
      mkdirSync(join(directory, name));
      return join(directory, name);
    };
    overlay = { lower: [at('top'), at('bottom')], upper: at('upper'), work: at('work'), target: at('target') };
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('is the layers over each other, and what is written goes to the writable one alone', () => {
    writeFileSync(join(directory, 'top', 'both'), 'top');
    writeFileSync(join(directory, 'bottom', 'both'), 'bottom');
    writeFileSync(join(directory, 'bottom', 'below'), 'bottom');
    const root = openOverlay(overlay);
    assert.ok(root >= 0);
    const inside = `/proc/self/fd/${root}`;
    assert.equal(readFileSync(`${inside}/both`, 'utf8'), 'top');
    writeFileSync(`${inside}/below`, 'changed');
    assert.equal(readFileSync(join(overlay.upper, 'below'), 'utf8'), 'changed');
    assert.equal(readFileSync(join(directory, 'bottom', 'below'), 'utf8'), 'bottom');
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(directory));
    closeSync(root);
  });

  test('can be had without the writable layer', () => {
    const root = openOverlay(overlay, true);
    assert.throws(() => writeFileSync(`/proc/self/fd/${root}/new`, ''), /EROFS/);
    closeSync(root);
  });

  test('that cannot be stacked leaves no descriptor, and says why', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const broken = { ...overlay, lower: [join(directory, 'missing'), overlay.lower[0]!] };
    assert.ok(openOverlay(broken) < 0);
    await assert.rejects(
      run(mountOverlay(broken)),
      (error) => error instanceof StepError && error.step === 'mount.overlay' && error.message.includes('/missing'),
    );
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });

  /** Makes mount points in the root, as `start` does. */
  const prepare = (points: readonly MountPoint[]): Promise<void> =>
    run(
      (function* (): Procedure {
        yield* prepareMountPoints(yield* mountOverlay(overlay), points);
      })(),
    );

  test('gets the mount points that it lacks, and keeps those that it has', async () => {
    mkdirSync(join(directory, 'top', 'etc'));
    writeFileSync(join(directory, 'top', 'etc/hosts'), 'mine');
    await prepare([
      { path: '/etc/hosts', isFile: true },
      { path: '/a/b/c', isFile: false },
      { path: '/f/file', isFile: true },
    ]);
    assert.deepEqual(readdirSync(overlay.upper, { recursive: true, encoding: 'utf8' }).toSorted(), ['a', 'a/b', 'a/b/c', 'f', 'f/file']);
  });

  test('has no link that leads out of it, wherever the image points', async () => {
    const outside = join(directory, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(directory, 'top', 'absolute'));
    symlinkSync('../../../../../../..' + outside, join(directory, 'top', 'relative'));
    symlinkSync('/proc/self/root' + outside, join(directory, 'top', 'magic'));
    for (const name of ['absolute', 'relative', 'magic'])
      await prepare([{ path: `/${name}/made`, isFile: false }]).catch((error: unknown) => assert.ok(error instanceof StepError));
    assert.deepEqual(readdirSync(outside), []);
    assert.ok(!existsSync(join(outside, 'made')));
  });
});
