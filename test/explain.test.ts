/**
 * `--explain` against a golden file, and against what really runs: the same steps and calls in the same order, also those of the new
 * process, which strace(1) sees. The golden file is rewritten by HAKO_UPDATE_GOLDEN=1; look at its difference before committing it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { explanationText } from '../src/cli/explain.ts';
import { unpainted } from '../src/cli/paint.ts';
import { perform } from '../src/kernel/perform.ts';
import { detectCgroups } from '../src/runtime/cgroup/detect.ts';
import { start } from '../src/runtime/start.ts';
import { explain, type Explanation } from '../src/step/explain.ts';
import { ContainerBench } from './support/container.ts';
import { startEngine, type TestEngine } from './support/engine.ts';
import { difference, inventory } from './support/inventory.ts';
import { needs } from './support/needs.ts';

const golden = join(import.meta.dirname, 'golden');
const [major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(readFileSync('/proc/sys/kernel/osrelease', 'utf8')) ?? []).slice(1).map(Number);
const otherMachine =
  (detectCgroups().mode !== 'hybrid' && 'the golden file was made on a machine with hybrid cgroups') ||
  (major * 100 + minor < 605 && 'the golden file was made with Linux 6.5 or newer, which takes overlay layers one by one');

const asked = (
  '--name web --hostname web --memory 64m --cpus 0.5 --pids-limit 100 --publish 8080:80 --volume data:/data --tmpfs /run --read-only ' +
  '--user 65534:65534 --sysctl net.ipv4.ip_unprivileged_port_start=0 --ulimit nofile=1024:2048 --env A=b'
).split(' ');
const command = ['base', 'sh', '-c', 'echo hi'];

describe('--explain', () => {
  let engine: TestEngine;
  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    await engine.must('run', '--rm', 'base', 'true'); // makes the image and the bridge
  });
  after(() => engine.close());

  /** What differs from run to run and from machine to machine, by names. */
  const normalise = (text: string): string =>
    text
      .replaceAll(engine.directory, '/DIR')
      .replaceAll(engine.bridge, 'BRIDGE')
      .replaceAll(engine.cgroup, 'CGROUP')
      .replaceAll(/\b[0-9a-f]{64}\b/g, 'ID')
      .replaceAll(/\b[0-9a-f]{12}\b/g, 'SHORTID')
      .replaceAll(/attach_bpf_fd=\d+/g, 'attach_bpf_fd=FD')
      .replaceAll(/\bveth[0-9a-f]{7,8}\b/g, 'VETH')
      .replaceAll(/\b02(:[0-9a-f]{2}){5}\b/g, 'MAC')
      .replaceAll(/\b(10|172|192)(\.\d+){3}\b/g, 'ADDRESS')
      // A line of text may end in their middle.
      .replaceAll(/\bmtu(\s+)\d+/g, 'mtu$1MTU')
      .replaceAll(/\b\d+(\s+)(instructions|bytes>|capabilities)/g, 'N$1$2')
      .replaceAll(/len=\d+/g, 'len=N')
      .replaceAll(/"0-\d+(\\?"), \d/g, '"CPUS$1, N');

  const compare = (name: string, text: string): void => {
    const path = join(golden, name);
    if (process.env['HAKO_UPDATE_GOLDEN']) writeFileSync(path, text);
    assert.equal(text, readFileSync(path, 'utf8'), `${name}: HAKO_UPDATE_GOLDEN=1 rewrites it`);
  };

  test('prints every step as text and as JSON', { skip: otherMachine }, async () => {
    const json = await engine.must('run', '--explain=json', ...asked, ...command);
    const steps = JSON.parse(normalise(JSON.stringify(JSON.parse(json)))) as Explanation[];
    compare('explain.json', `${JSON.stringify(steps, null, 1)}\n`);
    // Where lines break depends on the length of names, so what is compared is the text of the steps that have the same names everywhere.
    const text = (of: readonly Explanation[]): string => explanationText(of, { paint: unpainted, width: 100 });
    compare('explain.txt', text(steps));
    const words = (of: string): string[] => of.split(/\s+/).filter((word) => word !== '');
    assert.deepEqual(words(normalise(await engine.must('run', '--explain', ...asked, ...command))), words(text(steps)));
  });

  test('says of each step what it does, the calls, and where to look; of nearly all, what one would type', async () => {
    const steps = JSON.parse(await engine.must('run', '--explain=json', ...asked, ...command)) as Explanation[];
    const all = steps.flatMap((s) => [s, ...s.inside]);
    assert.ok(all.length > 50, `${all.length} steps`);
    assert.ok(all.filter(({ shell }) => shell === '').length <= all.length / 20);
    for (const step of all) {
      assert.match(step.id, /^[a-z]+(\.[a-z-]+)+$/);
      for (const field of ['what', 'look'] as const) assert.ok(step[field], `${step.id} has no ${field}`);
      assert.ok(step.calls.length > 0, `${step.id} makes no call`);
      for (const call of step.calls) assert.match(call, /^(\w+ = )?[a-z_0-9]+\(.*\)$/s);
    }
  });

  test('says of each step how it is undone, or why it need not be', async () => {
    for (const how of [asked, ['--tty', '--network', 'none'], ['--userns', 'private', '--init', '--publish', '80']]) {
      const steps = JSON.parse(await engine.must('run', '--explain=json', ...how, ...command)) as Explanation[];
      for (const { id, undo, undone } of steps.flatMap((s) => [s, ...s.inside])) {
        assert.ok(undo.length > 0 || undone !== '', `${id} says neither how it is undone nor why it need not be`);
        assert.ok(undo.length === 0 || undone === '', `${id} says both`);
      }
    }
    const text = await engine.must('run', '--explain', ...asked, ...command);
    assert.match(text, /^ +undo +unlinkat\(/m);
    assert.match(text, /^ +undo +none: ends with the process that does it$/m);
  });

  test('changes nothing', async () => {
    const scope = { directory: engine.directory, bridge: engine.bridge, cgroup: engine.cgroup, networkOf: engine.networkOf };
    const before = inventory(scope);
    await engine.must('run', '--explain', ...asked, ...command);
    await engine.must('run', '--explain=json', '--userns', 'private', ...command);
    assert.deepEqual(difference(before, inventory(scope)), []);
    assert.equal(await engine.must('ps', '--all', '--quiet'), '');
    assert.equal(await engine.must('volume', 'ls', '--quiet'), '');
  });
});

