/** Attacks on what a program is and may do: capabilities, groups, users, and hooks that run in the container. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../../../src/oci/config/json.ts';
import type { Attack } from '../attack.ts';
import { field } from '../inside.ts';
import { attempt, type Target } from '../targets.ts';

const status = ['cat', '/proc/self/status'] as const;
const none = '0000000000000000';
const dockers = '00000000a80425fb';

export const credentials: readonly Attack[] = [
  {
    row: 'inheritable',
    name: 'capabilities that pass on to programs of files that ask for them',
    attack: async (target) => {
      for (const [program, permitted] of [
        [{}, dockers],
        [{ user: '1000:1000' }, none],
      ] as const) {
        const { stdout } = await attempt(target, {}, program, ...status);
        assert.deepEqual(
          ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => field(stdout, name)),
          [none, permitted, permitted, dockers, none],
        );
      }
      const { oci, name } = target;
      if (!oci || name !== 'oci exec') return;
      // One that is added for an exec is not inheritable either.
      await using held = await oci.hold({});
      const { stdout } = await oci.runtime.call(['exec', '--cap', 'CAP_SYS_TIME', held.id, ...status]);
      assert.equal(field(stdout, 'CapInh'), none);
      assert.equal(field(stdout, 'CapAmb'), none);
      assert.equal(field(stdout, 'CapEff'), '00000000aa0425fb');
    },
  },
  {
    row: 'groups',
    name: "groups of the caller's, and fewer than were asked for",
    attack: async (target) => {
      const groups = async (asked: Parameters<Target['open']>[0], program: Parameters<typeof attempt>[2]): Promise<string | undefined> =>
        field((await attempt(target, asked, program, ...status)).stdout, 'Groups');
      assert.equal(await groups({}, {}), '0');
      // An exec of hako-oci has the groups of the container, and those it adds.
      if (target.name !== 'oci exec') assert.equal(await groups({ groups: [3000] }, { user: '1000:2000' }), '2000 3000');
      else assert.equal(await groups({ groups: [3000] }, { user: '1000:2000' }), '0 3000');
    },
  },
  { row: 'users', name: 'users that are too large, negative, or no numbers', attack: users },
  { row: 'hooks', name: 'a program of the image in the place of a hook’s', by: ['oci run'], attack: hooks },
];

/** As command lines say them. */
const garbage = ['4294967295', '4294967296', '-1', '0x0', '1000:4294967295', '1000:-1', ' ', 'no such', '1e3', '99999999999999999999', '1000:1000:0'];

async function users(target: Target): Promise<void> {
  const { oci, name } = target;
  if (!oci) {
    await using session = await target.open({});
    for (const user of garbage.slice(0, 6)) assert.notEqual((await session.run({ user }, 'id', '-u')).code, 0, user);
    return;
  }
  if (name === 'oci exec') {
    await using held = await target.hold({});
    for (const user of garbage) {
      const { code, stdout, stderr } = await held.run({ user }, 'id', '-u');
      assert.notEqual(code, 0, `${user}: ${stdout}`);
      assert.match(stderr, /user|uid|gid/i, user);
    }
  }
  // In documents, a process's or a configuration's.
  const bundle = oci.bundle({}, {}, ['id', '-u']);
  const path = join(bundle.directory, 'config.json');
  const good = readFileSync(path, 'utf8');
  for (const user of [
    '{"uid":-1,"gid":0}',
    '{"uid":4294967296,"gid":0}',
    '{"uid":4294967295,"gid":0}',
    '{"uid":"0","gid":0}',
    '{"uid":0.5,"gid":0}',
    '{"uid":0,"gid":4294967295}',
    '{"uid":0,"gid":0,"additionalGids":[-1]}',
    '[]',
  ]) {
    const changed = good.replace(/"user":\{[^}]*\}/, `"user":${user}`);
    assert.notEqual(changed, good);
    writeFileSync(path, changed);
    const { code, stdout, stderr } = await oci.run(bundle);
    assert.equal(code, 1, `${user}: ${stdout}`);
    assert.match(stderr, /process\.user/, user);
  }
}

/** Prints what a hook is and has, where it can be read afterwards. */
const report =
  'exec >/tmp/report 2>&1; cat /proc/self/status /proc/self/cgroup; ls -l /proc/self/fd; mknod /tmp/mem c 1 1 && head -c1 /tmp/mem; mount -t tmpfs none /tmp; cat';

async function hooks({ oci }: Target): Promise<void> {
  const bench = oci!;
  const bundle = bench.bundle({}, {}, ['true'], (spec) => ({
    ...spec,
    hooks: { startContainer: [{ path: '/usr/bin/sh', args: ['sh', '-c', report], env: ['PATH=/usr/bin'] }] },
  }));
  const { code, stderr } = await bench.run(bundle);
  assert.equal(code, 0, stderr);
  const said = readFileSync(join(bundle.rootfs, 'tmp/report'), 'utf8');
  assert.deepEqual(
    ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'Seccomp'].map((name) => field(said, name)),
    [none, dockers, dockers, dockers, '2'],
  );
  assert.match(said, new RegExp(`:${bench.cgroup}/${bundle.id}$|:/$`, 'm'));
  const links = [...said.matchAll(/ (\d+) -> (.*)$/gm)].map(([, fd]) => fd);
  assert.deepEqual(links, ['0', '1', '2', '3'], 'and ls(1) its directory');
  assert.match(said, /mem.*Operation not permitted/);
  assert.match(said, /permission denied|must be superuser/i);
  // It is told of the container all the same.
  assert.equal((parseJson(said.slice(said.lastIndexOf('\n{') + 1), 'state') as { id: string }).id, bundle.id);
}
