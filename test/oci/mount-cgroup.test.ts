/** Mounts of type cgroup and cgroup2, with and without a cgroup namespace, as the kernel shows them in a created container. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { detectCgroups } from '../../src/runtime/cgroup/detect.ts';
import { titleOf } from '../../src/runtime/cgroup/layout.ts';
import { CreatedBench, mount, procMount, type Waiting } from '../support/created.ts';
import { needsRoot } from '../support/needs.ts';

const sys = mount('/sys', 'sysfs', 'sysfs', 'ro', 'nosuid', 'noexec', 'nodev');

describe('cgroups among the mounts', { skip: needsRoot() }, () => {
  let bench: CreatedBench;
  before(() => void (bench = new CreatedBench()));
  after(() => bench[Symbol.dispose]());
  const layout = detectCgroups();
  const cgroups = (...options: string[]): ReturnType<typeof mount> => mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', ...options);

  /** Where each of the container's hierarchies is. */
  const places = ({ cgroup }: Waiting): string[] => cgroup.hierarchies.map((h) => (layout.mode === 'v2' ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${titleOf(h)}`));

  /** A container's own cgroup is at each place, and nothing above it: its process is listed there. */
  const isOwn = (waiting: Waiting): void => {
    const all = places(waiting);
    assert.ok(all.length > 0);
    for (const path of all) {
      const inside = readFileSync(`${waiting.root}${path}/cgroup.procs`, 'utf8').trim().split('\n');
      assert.deepEqual(inside, [String(waiting.pid)], path);
      assert.ok(!existsSync(`${waiting.root}${path}/release_agent`), path);
    }
  };

  for (const shares of [[], ['cgroup']] as const) {
    const what = shares.length ? 'without a namespace of its own' : 'with a namespace of its own';
    test(
      `show a container its own, ${what}, read-only`,
      { skip: layout.mode === 'v2' && shares.length > 0 && 'the one tree of version 2 is shown as a whole' },
      async () => {
        await bench.create({ mounts: [procMount, sys, cgroups('ro')], shares: [...shares], cgroup: true }, (waiting) => {
          isOwn(waiting);
          for (const path of ['/sys/fs/cgroup', ...places(waiting)]) assert.ok(waiting.at(path)!.options.includes('ro'), path);
          if (layout.mode !== 'v2') for (const [link, target] of linksIn(waiting)) assert.ok(places(waiting).includes(`/sys/fs/cgroup/${target}`), link);
        });
      },
    );

    test(
      `can be written to, ${what}, where that is asked for`,
      { skip: layout.mode === 'v2' && shares.length > 0 && 'the one tree of version 2 is shown as a whole' },
      async () => {
        await bench.create({ mounts: [procMount, sys, cgroups('rw')], shares: [...shares], cgroup: true }, (waiting) => {
          isOwn(waiting);
          for (const path of places(waiting)) assert.ok(waiting.at(path)!.options.includes('rw'), path);
        });
      },
    );
  }

  test('of version 2 are mounted by that name', { skip: layout.unified ? false : 'no version 2 tree' }, async () => {
    await bench.create({ mounts: [mount('/data', 'cgroup2', 'cgroup', 'ro', 'nosuid')], cgroup: true }, ({ at, root, pid }) => {
      assert.equal(at('/data')!.type, 'cgroup2');
      assert.deepEqual(readFileSync(`${root}/data/cgroup.procs`, 'utf8').trim().split('\n'), [String(pid)]);
    });
  });

  test('may lie elsewhere', async () => {
    await bench.create({ mounts: [mount('/data', 'cgroup', 'cgroup', 'ro')], cgroup: true }, ({ at, cgroup }) => {
      assert.equal(at('/data')!.type, layout.mode === 'v2' ? 'cgroup2' : 'tmpfs');
      if (layout.mode !== 'v2') for (const h of cgroup.hierarchies) assert.match(at(`/data/${titleOf(h)}`)!.type, /^cgroup/);
    });
  });

  const linksIn = ({ root }: Waiting): (readonly [string, string])[] =>
    readdirSync(`${root}/sys/fs/cgroup`, { withFileTypes: true }).flatMap((entry) =>
      entry.isSymbolicLink() ? [[entry.name, readlinkSync(`${root}/sys/fs/cgroup/${entry.name}`)] as const] : [],
    );
});