describe('what is explained is what runs', () => {
  let bench: ContainerBench;
  before(async () => (bench = await new ContainerBench().prepare()));
  after(() => bench[Symbol.asyncDispose]());
  const callNames = (steps: readonly Explanation[]): string[] => steps.flatMap((s) => s.calls.map((c) => /^(?:\w+ = )?(\w+)\(/.exec(c)![1]!));

  for (const [kind, hostConfig, tty] of [
    ['plain', { Memory: 64 << 20, PidsLimit: 50 }, false],
    ['a terminal', {}, true],
    ['a user namespace', { UsernsMode: 'private' }, false],
  ] as const)
    test(`by the engine: ${kind}`, async () => {
      const plan = bench.plan({ command: ['true'], hostConfig, config: { Tty: tty } });
      // The parent of all containers' cgroups is there as of the first.
      await bench.remove(await bench.start(bench.plan({ command: ['true'], hostConfig })));
      const explained = explain(start(plan));
      const applied: string[] = [];
      const made: string[] = [];
      let closing = false;
      const started = await bench.start(plan, {
        kernel: { call: (c, resolve) => (closing || made.push(c.name), perform(c, resolve)) },
        onStep: (step) => (applied.push(step.id), (closing = step.id === 'process.started')),
      });
      assert.deepEqual(
        applied,
        explained.map(({ id }) => id),
      );
      assert.deepEqual(made, callNames(explained));
      await bench.remove(started);
    });

  test('by the new process, as strace sees it', { skip: needs('strace') }, () => {
    const plan = bench.plan({ command: ['true'], hostConfig: { ReadonlyRootfs: true } });
    const explained = explain(start(plan)).flatMap((s) => s.inside);
    const traces = join(bench.directory, 'traces');
    mkdirSync(traces);
    const source = (path: string): string => JSON.stringify(join(import.meta.dirname, '../src', path));
    const script = `
      import { apply } from ${source('step/apply.ts')};
      import { perform } from ${source('kernel/perform.ts')};
      import { start } from ${source('runtime/start.ts')};
      const { process: first } = await apply(start(JSON.parse(process.argv[1])), { kernel: { call: perform } });
      await first.exited;
      first.release(); // else its monitor, which strace follows, would wait for an engine`;
    const traced = spawnSync('strace', ['-ff', '-qq', '-o', join(traces, 'of'), process.execPath, '--input-type=module', '-e', script, JSON.stringify(plan)], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(traced.status, 0, traced.stderr);
    const ofProcess = readdirSync(traces)
      .map((name) => readFileSync(join(traces, name), 'utf8'))
      .find((text) => text.includes('pivot_root('));
    assert.ok(ofProcess);
    const lines = ofProcess.split('\n').filter((line) => /^[a-z_0-9]+\(/.test(line));
    const seen = lines.slice(0, lines.findIndex((line) => /^execve\(.* = 0$/.test(line)) + 1).map((line) => /^\w+/.exec(line)![0]);
    const expected = callNames(explained);
    // The search in PATH ends where the program is found.
    assert.deepEqual(seen, expected.slice(0, seen.length));
    assert.ok(expected.slice(seen.length).every((name) => name === 'execve'));
  });
});
