/** Joining, pausing, killing, devices and what a container sees, on the kernel that runs the tests. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { performNow } from '../../kernel/perform.ts';
import type { Call } from '../../kernel/call.ts';
import { cgroupMounts } from './mounts.ts';
import { processes, directoryIn, type Cgroup } from './cgroup.ts';
import { createCgroup } from './create.ts';
import { devices } from './devices.ts';
import { ended, firstLine, run, start, testPath, unable } from './fixture.ts';
import { freeze, isFrozen, thaw } from './freeze.ts';
import { joinSteps } from './join.ts';
import { killAll } from './kill.ts';
import { detectCgroups } from './detect.ts';
import { hierarchyOf, type CgroupLayout } from './layout.ts';
import { stats } from './stats.ts';
import type { DeviceRule } from '../spec.ts';

const layout = unable ? undefined : detectCgroups();
const noV1 = unable || (layout!.hierarchies.some((h) => h.version === 1) ? false : 'this machine has no cgroup v1');

/** The machine as if it had no v2 tree: its own v1 hierarchies are used for everything. */
function v1Only(): CgroupLayout {
  const { unified: _, delegated: __, ...rest } = layout!;
  return { ...rest, mode: 'v1', hierarchies: rest.hierarchies.filter((h) => h.version === 1), deviceFilter: 'list' };
}

test('the calls of joining move the thread that makes them, and nothing else', { skip: noV1 }, async (t) => {
  const cgroup = await run(createCgroup(layout!, testPath(t, layout!)));
  const joined = joinSteps(cgroup);
  assert.ok(joined.length > 0);
  const home = new Map(cgroup.hierarchies.map((h) => [h, h.own]));
  try {
    for (const step of joined) {
      const values = new Map<Call, number>();
      for (const c of step.calls)
        values.set(
          c,
          performNow(c, (r) => values.get(r.of)!),
        );
      assert.ok(
        [...values.values()].every((v) => v >= 0),
        `${step.what}: ${[...values.values()]}`,
      );
    }
    const own = readFileSync('/proc/thread-self/cgroup', 'utf8');
    for (const h of cgroup.hierarchies.filter((each) => each.version === 1))
      assert.match(own, new RegExp(`:(.*,)?${h.name ?? h.controllers[0]}(,.*)?:${cgroup.path}$`, 'm'));
  } finally {
    for (const [h, path] of home) if (h.version === 1) writeFileSync(`${directoryIn(h, path === '/' ? '' : path)}/tasks`, '0');
  }
});

for (const [name, choose] of [
  ['as this machine has it', () => layout!],
  ['with version 1 alone', v1Only],
] as const) {
  const skip = name.includes('version 1') ? noV1 || (hierarchyOf(layout!, 'freezer') ? false : 'no freezer controller') : unable;

  test(`pause, continue, kill: ${name}`, { skip }, async (t) => {
    const cgroup = await run(createCgroup(choose(), testPath(t, choose())));
    const child = start(cgroup, 'echo ready; (while :; do :; done) & while :; do :; done');
    const end = ended(child);
    await firstLine(child);
    assert.ok(processes(cgroup).includes(child.pid!));
    await run(freeze(cgroup));
    assert.equal(isFrozen(cgroup), true);
    const used = stats(cgroup).cpu!.usage;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(stats(cgroup).cpu!.usage, used, 'paused processes use no time');
    await run(thaw(cgroup));
    assert.equal(isFrozen(cgroup), false);
    await run(freeze(cgroup));
    await run(killAll(cgroup)); // paused ones too
    assert.equal((await end).signal, 'SIGKILL');
  });

  test(`devices: ${name}`, { skip: skip || (choose === v1Only && !hierarchyOf(layout!, 'devices') ? 'no devices controller' : false) }, async (t) => {
    const rules: DeviceRule[] = [
      { allow: false },
      { allow: true, type: 'c', access: 'm' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 5, access: 'r' },
    ];
    const cgroup = await run(createCgroup(choose(), testPath(t, choose())));
    assert.deepEqual(await run(devices(cgroup, rules)), []);
    const tries = {
      'null is writable': ': > /dev/null',
      'zero is readable': 'head -c 1 /dev/zero',
      'zero is not writable': ': > /dev/zero',
      'zero is not both': ': <> /dev/zero',
      'urandom is not readable': ': < /dev/urandom',
      'nodes can be made': 'mknod $d/c c 1 9',
      'but not opened': ': < $d/c',
      'block nodes can not': 'mknod $d/b b 7 200',
    };
    const script = Object.values(tries)
      .map((command) => `(${command}) >&3 2>&1; echo $?`)
      .join('\n');
    const { stdout, stderr } = await ended(start(cgroup, `exec 3>&2; d=$(mktemp -d); ${script}; rm -r $d`));
    const worked = stdout
      .trim()
      .split('\n')
      .map((code) => code === '0');
    const expected = [true, true, false, false, false, true, false, false];
    assert.deepEqual(
      Object.fromEntries(Object.keys(tries).map((k, i) => [k, worked[i]])),
      Object.fromEntries(Object.keys(tries).map((k, i) => [k, expected[i]])),
      stderr,
    );
  });

  test(`what a container sees of its cgroups is its own, and read-only: ${name}`, { skip }, async (t) => {
    const cgroup = await run(createCgroup(choose(), testPath(t, choose()), { memory: { limit: 64 << 20 } }));
    const { mounts, links, thenReadOnly } = cgroupMounts(cgroup, '/mnt');
    const script = [
      ...mounts.map((m) => `mkdir -p ${m.destination}; mount -t ${m.type} -o ${m.options.filter((o) => o !== 'none').join(',')} ${m.source} ${m.destination}`),
      ...links.map((l) => `ln -s ${l.target} ${l.path}`),
      ...(thenReadOnly ? [`mount -o remount,ro,bind ${thenReadOnly}`] : []),
      'cat /proc/self/cgroup',
      'find /mnt -name release_agent',
      'for f in $(find /mnt -name notify_on_release -o -name cgroup.procs); do (echo 0 > $f) 2>/dev/null && echo "wrote $f"; done',
      'mkdir /mnt/x /mnt/*/x 2>/dev/null && echo "made a directory"',
      'find /mnt -name cgroup.procs | xargs -n1 sh -c \'grep -q "^$$\\$" $0 && echo "in $0"\'',
    ].join('\n');
    const child = start(cgroup, `unshare --mount --cgroup /bin/sh -ec '${script.replaceAll("'", `'\\''`)}\ntrue'`);
    const { stdout, stderr } = await ended(child);
    const lines = stdout.trim().split('\n');
    for (const h of cgroup.hierarchies)
      assert.ok(
        lines.some((l) => new RegExp(h.version === 2 ? '^0::/$' : `:(.*,)?${h.name ?? h.controllers[0]}(,.*)?:/$`).test(l)),
        `${h.mountPoint}: ${stdout}${stderr}`,
      );
    assert.deepEqual(
      lines.filter((l) => /release_agent|wrote|made/.test(l)),
      [],
    );
    assert.equal(lines.filter((l) => l.startsWith('in ')).length, cgroup.hierarchies.length, stdout + stderr);
    hostStillWritable(cgroup);
  });
}

/** A read-only mount must not make the host's mount of the same hierarchy read-only. */
function hostStillWritable(cgroup: Cgroup): void {
  for (const h of cgroup.hierarchies) if (h.version === 1) writeFileSync(`${directoryIn(h, cgroup.path)}/notify_on_release`, '0');
}
