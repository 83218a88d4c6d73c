/**
 * A step's goal is what a person who does it by hand is judged by. Here the steps themselves are: for containers whose starts have all
 * steps that are judged, but those of the network (src/network/endpoint.test.ts), the goal of each does not hold before the step and
 * holds after it, as the kernel shows it. The process stops before each of its steps for that.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { ContainerConfig, HostConfig } from '../src/api/schema.ts';
import type { ProcessWatch } from '../src/runtime/step-rows.ts';
import type { Step } from '../src/step/step.ts';
import { ContainerBench } from './support/container.ts';
import { holds, Judge } from './support/judge.ts';
import { needsRoot } from './support/needs.ts';

/** What holds before on some machines: their root is private already, their processes have all processors. */
const mayHoldBefore = /^(mount\.propagation|cgroup\.(cpuset|limit\.(cpu|cpuset))|cgroup\.parent)$/;

/** Ours is attached nowhere; only one that is made by hand is seen at a path. */
const seenOnlyByHand = 'mount.overlay';

/** A disk, for limits of what is read from it and written to it. */
const disk = readdirSync('/sys/block')
  .map((name) => `/dev/${name}`)
  .find((path) => existsSync(path));

describe('the goal of a step', { skip: needsRoot() }, () => {
  let bench: ContainerBench;
  before(async () => (bench = await new ContainerBench().prepare()));
  after(() => bench[Symbol.asyncDispose]());

  const kinds: readonly (readonly [kind: string, hostConfig: HostConfig, config: ContainerConfig])[] = [
    [
      'limits, mounts and settings',
      {
        // Not in whole pages, which is what the kernel makes of it.
        Memory: (64 << 20) + 1,
        MemorySwap: (128 << 20) + 1,
        NanoCpus: 5e8,
        CpusetCpus: availableParallelism() > 1 ? '0,1' : '0',
        PidsLimit: 50,
        ...(disk ? { BlkioDeviceReadBps: [{ Path: disk, Rate: 1 << 20 }], BlkioDeviceWriteIOps: [{ Path: disk, Rate: 100 }] } : {}),
        ReadonlyRootfs: true,
        // A link of the image's to /run, and a place that the image lacks.
        Tmpfs: { '/var/run': 'size=1m', '/absent': '' },
        Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '7' },
        Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
        OomScoreAdj: 300,
      },
      { Domainname: 'example.org', User: '' },
    ],
    ['a user namespace', { UsernsMode: 'private:200000:1000' }, {}],
  ];
  for (const [kind, hostConfig, config] of kinds)
    test(`does not hold before it, and holds after: ${kind}`, async () => {
      const source = join(bench.directory, 'source');
      mkdirSync(source, { recursive: true });
      writeFileSync(join(source, 'file'), '');
      const mounts = [{ Type: 'bind' as const, Source: source, Destination: '/data', Mode: 'ro', RW: false, Propagation: 'rprivate' }];
      const judge = new Judge({ mayHoldBefore, seenOnlyByHand });
      const { judged, wrong } = judge;
      const plan = bench.plan({ command: ['sleep', '100'], config, hostConfig, mounts });
      // The image leads by a link to a path where the host has what is to be bound, and the container a directory of its own.
      mkdirSync(join(plan.overlay.upper, source), { recursive: true });
      symlinkSync(source, join(plan.overlay.upper, 'data'));
      const watch = {
        pauses: () => true,
        decide: async (step: Step<unknown>, { pid }: { readonly pid: number }) => (judge.before(step, { pid }), 'take' as const),
      };
      const ofEngine = (step: Step<unknown>): 'take' => {
        // While the process stands at a gate the engine's own steps are only that.
        if (!/^process\.(gate|ready|go|started|clone|pipes)$/.test(step.id)) judge.before(step);
        return 'take';
      };
      const started = await bench.start({ ...plan, watch }, { before: ofEngine });
      await bench.remove(started);
      assert.deepEqual(wrong, []);
      for (const id of [
        'cgroup.create',
        'cgroup.join',
        'mount.proc',
        'mount.bind',
        'dev.links',
        'mount.mask',
        'mount.read-only',
        'mount.pivot',
        'uts.hostname',
      ])
        assert.ok(judged.includes(id), `${id} was not judged: ${judged.join(' ')}`);
      if (kind === 'limits, mounts and settings')
        for (const id of [
          'dev.node',
          'process.rlimit',
          'process.oom-score',
          'sysctl.write',
          'network.loopback',
          'mount.read-only-root',
          'cgroup.limit.memory',
          'uts.domainname',
        ])
          assert.ok(judged.includes(id), `${id} was not judged`);
      else for (const id of ['dev.bind', 'user.uid-map', 'user.gid-map']) assert.ok(judged.includes(id), `${id} was not judged`);
    });

  test('a root whose old one is put away but still there is no root yet', async () => {
    const plan = bench.plan({ command: ['sleep', '100'] });
    const seen: boolean[] = [];
    const watch = {
      pauses: (step: Step<unknown>) => step.id === 'mount.pivot',
      decide: async (step: Step<unknown>, { pid }: { readonly pid: number }) => {
        const inside = (line: string): void =>
          assert.equal(spawnSync('nsenter', ['--target', String(pid), '--mount', '--pid', 'sh', '-c', line], { encoding: 'utf8' }).stderr, '');
        const { target } = plan.overlay;
        for (const line of [`cd ${target} && mkdir old && pivot_root . old`, 'umount -l /old']) {
          seen.push(holds(step, { pid }));
          inside(line);
        }
        seen.push(holds(step, { pid }));
        return 'done' as const;
      },
    };
    const started = await bench.start({ ...plan, watch });
    const mounts = readFileSync(`/proc/${started.process.pid}/mountinfo`, 'utf8');
    await bench.remove(started);
    assert.deepEqual(seen, [false, false, true]);
    assert.doesNotMatch(mounts, / \/old/);
  });

  test('a step that is left out is really left out', async () => {
    const plan = bench.plan({ command: ['sleep', '100'], config: { Hostname: 'asked' } });
    const watch = { pauses: (step: Step<unknown>) => step.id === 'uts.hostname', decide: async () => 'skip' as const };
    const started = await bench.start({ ...plan, watch });
    const { stdout } = await bench.exec(plan, started, ['hostname']);
    await bench.remove(started);
    assert.notEqual(stdout.trim(), 'asked');
  });

  test('steps of a start are those of a start that is watched', async () => {
    const taken = async (watch: ProcessWatch): Promise<{ readonly ids: string[]; readonly inside: string[] }> => {
      const steps: Step<unknown>[] = [];
      const plan = bench.plan({ command: ['true'] });
      await bench.remove(await bench.start({ ...plan, watch }, { onStep: (step) => steps.push(step) }));
      const ran = steps.flatMap((step) => step.ran?.() ?? []).map(({ step }) => step.id);
      return { ids: steps.map(({ id }) => id), inside: ran.filter((id, i) => id !== ran[i - 1]) };
    };
    const plain = await taken({ clock: true });
    const watched = await taken({ clock: true, pauses: () => true, decide: async () => 'take' });
    assert.ok(plain.inside.includes('mount.pivot'));
    assert.deepEqual(watched.inside, plain.inside);
    assert.ok(watched.ids.includes('process.gate') && !plain.ids.includes('process.gate'));
    assert.deepEqual(
      watched.ids.filter((id) => id !== 'process.gate'),
      plain.ids,
    );
  });
});
