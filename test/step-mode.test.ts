/**
 * A start under somebody's eyes: `--step` waits before each step while the half-made container is a real one, `--hand` waits until the
 * kernel is as the step would have made it, whoever did it; giving up leaves nothing. And `--trace` tells what happened.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { Trace } from '../src/api/schema.ts';
import { detectCgroups } from '../src/runtime/cgroup/detect.ts';
import { hierarchyOf } from '../src/runtime/cgroup/layout.ts';
import { outcome, startEngine, type TestEngine } from './support/engine.ts';
import { difference, inventory, withoutReadyEndpoints } from './support/inventory.ts';
import { firstOf, needs, needsRoot } from './support/needs.ts';

/** A command under way, whose standard error is waited on. */
class Watched {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;
  #from = 0;

  constructor(engine: TestEngine, args: readonly string[]) {
    this.child = engine.spawnHako(args);
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Waits until a text comes after what was waited for before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stderr.slice(this.#from));
      if (found) {
        this.#from += found.index + found[0].length;
        return found;
      }
      const more = await Promise.race([once(this.child.stderr!, 'data').then(() => true), this.ended.then(() => false)]);
      if (!more && !pattern.test(this.stderr.slice(this.#from))) throw new Error(`${pattern} did not come: ${this.stderr}`);
    }
  }

  say(...lines: readonly string[]): void {
    this.child.stdin!.write(lines.map((line) => `${line}\n`).join(''));
  }
}

const pidIn = (text: string): number => Number(/process (\d+)/.exec(text)![1]);
const shell = (command: string) => outcome(spawn('sh', ['-c', command], { stdio: 'pipe' }));

describe('a start under somebody’s eyes', { skip: firstOf(needsRoot(), needs('ip', 'unshare')) }, () => {
  let engine: TestEngine;
  let clean: string[];
  const scope = () => ({ directory: engine.directory, bridge: engine.bridge, cgroup: engine.cgroup, networkOf: engine.networkOf });
  /** What is left when the engine has cleared up behind its answer. */
  const left = async (): Promise<string[]> => {
    let found: string[] = [];
    for (let tries = 0; tries < 50; tries++) {
      found = difference(clean, withoutReadyEndpoints(inventory(scope())));
      if (found.length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return found;
  };

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    const all = ['--memory', '64m', '--cpus', '1', '--cpuset-cpus', '0', '--pids-limit', '50'];
    await engine.must('run', '--rm', ...all, '--publish', '8080:80', 'base', 'true');
    clean = withoutReadyEndpoints(inventory(scope()));
  });
  after(() => engine.close());

  test('--step waits before the steps that are named, and the half-made container is a real one', async () => {
    const run = new Watched(engine, ['run', '--rm', '--name', 'half', '--hostname', 'half', '--step=uts,mount.pivot', 'base', 'sh', '-c', 'hostname; echo $$']);
    const [, pid] = await run.until(/process (\d+)[^]*step +uts\.hostname[^]*\[d: do it/);
    const hostname = `nsenter --target ${pid} --uts hostname`;
    assert.notEqual((await shell(hostname)).stdout.trim(), 'half');
    assert.deepEqual(await engine.api.ask('GET', '/containers/half/steps'), {
      Step: 'uts.hostname',
      What: 'Be called half',
      Lane: 'process',
      Pid: Number(pid),
    });
    run.say('d');
    await run.until(/step +mount\.pivot[^]*\[d: do it/);
    assert.equal((await shell(hostname)).stdout.trim(), 'half');
    assert.match(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'), / overlay /);
    const inside = await engine.hako(['attach-step', 'half', 'sh', '-c', 'hostname; readlink /proc/self/ns/net /proc/self/ns/mnt; exit 6']);
    const [its, network, mounts] = inside.stdout.split('\n');
    assert.deepEqual([its, network, mounts, inside.code], ['half', ...['net', 'mnt'].map((type) => readlinkSync(`/proc/${pid}/ns/${type}`)), 6]);
    assert.match(inside.stderr, new RegExp(`container half, process ${pid}, stands before mount\\.pivot`));
    assert.match((await shell(`nsenter --target ${pid} --mount ls ${engine.root}`)).stdout, /snapshots/, 'the root is still the host’s');
    run.say('d');
    assert.equal(await run.ended, 0);
    assert.equal(run.stdout, 'half\n1\n');
    const { code, stderr } = await engine.hako(['attach-step', 'half']);
    assert.deepEqual([code, /No such container: half/.test(stderr)], [1, true]);
    assert.deepEqual(await left(), []);
  });

  test('a step can be left out, and what needs it cannot', async () => {
    const run = new Watched(engine, ['run', '--rm', '--hostname', 'asked', '--network', 'none', '--step=uts.hostname,process.exec', 'base', 'hostname']);
    run.say('s', 's', 'e', 'd');
    assert.equal(await run.ended, 0);
    assert.notEqual(run.stdout, 'asked\n');
    assert.match(run.stderr, /uts\.hostname: left out[^]*it can't be left out: the engine could not go on without it/);
  });

  test('r runs the rest', async () => {
    const run = new Watched(engine, ['run', '--rm', '--network', 'none', '--step', 'base', 'echo', 'done']);
    await run.until(/\[d: do it/);
    run.say('d', 'r');
    assert.equal(await run.ended, 0);
    assert.equal(run.stdout, 'done\n');
  });

  for (const [how, giveUp] of [
    ['by its key', async (run: Watched) => run.say('a')],
    ['by the client’s end', async (run: Watched) => void run.child.kill('SIGKILL')],
    ['by kill', async () => void (await engine.must('kill', 'given-up'))],
    ['by rm --force', async () => void (await engine.must('rm', '--force', 'given-up'))],
    ['by the end of the input', async (run: Watched) => void run.child.stdin!.end()],
  ] as const)
    test(`giving up undoes everything: ${how}`, async () => {
      const run = new Watched(engine, ['run', '--name', 'given-up', '--memory', '64m', '--publish', '8080:80', '--step=mount.pivot', 'base', 'true']);
      await run.until(/step +mount\.pivot/);
      await giveUp(run);
      assert.notEqual(await run.ended, 0);
      if (how !== 'by the client’s end')
        assert.match(
          run.stderr,
          /hako: the start was given up before mount\.pivot(: the container was [a-z]+ meanwhile)?; taken back: .*process\.clone.*cgroup\.create/,
        );
      await engine.hako(['rm', '--force', 'given-up']);
      assert.deepEqual(await left(), []);
    });

  test('stop answers when all is undone, and at once; other signals than those that stop change nothing', async () => {
    await engine.must('create', '--name', 'given-up', '--network', 'none', 'base', 'true');
    const run = new Watched(engine, ['start', '--step=mount.pivot', 'given-up']);
    await run.until(/step +mount\.pivot/);
    const { code, stderr } = await engine.hako(['kill', '--signal', 'WINCH', 'given-up']);
    assert.deepEqual([code, /container given-up is not running yet: its start waits for a decision/.test(stderr)], [1, true], stderr);
    assert.equal((await engine.api.ask<{ Step: string }>('GET', '/containers/given-up/steps')).Step, 'mount.pivot');
    assert.equal((await engine.api.send('POST', '/containers/given-up/stop')).status, 204);
    assert.ok(!existsSync(`/proc/${pidIn(run.stderr)}`));
    assert.equal((await engine.api.send('DELETE', '/containers/given-up')).status, 204);
    assert.notEqual(await run.ended, 0);
  });

  test('--hand waits until the kernel is as the step would have made it, and names what is wrong', async () => {
    const memory = hierarchyOf(detectCgroups(), 'memory')?.version;
    const limits: readonly (readonly [file: string, mebibytes: number])[] =
      memory === 1
        ? [
            ['memory.limit_in_bytes', 64],
            ['memory.memsw.limit_in_bytes', 128],
          ]
        : [
            ['memory.swap.max', 64],
            ['memory.max', 64],
          ];
    const hand = 'uts.hostname,cgroup.limit.memory,net.interface,net.address,net.publish,mount.proc,mount.pivot';
    const args = ['run', '--rm', '--hostname', 'mine', '--memory', '64m', '--publish', '127.0.0.1:8080:80', '--publish', '8081:81', '--hand', hand];
    const run = new Watched(engine, [
      ...args,
      'base',
      'sh',
      '-c',
      'hostname; cat /proc/1/comm; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; ip -4 -o addr show eth0',
    ]);
    for (const [file, mebibytes] of limits) {
      const [, limit] = await run.until(new RegExp(`✗ (\\S+/${file.replaceAll('.', '\\.')}): expected ${mebibytes << 20}, found`));
      writeFileSync(limit!, `${mebibytes + 64}M`);
      await run.until(new RegExp(`expected ${mebibytes << 20}, found ${(mebibytes + 64) << 20}`));
      writeFileSync(limit!, `${mebibytes}M`);
    }
    // The lines that are printed do it.
    const printed = /shell +(.*)\n((?: {10}\S.*\n)*)/;
    const lines = async (): Promise<string> => (await run.until(printed)).slice(1).join('\n');
    const bringUp = await lines();
    await run.until(/✗ eth0 in the network namespace \S+: expected up, found down/);
    assert.equal((await shell(bringUp)).stderr, '');
    const [addAddress, [, address]] = [await lines(), await run.until(/✗ the address of eth0 in the network namespace \S+: expected (\S+), found nothing/)];
    assert.equal((await shell(addAddress)).stderr, '');
    const publish = await lines();
    await run.until(/✗ tcp \. 8081 in the map published of the table ip \S+: expected \S+ \. 81, found nothing/);
    await engine.runInNetwork('sh', '-c', publish.replaceAll(/ \. (80|81) /g, ' . 1$1 '));
    await run.until(/✗ 127\.0\.0\.1 \. tcp \. 8080 in the map published_on_address of the table ip \S+: expected \S+ \. 80, found \S+ \. 180/);
    await engine.runInNetwork('sh', '-c', publish.replaceAll(/ \. (80|81) /g, ' . 1$1 ').replaceAll('add element', 'delete element'));
    assert.equal((await engine.runInNetwork('sh', '-c', publish)).stderr, '');
    const [, proc, pid] = await run.until(/✗ the file system at (\S+), for process (\d+): expected proc/);
    await shell(`nsenter --target ${pid} --mount mount -t tmpfs tmpfs ${proc}`);
    await run.until(/expected proc, found tmpfs/);
    // In the process's own PID namespace: that is whose processes a procfs shows.
    const mounted = await shell(
      `nsenter --target ${pid} --mount umount ${proc}; nsenter --target ${pid} --mount --pid mount -t proc -o nosuid,nodev,noexec proc ${proc}`,
    );
    assert.equal(mounted.stderr, '');
    // What is printed changes the half-made container, typed where it is the machine that would be changed.
    const setHostname = await lines();
    await run.until(/✗ the hostname in the UTS namespace of process \d+: expected mine/);
    assert.equal((await shell(setHostname)).stderr, '');
    const pivot = await lines();
    await run.until(/✗ where it still has this machine's root: expected nothing, found \//);
    assert.equal((await shell(pivot)).stderr, '');
    assert.equal(await run.ended, 0, run.stderr);
    const [hostname, comm, limit, eth0] = run.stdout.split('\n');
    assert.deepEqual([hostname, comm, limit], ['mine', 'sh', '67108864']);
    assert.ok(eth0!.includes(` ${address} `), eth0);
    assert.deepEqual(await left(), []);
  });

  test('layers that were stacked by hand are taken over, and nothing stays mounted', async () => {
    const run = new Watched(engine, [
      'run',
      '--rm',
      '--network',
      'none',
      '--hand',
      'mount.overlay',
      'base',
      'sh',
      '-c',
      'touch /made && grep -c overlay /proc/self/mountinfo',
    ]);
    const [, target, options] = await run.until(/✗ an overlay at (\S+): expected (\S+), found nothing/);
    assert.equal((await shell(`mount -t overlay overlay -o ${options} ${target}`)).stderr, '');
    assert.equal(await run.ended, 0, run.stderr);
    assert.equal(run.stdout, '1\n');
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(target!));
    assert.deepEqual(await left(), []);
  });

  for (const [args, reason] of [
    [['--step=mount.nothing'], /no step of this start is called mount\.nothing: there are .*mount\.pivot/],
    [['--hand', 'capability.set'], /the step capability\.set can't be done by hand: only the one who takes it can do it/],
    [['--hand', 'mount.source'], /the step mount\.source can't be done by hand: later steps need the descriptor/],
    [['--trace=xml'], /invalid argument "xml" for "--trace" flag: it must be text, json or chrome/],
    [['--trace-file', '/tmp/x'], /--trace-file needs --trace/],
    [['--trace', '--trace-file', '/dev/null/x'], /the trace can't be written to \/dev\/null\/x: ENOTDIR/],
    [['--step', '-i'], /--step and --hand read their answers from standard input/],
  ] as const)
    test(`bad input is one sentence and leaves nothing: ${args.join(' ')}`, async () => {
      const { code, stderr, stdout } = await engine.hako(['run', '--rm', ...args, 'base', 'true'], { input: '' });
      assert.deepEqual([code, stdout], [125, '']);
      assert.match(stderr, reason);
      assert.ok(!/\n\s+at /.test(stderr), stderr);
      assert.equal(await engine.must('ps', '-aq'), '');
    });

  test('--trace tells what happened: each step, call and result, in lanes and in time', async () => {
    const file = join(engine.directory, 'trace.json');
    // In a time namespace of its own its clock is another: the times are the engine's all the same.
    const ahead = ['--annotation', 'hakobune.time.monotonic=3600'];
    assert.equal(await engine.must('run', '--name', 'traced', '--memory', '64m', ...ahead, '--trace=json', '--trace-file', file, 'base', 'echo', 'out'), 'out');
    const trace = JSON.parse(readFileSync(file, 'utf8')) as Trace;
    const explained = JSON.parse(await engine.must('run', '--explain=json', '--memory', '64m', ...ahead, 'base', 'true')) as {
      id: string;
      inside: { id: string }[];
    }[];
    const inside = explained.flatMap((step) => (step.id === 'process.clone' ? step.inside : [])).map(({ id }) => id);
    const ofProcess = trace.steps.filter(({ lane }) => lane === 'process');
    // The monitor makes the time namespace, for its children.
    assert.deepEqual(['namespace.time', ...ofProcess.map(({ id }) => id)], inside);
    for (const step of ofProcess.filter(({ id }) => id !== 'process.exec'))
      assert.ok(
        step.calls.every(({ error }) => error === undefined || error === 'EEXIST'),
        JSON.stringify(step),
      );
    const starts = trace.steps.find(({ id, lane }) => id === 'process.clone' && lane === 'engine')!;
    const clone = trace.steps.find(({ id, lane }) => id === 'process.clone' && lane === 'monitor')!;
    assert.ok(trace.pid! > 1);
    assert.deepEqual([clone.calls[0]!.returned, starts.calls[0]!.gives], [trace.pid, 'monitor']);
    assert.notEqual(starts.calls[0]!.returned, trace.pid);
    assert.deepEqual(
      trace.steps.flatMap(({ objects }) => objects.filter(({ kind, change }) => kind === 'process' && change === 'born').map(({ name }) => name)),
      [`${starts.calls[0]!.returned}, the monitor`, String(trace.pid)],
    );
    const [became] = ofProcess.filter(({ id }) => id === 'process.exec').map(({ calls }) => calls.at(-1)!);
    assert.deepEqual([became!.returned, /^execve\("\/.*\/echo"/.test(became!.text)], [0, true], became!.text);
    for (const type of ['mnt', 'uts', 'ipc', 'pid'])
      assert.ok(
        clone.objects.some(({ kind, change }) => kind === 'namespace' && change === 'born'),
        type,
      );
    assert.ok(ofProcess.every(({ ended = 0 }) => ended < 600_000_000));
    const times = ofProcess.flatMap(({ calls }) => calls.flatMap(({ ended }) => ended ?? []));
    assert.ok(times.length > 20);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok(trace.steps.some(({ id, objects }) => id === 'network.veth' && objects.some(({ kind, change }) => kind === 'interface' && change === 'born')));
    assert.ok(trace.steps.some(({ objects }) => objects.some(({ kind, name }) => kind === 'cgroup file' && /\/memory\.(limit_in_bytes|max)$/.test(name))));

    assert.deepEqual(JSON.parse(await engine.must('trace', '--format', 'json', 'traced')), trace);
    const text = await engine.must('trace', 'traced');
    assert.match(text, /●││ +cgroup\.create/);
    assert.match(text, /││● +mount\.pivot/);
    assert.match(text, /pivot_root\("\.", "\."\) = 0/);
    assert.match(text, /network\.namespace [^]*clone3\(.*\) -> descriptor \d+\n/);
    assert.match(text, /prctl\(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0\) = 0/);
    assert.match(text, /from seccomp\.filter on the new process reads no clock/);
    rmSync(file);
    const { traceEvents } = JSON.parse(await engine.must('trace', '--format', 'chrome', 'traced')) as {
      traceEvents: { ph: string; ts?: number; dur?: number; tid: number }[];
    };
    const complete = traceEvents.filter(({ ph }) => ph === 'X');
    assert.ok(complete.length > 100);
    for (const { ts, dur } of complete) assert.ok(ts! >= 0 && dur! >= 0);
    assert.deepEqual(new Set(complete.map(({ tid }) => tid)), new Set([1, 2, 3]));
    await engine.must('rm', 'traced');
  });

  test('the trace of a start that failed tells the call, and how everything was taken back', async () => {
    const { code, stderr } = await engine.hako(['run', '--rm', '--trace', '--network', 'none', 'base', 'no-such-program']);
    assert.equal(code, 127);
    assert.match(stderr, /execve\("\/usr\/bin\/no-such-program".* = -1 ENOENT/);
    assert.match(stderr, /cgroup\.create \(taken back\)/);
    assert.match(stderr, /failed: .*executable file not found/);
    assert.deepEqual(await left(), []);
  });

  test('a container that was not traced says so', async () => {
    await engine.must('create', '--name', 'untraced', 'base', 'true');
    const { code, stderr } = await engine.hako(['trace', 'untraced']);
    assert.equal(code, 1);
    assert.match(stderr, /no trace was kept of container untraced: .*hako start --trace/);
    assert.match((await engine.hako(['start', '--trace', 'untraced'])).stderr, /process\.started/);
    assert.match(await engine.must('trace', 'untraced'), /process\.started/);
    await engine.must('rm', 'untraced');
  });

  test('an engine that is stopped meanwhile undoes the half-made container', async () => {
    const run = new Watched(engine, ['run', '--name', 'stopped', '--network', 'none', '--step=mount.pivot', 'base', 'true']);
    const [, pid] = await run.until(/process (\d+)[^]*step +mount\.pivot/);
    assert.ok(existsSync(`/proc/${pid}`));
    await engine.kill('SIGTERM');
    assert.notEqual(await run.ended, 0);
    await engine.start();
    assert.ok(!existsSync(`/proc/${pid}`));
    assert.equal(await engine.must('inspect', '--format', '{{.State.Status}}', 'stopped'), 'created');
    assert.deepEqual(
      difference(clean, withoutReadyEndpoints(inventory(scope()))).filter((line) => /^\+ (cgroup|process|mount)/.test(line)),
      [],
    );
    await engine.must('rm', '--force', 'stopped');
  });
});
