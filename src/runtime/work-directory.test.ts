/** Working directories of real containers: made where they are missing, entered by who may, and never outside of the root. */
import assert from 'node:assert/strict';
import { chownSync, chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ContainerBench, type Asked } from '../../test/support/container.ts';
import { needsRoot } from '../../test/support/needs.ts';
import { hostUser } from './id-map.ts';
import type { StartPlan } from './start.ts';

describe('the working directory', { skip: needsRoot() }, () => {
  let bench: ContainerBench;
  let host: string;
  before(async () => {
    bench = await new ContainerBench().prepare();
    host = join(bench.directory, 'host');
    mkdirSync(host);
  });
  after(() => bench[Symbol.asyncDispose]());

  const bound = (source: string) => [{ Type: 'bind' as const, Source: source, Destination: '/data', Mode: '', RW: true, Propagation: 'rprivate' }];
  const plan = (cwd: string, asked: Partial<Asked> = {}, user = { uid: 0, gid: 0 }): StartPlan => {
    const made = bench.plan({ command: ['sh', '-c', 'pwd && stat -c "%a %u" .'], mounts: bound(host), ...asked });
    return { ...made, findsProgram: true, spec: { ...made.spec, process: { ...made.spec.process, cwd, user } } };
  };

  test('is made in a mount, with all above it, though the root is read-only', async () => {
    const { stdout } = await bench.runPlan(plan('/data/a/../b/c', { hostConfig: { ReadonlyRootfs: true } }));
    assert.equal(stdout, '/data/b/c\n755 0\n');
    assert.equal(statSync(join(host, 'b/c')).mode & 0o7777, 0o755);
  });

  test('is made by the root of a user namespace, in a file system of its own', async () => {
    const { stdout } = await bench.runPlan(plan('/dev/shm/work', { mounts: [], hostConfig: { UsernsMode: 'private' } }));
    assert.equal(stdout, '/dev/shm/work\n755 0\n');
  });

  test('is not made through a link to a descriptor', async () => {
    for (const fd of [3, 7, 20]) {
      const found = bench.start(plan(`/proc/self/fd/${fd}/x`));
      await assert.rejects(found, /make \/proc\/self\/fd\/\d+\/x where it is missing: .*(ELOOP|ENOENT)/);
    }
  });

  test('is entered by the user where root may not', async () => {
    const closed = join(bench.directory, 'closed');
    mkdirSync(closed);
    const user = { uid: 1000, gid: 1000 };
    const made = plan('/data', { mounts: bound(closed), hostConfig: { UsernsMode: 'private' } }, user);
    // The owner has no id in the container: its root has no power over the directory, and is not of the group.
    chownSync(closed, 5, hostUser(made.spec.linux, user).gid);
    chmodSync(closed, 0o710);
    assert.equal((await bench.runPlan(made)).stdout, '/data\n710 65534\n');
    chmodSync(closed, 0o700);
    await assert.rejects(bench.start(plan('/data', { mounts: bound(closed), hostConfig: { UsernsMode: 'private' } }, user)), /go to \/data: .*EACCES/);
  });
});
